"""Events found at a stated number of false alarms, and whether p keeps its promise."""

import numpy as np
import pytest

from yeoul.detect.measures import calibration, event_recall, label_runs
from yeoul.errors import InputError

LABELS = np.isin(np.arange(200) // 10, [5, 12])


def scores(**rows: float) -> np.ndarray:
    score = np.zeros(200)
    for name, value in rows.items():
        score[int(name[1:])] = value
    return score


def test_a_run_of_labels_is_one_event():
    assert label_runs(LABELS) == [(50, 60), (120, 130)]


def test_the_threshold_is_the_lowest_that_keeps_to_the_allowance():
    score = scores(r55=0.9, r20=0.8, r121=0.7, r80=0.6, r90=0.5)
    reached = [event_recall([LABELS], [score], allowed) for allowed in (0, 1, 2)]
    assert [(one.found, one.false_alarms) for one in reached] == [(1, 0), (2, 1), (2, 2)]
    assert reached[1].delays == (5, 1)
    assert reached[1].delay == 3


def test_an_equal_score_is_not_above_the_allowance():
    assert event_recall([LABELS], [scores(r55=0.9, r20=0.9)], 0).found == 0


def test_a_score_that_alarms_without_end_buys_nothing():
    assert event_recall([LABELS], [np.ones(200)], allowed=5, stretch=10).recall == 0


def test_alarms_of_one_stretch_are_one_false_alarm_and_an_echo_none():
    many = scores(r20=0.9, r21=0.9, r28=0.9, r55=0.8)
    assert event_recall([LABELS], [many], 1, stretch=10).found == 1
    assert event_recall([LABELS], [many], 1).found == 0
    assert event_recall([LABELS], [scores(r55=0.8, r62=0.9)], 0, stretch=10).found == 1


def test_one_threshold_holds_for_all_series():
    reached = event_recall([LABELS, LABELS], [scores(r55=0.5), scores(r20=0.9, r55=0.95, r121=0.92)], 0)
    assert (reached.delays, reached.limit) == ((-1, -1, 5, 1), 0.9)


def test_rows_of_which_nothing_is_said_find_nothing():
    score = np.where(LABELS, np.nan, 0.0)
    assert event_recall([LABELS], [score], 0).recall == 0
    assert np.isnan(event_recall([np.zeros(5, bool)], [np.zeros(5)], 0).recall)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(InputError, match="allowance"):
        event_recall([LABELS], [scores()], -1)
    with pytest.raises(InputError, match="labels"):
        event_recall([LABELS], [np.zeros(3)], 1)


def test_the_ratio_is_realised_over_nominal_with_a_range_around_it():
    p = np.ones(10_000)
    p[::500] = 1e-3
    one = calibration([p], [1e-3])[0]
    assert (one.alarms, one.ratio) == (20, 2.0)
    assert (one.low, one.high) == (pytest.approx(1.222, abs=1e-3), pytest.approx(3.089, abs=1e-3))  # Garwood's table


def test_alarms_in_clusters_tell_less():
    single, cluster = np.ones(10_000), np.ones(10_000)
    single[::500], cluster[:20] = 1e-4, 1e-4
    apart, together = (calibration([p], [1e-3])[0] for p in (single, cluster))
    assert together.low < apart.low < apart.high < together.high


def test_no_alarm_at_all_bounds_the_ratio_from_above():
    one = calibration([np.ones(30_000), np.full(10, np.nan)], [1e-4])[0]
    assert (one.rows, one.ratio, one.low) == (30_000, 0.0, 0.0)
    assert one.high == pytest.approx(1.23, abs=0.01)


def test_the_calibration_of_nothing_is_refused():
    with pytest.raises(InputError, match="rows"):
        calibration([np.zeros(0)])
