"""Four files on one grid: what is missing is found and filled by the rule, what comes twice is dropped or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yeoul.errors import InputError
from yeoul.flows.servers.grid import Grid, join
from yeoul.flows.servers.period import read_period
from yeoul.flows.servers.reading import FILES, CounterFile
from yeoul.flows.servers.stamps import read_stamps

DAY, WEEK = 288, 2016


def slot(text: str) -> int:
    return int(read_stamps([text])[0][0])


FIRST = slot("20180101_0000-0005")


def counters(name: str, slots: list[int], numbers: list[float] | None = None, servers: tuple[str, ...] = ("",)):
    values = np.array(slots if numbers is None else numbers, float)[:, None] * np.ones(4 * len(servers))
    lines = np.arange(2, 2 + len(slots))
    return CounterFile(Path(f"Media_{name}.csv"), servers, np.array(slots) + FIRST, values, lines)


def joined(info: list[int], numbers: list[float] | None = None, duplicates: str = "refuse") -> Grid:
    """A grid of one file that matters; the others have a row for each slot."""
    others = [counters(name, list(range(min(info), max(info) + 1))) for name in FILES[1:]]
    return join([counters("INFO", info, numbers), *others], duplicates)


def test_a_short_gap_repeats_the_last_value():
    grid = joined([0, 1, 5])
    assert grid.values[:, 0].tolist() == [0, 1, 1, 1, 1, 5]
    assert grid.seen.tolist() == [1, 1, 0.75, 0.75, 0.75, 1]
    assert [str(gap) for gap in grid.gaps] == ["20180101_0010-0015 to 20180101_0020-0025 (3 slots): INFO"]


@pytest.mark.parametrize(
    ("before", "filled_from"), [(WEEK + DAY, WEEK), (2 * DAY, DAY), (DAY // 2, None)], ids=["week", "day", "last"]
)
def test_a_longer_gap_takes_the_week_before_then_the_day_before_then_the_last_value(before: int, filled_from: int):
    grid = joined([*range(before), before + 10])
    wanted = [before - 1] * 10 if filled_from is None else list(range(before - filled_from, before - filled_from + 10))
    assert grid.values[before : before + 10, 0].tolist() == wanted


def test_a_gap_of_weeks_is_filled_by_weeks():
    grid = joined([*range(WEEK), 4 * WEEK])
    assert np.array_equal(grid.values[WEEK : 4 * WEEK, 0], np.tile(np.arange(WEEK), 3))


def test_what_is_before_the_first_value_is_that_value():
    others = [counters(name, [0, 1, 2]) for name in FILES[1:]]
    assert join([counters("INFO", [2]), *others]).values[:, 0].tolist() == [2, 2, 2]


def test_gaps_name_the_files_that_lack_them():
    files = [counters(name, [0, 3] if name in {"INFO", "MENU"} else [0, 1, 3]) for name in FILES]
    grid = join(files)
    assert [gap.files for gap in grid.gaps] == [("INFO", "MENU"), FILES]


def test_rows_that_are_not_in_order_are_sorted_and_told():
    grid = joined([0, 2, 1, 3])
    assert grid.values[:, 0].tolist() == [0, 1, 2, 3]
    assert grid.notes == ("`Media_INFO.csv` is not in order of time (1 place, the first on line 4): sorted",)


def test_rows_that_come_twice_alike_are_dropped_and_told():
    grid = joined([0, 1, 1, 2])
    assert grid.values[:, 0].tolist() == [0, 1, 2]
    assert "1 row repeated with the same numbers, the first on line 4: dropped" in grid.notes[0]


def test_rows_that_come_twice_and_differ_are_refused_unless_one_is_chosen():
    with pytest.raises(InputError, match=r"20180101_0005-0010 comes twice with different numbers, on lines 3 and 4"):
        joined([0, 1, 1, 2], [0, 1, 9, 2])
    assert joined([0, 1, 1, 2], [0, 1, 9, 2], "first").values[1, 0] == 1
    assert joined([0, 1, 1, 2], [0, 1, 9, 2], "last").values[1, 0] == 9


def test_a_counter_without_a_number_in_any_row_is_told():
    nothing = counters("INFO", [0, 1])
    nothing.values[:, 2] = np.nan
    grid = join([nothing, *(counters(name, [0, 1]) for name in FILES[1:])])
    assert grid.notes == ("2 empty cells in rows that are there", "no row has a number for `INFO.Fail`: filled with 0")
    assert grid.values[:, 2].tolist() == [0, 0]


def test_files_of_other_servers_are_refused():
    files = [counters(name, [0], servers=("1", "2")) for name in FILES[:3]]
    with pytest.raises(InputError, match=r"`Media_STREAM.csv` has other servers than `Media_INFO.csv`: it lacks `2_…`"):
        join([*files, counters("STREAM", [0], servers=("1",))])


def test_a_stamp_of_a_far_year_is_refused_before_it_fills_the_memory():
    with pytest.raises(InputError, match=r"line 4: the stamp 21180101_0000-0005 lies years away"):
        join([counters(name, [0, 1, slot("21180101_0000-0005") - FIRST]) for name in FILES])


@pytest.mark.parametrize(
    ("text", "slots", "first"),
    [
        ("2018", 105_120, "20180101_0000-0005"),
        ("2020", 105_408, "20200101_0000-0005"),
        (" 2018-03 ", 8_928, "20180301_0000-0005"),
        ("2018-03-05", 288, "20180305_0000-0005"),
        ("2018-01-01..2018-06-30", 52_128, "20180101_0000-0005"),
        ("2018-12..2019", 114_048, "20181201_0000-0005"),
        (None, 105_408, "20200101_0000-0005"),
    ],
)
def test_a_period_is_whole(text: str | None, slots: int, first: str):
    period = read_period(text, slot("20170601_0000-0005"), slot("20201130_2355-0000"))
    assert (len(period), period.start) == (slots, slot(first))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("18", "got the period `18`; legal: a year `2018`"),
        ("2018-13", "legal: a year"),
        ("2018-02-30", "legal: a year"),
        ("2018..2017", "ends before it begins"),
        ("a..b", "legal: a year"),
        ("2016", "of which the files have no row; they have 2017-06-01 to 2020-11-30"),
    ],
)
def test_a_period_that_is_none_is_told(text: str, said: str):
    with pytest.raises(InputError) as told:
        read_period(text, slot("20170601_0000-0005"), slot("20201130_2355-0000"))
    assert said in str(told.value)
