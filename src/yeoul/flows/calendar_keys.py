"""The calendar of one watch, for its keys: who is muted in a window, and whose level begins anew with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.calendar import Calendar, CalendarEntry
from yeoul.flows.ids import KeyIds

__all__ = ["CalendarKeys"]

Ids = NDArray[np.int64]

_NOBODY = np.zeros(0, np.int64)


class CalendarKeys:
    """Deterministic by event time: what holds for a window depends on its start and on the entries alone."""

    def __init__(self, entries: tuple[CalendarEntry, ...], ids: KeyIds, width_us: int) -> None:
        self.calendar = Calendar(entries, width_us)
        self._ids = ids
        self._rebased: dict[str, str] = {}
        """Entries whose levels began anew when they began: name and keys."""
        self._known: dict[str, tuple[int, Ids]] = {}
        """Of an entry with a pattern: up to which number keys were compared, and those that match."""

    def muted(self, start_us: int) -> Ids | None:
        """Keys that are muted in the window that starts then; None: all."""
        holding = [each for each in self.calendar.at(start_us) if each.action == "mute"]
        if any(each.keys == "*" for each in holding):
            return None
        return np.unique(np.concatenate([_NOBODY, *(self._matching(each) for each in holding)]))

    def muted_by(self, start_us: int, texts: tuple[str, ...] | None) -> str:
        """The entry that mutes a key (None: all small ones together) in this window; empty: none."""
        for each in self.calendar.at(start_us):
            if each.action == "mute" and (each.keys == "*" if texts is None else each.matches(texts)):
                return each.name
        return ""

    def anew(self, start_us: int) -> list[Ids | None]:
        """Groups of keys whose level begins anew with this window, None: all; said once."""
        now = {each.name: each.keys for each in self.calendar.at(start_us) if each.action == "rebaseline"}
        if now == self._rebased:
            return []
        moved = {
            name: keys for name, keys in {**self._rebased, **now}.items() if (name in now) != (name in self._rebased)
        }
        self._rebased = now
        return [None if keys == "*" else self._all(CalendarEntry(name, (), keys=keys)) for name, keys in moved.items()]

    def run(self, start_us: int, end_us: int, slide_us: int) -> int:
        """The end of the run of windows from `start_us` on in which the same entries hold; at most `end_us`."""
        edge = self.calendar.until(start_us)
        if edge is None:
            return end_us
        return min(end_us, start_us + -(-(edge - start_us) // slide_us) * slide_us)

    def holding(self, start_us: int) -> list[dict[str, Any]]:
        """Entries that hold for this window, and until when."""
        found = []
        for each in self.calendar.at(start_us):
            spans = each.occurrences(start_us, start_us + 1) or each.occurrences(start_us, start_us + 86_400_000_000)
            until_us = spans[0][1] if spans else start_us
            found.append({"name": each.name, "action": each.action, "keys": each.keys, "until_us": until_us})
        return found

    def _matching(self, entry: CalendarEntry) -> Ids:
        """Matching keys; only those that came since the last call are compared."""
        until, matching = self._known.get(entry.name, (0, _NOBODY))
        if until < self._ids.next:
            fresh = [number for number, texts in self._ids.since(until) if entry.matches(texts)]
            matching = np.concatenate([matching, np.array(fresh, np.int64)])
            self._known[entry.name] = self._ids.next, matching
        return matching

    def _all(self, entry: CalendarEntry) -> Ids:
        return np.array([number for number, texts in self._ids.since(0) if entry.matches(texts)], np.int64)

    def forget(self) -> None:
        """Drop keys that have no number any more."""
        kept = np.fromiter((number for number, _ in self._ids.since(0)), np.int64, len(self._ids))
        self._known = {
            name: (until, matching[np.isin(matching, kept)]) for name, (until, matching) in self._known.items()
        }

    def snapshot(self) -> dict[str, str]:
        """Entries that began and have not ended."""
        return dict(self._rebased)

    def restore(self, state: dict[str, str]) -> None:
        """Go on where `snapshot` was taken, whatever the entries are by now."""
        self._rebased = dict(state)
        self._known = {}
