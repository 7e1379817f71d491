"""A checkpoint of the release before goes on; a changed declaration goes on too, or is refused with what to do."""

from __future__ import annotations

import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.store import read_state
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows, rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
KEYS = ("customer", "title")
DATA = Path(__file__).parent / "data"
AT_US = 1_700_000_000_000_000
FIRST, ALL = 2000, 3000
AHEAD = 3
BURST = 200
STREAM = {
    "delay": '"2s"',
    "idle_timeout": '"2s"',
    "event_id": '"id"',
    "allowed_lateness": '"20s"',
}
BLOCKS = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"

[rank.titles]
stream = "hits"
by = ["title"]
value = "plays"
"""


def lines(first: int, last: int) -> bytes:
    """Ten rows a second: some repeated, some late; the first part ends in a burst, and with rows far ahead."""
    found = []
    for number in range(first, last):
        made = random.Random(number)
        at_us = AT_US + number * 100_000 - (8_000_000 if not number % 50 else 0)
        line = plain_line(at_us, f"c{made.randrange(9)}", f"m{made.randrange(9)}", made.randrange(9), f"e{number}")
        found += [line, line] if not number % 20 else [line]
        if abs(number - FIRST) <= BURST:
            found += [plain_line(at_us, "c1", "m3", 1, f"b{number}-{each}") for each in range(20)]
    if last == FIRST:
        ahead = AT_US + last * 100_000 + 600_000_000
        found += [plain_line(ahead + number, "ahead", "m1", 1, f"a{number}") for number in range(AHEAD)]
    return b"".join(found)


def count(data: bytes) -> int:
    return data.count(b"\n")


def workspace(folder: Path) -> Path:
    return plain_workspace(folder, stream=STREAM, extra=BLOCKS)


def first_part(folder: Path, engine: EngineProcess) -> None:
    """Bring an engine through the first part, and kill it while windows are open and rows wait undecided."""
    wait_for(lambda: counts(folder).read == count(lines(0, FIRST)) - AHEAD, every_s=0.02)
    engine.kill()


def results(folder: Path) -> dict[str, Any]:
    out = exported(folder)
    found: dict[str, Any] = {name: rows_of(out / f"{name}.ndjson") for name in ("findings", "incidents")}
    # counts fade while silence closes windows, so of the places now only their order is the same at any moment
    found["places"] = [(row["ranking"], row["place"], row["key"]) for row in rows_of(out / "rankings.ndjson")]
    return found | {"windows": final_windows(out, keys=KEYS), "ledger": checked_ledger(out)}


def read_all(folder: Path) -> Callable[[], bool]:
    return lambda: counts(folder).read == count(lines(0, FIRST) + lines(FIRST, ALL)) and idle(folder)


def idle(folder: Path) -> bool:
    """Whether the last window is closed: by the silence that follows its rows."""
    last = AT_US + (ALL - 1) * 100_000
    windows = rows_of(exported(folder) / "windows.ndjson")
    return bool(windows) and max(row["window_end"] for row in windows) > iso(last)


def iso(at_us: int) -> str:
    from yeoul.events import iso as text  # noqa: PLC0415 - under a name that says what it is for

    return text(at_us)


PLAIN = {"delay": '"2s"', "idle_timeout": '"2s"', "event_id": '"id"', "allowed_lateness": '"4s"'}
# more of them: tests/unit/flows/test_declaration.py
REFUSED = {
    "event_id": {"event_id": '"title"'},
    "lateness with event_id": {"allowed_lateness": '"20s"'},
    "window": {"window": '"8s"'},
    "keys": {"keys": '["customer"]'},
}
LEGAL = {
    "delay": '"3s"',
    "allowed_lateness": '"3s"',
    "where": '"n >= 0"',
    "fields": '{ customer = "customer", title = "title", n = { path = "n", type = "int" }, id = "id", more = { path = '
    '"more", default = "" } }',
}
OTHER_BLOCKS = """
[detect.customers]
stream = "hits"
by = ["title"]
value = "hits"

[detect.more]
stream = "hits"
by = ["customer"]
value = "plays"

[rank.titles]
stream = "hits"
by = ["title"]
within = ["customer"]
value = "hits"

[stream.again]
source = { kind = "files", path = "logs/*.ndjson" }
event_time = "at"
fields = { customer = "customer" }
keys = ["customer"]
window = "8s"
delay = "2s"
idle_timeout = "2s"
aggregates = { plays = "count()" }
"""


def plain_lines(first: int, last: int) -> bytes:
    """Ten rows a second in their order."""
    made = [(number, random.Random(number)) for number in range(first, last)]
    return b"".join(
        plain_line(AT_US + number * 100_000, f"c{one.randrange(9)}", f"m{one.randrange(9)}", 1, f"e{number}")
        for number, one in made
    )


def test_a_changed_declaration_goes_on_or_is_refused_with_a_plan(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., dict[Any, Any]]
):
    folder = plain_workspace(tmp_path / "w", stream=PLAIN, extra=BLOCKS)
    (folder / "logs/a.ndjson").write_bytes(plain_lines(0, FIRST))
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == FIRST)
    assert engine.stop() == 0
    refusing = {}
    for name, change in REFUSED.items():
        other = shutil.copytree(folder, tmp_path / name)
        refusing[name] = engines(plain_workspace(other, stream=PLAIN | change))
    size = (folder / "logs/a.ndjson").stat().st_size
    for name, refused in refusing.items():
        assert refused.ended_by(100) == 1, name
        assert "stream `hits` was changed" in refused.said, name
        assert "give the stream a new name, or move the folder away" in refused.said, name
        assert f"a fresh start would read `logs/a.ndjson` from byte 0 to byte {size}" in refused.said, name
        assert "Traceback" not in refused.said, name
    plain_workspace(folder, stream=PLAIN | LEGAL, extra=OTHER_BLOCKS)
    with (folder / "logs/a.ndjson").open("ab") as log:
        log.write(plain_lines(FIRST, ALL))
    engine.start()

    def all_again() -> int:
        rows = final_windows(exported(folder), stream="again", keys=("customer",)).values()
        return sum(row["plays"] for row in rows)

    wait_for(lambda: counts(folder).read == ALL and idle(folder) and all_again() == ALL, every_s=1)
    assert engine.stop() == 0, engine.said
    out = exported(folder)
    oracle = batch_count([folder / "logs/a.ndjson"])
    assert final_windows(out, keys=KEYS) == oracle
    assert checked_ledger(out).counted == ALL


def other_stream(name: str) -> str:
    return f"""
[stream.{name}]
source = {{ kind = "files", path = "logs/*.ndjson" }}
event_time = "at"
fields = {{ customer = "customer" }}
keys = ["customer"]
window = "8s"
delay = "2s"
idle_timeout = "2s"
aggregates = {{ plays = "count()" }}
"""


def test_what_may_change_goes_on_and_is_told(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., dict[Any, Any]]
):
    plain = {"delay": '"2s"', "idle_timeout": '"2s"'}
    folder = plain_workspace(tmp_path / "w", stream=plain, extra=other_stream("other"))
    log = folder / "logs/a.ndjson"
    log.write_bytes(plain_lines(0, FIRST))
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == FIRST and has_read(folder, "other", FIRST), every_s=0.5)
    assert engine.stop() == 0
    changes = {
        "source": '{ kind = "files", path = "logs/a.*" }',
        "fields": '{ customer = "customer", title = "name", n = { path = "n", type = "int" } }',
        "allowed_lateness": '"1h"',
        "retention": '"30d"',
    }
    plain_workspace(folder, stream=plain | changes, extra=other_stream("renamed"))
    more = plain_lines(FIRST, ALL) + plain_line(AT_US + 10_000_000, "c1", "m1", 1, "late")
    with log.open("ab") as file:
        file.write(more.replace(b'"title"', b'"name"'))
    engine.start()
    wait_for(
        lambda: counts(folder).read == ALL + 1 and has_read(folder, "renamed", ALL + 1) and idle(folder), every_s=0.5
    )
    assert engine.stop() == 0, engine.said
    both = tmp_path / "both.ndjson"
    both.write_bytes(plain_lines(0, FIRST) + more)
    out = exported(folder)
    assert final_windows(out, keys=KEYS) == batch_count([both])
    assert checked_ledger(out).counted == ALL + 1
    told = notices(folder, "hits")
    assert "path of field `title` from `title` to `name`; it counts from here on" in told
    assert "retention from 7d to 30d; it counts from here on" in told
    assert "allowed_lateness from 0s to 1h; it counts from here on" in told
    # a stream that was left out for a while goes on where it was
    plain_workspace(folder, stream=plain | changes, extra=other_stream("other"))
    engine.start()
    wait_for(lambda: has_read(folder, "other", ALL + 1), every_s=0.5)
    assert engine.stop() == 0, engine.said
    assert notices(folder, "other") == []


def has_read(folder: Path, stream: str, rows: int) -> bool:
    """Whether so many rows of a stream were read."""
    return checked_ledger(exported(folder), stream).read == rows


def notices(folder: Path, stream: str) -> list[str]:
    state = read_state(folder / ".yeoul")
    try:
        query = "SELECT detail FROM notice WHERE stream = ? AND kind = 'changed' ORDER BY id"
        return [detail for (detail,) in state.db.execute(query, (stream,))]
    finally:
        state.close()


def test_a_checkpoint_of_the_release_before_goes_on(tmp_path: Path, engines: Engines):
    old, new = workspace(tmp_path / "old"), workspace(tmp_path / "new")
    with tarfile.open(DATA / "schema-1.tar.xz") as kept:
        kept.extractall(old, filter="data")
    (new / "logs/a.ndjson").write_bytes(lines(0, FIRST))
    for folder in (old, new):
        with (folder / "logs/a.ndjson").open("ab") as log:
            log.write(lines(FIRST, ALL))
    running = [engines(folder) for folder in (old, new)]
    for folder in (old, new):
        wait_for(read_all(folder), every_s=1)
    for engine in running:
        assert engine.stop() == 0, engine.said
    assert (old / "logs/a.ndjson").read_bytes() == (new / "logs/a.ndjson").read_bytes()
    got, wanted = results(old), results(new)
    assert got == wanted
    ledger = got["ledger"]
    assert ledger.duplicate > 0
    assert ledger.future == AHEAD
    assert [row["window_start"] < iso(AT_US + FIRST * 100_000) for row in got["findings"]].count(True) > 2
    assert got["incidents"][0]["closed_at"] is not None
    assert any(row["revision"] for row in rows_of(old / "out/windows.ndjson"))
