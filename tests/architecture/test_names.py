"""Names that tell: no dumping grounds, a sentence per module, sorted exports, one error family."""

from __future__ import annotations

import ast
import importlib
import re
from typing import Any

import yeoul
from yeoul.errors import YeoulError

BANNED = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
MAX_ROOT_EXPORTS = 12
# Modules whose import needs an extra or starts the program; their names are read from the source only.
NOT_IMPORTED = re.compile(r"\.(spark|deep)(\.|$)|\.__main__$")


def _exports(tree: ast.Module) -> list[str] | None:
    """The literal `__all__` of a module, or nothing."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            return list(ast.literal_eval(node.value))
    return None


def _public(modules: list[Any]) -> list[Any]:
    return [module for module in modules if not any(part.startswith("_") for part in module.dotted.split("."))]


def test_no_file_or_folder_is_a_dumping_ground(modules: list[Any]) -> None:
    assert [module.where for module in modules if BANNED & {part.strip("_") for part in module.dotted.split(".")}] == []


def test_every_module_says_what_is_in_it(modules: list[Any]) -> None:
    assert [module.where for module in modules if not ast.get_docstring(module.tree)] == []


def test_every_public_module_lists_its_exports_once(modules: list[Any]) -> None:
    # Their order is ruff's business (RUF022: constants, classes, functions).
    holds_something = [module for module in _public(modules) if len(module.tree.body) > 1]
    exports = {module.where: _exports(module.tree) for module in holds_something}
    assert [where for where, names in exports.items() if names is None] == []
    assert [where for where, names in exports.items() if len(names or []) != len(set(names or []))] == []


def test_every_exported_name_exists(modules: list[Any]) -> None:
    missing = []
    for module in modules:
        if NOT_IMPORTED.search(module.dotted):
            continue
        loaded = importlib.import_module(module.dotted)
        missing += [f"{module.where}: {name}" for name in _exports(module.tree) or [] if not hasattr(loaded, name)]
    assert missing == []


def test_the_root_exports_few_names() -> None:
    assert len(yeoul.__all__) <= MAX_ROOT_EXPORTS


def test_every_error_is_of_the_one_family(modules: list[Any]) -> None:
    strangers = []
    for module in modules:
        if NOT_IMPORTED.search(module.dotted):
            continue
        loaded = importlib.import_module(module.dotted)
        classes = [node.name for node in module.tree.body if isinstance(node, ast.ClassDef)]
        for name in classes:
            found = getattr(loaded, name)
            is_error = isinstance(found, type) and issubclass(found, BaseException)
            if is_error and not issubclass(found, YeoulError):
                strangers.append(f"{module.where}: {name}")
    assert strangers == []


def test_every_exception_to_a_lint_or_type_rule_gives_its_reason(modules: list[Any]) -> None:
    # As in "noqa: S608 - the column names are our own", "type: ignore[misc] - the library has no types".
    suppression = re.compile(r"#\s*(?:noqa:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*|type:\s*ignore(?:\[[^\]]*\])?)(.*)")
    bare = []
    for module in modules:
        for number, line in enumerate(module.text.splitlines(), start=1):
            match = suppression.search(line)
            if match and len(re.sub(r"[^A-Za-z]", "", match.group(1))) < 6:
                bare.append(f"{module.where}:{number}: {line.strip()}")
    assert bare == []
