"""`yeoul explain` answers for every class of row, beside a running engine and after it, and agrees with the ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import InputError
from yeoul.events import Ledger, iso, parse_iso
from yeoul.flows.explain import Explained, explain
from yeoul.settings import load_workspace
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
START_US = parse_iso("2026-03-02T11:00:00Z")
S = 1_000_000
DAY_S = 86_400
STREAM = {
    "event_id": '"id"',
    "where": '"n > 0"',
    "start": f'"{iso(START_US)}"',
    "allowed_lateness": '"20s"',
    # so that what is undecided stays so while somebody looks
    "idle_timeout": '"1h"',
}
CLASSES = Ledger().as_dict().keys() - {"read", "bytes"}


def line(second: float, customer: str = "c1", n: int = 1, event_id: str = "") -> bytes:
    return plain_line(START_US + round(second * S), customer, "m1", n, event_id or f"{customer}-{second}")


STEADY = [line(second / 2, f"c{second % 5}") for second in range(120)]
SPECIAL: dict[str, tuple[bytes, str, str]] = {
    "blank": (b" \t\n", "blank", "the line is blank"),
    "torn": (line(60)[:40] + b"\n", "invalid", "the line ends at byte 40"),
    "of another type": (line(60).replace(b'"n":1', b'"n":"many"'), "invalid", "`n`: got the text `many`"),
    "no text": (b"\xff\xfe\n", "invalid", "not UTF-8"),
    "of no interest": (line(60, n=0), "filtered", "`where = n > 0` does not hold"),
    "before the start": (line(-30), "filtered", "is before `start`"),
    "a day ahead": (line(DAY_S, "c7"), "future", "ahead of its neighbours"),
    "a repeat": (line(59, "c3", event_id="c3-59.0"), "duplicate", "that one came first"),
    "far behind": (line(2, "c9"), "late", "behind the watermark"),
    "a little behind": (line(48, "c9"), "counted", "in a window that is closed"),
    "in time": (line(60, "c8"), "counted", "in a window that is still open"),
}
NUMBER = {name: len(STEADY) + 1 + place for place, name in enumerate(SPECIAL)}
BEHIND = [line(60.5 + second / 10, f"c{second % 5}") for second in range(20)]
WAITING = line(2 * DAY_S, "c6")
LINES = [*STEADY, *(each for each, _, _ in SPECIAL.values()), *BEHIND, WAITING]
ROWS = len(LINES) - 1


def told(folder: Path, position: str) -> Explained:
    return explain(load_workspace(folder).plan(), position)


def all_told(folder: Path) -> list[str]:
    return [told(folder, f"logs/a.ndjson:{number}").kind for number in range(1, len(LINES) + 1)]


def check(folder: Path) -> None:
    """Every class with its reason, every line as the ledger has it."""
    for name, (_, kind, why) in SPECIAL.items():
        found = told(folder, f"logs/a.ndjson:{NUMBER[name]}")
        assert (found.kind, found.sure) == (kind, True), (name, found.why)
        assert why in found.why, name
        assert (found.quarantine is not None) == (kind in {"invalid", "future"}), name
    revised = told(folder, f"logs/a.ndjson:{NUMBER['a little behind']}")
    assert [window.revision for window in revised.windows] == [1]
    assert any("late revise" in note for note in revised.notes)
    waiting = told(folder, f"logs/a.ndjson:{len(LINES)}")
    assert (waiting.kind, waiting.why.split(";")[1]) == ("undecided", " it waits until others confirm it or do not")
    kinds = Counter(all_told(folder))
    book = counts(folder).as_dict()
    assert {name: kinds[name] for name in CLASSES} == {name: book[name] for name in CLASSES}
    assert (kinds["blank"], kinds["undecided"]) == (1, 1)


def test_each_class_is_told_beside_a_running_engine_after_a_kill_and_once_it_is_stopped(
    tmp_path: Path, engines: Engines
):
    folder = plain_workspace(tmp_path, stream=STREAM)
    path = folder / "logs/a.ndjson"
    path.write_bytes(b"".join(LINES))
    assert set(all_told(folder)) == {"not read"}
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == ROWS - 1)
    check(folder)
    engine.kill()
    check(folder)

    with path.open("ab") as file:
        file.write(line(63, "c1") + b"oops\n" + line(64, "c2")[:-1])
    notes = [told(folder, f"logs/a.ndjson:{len(LINES) + more}") for more in (1, 2, 3)]
    assert [each.kind for each in notes] == ["not read"] * 3
    assert [each.notes[-1].partition(": ")[2][:20] for each in notes] == [
        f"a row of {iso(START_US + 63 * S)}"[:20],
        "it invalid: the line"[:20],
        f"a row of {iso(START_US + 64 * S)}"[:20],
    ]
    assert "no end yet" in notes[2].notes[0]

    engine.start()
    # the one that waited is decided by the rows that came behind it
    wait_for(lambda: counts(folder).read == ROWS + 2)
    assert [told(folder, f"logs/a.ndjson:{len(LINES) + more}").kind for more in (0, 1, 2, 3)] == [
        "future",
        "counted",
        "invalid",
        "not read",
    ]
    engine.stop()
    for position, legal in (
        (f"logs/a.ndjson:{len(LINES) + 4}", f"it has {len(LINES) + 3} lines"),
        (f"logs/a.ndjson@{path.stat().st_size}", "bytes"),
        ("logs/b.ndjson:1", "a file that is there"),
    ):
        with pytest.raises(InputError, match="legal: ") as refused:
            told(folder, position)
        assert legal in str(refused.value)

    command = [
        sys.executable,
        "-m",
        "yeoul.cli",
        "explain",
        str(folder),
        f"logs/a.ndjson:{NUMBER['a repeat']}",
        "--json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["class"], said["sure"]) == ("duplicate", True)
