"""What is hot: a ranking follows the results log, revisions included, and its places are kept hourly and for now."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.flows.contract import Counted
from yeoul.flows.ids import KeyIds
from yeoul.flows.plan import RankBlock
from yeoul.rank import OVERALL, Places
from yeoul.streams import Entry

__all__ = ["RankFlow"]

_HOUR_US = 3_600_000_000
_MINUTE_US = 60_000_000
_SCOPES_SHOWN = 2000
"""Scopes whose places of now are kept for the pages; the hourly ones are kept for all."""
_MEMBERS = ("scope", "place", "key", "score", "count", "trend", "movement")
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class RankFlow:
    """One `[rank.…]` block."""

    def __init__(self, block: RankBlock, stream: Counted) -> None:
        self.name = f"rank.{block.name}"
        self.stream = block.stream
        self.block = block
        self._layout = stream.layout
        self._fields = list(stream.spec.keys)
        self._share = stream.spec.slide_us / stream.spec.size_us
        self._keys = KeyIds(block.by, stream.keys)
        self._scopes = KeyIds(block.within, stream.keys)
        self._hot = block.hot.build()
        self._lateness_us = stream.spec.allowed_lateness_us
        self._hourly = block.hot.build() if self._lateness_us else self._hot
        """Holds an hour back until no revision can reach it any more; without allowed lateness that is at once."""
        self._waiting: list[tuple[int, Any, Any, Any]] = []
        """Additions of windows after the hour that is held back."""
        self._newest_us = 0
        self._hour_us = 0
        self._scopes_us = 0
        self._moved = False
        self._forget_due = False
        self._kept: list[tuple[int, Places]] = []

    def take(self, entry: Entry) -> None:
        if entry.kind not in {"window", "empty"}:
            return
        if entry.revision == 0:
            self._pass_hours(entry.end_us)
            self._newest_us = max(self._newest_us, entry.end_us)
            self._moved = True
        part = entry.change if entry.revision else entry.part
        if part is None:
            return
        counts = part.values(self._layout)[self.block.value].astype(np.float64) * self._share
        codes = dict(zip(self._fields, part.codes, strict=True))
        keys = self._keys.of([codes[name] for name in self.block.by])
        scopes = self._scopes.of([codes[name] for name in self.block.within])
        scopes = scopes if self.block.within else np.zeros_like(keys)
        self._hot.add(entry.end_us, scopes, keys, counts)
        if self._lateness_us:
            self._waiting.append((entry.end_us, scopes, keys, counts))
            self._let_in()

    def _let_in(self) -> None:
        """Add what belongs to the hour that is published next; the order of adding does not matter."""
        until = self._hour_us + _HOUR_US
        for addition in self._waiting:
            if addition[0] <= until:
                self._hourly.add(*addition)
        self._waiting = [addition for addition in self._waiting if addition[0] > until]

    def _pass_hours(self, end_us: int) -> None:
        """Publish at each full hour that no window, no revision either, can change any more."""
        if not self._hour_us:
            self._hour_us = (end_us - 1) // _HOUR_US * _HOUR_US
        while self._hour_us + _HOUR_US + self._lateness_us < end_us:
            self._publish_hour()

    def _publish_hour(self) -> None:
        self._hour_us += _HOUR_US
        self._publish(self._hour_us)
        self._let_in()
        self._forget_due = True

    def _forget(self) -> None:
        """Drop the names of what the ranking has forgotten; what waits still needs its own."""
        held = [self._hot.known, self._hourly.known, *((each[1], each[2]) for each in self._waiting)]
        self._scopes.forget_all_but(np.unique(np.concatenate([scopes for scopes, _ in held])))
        self._keys.forget_all_but(np.unique(np.concatenate([keys for _, keys in held])))

    def _publish(self, at_us: int) -> None:
        places = self._hourly.publish(at_us, names=self._keys.names)
        if self._hourly is not self._hot:
            self._hot.remember(places)
        self._kept.append((at_us, places))

    @property
    def newest_us(self) -> int:
        """End of the newest window that was added."""
        return self._newest_us

    def places(self) -> Places:
        """The places over all after the newest window."""
        return self._hot.places(self._newest_us, scopes=np.array([OVERALL]), names=self._keys.names)

    def finish(self) -> None:
        while self._newest_us and self._hour_us + _HOUR_US < self._newest_us:
            self._publish_hour()
        if self._newest_us:
            self._let_in()
            self._publish(self._newest_us)

    def save(self, db: sqlite3.Connection) -> None:
        for at_us, places in self._kept:
            self._write(db, at_us, places)
        self._kept = []
        if self._forget_due:
            self._forget_due = False
            self._forget()
        if not self._moved:
            return
        self._moved = False
        name = self.block.name
        db.execute("DELETE FROM ranking WHERE ranking = ? AND at_us = 0 AND scope = '{}'", (name,))
        self._write(db, 0, self.places())
        if self.block.within and self._newest_us - self._scopes_us >= _MINUTE_US:
            self._scopes_us = self._newest_us
            shown = np.arange(min(len(self._scopes), _SCOPES_SHOWN))
            db.execute("DELETE FROM ranking WHERE ranking = ? AND at_us = 0 AND scope <> '{}'", (name,))
            self._write(db, 0, self._hot.places(self._newest_us, scopes=shown, names=self._keys.names))

    def gathered(self) -> list[tuple[Any, ...]]:
        """What `save` would write of published places: rows of table `ranking`."""
        return [row for at_us, places in self._kept for row in self._table_rows(at_us, places)]

    def _table_rows(self, at_us: int, places: Places) -> list[tuple[Any, ...]]:
        scope, *others = self._columns(places)
        n = len(places)
        return list(zip([self.block.name] * n, scope, [at_us] * n, *others, strict=True))

    def _write(self, db: sqlite3.Connection, at_us: int, places: Places) -> None:
        # in the order of the table's own key, which the database takes fastest
        rows = sorted(self._table_rows(at_us, places))
        db.executemany("INSERT OR REPLACE INTO ranking VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def rows(self, places: Places) -> list[dict[str, Any]]:
        """Places as members; `scope` and `key` are canonical JSON."""
        return [dict(zip(_MEMBERS, row, strict=True)) for row in zip(*self._columns(places), strict=True)]

    def _columns(self, places: Places) -> list[list[Any]]:
        """The members of all rows, a list each; of an hour's million rows each text is made once for all alike."""
        return [
            _each(places.scope, lambda scope: "{}" if scope == OVERALL else _json(self._scopes.key(scope))),
            places.place.tolist(),
            _each(places.key, lambda key: _json(self._keys.key(key))),
            _each(places.score, _round),
            _each(places.count, _round),
            _each(places.trend, _round),
            places.movement,
        ]

    def discard(self) -> None:
        self._kept = []
        self._moved = True

    def snapshot(self) -> dict[str, Any]:
        return {
            "keys": self._keys.snapshot(),
            "scopes": self._scopes.snapshot(),
            "hot": self._hot.snapshot(),
            "hourly": self._hourly.snapshot() if self._lateness_us else None,
            "waiting": [list(addition) for addition in self._waiting],
            "newest_us": self._newest_us,
            "hour_us": self._hour_us,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._keys.restore(state["keys"])
        self._scopes.restore(state["scopes"])
        self._hot.restore(state["hot"])
        if self._lateness_us:
            self._hourly.restore(state["hourly"])
        self._waiting = [tuple(addition) for addition in state["waiting"]]
        self._newest_us = state["newest_us"]
        self._hour_us = state["hour_us"]


def _each(column: NDArray[Any], told: Callable[[Any], Any]) -> list[Any]:
    """What `told` says of each value, asked once for equal ones."""
    distinct, which = np.unique(column, return_inverse=True)
    said = np.empty(len(distinct), object)
    said[:] = [told(value) for value in distinct.tolist()]
    return list(said[which])


def _round(value: float) -> float:
    # sums of decayed floats agree to 1e-12 whatever the order of adding; what is kept agrees to the last digit
    return float(f"{value:.9g}")
