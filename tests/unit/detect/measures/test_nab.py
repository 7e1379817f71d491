"""NAB's rule on series small enough to reckon by hand."""

import numpy as np
import pytest

from yeoul.detect.measures.nab import LOW_FN, LOW_FP, PROFILES, STANDARD, Labelled, NabProfile, nab_at, nab_best

SERIES = Labelled(100, ((40, 50), (70, 80)))


def alarms(*rows: int) -> list[np.ndarray]:
    score = np.zeros(100)
    score[list(rows)] = 1.0
    return [score]


def reached(*rows: int, profile: NabProfile = STANDARD) -> float:
    return nab_at([SERIES], alarms(*rows), 1.0, profile).score


def test_no_alarm_is_nothing_and_every_left_edge_is_everything():
    assert nab_best([SERIES], [np.zeros(100)]).score <= 0
    assert reached(40, 70) == pytest.approx(100)


def test_a_window_pays_once_by_its_earliest_alarm():
    assert reached(42, 45, 49) == reached(42) < reached(40)


def test_a_later_alarm_pays_less():
    paid = [reached(row) for row in range(40, 50)]
    assert paid == sorted(paid, reverse=True)
    assert paid[0] == pytest.approx(50)
    assert 25 < paid[-1] < 40  # what remains is that the window is not missed


@pytest.mark.parametrize(("profile", "cost"), [(STANDARD, 0.11), (LOW_FP, 0.22)])
def test_an_alarm_before_any_window_costs_in_full(profile: NabProfile, cost: float):
    spent = reached(40, 70, profile=profile) - reached(20, 40, 70, profile=profile)
    assert spent == pytest.approx(100 * cost / 4)


def test_alarms_in_probation_neither_pay_nor_cost():
    assert reached(0, 14, 40, 70) == reached(40, 70)


def test_just_after_a_window_an_alarm_costs_little():
    costs = [reached(40, 70) - reached(40, 70, row) for row in (50, 55, 65)]
    assert 0 < costs[0] < costs[1] < costs[2] < 100 * 0.11 / 4 + 1e-9


def test_a_missed_window_costs_twice_where_misses_weigh_more():
    assert nab_at([SERIES], alarms(40), 1.0, LOW_FN).score == pytest.approx(50)
    assert reached(40, 20, profile=LOW_FN) == pytest.approx(50 - 100 * 0.11 / 6)


def test_rows_of_one_score_are_alarms_together_and_the_best_threshold_is_found():
    score = np.zeros(100)
    score[[40, 70]], score[[20, 25]] = 0.5, 0.4
    best = nab_best([SERIES], [score])
    assert (best.score, best.threshold) == (pytest.approx(100), 0.5)
    score[20] = 0.5
    assert nab_best([SERIES], [score]).score == pytest.approx(100 - 100 * 0.11 / 4)


def test_the_threshold_is_one_for_all_series():
    high, low = np.zeros(100), np.zeros(100)
    high[[20, 40, 70]] = 9.0, 10.0, 10.0
    low[[40, 70]] = 1.0
    assert nab_best([SERIES, SERIES], [high, low]).score == pytest.approx(100 - 100 * 0.11 / 8)


@pytest.mark.parametrize("profile", PROFILES)
def test_an_order_is_all_that_counts(profile: NabProfile):
    score = np.random.default_rng(0).random(100)
    assert nab_best([SERIES], [score], profile).score == nab_best([SERIES], [np.log(score)], profile).score


def test_probation_is_a_part_of_the_rows_and_not_more_than_750():
    assert [Labelled(rows, ()).probation for rows in (100, 4032, 22_695)] == [15, 604, 750]


def test_in_a_series_without_windows_every_alarm_costs():
    assert nab_at([SERIES, Labelled(100, ())], [*alarms(40, 70), *alarms(20, 5)], 1.0).score == pytest.approx(97.25)
