"""What is imported is declared, what is declared is imported, and what is locked is pinned by hash."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# Declared though no line of the product imports them.
USED_WITHOUT_IMPORT = {
    "confluent-kafka": "the extra is promised; `yeoul doctor` tells whether it is there",
    "jax": "Keras computes with it",
    "prophet": "the extra is promised; its scorer of tables is the next one",
    "pyod": "its detectors are loaded by name",
    "xgboost-cpu": "PyOD's XGBOD is built on it",
    "tzdata": "the standard library's zoneinfo reads it where the system has no zones",
    "websockets": "uvicorn speaks WebSocket through it",
}
# An extra of 400 MB that comes with the tests, and not with `make setup`.
FOR_TESTS_ONLY = {"spark"}
LOCKS = ["build", "dev", "full", "fuzz", "run", "tools", "web"]


def _project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def _runtime(root: Path) -> list[Requirement]:
    project = _project(root)["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*project["dependencies"], *extras]]


def _imported(modules: list[Any]) -> dict[str, str]:
    """Third-party import names, each with one file that imports it."""
    found: dict[str, str] = {}
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            else:
                continue
            found |= {name.partition(".")[0]: module.where for name in names}
    return {name: where for name, where in found.items() if name not in sys.stdlib_module_names and name != "yeoul"}


def _locked(root: Path, name: str) -> dict[str, Version]:
    text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {
        canonicalize_name(package): Version(version)
        for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE)
    }


def test_every_import_is_of_a_declared_dependency(modules: list[Any], root: Path) -> None:
    declared = {canonicalize_name(requirement.name) for requirement in _runtime(root)}
    providers = packages_distributions()
    undeclared = {
        name: where
        for name, where in _imported(modules).items()
        if not declared & {canonicalize_name(provider) for provider in providers.get(name, [name])}
    }
    assert undeclared == {}


def test_every_declared_dependency_is_used(modules: list[Any], root: Path) -> None:
    providers = packages_distributions()
    used = {canonicalize_name(provider) for name in _imported(modules) for provider in providers.get(name, [name])}
    declared = {canonicalize_name(requirement.name) for requirement in _runtime(root)}
    assert declared - used - set(USED_WITHOUT_IMPORT) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_version_has_its_hashes_and_no_address(lock: str, root: Path) -> None:
    text = (root / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[\w.-]+==)", text)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.search(r"://|--index|--find-links|(^| )/", text) is None


def test_every_lock_file_is_held_by_these_tests(root: Path) -> None:
    assert sorted(path.stem for path in (root / "requirements").glob("*.txt")) == sorted([*LOCKS, "debian"])


def test_the_locks_hold_what_is_declared(root: Path) -> None:
    full, dev = _locked(root, "full"), _locked(root, "dev")
    groups = _project(root)["dependency-groups"]
    extras = _project(root)["project"]["optional-dependencies"]
    apart = {line for extra in FOR_TESTS_ONLY for line in extras[extra]}
    runtime = _runtime(root)
    wanted = [(dev if str(requirement) in apart else full, requirement) for requirement in runtime]
    wanted += [(dev, Requirement(line)) for group in ("test", "lint", "bench") for line in groups[group]]
    stale = [
        str(need) for lock, need in wanted if lock.get(canonicalize_name(need.name), Version("0")) not in need.specifier
    ]
    assert stale == [], "run `make lock`"


def test_tests_run_on_the_versions_that_users_get(root: Path) -> None:
    run, full, dev = (_locked(root, lock) for lock in ("run", "full", "dev"))
    assert {name: full.get(name) for name in run} == run
    assert {name: dev.get(name) for name in full} == full
