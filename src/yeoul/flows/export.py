"""The results as files that machines read: windows, late rows, findings, incidents, rankings, the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from yeoul.events import Ledger, iso
from yeoul.flows.archived import archived
from yeoul.flows.declaration import check_declaration
from yeoul.flows.plan import Plan, StreamPlan
from yeoul.flows.ranking import RankFlow
from yeoul.store import State, check_at_rest, column_of, read_state, unpack
from yeoul.streams import Checkpoint, Layout, LocalStream, Part
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


def _line(file: IO[bytes], keys: dict[str, Any] | None = None, /, **members: Any) -> None:
    """Write one object; `keys` stand after the third member, and a member of the same name wins over them."""
    if keys:
        members = dict(_with_keys(list(members.items()), keys))
    file.write(json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _with_keys(members: list[tuple[str, Any]], keys: dict[str, Any]) -> list[tuple[str, Any]]:
    taken = {name for name, _ in members}
    return members[:3] + [pair for pair in keys.items() if pair[0] not in taken] + members[3:]


def _windows(state: State, plan: Plan, archive: Archive, file: IO[bytes]) -> None:
    for stream in sorted(plan.streams, key=lambda each: each.spec.name):
        writer = _WindowWriter(state, stream, file)
        for (start_us, end_us), rows in groupby(_entries(state, stream.spec.name, archive), key=lambda row: row[3:5]):
            parts = [(row[5], decode(row)[1].part) for row in rows]
            writer.write(start_us, end_us, [(revision, part) for revision, part in parts if part is not None])


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


class _WindowWriter:
    """Writes the windows of one stream, keys in the order of their texts."""

    def __init__(self, state: State, stream: StreamPlan, file: IO[bytes]) -> None:
        spec = stream.spec
        self.file = file
        types = {each.name: each.type for each in spec.schema.fields}
        self.layout = Layout.of(spec.aggregates, frozenset(name for name, type_ in types.items() if type_ == "float"))
        self.json: list[list[str]] = []
        self.rank: list[NDArray[np.int64]] = []
        for name in spec.keys:
            pairs = state.db.execute(
                "SELECT code, text FROM key WHERE stream = ? AND field = ?", (spec.name, name)
            ).fetchall()
            plain = types[name] != "str"
            size = max((code for code, _ in pairs), default=-1) + 1
            texts, rank = [""] * size, np.zeros(size, np.int64)
            for place, (code, text) in enumerate(sorted(pairs, key=lambda pair: pair[1])):
                texts[code] = text if plain else json.dumps(text, ensure_ascii=False)
                rank[code] = place
            self.json.append(texts)
            self.rank.append(rank)
        self.head = f'{{"stream":{json.dumps(spec.name)},'
        members = [json.dumps(each).replace("%", "%%") for each in (*spec.keys, *(a.name for a in spec.aggregates))]
        self.row = ",".join(f"{member}:%s" for member in members)

    def write(self, start_us: int, end_us: int, revisions: list[tuple[int, Part]]) -> None:
        head = f'{self.head}"window_start":"{iso(start_us)}","window_end":"{iso(end_us)}",'.replace("%", "%%")
        template = head + self.row + ',"revision":%s}\n'
        ranks, rows = [], []
        for revision, part in revisions:
            codes = part.codes if self.rank else ()
            ranks.append([rank[code] for rank, code in zip(self.rank, codes, strict=True)])
            keys = [list(map(texts.__getitem__, code.tolist())) for texts, code in zip(self.json, codes, strict=True)]
            values = [_numbers(column) for column in part.values(self.layout).values()]
            rows += list(zip(*keys, *values, [revision] * len(part), strict=True))
        by_key = [np.concatenate([rank[i] for rank in ranks]) for i in range(len(self.rank))]
        # lexsort is stable and takes the most significant last: keys first, then revisions as they came
        order = np.lexsort(by_key[::-1]).tolist() if by_key else range(len(rows))
        self.file.write("".join([template % rows[index] for index in order]).encode())


def _numbers(column: NDArray[Any]) -> list[str]:
    """As JSON writes them; a sum that outgrew its type is null, for JSON has no infinity."""
    texts = list(map(repr, column.tolist()))
    for index in np.flatnonzero(~np.isfinite(column)).tolist():
        texts[index] = "null"
    return texts


def _late(state: State, file: IO[bytes]) -> None:
    query = "SELECT stream, event_us, source, position, reason, row FROM late ORDER BY 1, 2, 3, 4"
    for stream, event_us, source, position, reason, row in state.db.execute(query):
        _line(
            file,
            stream=stream,
            event_time=iso(event_us),
            source=source,
            position=position,
            reason=reason,
            row=json.loads(row),
        )


def _findings(state: State, file: IO[bytes]) -> None:
    muted = column_of(state.db, "finding", "muted", "''")
    query = (
        "SELECT id, block, detector, keys, start_us, observed, expected, lower, upper, p, score, confidence, why, "
        f"{muted} FROM finding ORDER BY start_us, block, keys, detector"
    )
    for id_, block, detector, keys, start_us, *numbers, why, entry in state.db.execute(query):
        names = ("observed", "expected", "lower", "upper", "p", "score", "confidence")
        _line(
            file,
            json.loads(keys),
            id=id_,
            block=block,
            detector=detector,
            window_start=iso(start_us),
            **dict(zip(names, numbers, strict=True)),
            why=json.loads(why),
            muted=entry or None,
        )


def _incidents(state: State, file: IO[bytes]) -> None:
    causes = column_of(state.db, "incident", "causes", "'[]'")
    query = (
        "SELECT id, block, keys, detectors, opened_us, closed_us, score, observed, expected, contributors, findings, "
        f"{causes} FROM incident ORDER BY opened_us, block, id"
    )
    for row in state.db.execute(query):
        _line(
            file,
            id=row[0],
            block=row[1],
            keys=json.loads(row[2]),
            detectors=json.loads(row[3]),
            opened_at=iso(row[4]),
            closed_at=None if row[5] is None else iso(row[5]),
            score=row[6],
            observed=row[7],
            expected=row[8],
            contributors=json.loads(row[9]),
            findings=row[10],
            causes=[_cause(each) for each in json.loads(row[11])],
        )


def _cause(cause: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in cause.items() if name != "since_us"}
    return {**plain, "since": iso(cause["since_us"])}


def _rankings(state: State, places: Sequence[tuple[Any, ...]], file: IO[bytes]) -> None:
    query = "SELECT ranking, scope, at_us, place, key, score, count, trend, movement FROM ranking WHERE at_us > 0"
    kept = [*state.db.execute(query), *places]
    for row in sorted(kept, key=lambda row: (row[0], row[2], row[1], row[3])):
        ranking, scope, at_us, place, key, score, count, trend, movement = row
        _line(
            file,
            ranking=ranking,
            scope=json.loads(scope),
            at=iso(at_us),
            place=place,
            key=json.loads(key),
            score=score,
            count=count,
            trend=trend,
            movement=movement,
        )
