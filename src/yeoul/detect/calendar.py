"""Times that are known beforehand not to be usual: maintenance that is muted, holidays after which levels restart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

__all__ = ["ACTIONS", "EVERY", "Calendar", "CalendarEntry", "globs_meet"]

ACTIONS = ("mute", "rebaseline")
EVERY = ("year", "week", "day")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_PERIOD = {"week": timedelta(weeks=1), "day": timedelta(days=1)}
_DAY_US = 86_400_000_000
_HORIZON_DAYS = (2, 400, 366 * 8)
"""How far it is looked ahead for what comes again; a leap day does within eight years."""
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """One `[calendar.NAME]`: when, for which keys, and what then.

    >>> xmas = (datetime(2026, 12, 25), datetime(2026, 12, 26))
    >>> entry = CalendarEntry("xmas", (xmas,), timezone="Asia/Seoul", every="year", action="rebaseline")
    >>> start_us, end_us = entry.occurrences(1_800_000_000_000_000, 1_850_000_000_000_000)[0]
    >>> str(_EPOCH + start_us * _US), (end_us - start_us) // 3_600_000_000
    ('2027-12-24 15:00:00+00:00', 24)
    """

    name: str
    spans: tuple[tuple[datetime, datetime], ...]
    """[from, until) as clocks of `timezone` show it (without zone); the first ones when they come again."""
    timezone: str = "UTC"
    every: str = ""
    """`year`, `week`, `day`: comes again, from the first time on; empty: once."""
    keys: str = "*"
    """Glob on a key's text; the texts of several fields are joined by `/`."""
    action: str = "mute"
    """`mute`: recorded, told to nobody, nothing learnt. `rebaseline`: levels start anew at its begin and at its end."""

    def matches(self, texts: Iterable[str]) -> bool:
        """Whether a key of these texts is meant."""
        return self.keys == "*" or fnmatchcase("/".join(texts), self.keys)

    def occurrences(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """All times of it that overlap [start, end), UTC microseconds, in their order."""
        zone = ZoneInfo(self.timezone)
        found = [
            (_to_us(begin, zone), _to_us(end, zone))
            for span in self.spans
            for begin, end in self._again(span, _local(start_us, zone), _local(end_us, zone))
        ]
        return sorted((begin, end) for begin, end in found if begin < end_us and end > start_us)

    def _again(
        self, span: tuple[datetime, datetime], start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        """The times of one span that may overlap, by the clock; generous by one on each side."""
        begin, length = span[0], span[1] - span[0]
        if not self.every:
            yield span
        elif self.every == "year":
            for year in range(max(begin.year, start.year - 1), end.year + 2):
                try:
                    at = begin.replace(year=year)
                except ValueError:
                    continue  # 29 February
                yield at, at + length
        else:
            period = _PERIOD[self.every]
            first = max(0, (start - begin - length) // period - 1)
            for number in range(first, (end - begin) // period + 2):
                yield begin + number * period, begin + number * period + length

    def edge_after(self, at_us: int) -> int | None:
        """The first begin or end later than this; None when there is none."""
        zone = ZoneInfo(self.timezone)
        if not self.every:
            edges = [_to_us(edge, zone) for span in self.spans for edge in span]
            return min((edge for edge in edges if edge > at_us), default=None)
        for days in _HORIZON_DAYS:
            spans = self.occurrences(at_us, at_us + days * _DAY_US)
            edges = [edge for span in spans for edge in span if edge > at_us]
            if edges:
                return min(edges)
        # it has not begun yet: the first time is the next
        return min((_to_us(span[0], zone) for span in self.spans if _to_us(span[0], zone) > at_us), default=None)


class Calendar:
    """The entries of one watch, asked tick by tick; what is asked of the same stretch of time costs nothing.

    A window is meant as soon as any part of it lies within an entry's time.
    """

    def __init__(self, entries: Iterable[CalendarEntry], width_us: int) -> None:
        self.entries = tuple(entries)
        self._width_us = width_us
        self._held: tuple[int, int, tuple[CalendarEntry, ...]] = (0, 0, ())

    def at(self, start_us: int) -> tuple[CalendarEntry, ...]:
        """Entries that hold for the window that starts then."""
        if self.entries:
            self._look(start_us)
        return self._held[2]

    def until(self, start_us: int) -> int | None:
        """The first window start at which other entries hold; None: it stays so."""
        if not self.entries:
            return None
        self._look(start_us)
        return self._held[1] if self._held[1] < _NEVER else None

    def _look(self, start_us: int) -> None:
        if self._held[0] <= start_us < self._held[1]:
            return
        holding = tuple(each for each in self.entries if each.occurrences(start_us, start_us + self._width_us))
        edges = [_NEVER]
        for each in self.entries:
            # an entry begins to hold with the window that ends after its begin, and does so until its end
            for at_us, before in ((start_us + self._width_us - 1, self._width_us - 1), (start_us, 0)):
                edge = each.edge_after(at_us)
                edges += [] if edge is None else [edge - before]
        self._held = start_us, min(edge for edge in edges if edge > start_us), holding


def globs_meet(one: str, other: str) -> bool:
    """Whether a text can match both patterns; a class `[…]` is taken as any character.

    >>> globs_meet("CP00*", "CP*7"), globs_meet("CP0*", "CQ*"), globs_meet("A?", "AB*")
    (True, False, True)
    """
    left, right = _plain(one), _plain(other)
    reach = {(0, 0)}
    seen: set[tuple[int, int]] = set()
    while reach:
        i, j = reach.pop()
        if (i, j) in seen:
            continue
        seen.add((i, j))
        if i == len(left) and j == len(right):
            return True
        a, b = left[i : i + 1], right[j : j + 1]
        if a == "*":
            reach |= {(i + 1, j)} | ({(i, j + 1)} if b else set())
        if b == "*":
            reach |= {(i, j + 1)} | ({(i + 1, j)} if a else set())
        if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
            reach.add((i + 1, j + 1))
    return False


def _plain(glob: str) -> str:
    found, at = "", 0
    while at < len(glob):
        end = glob.find("]", at + 2) if glob[at] == "[" else -1
        found += "?" if end > 0 else glob[at]
        at = end + 1 if end > 0 else at + 1
    return found


def _to_us(local: datetime, zone: ZoneInfo) -> int:
    return (local.replace(tzinfo=zone) - _EPOCH) // _US


def _local(at_us: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + at_us * _US).astimezone(zone).replace(tzinfo=None)
