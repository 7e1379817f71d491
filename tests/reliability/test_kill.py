"""`kill -9` at every stage of a block's life and at any time: the results are those of a run that nobody disturbed."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from yeoul.events import iso
from yeoul.flows.live_socket import request
from yeoul.testing.faults import STAGES
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.receiver import Receiver
from yeoul.testing.results import checked_ledger, exported, final_windows, rows_of
from yeoul.testing.watched import DELAY_S, WINDOW_S, watched_logs, watched_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
KILLED = -9
FAULTS = ("--hurry", "--small-blocks")
KEYS = ("customer", "title")

# one kill at each stage, in the order of how far the reading is by then
SHORT = (
    ("read", 9),
    ("archive written", 1),  # early: later most of the log is in files
    ("archive booked", 1),
    ("decoded", 12),
    ("applied", 10),
    ("closed", 3),
    ("commit begun", 4),
    ("positions written", 3),
    ("not sealed", 3),
    ("committed", 4),
    ("telling", 1),
    ("told", 1),
)


@dataclass
class Attack:
    """A workspace under attack, and what was seen of it."""

    folder: Path
    receiver: Receiver
    lines: int
    engines: Engines
    kills: Counter[str] = field(default_factory=Counter)
    first_output_s: list[tuple[float, float]] = field(default_factory=list)
    """From the start over the state of a killed process to the first checkpoint: by the clock, of processors."""

    def at(self, stage: str, count: int) -> bool:
        """Let the engine run until it is killed at a stage; whether that was reached before all was done."""
        engine = self.engines(self.folder, faults=[*FAULTS, "--kill", f"{stage}:{count}"])
        self._time_first_output(engine)
        wait_for(lambda: not engine.running or self.done(), within_s=90, every_s=0.2)
        if not engine.running:
            assert engine.ended_by() == KILLED, engine.said
            self.kills[stage] += 1
            return True
        self.kill(engine)
        return False

    def after(self, seconds: float) -> None:
        """Let the real `yeoul run` go on for so long, then kill it from outside."""
        engine = self.engines(self.folder)
        begun = time.monotonic()
        self._time_first_output(engine)
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        self.kill(engine)

    def kill(self, engine: EngineProcess) -> None:
        engine.kill()
        self.kills["from outside"] += 1

    def to_the_end(self) -> None:
        """The real `yeoul run` until everything is read and told; then a stop in good order."""
        engine = self.engines(self.folder)
        wait_for(lambda: request(self.folder / ".yeoul", "ping", {}) is not None and self.done(), within_s=90)
        assert engine.stop() == 0

    def done(self) -> bool:
        """Whether all lines are read, in windows, and told."""
        return counts(self.folder).read == self.lines and not self._ask("SELECT count(*) FROM outbox")

    def _ask(self, query: str) -> Any:
        path = self.folder / ".yeoul/state.db"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            try:
                row = db.execute(query).fetchone()
            except sqlite3.OperationalError:  # the tables are not there yet
                return 0
        return row[0] if row else 0

    def _checkpoint(self) -> int:
        return int(self._ask("SELECT state ->> '$.number' FROM stream"))

    def _time_first_output(self, engine: EngineProcess) -> None:
        before = self._checkpoint()
        begun = time.monotonic()
        wait_for(lambda: not engine.running or self._checkpoint() > before, within_s=90, every_s=0.05)
        if before and engine.running:
            self.first_output_s.append((time.monotonic() - begun, sum(map(processor_s, engine.pids()))))


def processor_s(pid: int) -> float:
    """Processor time of a process so far."""
    try:
        members = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(members[11]) + int(members[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def receivers() -> Iterator[tuple[Receiver, Receiver]]:
    with Receiver() as calm, Receiver() as attacked:
        yield calm, attacked


def both(
    tmp_path: Path,
    receivers: tuple[Receiver, Receiver],
    engines: Engines,
    *,
    seed: int,
    lateness_s: int,
    span_s: int = 4500,
) -> tuple[Attack, Attack]:
    """Two workspaces on the same lines: one that nobody will disturb, and one to attack."""
    end_us = int(time.time() - 2) * 1_000_000
    made = []
    for name, receiver in zip(("calm", "attacked"), receivers, strict=True):
        folder = watched_workspace(tmp_path / name, receiver.url, lateness_s=lateness_s)
        lines = watched_logs(folder / "logs", end_us, seed=seed, span_s=span_s)
        made.append(Attack(folder, receiver, lines, engines))
    return made[0], made[1]


def batch_count(folder: Path, lateness_s: int) -> tuple[dict[Any, Any], Counter[str]]:
    """The closed windows and the rows of each class, by DuckDB over the same files.

    A row is late by the newest time that stood before it in its own file: there the steady rows move the front.
    """
    late = (
        f"(at_us // {WINDOW_S * 1_000_000} + 1) * {WINDOW_S * 1_000_000} <= seen_us - {DELAY_S + lateness_s} * 1000000"
    )
    judged = f"""
        WITH lines AS (
            SELECT filename AS file, unnest(string_split(rtrim(content, chr(10)), chr(10))) AS line,
                generate_subscripts(string_split(rtrim(content, chr(10)), chr(10)), 1) AS place
            FROM read_text('{folder}/logs/*.ndjson')),
        typed AS (
            SELECT file, place, TRY_CAST(line AS JSON) AS row,
                epoch_us(TRY_CAST(row ->> '$.at' AS TIMESTAMPTZ)) AS at_us, TRY_CAST(row ->> '$.n' AS BIGINT) AS n,
                row ->> '$.customer' AS customer, row ->> '$.title' AS title, row ->> '$.id' AS id
            FROM lines),
        seen AS (
            SELECT *, coalesce(max(at_us) OVER before, 0) AS seen_us, at_us IS NULL OR n IS NULL AS invalid FROM typed
            WINDOW before AS (PARTITION BY file ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)),
        late AS (SELECT *, NOT invalid AND {late} AS late FROM seen)
        SELECT *, CASE WHEN invalid THEN 'invalid' WHEN late THEN 'late'
            WHEN row_number() OVER (PARTITION BY id, invalid, late ORDER BY place) > 1 THEN 'duplicate'
            ELSE 'counted' END AS class
        FROM late
    """
    db = duckdb.connect()
    db.execute(f"CREATE TABLE judged AS {judged}")
    classes = Counter(dict(db.execute("SELECT class, count(*) FROM judged GROUP BY 1").fetchall()))
    size_us = WINDOW_S * 1_000_000
    found = db.execute(f"""
        WITH counted AS (SELECT *, at_us // {size_us} * {size_us} AS start_us FROM judged WHERE class = 'counted'),
        newest AS (SELECT max(at_us) AS at_us FROM judged GROUP BY file)
        SELECT start_us, customer, title, count(*), CAST(sum(n) AS BIGINT) FROM counted
        WHERE start_us + {size_us} <= (SELECT min(at_us) FROM newest) - {DELAY_S * 1_000_000}
        GROUP BY start_us, customer, title
    """).fetchall()
    return {(iso(at), who, what): {"plays": plays, "hits": hits} for at, who, what, plays, hits in found}, classes


def first_revisions(out: Path) -> list[dict[str, Any]]:
    return [row for row in rows_of(out / "windows.ndjson") if row["revision"] == 0]


def tracks(folder: Path) -> list[Any]:
    with closing(sqlite3.connect(folder / ".yeoul/state.db")) as db:
        return db.execute("SELECT * FROM track ORDER BY incident, key, at_us").fetchall()


def same_results(calm: Attack, attacked: Attack, lateness_s: int) -> None:
    """All that must be the same is; nothing has two values; and an independent count agrees."""
    outs = exported(calm.folder), exported(attacked.folder)
    expected, classes = batch_count(attacked.folder, lateness_s)
    for out in outs:
        assert final_windows(out, keys=KEYS) == expected
        assert {name: number for name, number in checked_ledger(out).as_dict().items() if name in classes} == classes
        for name, identity in (
            ("findings", ["id"]),
            ("incidents", ["id"]),
            ("windows", ["window_start", *KEYS, "revision"]),
        ):
            seen = Counter(tuple(row[key] for key in identity) for row in rows_of(out / f"{name}.ndjson"))
            assert max(seen.values()) == 1, name
    assert first_revisions(outs[0]) == first_revisions(outs[1])
    for name in ("late.ndjson", "findings.ndjson", "incidents.ndjson", "rankings.ndjson", "ledger.json"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes(), name
    assert tracks(calm.folder) == tracks(attacked.folder)
    told = attacked.receiver.bodies()
    assert told == calm.receiver.bodies()
    assert {json.loads(body)["change"] for body in told.values()} >= {"opened", "closed"}
    assert not leftovers(attacked.folder)


def leftovers(folder: Path) -> set[str]:
    """Archive files that nothing refers to."""
    state = folder / ".yeoul"
    with closing(sqlite3.connect(state / "state.db")) as db:
        known = {path for (path,) in db.execute("SELECT path FROM archive")}
    there = {str(path.relative_to(state)) for path in (state / "history").rglob("*") if path.is_file()}
    assert known <= there
    return there - known


def report(attack: Attack) -> None:
    wall, busy = (sorted(column) for column in zip(*attack.first_output_s, strict=True))
    print(
        f"{attack.kills.total()} kills: {dict(attack.kills)}; first output after a restart ({len(wall)} times): ",
        end="",
    )
    print(f"median {statistics.median(wall):.2f} s, longest {wall[-1]:.2f} s, of processors at most {busy[-1]:.2f} s")
    # by the clock it depends on who else works on this machine; a start hardly waits for anything but processors
    assert busy[-1] < 5


@pytest.mark.timeout(600)  # seconds of work, but fifteen starts: a busy machine takes its time over them
def test_killed_at_every_stage_it_gives_what_an_undisturbed_run_gives(
    tmp_path: Path, receivers: tuple[Receiver, Receiver], engines: Engines
):
    calm, attacked = both(tmp_path, receivers, engines, seed=1, lateness_s=120)
    calm.to_the_end()
    for stage, count in SHORT:
        assert attacked.at(stage, count), f"`{stage}` was not reached {count} times"
    assert set(attacked.kills) == set(STAGES)
    attacked.to_the_end()
    same_results(calm, attacked, 120)
    report(attacked)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 15))
def test_killed_anywhere_it_gives_what_an_undisturbed_run_gives(
    tmp_path: Path, receivers: tuple[Receiver, Receiver], engines: Engines, seed: int
):
    rng = random.Random(seed)
    lateness_s = (0, 120)[seed % 2]
    calm, attacked = both(tmp_path, receivers, engines, seed=seed, lateness_s=lateness_s, span_s=9000)
    calm.to_the_end()
    while attacked.kills.total() < 12:
        stage = rng.choice(list(STAGES))
        attacked.at(stage, 1 if stage in {"telling", "told"} else rng.randint(1, 5))
    for _ in range(3):
        attacked.after(3 * rng.random())
    attacked.to_the_end()
    same_results(calm, attacked, lateness_s)
    report(attacked)
