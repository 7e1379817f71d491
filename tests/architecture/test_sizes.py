"""One idea, one file, about a hundred lines: what keeps the code readable is measured, not hoped for."""

from __future__ import annotations

import ast
import statistics
from typing import Any

MAX_FILE = 500
MEDIAN_FILE = 120
P90_FILE = 350
P90_FUNCTION = 30
MAX_FUNCTION = 100

# A file past the limit, with the reason why it is one idea all the same.
LONG_FILES: dict[str, str] = {}
# A function past the limit, as "file:name", with its reason.
LONG_FUNCTIONS: dict[str, str] = {}


def _p90(numbers: list[int]) -> float:
    return statistics.quantiles(numbers, n=10)[-1]


def _functions(module: Any) -> dict[str, int]:
    """Length of each function in lines, without its docstring (an outer function counts without those it holds)."""
    lengths = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            for inner in ast.walk(node):
                if inner is not node and isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines -= inner.end_lineno - inner.lineno + 1
            if ast.get_docstring(node) is not None:
                lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            lengths[f"{module.where}:{node.name}"] = lines
    return lengths


def test_no_file_outgrows_its_idea(modules: list[Any]) -> None:
    lines = {module.where: module.text.count("\n") for module in modules}
    assert {where: count for where, count in lines.items() if count > MAX_FILE and where not in LONG_FILES} == {}
    assert [where for where in LONG_FILES if lines.get(where, 0) <= MAX_FILE] == [], (
        "these are short enough now: strike them out"
    )


def test_most_files_are_short(modules: list[Any]) -> None:
    lines = [module.text.count("\n") for module in modules if module.text.count("\n") > 1]
    assert statistics.median(lines) <= MEDIAN_FILE
    assert _p90(lines) <= P90_FILE


def test_functions_are_short(modules: list[Any]) -> None:
    lengths = {name: length for module in modules for name, length in _functions(module).items()}
    assert _p90(list(lengths.values())) <= P90_FUNCTION
    assert {
        name: length for name, length in lengths.items() if length > MAX_FUNCTION and name not in LONG_FUNCTIONS
    } == {}
