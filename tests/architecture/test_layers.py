"""Imports go down only, strangers stay strangers, and the contracts that say so would notice if they did not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Each would undo one promise of the architecture. They are planted in a copy of the package: the file, its text, and
# what the report must then say.
PLANTED = {
    "a room imports its sibling": ("detect/planted.py", "import yeoul.rank", "yeoul.detect.planted -> yeoul.rank"),
    "a lower room imports a higher one inside a function": (
        "events/planted.py",
        "def f():\n    import yeoul.flows",
        "yeoul.events.planted -> yeoul.flows",
    ),
    "an upward import hides under TYPE_CHECKING": (
        "store/planted.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import yeoul.console",
        "yeoul.store.planted -> yeoul.console",
    ),
    "a heavy library outside its adapter": ("rank/planted.py", "import duckdb", "yeoul.rank.planted -> duckdb"),
    "the web framework outside the console": ("flows/web.py", "import fastapi", "yeoul.flows.web -> fastapi"),
    "a page reaches past the flows": (
        "console/planted.py",
        "import yeoul.streams",
        "yeoul.console.planted -> yeoul.streams",
    ),
    "the product imports its test kit": (
        "demo/planted.py",
        "import yeoul.testing",
        "yeoul.demo.planted -> yeoul.testing",
    ),
    "a folder that nobody declared": ("extras/__init__.py", "", "yeoul.extras"),
    "one half of a cycle inside a room": (
        "lake/ring_a.py",
        "import yeoul.lake.ring_b",
        "No cycles are allowed in yeoul.lake.",
    ),
    "the half that hides in a function": (
        "lake/ring_b.py",
        "def f():\n    import yeoul.lake.ring_a",
        "- .ring_b -> .ring_a",
    ),
}


def _lint_imports(package_parent: Path, config: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(package_parent), "COLUMNS": "200"}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo", "--config", str(config)]
    return subprocess.run(command, cwd=package_parent, env=environment, capture_output=True, text=True, check=False)


def test_every_contract_of_the_architecture_is_kept(root: Path) -> None:
    result = _lint_imports(root / "src", root / ".importlinter")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def report_on_planted(root: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    copy = tmp_path_factory.mktemp("planted") / "src"
    leave_out = shutil.ignore_patterns("node_modules", "static", "web", "__pycache__")
    shutil.copytree(root / "src", copy, ignore=leave_out)
    for path, text, _ in PLANTED.values():
        file = copy / "yeoul" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")
    result = _lint_imports(copy, root / ".importlinter")
    assert result.returncode != 0
    return " ".join(result.stdout.split())


@pytest.mark.parametrize("breach", PLANTED)
def test_the_contracts_notice_a_breach(breach: str, report_on_planted: str) -> None:
    expected = PLANTED[breach][2]
    assert expected in report_on_planted, f"{breach}: `{expected}` is not in the report:\n{report_on_planted}"


def _private_imports(tree: ast.Module, room: str) -> list[str]:
    """Imports from another top-level folder that name something private, or go through something private."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            dotted = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        else:
            continue
        for name in dotted:
            parts = name.split(".")
            outside = parts[0] == "yeoul" and len(parts) > 1 and parts[1] != room
            if outside and any(part.startswith("_") and not part.endswith("__") for part in parts):
                found.append(f"line {node.lineno}: {name}")
    return found


def test_what_is_private_stays_in_its_folder(modules: list[Any]) -> None:
    found = [f"{module.where} {breach}" for module in modules for breach in _private_imports(module.tree, module.room)]
    assert found == []


@pytest.mark.parametrize(
    ("line", "breaches"),
    [
        ("from yeoul.streams.front import _Held", 1),
        ("from yeoul.streams._held import Held", 1),
        ("import yeoul.streams._held", 1),
        ("from yeoul.detect._fit import fit", 0),
        ("from yeoul.streams import Front", 0),
        ("from yeoul import __version__", 0),
        ("from other._private import x", 0),
    ],
)
def test_the_search_for_private_imports_finds_them(line: str, breaches: int) -> None:
    assert len(_private_imports(ast.parse(line), "detect")) == breaches
