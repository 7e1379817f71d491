"""The documentation knows every part that ships: one page for each room, detector, source and ranking."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from yeoul.detect.tables import SCORERS

DOCS = Path(__file__).parents[2] / "docs"
# Folder of pages, and the tuple (or table) of built-ins that it must cover.
BESIDE = {"index", "alarm-policy", "calibration"}
"""Pages of a folder that are of no single part."""
FAMILIES = {"detectors": "yeoul.detect:DETECTORS", "sources": "yeoul.ingest:SOURCES", "rankings": "yeoul.rank:RANKINGS"}


def _names(family: str) -> list[str]:
    """What a page of each built-in is called: its name in the table, or the module of `package.module:Name`."""
    module, _, name = FAMILIES[family].partition(":")
    builtins = getattr(import_module(module), name)
    if isinstance(builtins, dict):
        return sorted(builtins)
    return sorted(reference.partition(":")[0].rpartition(".")[2] for reference in builtins)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_part_that_ships_has_its_page(family: str) -> None:
    folder = DOCS / family
    if not folder.is_dir():
        pytest.skip(f"docs/{family}/ is not begun")
    # Scorers of tables have pages in the same folder; a live detector's page is that of its scorer too.
    tables = set(SCORERS) - set(_names(family)) if family == "detectors" else set()
    pages = {page.stem for page in folder.glob("*.md") if page.stem not in BESIDE}
    assert sorted(pages - tables) == _names(family)


def test_every_scorer_of_tables_has_its_page():
    # `univariate` is `novelty`, as a default
    pages = {page.stem: page.read_text(encoding="utf-8") for page in (DOCS / "detectors").glob("*.md")}
    assert sorted(set(SCORERS) - {"univariate"} - set(pages)) == []
    assert [name for name, text in pages.items() if "![" not in text] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_the_list_of_parts_is_not_empty(family: str) -> None:
    assert _names(family) != []


def test_every_room_has_its_page():
    source = DOCS.parent / "src" / "yeoul"
    rooms = sorted(folder.parent.name for folder in source.glob("*/__init__.py"))
    assert sorted(page.stem for page in (DOCS / "rooms").glob("*.md")) == rooms


def test_the_map_leads_to_every_page():
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")} - {"index.md"}
    assert [page for page in sorted(pages) if f"({page})" not in text] == []
