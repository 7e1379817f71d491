"""Times: whole columns mean what single values mean, in every format and zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yeoul.errors import ConfigError
from yeoul.events import iso, parse_iso
from yeoul.ingest.decode.layout import iso_layout, pattern_layout
from yeoul.ingest.decode.times import TimeColumn
from yeoul.ingest.decode.zones import Zone

_ZONES = ["UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Monrovia"]
_FIRST, _LAST = datetime(2, 1, 1), datetime(9998, 12, 30)  # noqa: DTZ001 - local times


def read(values: list[Any], *formats: str, zone: str = "UTC") -> list[str]:
    us, _, wrong = TimeColumn("`at`", formats, zone).times(values)
    return ["-" if row in wrong else iso(int(each)) for row, each in enumerate(us)]


@pytest.mark.parametrize(
    ("text", "time_format", "expected"),
    [
        ("2026-03-02 20:10:05.123", "%Y-%m-%d %H:%M:%S.%f", "2026-03-02T20:10:05.123Z"),
        ("2026-03-02 20:10:05.1", "%Y-%m-%d %H:%M:%S.%f", "2026-03-02T20:10:05.100Z"),
        ("02/Mar/2026:20:10:05 +0900", "%d/%b/%Y:%H:%M:%S %z", "2026-03-02T11:10:05Z"),
        ("20260302201005", "%Y%m%d%H%M%S", "2026-03-02T20:10:05Z"),
        ("2026-3-2 8:1:5", "%Y-%m-%d %H:%M:%S", "2026-03-02T08:01:05Z"),
        ("2026-061", "%Y-%j", "2026-03-02T00:00:00Z"),
        ("Mon Mar  2 20:10:05 2026", "%a %b %d %H:%M:%S %Y", "2026-03-02T20:10:05Z"),
        ("100% 2026-03-02", "100%% %Y-%m-%d", "2026-03-02T00:00:00Z"),
        ("2026-03-02T20:10:05Z", "iso", "2026-03-02T20:10:05Z"),
        ("2026-03-02T20:10:05.123456789-03:30", "iso", "2026-03-02T23:40:05.123456Z"),
        ("2026-03-02 20:10:05,123", "iso", "2026-03-02T20:10:05.123Z"),
        ("2026-03-02", "iso", "2026-03-02T00:00:00Z"),
        ("20260302T201005Z", "iso", "2026-03-02T20:10:05Z"),
        ("2024-02-29T00:00:00", "iso", "2024-02-29T00:00:00Z"),
        ("1969-12-31T23:59:59.999999", "iso", "1969-12-31T23:59:59.999999Z"),
        (1_772_449_805, "s", "2026-03-02T11:10:05Z"),
        (1_772_449_805.123, "s", "2026-03-02T11:10:05.123Z"),
        ("1772449805.123", "s", "2026-03-02T11:10:05.123Z"),
        ("1772449805123", "ms", "2026-03-02T11:10:05.123Z"),
        (1_772_449_805_123_456, "us", "2026-03-02T11:10:05.123456Z"),
        (-1, "s", "1969-12-31T23:59:59Z"),
        ("-1", "ms", "1969-12-31T23:59:59.999Z"),
        ("1.7724e9", "s", "2026-03-01T21:20:00Z"),
    ],
)
def test_a_time_is_read_the_same_alone_and_in_a_column(text: Any, time_format: str, expected: str):
    assert read([text], time_format) == [expected]
    assert read([text] * 20, time_format) == [expected] * 20
    assert read([text, None, "soon"] * 20, time_format) == [expected, "-", "-"] * 20


@pytest.mark.parametrize(
    ("value", "time_format"),
    [
        ("2026-02-29T00:00:00", "iso"),
        ("2100-02-29T00:00:00", "iso"),
        ("2026-13-01T00:00:00", "iso"),
        ("2026-00-01T00:00:00", "iso"),
        ("2026-01-00T00:00:00", "iso"),
        ("2026-04-31T00:00:00", "iso"),
        ("2026-01-01T24:00:01", "iso"),
        ("2026-01-01T00:60:00", "iso"),
        ("2026-01-01T00:00:60", "iso"),
        ("0000-01-01T00:00:00", "iso"),
        ("2026-01-01T00:00:00+25:00", "iso"),
        ("٢٠٢٦-01-01T00:00:00", "iso"),
        ("2026-01-01T00:00:00\n", "iso"),
        (1_772_449_805, "iso"),
        ("02/Mrz/2026:20:10:05 +0900", "%d/%b/%Y:%H:%M:%S %z"),
        ("2026-03-02 20:10:05.", "%Y-%m-%d %H:%M:%S.%f"),
        ("2026-03-02 20:10:05.1234567", "%Y-%m-%d %H:%M:%S.%f"),
        (10**30, "s"),
        ("1" * 25, "s"),
        ("9" * 19, "us"),
        ("nan", "s"),
        ("1_0", "s"),
        (" 10", "s"),
        ("", "s"),
        (True, "s"),
        ({}, "iso"),
        ([], "s"),
        (253_402_300_800, "s"),
        (1e300, "s"),
    ],
)
def test_what_is_no_time_is_none_alone_and_in_a_column(value: Any, time_format: str):
    assert read([value], time_format) == ["-"]
    assert read([value] * 20, time_format) == ["-"] * 20


def test_formats_are_tried_in_their_order():
    values = ["01/02/2026", "13/02/2026", "02/13/2026", "1772449805123", 1_772_449_805_123, "2026-02-01T00:00:00Z"] * 5
    expected = ["2026-02-01T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-13T00:00:00Z"]
    expected += ["2026-03-02T11:10:05.123Z"] * 2 + ["2026-02-01T00:00:00Z"]
    assert read(values, "%d/%m/%Y", "%m/%d/%Y", "ms", "iso") == expected * 5


def test_many_layouts_in_one_column_are_all_read():
    values = [f"2026-03-02T20:10:05.{'1' * digits}{zone}" for digits in range(1, 7) for zone in ("", "Z", "+00:00")] * 3
    expected = [iso(parse_iso(value)) for value in values]
    assert read(values, "iso") == expected


def test_texts_whose_lengths_only_sum_up_right_are_not_mixed_up():
    assert read(["2026030220100", "202603022010055", "20260302201005"] * 4, "%Y%m%d%H%M%S")[1::3] == ["-"] * 4


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.datetimes(_FIRST, _LAST), min_size=1, max_size=20),
    st.sampled_from(
        ["UTC", "Asia/Seoul", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Monrovia"]
    ),
)
def test_any_local_time_is_what_the_standard_library_says(moments: list[datetime], zone: str):
    us, other, wrong = TimeColumn("`at`", ("%Y-%m-%d %H:%M:%S.%f",), zone).times(
        [f"{each.year:04d}{each.strftime('-%m-%d %H:%M:%S.%f')}" for each in moments]
    )
    for row, moment in enumerate(moments):
        first, second = (_utc_us(moment.replace(tzinfo=ZoneInfo(zone), fold=fold)) for fold in (0, 1))
        if first > second:
            assert row in wrong
        else:
            assert (us[row], (us if other is None else other)[row]) == (first, second)


def _utc_us(moment: datetime) -> int:
    offset = moment.utcoffset()
    assert offset is not None
    return (moment.replace(tzinfo=UTC) - offset - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_around_a_change_of_clocks_every_minute_is_right():
    zone = ZoneInfo("Europe/Berlin")
    start = datetime(2026, 10, 25, 0, 0)  # noqa: DTZ001 - local times
    moments = [start + timedelta(minutes=minute) for minute in range(300)]
    us, other, wrong = TimeColumn("`at`", ("iso",), "Europe/Berlin").times(
        [each.isoformat() + ":00"[:0] for each in moments]
    )
    assert not wrong
    assert other is not None
    assert us.tolist() == [_utc_us(each.replace(tzinfo=zone)) for each in moments]
    assert ((other - us) == 3_600_000_000).sum() == 60


def test_a_time_with_an_offset_of_its_own_has_one_reading():
    us, other, _ = TimeColumn("`at`", ("iso",), "Europe/Berlin").times(
        ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00"] * 5
    )
    assert other is not None
    assert ((other - us)[:3]).tolist() == [0, 0, 3_600_000_000]
    assert (us[1] - us[0], us[2] - us[0]) == (3_600_000_000, 0)


def test_a_time_in_a_gap_is_said_not_to_exist():
    _, _, wrong = TimeColumn("`at`", ("iso",), "Europe/Berlin").times(["2026-03-29T02:30:00", "2026-03-29T03:30:00"])
    assert list(wrong) == [0]
    assert "does not exist in Europe/Berlin" in wrong[0]


def test_a_column_over_many_years_keeps_its_offsets():
    years = [f"{year}-07-01T00:00:00" for year in range(1950, 2050)]
    us, _, _ = TimeColumn("`at`", ("iso",), "Europe/Berlin").times(years)
    one = [int(TimeColumn("`at`", ("iso",), "Europe/Berlin").times([year])[0][0]) for year in years]
    assert us.tolist() == one


@pytest.mark.parametrize(
    ("formats", "zone", "said"),
    [
        ((), "UTC", "got no time format"),
        (("isoo",), "UTC", "got the time format `isoo`"),
        (("%Q",), "UTC", "got the time format `%Q`, which cannot be read"),
        (("iso",), "Asia/Soul", "got the timezone `Asia/Soul`"),
        (("iso",), "../etc/passwd", "got the timezone"),
        (("iso",), "", "got the timezone"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused(formats: tuple[str, ...], zone: str, said: str):
    with pytest.raises(ConfigError) as caught:
        TimeColumn("`at`", formats, zone)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%Y-%m-%d", "2026-3-2"),
        ("%y-%m-%d", "26-03-02"),
        ("%Y-%m", "2026-03"),
        ("%Y-%m-%d", "2026-03-02x"),
        ("é%Y%m%d", "é20260302"),
    ],
)
def test_patterns_of_no_fixed_width_have_no_layout(pattern: str, text: str):
    assert pattern_layout(pattern, text) is None


def test_a_layout_fits_only_texts_of_its_own_form():
    layout = iso_layout("2026-03-02T20:10:05Z")
    assert layout is not None
    _, fits = layout.parse(
        ["2026-03-02T20:10:05Z", "2026-03-02 20:10:05Z", "2026-03-02T20:10:05", "2026-03-02T2a:10:05Z"]
    )
    assert fits.tolist() == [True, False, False, False]


def test_no_times_at_all_are_no_trouble():
    us, other, wrong = TimeColumn("`at`", ("iso",), "Asia/Seoul").times([])
    assert (us.tolist(), other, wrong) == ([], None, {})
    assert Zone("Asia/Seoul").to_utc(np.zeros(0, np.int64))[0].tolist() == []
