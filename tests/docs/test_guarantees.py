"""Each promise of the guarantees page names a test that is there, and no attack goes unmentioned."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def _tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_a_promise_names_is_there():
    missing = [
        f"{path}::{test}"
        for path, test in NAMED.findall(PAGE)
        if not (ROOT / path).exists() or (test and test not in _tests(ROOT / path))
    ]
    assert missing == []


def test_every_promise_names_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert rows
    assert [row for row in rows if not NAMED.search(row)] == []


def test_every_attack_stands_behind_a_promise():
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/reliability").rglob("test_*.py"))
    assert [file for file in files if file not in {path for path, _ in NAMED.findall(PAGE)}] == []
