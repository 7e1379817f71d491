"""The reference pages say what the code does: keys, commands and the members of result files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import jsonschema_rs
import pytest

from yeoul.demo import write_sample
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import demo_workspace

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def _script() -> ModuleType:
    spec = spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES: dict[str, Callable[[], str]] = _script().PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_made_from_code_is_up_to_date(page: str):
    assert (DOCS / page).read_text(encoding="utf-8") == PAGES[page](), "write it anew: python scripts/reference.py"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replay in which every result file has lines."""
    folder = demo_workspace(tmp_path_factory.mktemp("shop"))
    write_sample(folder / "logs" / "a.ndjson", 15_000, span_s=2400, customers=10, titles=150, kinds=["burst"])
    replay(load_workspace(folder).plan(), folder / "out")
    return folder / "out"


@pytest.mark.parametrize("name", ["windows", "late", "findings", "incidents", "rankings"])
def test_every_line_of_a_result_file_is_as_the_schema_says(results: Path, name: str):
    text = files("yeoul.flows.results").joinpath("results.schema.json").read_text(encoding="utf-8")
    document = json.loads(text)
    schema = jsonschema_rs.validator_for({**document, "$ref": f"#/$defs/{name}"})
    lines = (results / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not schema.is_valid(json.loads(line))] == []
    assert not schema.is_valid({})


PLACEHOLDERS = {"windows": {"cpk", "base_mck", "plays", "hits"}, "findings": {"cpk"}}


@pytest.mark.parametrize("name", ["windows", "late", "findings", "incidents", "rankings"])
def test_the_page_names_every_member_of_a_result_file_in_order(results: Path, name: str):
    line = (results / f"{name}.ndjson").read_text(encoding="utf-8").splitlines()[0]
    members = [one for one in json.loads(line) if one not in PLACEHOLDERS.get(name, set())]
    assert members == _documented(f"{name}.ndjson")


def test_the_page_names_every_member_of_the_ledger(results: Path):
    ledger = json.loads((results / "ledger.json").read_text(encoding="utf-8"))
    assert list(ledger["hits"]["total"]) == _documented("ledger.json")


def _documented(file: str) -> list[str]:
    page = (DOCS / "reference" / "results.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {file}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_every_result_file_has_a_section(results: Path):
    page = (DOCS / "reference" / "results.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == [
        "windows.ndjson",
        "late.ndjson",
        "findings.ndjson",
        "incidents.ndjson",
        "rankings.ndjson",
        "ledger.json",
    ]
    assert {path.name for path in results.iterdir()} == set(re.findall(r"^## (\S+)$", page, re.MULTILINE))
