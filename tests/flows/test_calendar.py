"""From logs to results: what the calendar mutes is listed and told to nobody; new levels are no incident."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from yeoul.clock import ManualClock
from yeoul.events import iso
from yeoul.flows.engine import Engine
from yeoul.flows.explain import explain
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.store import open_state
from yeoul.testing.results import rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

S = 1_000_000
AT_US = 1_700_000_000_000_000
BEGIN_S, END_S = 800, 1100
DETECT = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
"""


@pytest.fixture(scope="module")
def log() -> bytes:
    """Four customers, ten rows a second; from 800 s to 1100 s nothing of c1."""
    found = []
    for number in range(14_000):
        at_s = number / 10
        made = random.Random(number)
        customer = f"c{made.randrange(4)}"
        if customer != "c1" or not BEGIN_S <= at_s < END_S:
            found.append(plain_line(AT_US + round(at_s * S), customer, f"m{made.randrange(3)}"))
    return b"".join(found)


def run(folder: Path, log: bytes, calendar: str) -> Path:
    place = plain_workspace(folder, stream={"window": '"10s"'}, extra=DETECT + calendar)
    (place / "logs/a.ndjson").write_bytes(log)
    replay(load_workspace(place).plan(), place / "out")
    return place / "out"


def entry(action: str, **more: str) -> str:
    members = {"from": iso(AT_US + BEGIN_S * S), "until": iso(AT_US + END_S * S), "action": action, **more}
    return "\n[calendar.night]\n" + "\n".join(f'{name} = "{text}"' for name, text in members.items())


def test_without_an_entry_it_is_an_incident(tmp_path: Path, log: bytes):
    out = run(tmp_path, log, "")
    assert {row["keys"][0]["customer"] for row in rows_of(out / "incidents.ndjson")} == {"c1"}
    assert {row["muted"] for row in rows_of(out / "findings.ndjson")} == {None}


@pytest.mark.parametrize("keys", ["*", "c1", "c[12]"])
def test_what_is_muted_is_listed_with_the_entry_and_opens_nothing(tmp_path: Path, log: bytes, keys: str):
    out = run(tmp_path, log, entry("mute", keys=keys))
    assert rows_of(out / "incidents.ndjson") == []
    findings = rows_of(out / "findings.ndjson")
    assert {(row["customer"], row["muted"]) for row in findings} == {("c1", "night")}
    assert len(findings) > 20
    assert findings[0]["why"][0]["code"] == "below"


def test_an_entry_for_other_keys_mutes_nobody_else(tmp_path: Path, log: bytes):
    out = run(tmp_path, log, entry("mute", keys="c2*"))
    assert len(rows_of(out / "incidents.ndjson")) == 1


def test_a_level_begins_anew_with_the_entry_and_after_it(tmp_path: Path, log: bytes):
    assert rows_of(run(tmp_path, log, entry("rebaseline", keys="c1")) / "incidents.ndjson") == []


def test_a_row_is_explained_with_what_became_of_its_key(tmp_path: Path, log: bytes):
    place = plain_workspace(tmp_path, stream={"window": '"10s"'}, extra=DETECT)
    (place / "logs/a.ndjson").write_bytes(log)
    plan = load_workspace(place).plan()
    engine = Engine(plan, open_state(place / ".yeoul"), ManualClock(AT_US), live=False)
    engine.load()
    engine.poll()
    while engine.step():
        engine.advance()
    engine.finish()
    engine.close()
    told = explain(plan, "logs/a.ndjson:3")
    notes = [told.kind, told.why, *told.notes]
    assert any(note.startswith("detect.customers of c") and "nothing odd" in note for note in notes), notes
