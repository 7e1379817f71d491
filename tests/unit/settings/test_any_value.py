"""Whatever stands at any key, the answer is a workspace or a sentence, never a traceback."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from yeoul.errors import ConfigError
from yeoul.settings import describe, load_workspace

pytestmark = pytest.mark.slow

VALUES = ["1", "-1", "0", "1.5", "inf", "nan", "true", '""', '"x"', '"a.b"', "[]", "[1]", '["x"]', '["x", 1]', "[[]]"]
VALUES += [
    "{}",
    "{ x = 1 }",
    '{ path = "x" }',
    '{ kind = "files" }',
    '{ size = "1m" }',
    "2026-01-01",
    "2026-01-01T00:00:00Z",
]
VALUES += ["12:30:00", "99999999999999999999", '"${NOT_SET}"', '"𐍈\\u0000"', '"count()"', '"10s"']

NEEDED = {
    "stream.s.source": '{ kind = "files", path = "*.log" }',
    "stream.s.event_time": '"at"',
    "stream.s.fields": '{ a = "a", n = { path = "n", type = "int" } }',
    "stream.s.keys": '["a"]',
    "stream.s.aggregates": '{ hits = "sum(n)" }',
    "detect.d.stream": '"s"',
    "detect.d.by": '["a"]',
    "detect.d.value": '"hits"',
    "rank.r.stream": '"s"',
    "rank.r.by": '["a"]',
    "rank.r.value": '"hits"',
    "lookup.l.path": '"names.csv"',
    "lookup.l.key": '"a"',
    "lookup.l.name": '"name"',
    "notify.n.kind": '"webhook"',
    "notify.n.url": '"http://127.0.0.1:1/"',
}
NAMES = {"stream": "s", "detect": "d", "rank": "r", "lookup": "l", "notify": "n"}
KEYS = [
    key.key.replace("NAME", NAMES.get(key.key.partition(".")[0], "NAME"))
    for key in describe()
    if "(" not in key.key and "FIELD" not in key.key and not re.search(r"\.(event_time|window)\.", key.key)
]
PLACES = [*KEYS, "stream", "stream.s", "detect", "console", "engine", "odd", "stream.s.odd"]


def _text(members: dict[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in members.items())


def test_what_is_needed_is_a_workspace(tmp_path: Path):
    (tmp_path / "yeoul.toml").write_text(_text(NEEDED))
    assert load_workspace(tmp_path, {}).plan().detects[0].value == "hits"


def _problems(folder: Path) -> tuple[str, ...]:
    try:
        load_workspace(folder, {})
    except ConfigError as error:
        return error.problems
    return ()


# The quick checks try every fourth value, others at other places.
STEP = 4 if os.environ.get("YEOUL_TEST_PROFILE") == "quick" else 1


@pytest.mark.parametrize("place", PLACES)
def test_any_value_at_a_key_is_legal_or_told(tmp_path: Path, place: str):
    told = []
    values = VALUES[PLACES.index(place) % STEP :: STEP]
    for value in values:
        members = {name: one for name, one in NEEDED.items() if not name.startswith(f"{place}.")}
        (tmp_path / "yeoul.toml").write_text(_text(members | {place: value}))
        told.append(_problems(tmp_path))
    assert sum(map(bool, told)) >= len(values) // 2 - 2 * (STEP > 1)
    words = re.compile("got|unknown|missing|legal")
    assert [text for problems in told for text in problems if not words.search(text)] == []
