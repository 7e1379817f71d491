"""`make setup` on machines that are not ready for it: one clear sentence, and an exit code that is not zero."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def fresh(root: Path, tmp_path: Path) -> Path:
    """A clone's worth of what setup looks at, at a path with a space in it."""
    home = tmp_path / "a clone"
    (home / "src" / "yeoul").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "src/yeoul/__init__.py"):
        shutil.copy(root / name, home / name)
    for name in ("scripts", "requirements"):
        shutil.copytree(root / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    return home


def _program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def _setup(home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "PYTHON"}}
    command = ["make", "setup"]
    return subprocess.run(command, cwd=home, env=clean | environment, capture_output=True, text=True, check=False)


def test_a_python_that_is_too_old_is_named_with_what_is_needed(fresh: Path, tmp_path: Path) -> None:
    _program(tmp_path / "bin", "oldpython", '[ "$1" = -V ] && echo "Python 3.9.2" && exit 0; exit 1')
    done = _setup(fresh, PYTHON=str(tmp_path / "bin" / "oldpython"))
    assert done.returncode != 0
    assert "got `Python 3.9.2`; Yeoul needs Python 3.11 or newer" in done.stderr
    assert not (fresh / ".venv").exists()


def test_without_root_or_sudo_the_line_to_run_is_printed(fresh: Path, tmp_path: Path) -> None:
    _program(tmp_path / "bin", "id", "echo 1000")
    _program(tmp_path / "bin", "sudo", "exit 1")
    _program(tmp_path / "bin", "apt-get", "exit 1")
    _program(tmp_path / "bin", "dpkg-query", "exit 1")
    done = subprocess.run(
        ["bash", "scripts/system_packages.sh", "python3.11-venv"],
        cwd=fresh,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "sudo apt-get install --no-install-recommends python3.11-venv" in done.stderr


def test_make_alone_lists_the_commands(root: Path) -> None:
    listed = subprocess.run(["make"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert [word for word in ("setup", "demo", "test", "check", "help") if f"  {word} " not in listed] == []
