"""The `[calendar.NAME]` blocks: times at which what is watched is known not to be as usual."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from yeoul.detect.calendar import CalendarEntry, globs_meet
from yeoul.settings.facts import texts_at
from yeoul.settings.models import CalendarKeys
from yeoul.settings.problems import Place, Problems

__all__ = ["entries_of", "read_calendar"]

_PERIODS = {"day": timedelta(days=1), "week": timedelta(weeks=1), "year": timedelta(days=365)}
_LOOKED_AT = 400
"""Times of an entry that comes again are compared with other entries for so many of them."""
_HORIZON_US = 9 * 366 * 86_400_000_000

Declared = tuple[CalendarEntry, tuple[str, ...]]
"""An entry and the detect blocks it holds in; none: all."""


def read_calendar(name: str, raw: Any, detects: list[str], problems: Problems) -> Declared | None:
    """A `[calendar.NAME]` block; None when it has mistakes."""
    place = ("calendar", name)
    keys = problems.validate(CalendarKeys, raw, place)
    for one in texts_at(raw, "watch") or ():
        problems.member((*place, "watch"), one, detects, "a detect block")
    if keys is None:
        return None
    spans = _spans(keys, place, problems)
    if problems.under(place):
        return None
    entry = CalendarEntry(name, spans, keys.timezone, keys.every or "", keys.keys, keys.action)
    return entry, tuple(keys.watch)


def _spans(keys: CalendarKeys, place: Place, problems: Problems) -> tuple[tuple[datetime, datetime], ...]:
    begin, end = _local(keys.from_, keys.timezone), _local(keys.until, keys.timezone)
    if keys.dates:
        for member, got in (("from", begin), ("until", end)):
            if got is not None:
                problems.add((*place, member), f"got `{got}` beside `dates`; legal: `from` and `until`, or `dates`")
        midnights = [datetime.combine(day, time()) for day in sorted(set(keys.dates))]
        return tuple((midnight, midnight + timedelta(days=1)) for midnight in midnights)
    if begin is None or end is None:
        lacking = "from" if begin is None else "until"
        problems.add(place, f"`{lacking}` is missing; legal: both `from` and `until`, or `dates`")
        return ()
    if end <= begin:
        problems.add((*place, "until"), f"got `{end}`, which is not after `from`, `{begin}`; legal: a later time")
    elif keys.every and end - begin > _PERIODS[keys.every]:
        text = f"got `{end}`, more than a {keys.every} after `from`; legal: less, for it comes again every {keys.every}"
        problems.add((*place, "until"), text)
    return ((begin, end),)


def _local(at: datetime | None, timezone: str) -> datetime | None:
    """What the zone's clock shows at a time that was written with another zone."""
    if at is None or at.tzinfo is None:
        return at
    return at.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def entries_of(detect: str, declared: list[Declared], problems: Problems) -> tuple[CalendarEntry, ...]:
    """The entries that hold in a detect block; two that want something of the same key at once are a mistake."""
    entries = [entry for entry, watch in declared if not watch or detect in watch]
    for one, other in combinations(entries, 2):
        if one.keys != other.keys and not globs_meet(one.keys, other.keys):
            continue
        at = _overlap(one, other)
        place = ("calendar", other.name)
        if at is not None and not problems.under(place):
            text = (
                f"holds at the same time as `calendar.{one.name}` ({at:%Y-%m-%d %H:%M} in {other.timezone}) for the "
                f"same keys of `detect.{detect}`; legal: times, `keys` or `watch` that differ"
            )
            problems.add(place, text)
    return tuple(entries)


def _overlap(one: CalendarEntry, other: CalendarEntry) -> datetime | None:
    """A moment at which both hold, by the other's clock."""
    start_us = max(_first(one), _first(other))
    for begin_us, end_us in one.occurrences(start_us, start_us + _HORIZON_US)[:_LOOKED_AT]:
        for other_us, _ in other.occurrences(begin_us, end_us):
            at = datetime.fromtimestamp(max(begin_us, other_us) / 1e6, ZoneInfo(other.timezone))
            return at.replace(tzinfo=None)
    return None


def _first(entry: CalendarEntry) -> int:
    zone = ZoneInfo(entry.timezone)
    return min(int(begin.replace(tzinfo=zone).timestamp()) for begin, _ in entry.spans) * 1_000_000
