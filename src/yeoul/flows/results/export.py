"""The results as files that machines read: windows, late rows, findings, incidents, rankings, the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any

from yeoul.events import Ledger
from yeoul.flows.archived import archived
from yeoul.flows.declaration import check_declaration
from yeoul.flows.plan import Plan
from yeoul.flows.ranking import RankFlow
from yeoul.flows.results.records import (
    LATE,
    RANKING,
    WindowLines,
    finding_record,
    incident_record,
    late_record,
    line,
    ranking_record,
    select_findings,
    select_incidents,
)
from yeoul.store import State, check_at_rest, read_state, unpack
from yeoul.streams import Checkpoint, LocalStream
from yeoul.streams.log import COLUMNS, Archive, decode, read

__all__ = ["RESULTS", "export", "ledgers", "write_results"]

RESULTS = (
    "windows.ndjson",
    "late.ndjson",
    "findings.ndjson",
    "incidents.ndjson",
    "rankings.ndjson",
    "ledger.json",
)
"""The files, each sorted."""


def export(plan: Plan, out: Path) -> list[Path]:
    """Write what the kept state of a workspace holds at this moment, also while an engine runs; the files written.

    Raises:
        StateError: there is no state, it is damaged, or another declaration made it.
    """
    folder = plan.folder / ".yeoul"
    check_at_rest(folder)
    state = read_state(folder)
    try:
        state.db.execute("BEGIN")
        for stream in plan.streams:
            check_declaration(state, stream.spec)
        books = ledgers(state)

        archive = partial(archived, state)
        return write_results(state, plan, out, books, archive, _places_now(state, plan, archive))
    finally:
        state.close()


def ledgers(state: State) -> dict[str, Any]:
    """Rows by class: per stream, per split and `total`."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    names = list(Ledger().as_dict())
    for stream, split, *numbers in state.db.execute(
        f"SELECT stream, split, {', '.join(names)} FROM ledger ORDER BY stream, split"
    ):
        found.setdefault(stream, {})[split] = dict(zip(names, numbers, strict=True))
    for splits in found.values():
        splits["total"] = {name: sum(each[name] for each in splits.values()) for name in names}
    return found


def _places_now(state: State, plan: Plan, archive: Archive) -> list[tuple[Any, ...]]:
    """The places after the newest closed window: what a replay that ended here would write last."""
    rows: list[tuple[Any, ...]] = []
    for block in plan.ranks:
        spec = next(each.spec for each in plan.streams if each.spec.name == block.stream)
        stream = LocalStream(spec, lambda _start, _end: [])
        Checkpoint(stream).load(state.db)
        flow = RankFlow(block, stream)
        kept = state.db.execute("SELECT seq, block FROM consumer WHERE name = ?", (flow.name,)).fetchone()
        if kept:
            flow.restore(unpack(kept[1]))
        for entry in read(state.db, archive, after=kept[0] if kept else 0, stream=block.stream):
            flow.take(entry)
        flow.discard()
        flow.finish()
        rows += flow.gathered()
    return rows


def write_results(
    state: State,
    plan: Plan,
    out: Path,
    books: dict[str, Any],
    archive: Archive,
    places: Sequence[tuple[Any, ...]] = (),
) -> list[Path]:
    """Write what `state` holds to the folder `out`; the files written. All times are ISO 8601 UTC.

    Sorted so that equal results are equal bytes; a file appears under its name only when it is whole.
    """
    out.mkdir(parents=True, exist_ok=True)
    with _whole(out / "windows.ndjson") as file:
        _windows(state, plan, archive, file)
    for name, write in (("late", _late), ("findings", _findings), ("incidents", _incidents)):
        with _whole(out / f"{name}.ndjson") as file:
            write(state, file)
    with _whole(out / "rankings.ndjson") as file:
        _rankings(state, places, file)
    with _whole(out / "ledger.json") as file:
        file.write(json.dumps(books, indent=2, ensure_ascii=False).encode() + b"\n")
    return [out / name for name in RESULTS]


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        yield file
    part.replace(path)


def _windows(state: State, plan: Plan, archive: Archive, file: IO[bytes]) -> None:
    for stream in sorted(plan.streams, key=lambda each: each.spec.name):
        lines = WindowLines(stream)
        lines.learn(state.db)
        for (start_us, end_us), rows in groupby(_entries(state, stream.spec.name, archive), key=lambda row: row[3:5]):
            parts = [(row[5], decode(row)[1].part) for row in rows]
            closed = [(revision, part) for revision, part in parts if part is not None]
            file.write(lines.text(start_us, end_us, closed).encode())


def _entries(state: State, stream: str, archive: Archive) -> Iterator[tuple[Any, ...]]:
    """Rows of the log in the order of window start and revision; of the archive one file is in memory at a time."""
    where = "stream = ? AND kind = 'window'"
    places: list[tuple[int, int, str, int]] = [
        (start_us, revision, "", seq)
        for seq, start_us, revision in state.db.execute(
            f"SELECT seq, start_us, revision FROM log WHERE {where}", (stream,)
        )
    ]
    for (path,) in state.db.execute("SELECT path FROM archive WHERE stream = ? ORDER BY first_seq", (stream,)):
        places += [(row[3], row[5], path, row[0]) for row in archive(path) if row[2] == "window"]
    opened, rows = "", {}
    for _, _, path, seq in sorted(places):
        if path:
            if path != opened:
                opened, rows = path, {row[0]: row for row in archive(path)}
            yield rows[seq]
        else:
            yield state.db.execute(f"SELECT {COLUMNS} FROM log WHERE seq = ?", (seq,)).fetchone()


def _late(state: State, file: IO[bytes]) -> None:
    for row in state.db.execute(f"SELECT {LATE} FROM late ORDER BY 1, 2, 3, 4"):
        file.write(line(late_record(row)))


def _findings(state: State, file: IO[bytes]) -> None:
    for row in state.db.execute(f"{select_findings(state.db)} ORDER BY start_us, block, keys, detector"):
        file.write(line(finding_record(row)))


def _incidents(state: State, file: IO[bytes]) -> None:
    for row in state.db.execute(f"{select_incidents(state.db)} ORDER BY opened_us, block, id"):
        file.write(line(incident_record(row)))


def _rankings(state: State, places: Sequence[tuple[Any, ...]], file: IO[bytes]) -> None:
    kept = [*state.db.execute(f"SELECT {RANKING} FROM ranking WHERE at_us > 0"), *places]
    for row in sorted(kept, key=lambda row: (row[0], row[2], row[1], row[3])):
        file.write(line(ranking_record(row)))
