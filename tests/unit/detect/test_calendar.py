"""Times that come again are those that a clock on the wall shows, and windows are meant as soon as they touch them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from yeoul.detect.calendar import Calendar, CalendarEntry, globs_meet

HOUR_US = 3_600_000_000


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def entry(text: str, hours: float = 1.0, **more: str) -> CalendarEntry:
    begin = datetime.fromisoformat(text)
    return CalendarEntry("it", ((begin, begin + timedelta(hours=hours)),), **more)


def starts(it: CalendarEntry, first: int, last: int) -> list[int]:
    return [begin for begin, _ in it.occurrences(first, last)]


def test_once_is_once():
    it = entry("2026-03-02T03:00", timezone="Asia/Seoul")
    assert it.occurrences(0, 1 << 55) == [(us("2026-03-01T18:00"), us("2026-03-01T19:00"))]


def test_every_week_keeps_to_the_clock_when_summer_time_begins():
    it = entry("2026-03-22T03:00", timezone="Europe/Berlin", every="week")
    found = starts(it, us("2026-03-01"), us("2026-04-06"))
    assert found == [us("2026-03-22T02:00"), us("2026-03-29T01:00"), us("2026-04-05T01:00")]


@pytest.mark.parametrize(("every", "count"), [("day", 31), ("week", 5), ("year", 1), ("", 1)])
def test_it_comes_again_from_the_first_time_on(every: str, count: int):
    it = entry("2026-01-01T05:00", every=every)
    assert len(starts(it, us("2025-01-01"), us("2026-02-01"))) == count


def test_a_leap_day_comes_every_fourth_year():
    it = entry("2024-02-29", 24, every="year")
    assert starts(it, us("2025-01-01"), us("2030-01-01")) == [us("2028-02-29")]
    assert it.edge_after(us("2024-03-01")) == us("2028-02-29")


def test_a_night_that_ends_the_next_day_holds_on_both():
    it = entry("2026-03-02T22:00", 8, every="day")
    for hour in (22, 23, 24, 29):
        assert it.occurrences(us("2026-03-09") + hour * HOUR_US, us("2026-03-09") + hour * HOUR_US + 1)
    assert not it.occurrences(us("2026-03-09") + 30 * HOUR_US, us("2026-03-09") + 30 * HOUR_US + 1)


@pytest.mark.parametrize("every", ["", "day", "week", "year"])
def test_asked_window_by_window_or_edge_by_edge_it_says_the_same(every: str):
    width = 600_000_000
    it = entry("2026-03-02T03:05", every=every, timezone="Asia/Seoul")
    calendar, at = Calendar([it], width), us("2026-03-01")
    held, edge = bool(calendar.at(at)), calendar.until(at)
    for start in range(at, at + 30 * 24 * HOUR_US, width):
        touches = bool(it.occurrences(start, start + width))
        if edge is not None and start >= edge:
            held, edge = bool(Calendar([it], width).at(start)), Calendar([it], width).until(start)
        assert bool(calendar.at(start)) == held == touches


def test_keys_are_meant_by_a_pattern_over_all_their_fields():
    it = CalendarEntry("it", (), keys="CP00*/M?")
    assert it.matches(("CP0012", "M3"))
    assert not it.matches(("CP0012", "M33"))
    assert CalendarEntry("it", ()).matches(("anything",))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [("*", "x", True), ("a*", "*b", True), ("a*", "b*", False), ("a?c", "ab", False), ("[ab]1", "c1", True)],
)
def test_two_patterns_meet_when_some_text_fits_both(one: str, other: str, *, meet: bool):
    assert globs_meet(one, other) is meet
    assert globs_meet(other, one) is meet


def test_days_are_whole_days_of_the_zone():
    it = entry("2026-12-25", 24, timezone="America/New_York")
    assert it.occurrences(0, 1 << 55) == [(us("2026-12-25T05:00"), us("2026-12-26T05:00"))]
