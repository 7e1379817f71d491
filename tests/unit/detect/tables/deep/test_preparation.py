"""Rows become windows, gaps are filled by the stated rules, and scales are undone exactly."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.detect.tables.deep.scale import Scale
from yeoul.detect.tables.deep.threshold import Threshold
from yeoul.detect.tables.deep.windows import carried, held_out_rows, interpolated, whole, windows
from yeoul.errors import ConfigError

NAN = np.nan


def test_every_window_ends_at_its_row():
    rows = np.arange(12, dtype=np.float32).reshape(6, 2)
    cut = windows(rows, 4)
    assert cut.shape == (3, 4, 2)
    assert np.array_equal(cut[:, -1], rows[3:])


def test_a_window_is_whole_only_if_all_its_rows_are_good():
    assert whole(np.array([1, 1, 1, 0, 1, 1, 1], bool), 3).tolist() == [True, False, False, False, True]


@pytest.mark.parametrize(
    ("column", "filled"),
    [
        ([1, NAN, NAN, 4], [1, 2, 3, 4]),
        ([NAN, 2, NAN], [2, 2, 2]),
        ([NAN, NAN], [0, 0]),
    ],
)
def test_training_fills_gaps_on_the_line_between_neighbours(column: list[float], filled: list[float]):
    assert interpolated(np.array(column)[:, None]).ravel().tolist() == filled


def test_scoring_fills_gaps_from_earlier_rows_only():
    values = np.array([[NAN, 1.0], [5.0, NAN], [NAN, NAN], [6.0, 2.0]])
    filled = carried(values, np.array([9.0, 9.0]))
    assert filled.tolist() == [[9, 1], [5, 1], [5, 1], [6, 2]]
    for rows in range(1, 4):
        assert np.array_equal(carried(values[:rows], np.array([9.0, 9.0])), filled[:rows])


@pytest.mark.parametrize(("rows", "share", "length"), [(8640, 0.2, 5), (200, 0.2, 5), (20, 0.2, 5), (1000, 0.5, 30)])
def test_about_the_asked_share_is_held_out_and_holds_whole_windows(rows: int, share: float, length: int):
    held = held_out_rows(rows, share, length)
    assert held.mean() == pytest.approx(share, abs=1 / length)
    if share * rows >= 2 * length:
        assert whole(held, length).any()
    assert whole(~held, length).any()


def test_a_scale_is_undone():
    values = np.random.default_rng(0).normal(size=(50, 3)) * [1e-6, 1.0, 1e6]
    for scale in (Scale.robust(values), Scale.span(values)):
        assert np.allclose(scale.back(scale.to(values)), values, rtol=1e-12)


def test_robust_scaling_is_not_moved_by_a_tenth_of_outliers():
    values = np.append(np.linspace(-1, 1, 900), np.full(100, 1e9))[:, None]
    assert Scale.robust(values).width[0] < 2


@pytest.mark.parametrize("column", [np.full(40, 3.0), np.zeros(40), np.append(np.zeros(39), 5.0), np.full(40, 1e12)])
def test_a_column_that_hardly_varies_has_a_width(column: np.ndarray):
    for scale in (Scale.robust(column[:, None]), Scale.span(column[:, None])):
        assert scale.width[0] > 0
        assert np.isfinite(scale.to(column[:, None])).all()


@pytest.mark.parametrize("text", ["quantile:0.99", "p:0.01"])
def test_a_threshold_of_a_share_lets_that_share_through(text: str):
    errors = np.random.default_rng(0).exponential(size=20_000)
    assert (errors > Threshold.read(text).value(errors)).mean() == pytest.approx(0.01, rel=0.2)


def test_a_tail_probability_may_lie_beyond_what_was_seen():
    errors = np.random.default_rng(0).exponential(size=1000)
    assert Threshold.read("p:1e-6").value(errors) > errors.max()


def test_a_fixed_threshold_is_an_error():
    assert Threshold.read(0.1).value(np.empty(0)) == 0.1


@pytest.mark.parametrize("got", ["", "x", "0", "-1", "nan", "quantile:2", "p:0", "share:0.1", "p:"])
def test_what_is_no_threshold_is_refused(got: str):
    with pytest.raises(ConfigError, match="quantile:"):
        Threshold.read(got)
