"""What the kept state says of one stream: positions, clocks, rows set aside, event ids, windows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from yeoul.errors import StateError
from yeoul.flows.archived import archived
from yeoul.flows.explain.explained import WindowNow
from yeoul.flows.explain.place import same_lineage
from yeoul.flows.plan import StreamPlan
from yeoul.ingest.quarantine import Kept
from yeoul.store import State, unpack
from yeoul.streams import Checkpoint, LocalStream, Part
from yeoul.streams import log as results_log
from yeoul.streams.front import NEVER
from yeoul.streams.parts import merge

__all__ = ["KeptStream"]


class KeptStream:
    """One stream of a state, at one moment.

    Raises:
        StateError: the state was made by another declaration.
    """

    def __init__(self, state: State, plan: StreamPlan) -> None:
        self._state = state
        self.spec = plan.spec
        self._check()
        self._stream = LocalStream(plan.spec, lambda _start, _end: [])
        positions = Checkpoint(self._stream).load(state.db)
        self.known = positions is not None
        """Whether the stream ever had a checkpoint."""
        self.positions = positions or {}
        combined = self._stream.clocks.combined_us
        self.watermark_us = None if combined == NEVER else combined

    def _check(self) -> None:
        known = self._state.meta(f"stream:{self.spec.name}")
        before = json.loads(known) if known else {}
        now = {"keys": list(self.spec.keys), "window": [self.spec.size_us, self.spec.slide_us]}
        if before and any(before.get(name) != value for name, value in now.items()):
            message = (
                f"the state in `{self._state.folder}` is of another declaration of stream `{self.spec.name}` (its "
                "keys or window were changed since); `yeoul run` says what to do about it"
            )
            raise StateError(message)

    def split_watermark_us(self, split: str) -> int | None:
        """Of one split; None before it started."""
        clock = self._stream.clocks.splits.get(split)
        return None if clock is None or clock.watermark_us == NEVER else clock.watermark_us

    def is_waiting(self, split: str, offset: int, times: set[int]) -> bool:
        """Whether the row waits undecided ahead of its split's front."""
        found = self._state.db.execute(
            "SELECT held FROM split WHERE stream = ? AND name = ?", (self.spec.name, split)
        ).fetchone()
        held = unpack(found[0]) if found and found[0] else []
        rows = [each["row"] for each in held if each["row"]]
        return any(row["position"] == offset and row["at_us"] in times for row in rows)

    def late_reason(self, split: str, offset: int, times: set[int]) -> str | None:
        """Why the row is late; None when it is not among the late ones that are kept."""
        query = "SELECT source, event_us, reason FROM late WHERE stream = ? AND position = ?"
        rows = [row for row in self._state.db.execute(query, (self.spec.name, offset)) if row[1] in times]
        own = [row for row in rows if same_lineage(row[0], split)]
        splits = set(self._stream.clocks.splits) - {split}
        # a file may have been moved to where its old name tells nothing of its split
        strange = [row for row in rows if not any(same_lineage(row[0], other) for other in splits)]
        return next((row[2] for row in own or strange), None)

    def set_aside(self, split: str, offset: int, raw: bytes) -> Kept | None:
        """The line in the quarantine."""
        columns = "id, stream, split, source, position, kind, reason, raw, size, at_us"
        query = f"SELECT {columns} FROM quarantine WHERE stream = ? AND split = ? AND position = ? ORDER BY id DESC"
        for row in self._state.db.execute(query, (self.spec.name, split, offset)):
            item = Kept(*row)
            if raw[: len(item.raw)] == item.raw:
                return item
        return None

    def notices(self, source: str) -> list[str]:
        """What was noted about a file."""
        query = "SELECT kind, detail FROM notice WHERE stream = ? AND source = ? ORDER BY id DESC LIMIT 3"
        return [f"{kind}: {detail}" for kind, detail in self._state.db.execute(query, (self.spec.name, source))]

    def windows(self, at_us: int, key: dict[str, str]) -> list[WindowNow]:
        """The windows of a row, and what its key counts in each now."""
        slide, size = self.spec.slide_us, self.spec.size_us
        codes = [self._stream.keys[name].code(text) for name, text in key.items()]
        pane = at_us // slide
        closed = self._stream.windows.closed
        found = []
        for number in range(pane + 1, pane + size // slide + 1):
            is_closed = closed is not None and number <= closed
            look = self._closed if is_closed else self._open
            revision, values = look(number, codes) if None not in codes else (None, None)
            found.append(WindowNow(number * slide - size, number * slide, is_closed, revision, values))
        return found

    def _closed(self, number: int, codes: list[int | None]) -> tuple[int | None, dict[str, Any] | None]:
        end = number * self.spec.slide_us
        entries = results_log.history(self._state.db, self._archive, self.spec.name, end - self.spec.size_us, end)
        newest: tuple[int | None, dict[str, Any] | None] = (None, None)
        for entry in entries:
            values = None if entry.part is None else self._values(entry.part, codes)
            if values is not None:
                newest = (entry.revision, values)
        return newest

    def _open(self, number: int, codes: list[int | None]) -> tuple[int | None, dict[str, Any] | None]:
        windows = self._stream.windows
        parts = [
            chosen
            for back in range(1, windows.per_row + 1)
            for missed in range(back)
            for part in windows.panes.get((number - back, missed), ())
            if (chosen := _of_key(part, codes)) is not None
        ]
        return None, self._values(merge(self._stream.layout, parts), codes) if parts else None

    def _values(self, part: Part, codes: list[int | None]) -> dict[str, Any] | None:
        chosen = _of_key(part, codes)
        if chosen is None:
            return None
        return {name: column[0].item() for name, column in chosen.values(self._stream.layout).items()}

    def _archive(self, path: str) -> Iterable[tuple[Any, ...]]:
        return archived(self._state, path)


def _of_key(part: Part, codes: list[int | None]) -> Part | None:
    """The one group of a part that has these codes."""
    mask = np.ones(len(part), bool)
    for column, code in zip(part.codes, codes, strict=False):
        mask &= column == code
    places = np.flatnonzero(mask)
    return part.take(places) if len(places) else None
