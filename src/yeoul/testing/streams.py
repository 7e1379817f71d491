"""A stream without files: rows written down by hand go in, everything that it hands out is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from yeoul.events import EventTime, Field, Ledger, Reject, Rows, RowSchema
from yeoul.streams import Entry, LateRow, LocalStream, StreamSpec, parse_aggregate

__all__ = ["BASE", "SPEC", "Row", "Run", "S", "rows", "spec", "steady"]

S = 1_000_000
BASE = 1_700_000_000 * S
"""Time 0 of the rows below: a multiple of every usual window."""

SCHEMA = RowSchema(
    EventTime(("t",)),
    (
        Field("c", ("c",)),
        Field("m", ("m",)),
        Field("h", ("h",), "int"),
        Field("f", ("f",), "float"),
        Field("id", ("id",)),
    ),
)
SPEC = StreamSpec(
    "s",
    SCHEMA,
    ("c", "m"),
    (
        parse_aggregate("n", "count()"),
        parse_aggregate("sum", "sum(h)"),
        parse_aggregate("low", "min(h)"),
        parse_aggregate("high", "max(f)"),
        parse_aggregate("mean", "mean(f)"),
        parse_aggregate("different", "distinct(id)"),
    ),
)


def spec(**changes: Any) -> StreamSpec:
    """The spec with members changed; `event_id` and `where` go into its schema."""
    inner = {name: changes.pop(name) for name in ("event_id", "where", "redact") if name in changes}
    return replace(SPEC, schema=replace(SCHEMA, **inner), **changes)


@dataclass(frozen=True)
class Row:
    """One row; times in seconds from BASE."""

    at_s: float
    c: str = "c1"
    m: str = "m1"
    h: int = 1
    f: float = 1.0
    id: str = "x"
    kept: bool = True


def rows(given: Sequence[Row], first: int = 0, rejects: Sequence[Reject] = ()) -> Rows:
    """A decoded batch; its lines stand from position `first` on."""
    return Rows(
        np.array([BASE + round(row.at_s * S) for row in given], np.int64),
        {
            "c": [row.c for row in given],
            "m": [row.m for row in given],
            "h": np.array([row.h for row in given], np.int64),
            "f": np.array([row.f for row in given], np.float64),
            "id": [row.id for row in given],
        },
        "a.log",
        np.arange(first, first + len(given)),
        lambda index: f"raw {first + index}".encode(),
        kept=np.array([row.kept for row in given], bool) if any(not row.kept for row in given) else None,
        bytes=10 * len(given),
        rejects=list(rejects),
    )


@dataclass
class Run:
    """A stream with everything it handed out."""

    spec: StreamSpec = SPEC
    entries: list[Entry] = field(default_factory=list)
    late: list[LateRow] = field(default_factory=list)
    rejects: list[tuple[str, Reject]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stream = LocalStream(self.spec, self.history)

    def history(self, start_us: int, end_us: int) -> list[Entry]:
        return [
            each
            for each in self.entries
            if each.kind == "window" and (each.start_us, each.end_us) == (start_us, end_us)
        ]

    def take(self) -> None:
        out = self.stream.drain()
        self.entries += out.entries
        self.late += out.late
        self.rejects += out.rejects

    def give(self, split: str, given: Sequence[Row], **options: Any) -> None:
        """Let a split that was there from the beginning read these rows."""
        self.stream.open(split, joined=True)
        self.stream.add(split, rows(given), **options)
        self.stream.advance()
        self.take()

    def finish(self) -> None:
        """End all splits and close every window."""
        for name in list(self.stream.clocks.splits):
            self.stream.end(name)
        self.stream.advance()
        self.stream.finish()
        self.take()

    def results(self) -> list[tuple[Any, ...]]:
        """(start in s, revision, keys …, values …) of each group, sorted."""
        found = []
        for entry in self.entries:
            if entry.part is None:
                continue
            values = entry.part.values(self.stream.layout)
            keys = [table.texts(code) for table, code in zip(self.stream.keys.values(), entry.part.codes, strict=True)]
            columns = [column.tolist() for column in values.values()]
            start = (entry.start_us - BASE) / S
            found += [(start, entry.revision, *row) for row in zip(*keys, *columns, strict=True)]
        return sorted(found)

    @property
    def ledger(self) -> Ledger:
        """Rows of all splits by class."""
        total = Ledger()
        for book in self.stream.ledger.values():
            total.add(book)
        return total


def steady(seconds: int, **members: Any) -> list[Row]:
    """Two rows a second of two customers."""
    return [Row(at_s=at / 2, c=f"c{at % 2 + 1}", **members) for at in range(2 * seconds)]
