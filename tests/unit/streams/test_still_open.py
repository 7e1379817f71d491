"""Open windows can be looked at: they are what they would be if they closed now, and stay open."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.streams.aggregates import parse_aggregate
from yeoul.streams.entries import Coverage
from yeoul.streams.parts import Layout
from yeoul.streams.windows import Windows

LAYOUT = Layout.of((parse_aggregate("n", "count()"),), frozenset())


def windows(size_us: int, slide_us: int) -> Windows:
    made = Windows(LAYOUT, size_us, slide_us)
    at_us = np.array([1, 5, 12, 12, 29], np.int64)
    none = np.zeros(5, np.int64)
    made.add(at_us, none, none, [np.zeros(5, np.int32)], {"#": np.ones(5, np.int64)}, {})
    return made


def counts(entries: list) -> list[tuple[int, int, int]]:
    return [(each.start_us, each.end_us, each.rows) for each in entries if each.part is not None]


@pytest.mark.parametrize(("size_us", "slide_us"), [(10, 10), (20, 10)])
def test_an_open_window_is_what_it_would_close_as(size_us: int, slide_us: int):
    looked_at = windows(size_us, slide_us)
    found = counts(looked_at.still_open())
    assert found == counts(looked_at.close(100, lambda _: Coverage()))
    assert len(found) >= 3
    assert looked_at.still_open() == []


def test_a_window_that_has_closed_is_not_open_any_more():
    made = windows(10, 10)
    made.close(1, lambda _: Coverage())
    assert [start for start, _, _ in counts(made.still_open())] == [10, 20]
