"""The engine on small logs, without processes: what a restart and housekeeping must leave as it was."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from yeoul.clock import ManualClock
from yeoul.errors import StateError
from yeoul.flows.engine import Engine
from yeoul.flows.housekeeping import Housekeeping
from yeoul.flows.redrive import redrive
from yeoul.flows.replay import replay
from yeoul.flows.results.export import export
from yeoul.settings import load_workspace
from yeoul.store import open_state

WORKSPACE = """
[stream.s]
source = { kind = "files", path = "*.log" }
event_time = "at"
fields = { c = "c" }
keys = ["c"]
"""
START = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)


def workspace(folder: Path, extra: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "yeoul.toml").write_text(WORKSPACE + extra)
    return folder


def line(at_s: float, c: str = "c1") -> str:
    return json.dumps({"at": (START + timedelta(seconds=at_s)).isoformat(), "c": c}) + "\n"


def write(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(lines)


def started(folder: Path, clock: Any) -> Engine:
    engine = Engine(load_workspace(folder).plan(), open_state(folder / ".yeoul"), clock, live=True)
    engine.load()
    return engine


def read_all(engine: Engine) -> None:
    engine.poll()
    while engine.step():
        pass
    engine.advance()
    engine.commit()


def total(engine: Engine) -> dict[str, int]:
    return engine.ledgers()["s"]["total"]


def test_what_latest_passed_over_stays_passed_over_after_a_restart(tmp_path: Path) -> None:
    folder = workspace(tmp_path, 'start = "latest"\n')
    write(folder / "a.log", *(line(at) for at in range(20)))
    clock = ManualClock()
    engine = started(folder, clock)
    read_all(engine)
    engine.close()
    engine = started(folder, clock)
    write(folder / "a.log", line(20))
    clock.advance(60_000_000)
    read_all(engine)
    assert engine.feeds["s"].stream.clocks.splits["a.log"].front.held
    clock.advance(60_000_000)
    read_all(engine)
    assert total(engine)["read"] == 1
    engine.close()


def test_a_replay_reads_all_there_is_with_latest_too(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w", 'start = "latest"\n')
    write(folder / "a.log", *(line(at) for at in range(20)))
    replayed = replay(load_workspace(folder).plan(), tmp_path / "out")
    assert replayed.ledger.counted == 20


def test_results_are_json_whatever_the_keys_and_sums(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "w")
    text = (folder / "yeoul.toml").read_text()
    fields = '{ c = { path = "c", type = "bool" }, f = { path = "f", type = "float" } }'
    text = text.replace('{ c = "c" }', fields) + 'aggregates = { total = "sum(f)", middle = "mean(f)" }\n'
    (folder / "yeoul.toml").write_text(text)
    rows = [{"at": START.isoformat(), "c": at % 2 == 0, "f": 1.7e308 if at % 2 else 0.5} for at in range(8)]
    write(folder / "a.log", *(json.dumps(row) + "\n" for row in rows))
    replay(load_workspace(folder).plan(), tmp_path / "out")
    found = [json.loads(each) for each in (tmp_path / "out/windows.ndjson").read_text().splitlines()]
    assert [(row["c"], row["total"], row["middle"]) for row in found] == [(False, None, None), (True, 2.0, 0.5)]


def windows_of(folder: Path) -> list[dict[str, Any]]:
    export(load_workspace(folder).plan(), folder / "out")
    return [json.loads(each) for each in (folder / "out/windows.ndjson").read_text().splitlines()]


def kept_tidy(engine: Engine, clock: ManualClock) -> None:
    housekeeping = Housekeeping(engine)
    clock.advance(61_000_000)
    housekeeping.look()


def test_old_entries_move_to_files_though_the_first_of_them_is_a_note_of_no_time(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    clock = ManualClock()
    engine = started(folder, clock)
    read_all(engine)  # nothing is there yet: the file joins when it comes
    write(folder / "a.log", *(line(at * 10, f"c{at % 3}") for at in range(1500)))
    read_all(engine)
    kept_tidy(engine, clock)
    assert list((folder / ".yeoul/history/s").iterdir())
    assert len(windows_of(folder)) == engine.state.db.execute("SELECT count(*) FROM pulse").fetchone()[0]
    engine.close()


@pytest.mark.slow
def test_what_was_found_in_an_old_log_is_as_young_as_its_events(tmp_path: Path) -> None:
    folder = workspace(tmp_path, '[detect.c]\nstream = "s"\nby = ["c"]\nvalue = "count"\n')
    clock = ManualClock(int(START.timestamp() * 1e6) + 300 * 86_400_000_000)
    rng = random.Random(1)
    steady = [line(at * 10 + n / 10) for at in range(200) for n in range(20 + rng.randrange(5))]
    burst = [line(2000 + at * 10 + n / 50) for at in range(10) for n in range(400)]
    write(folder / "a.log", *steady, *burst, line(2200))
    engine = started(folder, clock)
    read_all(engine)
    before = engine.state.db.execute("SELECT count(*) FROM finding").fetchone()
    assert before[0]
    kept_tidy(engine, clock)
    assert engine.state.db.execute("SELECT count(*) FROM finding").fetchone() == before
    write(folder / "a.log", *(line(2200 + 91 * 86_400 + at, f"d{at % 9}") for at in range(100)))
    read_all(engine)
    kept_tidy(engine, clock)
    assert engine.state.db.execute("SELECT count(*) FROM finding").fetchone() == (0,)
    engine.close()


def test_what_a_crash_left_of_the_archive_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = workspace(tmp_path, 'retention = "4h"\n')
    clock = ManualClock()
    write(folder / "a.log", *(line(at * 10) for at in range(3000)))
    engine = started(folder, clock)
    read_all(engine)
    kept_tidy(engine, clock)
    history = folder / ".yeoul/history/s"
    (booked,) = history.iterdir()
    in_log = engine.state.db.execute("SELECT max(seq) FROM log").fetchone()[0]
    half = history / f".{booked.name}.tmp"
    not_booked = history / f"2026-03-02T180000Z-{in_log}.parquet"
    expired = history / "2026-02-01T000000Z-1.parquet"
    of_a_lost_state = history / "2026-03-02T180000Z-777777.parquet"
    for path in (half, not_booked, expired, of_a_lost_state):
        path.write_bytes(b"")
    Housekeeping(engine).look()
    assert set(history.iterdir()) == {booked, of_a_lost_state}
    engine.close()


def test_a_file_past_retention_stays_a_while_for_an_export_that_began_before(tmp_path: Path) -> None:
    folder = workspace(tmp_path, 'retention = "1h"\n')
    clock = ManualClock()
    write(folder / "a.log", *(line(at * 10) for at in range(1500)))
    engine = started(folder, clock)
    read_all(engine)
    housekeeping = Housekeeping(engine)
    clock.advance(61_000_000)
    housekeeping.look()
    history = folder / ".yeoul/history/s"
    assert engine.state.db.execute("SELECT count(*) FROM archive").fetchone()[0] == 0
    assert len(list(history.iterdir())) == 1
    clock.advance(3_600_000_000)
    housekeeping.look()
    assert not list(history.iterdir())
    engine.close()


def test_a_key_that_comes_back_or_stands_in_a_kept_window_is_not_forgotten(tmp_path: Path) -> None:
    folder = workspace(tmp_path, 'retention = "3h"\n')
    clock = ManualClock()
    write(folder / "a.log", *(line(at * 10, "gone" if at == 20 else "back" if at == 0 else "c1") for at in range(1500)))
    write(folder / "a.log", line(15_000, "back"))
    engine = started(folder, clock)
    read_all(engine)
    for _ in range(3):
        kept_tidy(engine, clock)
    write(folder / "a.log", *(line(15_000 + at * 10, "c1") for at in range(5)))
    read_all(engine)
    found = {row["c"]: row["count"] for row in windows_of(folder)}
    assert set(found) == {"c1", "back", "gone"}
    engine.close()


DETECT = '[detect.d]\nstream = "s"\nby = ["c"]\nvalue = "count"\n'


@pytest.mark.slow
def test_a_log_over_its_cap_moves_to_files_and_what_cannot_move_stops_the_reading(tmp_path: Path) -> None:
    folder = workspace(tmp_path, DETECT + '[engine]\nlog_cap = "1kB"\n')
    clock = ManualClock()
    write(folder / "a.log", *(line(at * 10, f"c{at % 3}") for at in range(50)))
    engine = started(folder, clock)
    read_all(engine)
    housekeeping = Housekeeping(engine)
    clock.advance(3_000_000)
    housekeeping.look()
    assert not housekeeping.over_cap
    assert housekeeping.causes() == []
    assert len(windows_of(folder)) == 48
    write(folder / "a.log", *(line(500 + at * 10, f"c{at % 3}") for at in range(50)))
    read_all(engine)
    engine.consumers[0].name = "one that has read nothing"
    engine.commit = lambda **_: 0  # type: ignore[method-assign]  # no snapshot is taken either
    clock.advance(3_000_000)
    housekeeping.look()
    assert housekeeping.over_cap
    assert [(cause["level"], cause["code"]) for cause in housekeeping.causes()] == [("red", "log_full")]
    engine.close()


def test_a_consumer_that_is_no_longer_declared_holds_nothing_back(tmp_path: Path) -> None:
    folder = workspace(tmp_path, DETECT)
    clock = ManualClock()
    engine = started(folder, clock)
    engine.commit(force=True)
    engine.close()
    workspace(folder)
    write(folder / "a.log", *(line(at * 10) for at in range(1500)))
    engine = started(folder, clock)
    read_all(engine)
    kept_tidy(engine, clock)
    assert list((folder / ".yeoul/history/s").iterdir())
    engine.close()


def test_rows_that_were_undecided_when_their_file_went_are_decided(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    clock = ManualClock(round(START.timestamp() * 1e6) + 60_000_000)
    write(folder / "a.log", *(line(at) for at in range(5)))
    engine = started(folder, clock)
    read_all(engine)
    assert total(engine)["read"] == 0
    engine.close()
    (folder / "a.log").unlink()
    engine = started(folder, clock)
    for _ in range(6):
        read_all(engine)
    assert total(engine)["counted"] == 5
    assert engine.state.db.execute("SELECT count(*) FROM split").fetchone()[0] == 0
    engine.close()
    engine = started(folder, clock)
    read_all(engine)
    assert total(engine)["counted"] == 5
    write(folder / "a.log", *(line(at) for at in range(20)))
    read_all(engine)
    assert total(engine)["read"] == 25
    engine.close()


def test_a_state_of_another_declaration_is_refused_in_a_sentence_by_who_writes_and_who_reads(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    engine = started(folder, ManualClock())
    engine.close()
    text = (folder / "yeoul.toml").read_text()
    (folder / "yeoul.toml").write_text(
        text.replace('{ c = "c" }', '{ c = "c", d = "d" }').replace('["c"]', '["c", "d"]')
    )
    for refused in (lambda: started(folder, ManualClock()), lambda: windows_of(folder)):
        with pytest.raises(StateError, match=r"stream `s` was changed \(keys from `\['c'\]` to `\['c', 'd'\]`"):
            refused()


def test_a_csv_line_is_driven_again_with_the_header_of_its_file(tmp_path: Path):
    declared = WORKSPACE.replace('"*.log"', '"*.csv", format = "csv"')
    folder = workspace(tmp_path / "w")
    (folder / "yeoul.toml").write_text(declared.replace('c = "c" }', 'c = "c", n = { path = "n", type = "int" } }'))
    lines = [f"{(START + timedelta(seconds=at)).isoformat()},c1,{at}" for at in range(30)]
    (folder / "a.csv").write_text(
        "\n".join(["at,c,n", *lines[:10], lines[10].replace(",10", ",ten"), *lines[11:]]) + "\n"
    )
    engine = started(folder, ManualClock(START))
    read_all(engine)
    assert total(engine)["invalid"] == 1
    engine.close()
    (folder / "yeoul.toml").write_text(declared)
    engine = started(folder, ManualClock(START))
    read_all(engine)
    assert redrive(engine, {}) == {"tried": 1, "counted": 1, "refused": 0, "invalid": 0}
    assert total(engine)["invalid"] == 0
    engine.close()
