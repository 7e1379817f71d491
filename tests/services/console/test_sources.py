from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from yeoul.console import contract

pytestmark = pytest.mark.services

_ROOT = Path(__file__).resolve().parents[3]
_WEB = _ROOT / "src/yeoul/console/web"
_SHAPES = (_WEB / "src/live/shapes.ts").read_text(encoding="utf-8")
_CALLED_ELSEWISE = {"Said": "Text", "Quarantine": "QuarantineSummary"}
_OTHER = {"Params", "Key", "Maybe", "LedgerClass", "Ledger"}


def _members(name: str) -> dict[str, bool]:
    """Members of a TypeScript shape, and whether each may be absent; what it extends is in it."""
    body = re.search(rf"export type {name} = (.+?);\n(?=\n|export|/\*\*|$)", _SHAPES, re.DOTALL)
    assert body is not None, name
    found: dict[str, bool] = {}
    for base in re.findall(r"^(\w+) &", body[1]):
        found |= _members(base)
    outer = re.sub(r"\{[^{}]*\}", "{}", body[1][body[1].index("{") + 1 :])
    found |= {member: mark == "?" for member, mark in re.findall(r"(\w+)(\??):", outer)}
    return found


def _model(name: str) -> type[BaseModel]:
    found: type[BaseModel] = getattr(contract, _CALLED_ELSEWISE.get(name, name))
    return found


@pytest.mark.parametrize("name", sorted(set(re.findall(r"export type (\w+)", _SHAPES)) - _OTHER))
def test_the_pages_read_only_members_that_the_contract_has(name: str) -> None:
    fields = _model(name).model_fields
    assert set(_members(name)) <= set(fields)
    may_lack = {member for member, field in fields.items() if field.default is None}
    # What may be null in the contract is never taken for granted by the pages.
    assert not {member for member, optional in _members(name).items() if not optional} & may_lack


def test_the_pages_agree_with_their_types_and_their_own_tests() -> None:
    command = [sys.executable, "scripts/build_web.py", "--test"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lock_of_the_pages_names_no_registry() -> None:
    assert "resolved" not in (_WEB / "package-lock.json").read_text(encoding="utf-8")


def test_no_source_of_the_pages_is_longer_than_200_lines_but_the_catalogues() -> None:
    sources = [path for path in (_WEB / "src").rglob("*.ts*") if path.parent.name != "messages"]
    long = {path.name: length for path in sources if (length := len(path.read_text().splitlines())) > 200}
    assert long.keys() <= {"shapes.ts"}
    assert len(sources) > 50
