"""What users install is tested: the wheel, in a clean environment, without the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BIN = Path(sys.executable).parent


def _run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment.setdefault("UV_SYSTEM_CERTS", "1")
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    _run(BIN / "hatchling", "build", "-t", "wheel", "-d", out, cwd=root)
    (built,) = out.glob("yeoul-*.whl")
    return built


@pytest.fixture(scope="module")
def clean(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel, what it locks, and nothing else."""
    home = tmp_path_factory.mktemp("clean")
    python = home / "venv" / "bin" / "python"
    _run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, home / "venv", cwd=home)
    install = (BIN / "uv", "pip", "install", "--quiet", "--python", python)
    _run(*install, "--require-hashes", "-r", root / "requirements" / "run.txt", cwd=home)
    _run(*install, "--no-deps", wheel, cwd=home)
    return python.parent


def test_the_wheel_holds_the_package_and_leaves_its_workshop_out(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "yeoul/py.typed" in names
    assert [name for name in names if "node_modules" in name or name.startswith(("tests/", "yeoul/console/web/"))] == []


def test_the_wheel_holds_the_built_pages(wheel: Path, root: Path) -> None:
    if not (root / "scripts" / "build_web.py").exists():
        pytest.skip("this tree holds no pages yet")
    names = zipfile.ZipFile(wheel).namelist()
    assert "yeoul/console/static/index.html" in names
    assert [name for name in names if name.startswith("yeoul/console/static/") and name.endswith(".js")] != []


def test_the_installed_command_starts_without_the_source_tree(clean: Path, tmp_path: Path) -> None:
    where = _run(clean / "python", "-c", "import yeoul; print(yeoul.__file__)", cwd=tmp_path)
    assert "site-packages" in where
    assert "demo" in _run(clean / "yeoul", "--help", cwd=tmp_path)


def test_every_dependency_of_the_installed_wheel_is_satisfied(clean: Path, tmp_path: Path) -> None:
    _run(BIN / "uv", "pip", "check", "--python", clean / "python", cwd=tmp_path)
