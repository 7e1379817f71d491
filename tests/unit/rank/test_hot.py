"""The hot ranking: scores, counts, trends and what is forgotten."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.errors import ConfigError, InputError
from yeoul.rank import OVERALL, Hot, HotConfig

MIN_US = 60_000_000
HOUR_US = 60 * MIN_US
START_US = 1_772_449_200_000_000  # a whole hour


def _add(ranking: Hot, at_us: int, rows: dict[tuple[int, int], float]) -> None:
    pairs = np.array(list(rows), np.int64).reshape(-1, 2)
    ranking.add(at_us, pairs[:, 0], pairs[:, 1], np.array(list(rows.values()), float))


def _table(ranking: Hot, at_us: int, scope: int = OVERALL) -> dict[int, tuple[float, float, float]]:
    places = ranking.places(at_us, scopes=np.array([scope]))
    numbers = zip(places.score, places.count, places.trend, strict=True)
    return {int(key): tuple(map(float, row)) for key, row in zip(places.key, numbers, strict=True)}


@pytest.mark.parametrize(
    ("half_lives", "score"), [(0, 8.0), (1, 4.0), (3, 1.0), (0.5, 8 / 2**0.5), (7.25, 8 / 2**7.25)]
)
def test_a_count_is_worth_half_after_a_half_life(half_lives: float, score: float):
    ranking = HotConfig("hot", half_life_us=10 * MIN_US).build()
    _add(ranking, START_US + 7, {(0, 1): 8})
    assert _table(ranking, START_US + 7 + int(half_lives * 10 * MIN_US))[1][0] == pytest.approx(score, rel=1e-9)


def test_scores_equal_the_sum_of_the_formula_over_two_days():
    ranking = HotConfig("hot", half_life_us=10 * MIN_US, top=50).build()
    random = np.random.default_rng(0)
    ends = START_US + np.arange(1, 2881) * MIN_US
    counts = random.poisson(3, (len(ends), 20)).astype(float)
    for end_us, row in zip(ends.tolist(), counts, strict=True):
        ranking.add(end_us, np.zeros(20, np.int64), np.arange(20), row)
    weights = np.exp2(-(ends[-1] - ends) / (10 * MIN_US))
    got = _table(ranking, int(ends[-1]))
    np.testing.assert_allclose([got[key][0] for key in range(20)], weights @ counts, rtol=1e-9)


def test_over_all_is_the_sum_of_the_scopes():
    ranking = HotConfig("hot").build()
    _add(ranking, START_US, {(0, 7): 2, (1, 7): 3, (1, 8): 4})
    assert {key: row[0] for key, row in _table(ranking, START_US).items()} == {7: 5, 8: 4}
    assert {key: row[0] for key, row in _table(ranking, START_US, 1).items()} == {7: 3, 8: 4}


def test_without_scopes_there_is_only_the_ranking_over_all():
    ranking = HotConfig("hot", scoped=False).build()
    _add(ranking, START_US, {(3, 7): 2, (4, 7): 3})
    places = ranking.places(START_US)
    assert places.scope.tolist() == [OVERALL]
    assert places.score.tolist() == [5]


def test_only_the_first_n_of_a_scope_have_places():
    ranking = HotConfig("hot", top=3).build()
    _add(ranking, START_US, {(scope, key): 1 + key for scope in (0, 1) for key in range(9)})
    places = ranking.places(START_US)
    assert places.key.tolist() == [8, 7, 6] * 3


def test_the_count_at_a_whole_hour_is_that_of_the_hour_before():
    ranking = HotConfig("hot").build()
    for minute in range(1, 181):
        _add(ranking, START_US + minute * MIN_US, {(0, 1): minute})
    assert _table(ranking, START_US + 3 * HOUR_US)[1][1] == sum(range(121, 181))


def test_a_late_revision_reaches_the_count_only_within_its_span():
    ranking = HotConfig("hot").build()
    for minute in range(1, 121):
        _add(ranking, START_US + minute * MIN_US, {(0, 1): 1})
    _add(ranking, START_US + 30 * MIN_US, {(0, 1): 1000})
    _add(ranking, START_US + 90 * MIN_US, {(0, 1): 5})
    assert _table(ranking, START_US + 2 * HOUR_US)[1][1] == 65
    assert _table(ranking, START_US + 2 * HOUR_US + 35 * MIN_US)[1][1] == 25
    assert _table(ranking, START_US + 3 * HOUR_US)[1][1] == 0


@pytest.mark.parametrize("windows", [1, 5, 60, 600])
def test_a_steady_title_has_no_trend_however_short_the_history(windows: int):
    ranking = HotConfig("hot", window_us=10_000_000).build()
    for window in range(1, windows + 1):
        _add(ranking, START_US + window * 10_000_000, {(0, 1): 4})
    assert _table(ranking, START_US + windows * 10_000_000)[1][2] == pytest.approx(0, abs=1e-6)


def test_a_title_that_doubles_trends_up_and_one_that_stops_trends_down():
    ranking = HotConfig("hot", window_us=MIN_US).build()
    for minute in range(1, 601):
        _add(
            ranking,
            START_US + minute * MIN_US,
            {(0, 1): 10, (0, 2): 20 if minute > 580 else 10} | ({(0, 3): 10} if minute <= 580 else {}),
        )
    table = _table(ranking, START_US + 600 * MIN_US)
    assert table[1][2] == pytest.approx(0, abs=1e-6)
    assert 0.3 < table[2][2] < 1
    assert -0.8 < table[3][2] < -0.3


def test_a_title_with_two_plays_is_no_great_trend():
    ranking = HotConfig("hot", window_us=MIN_US).build()
    for minute in range(1, 601):
        _add(ranking, START_US + minute * MIN_US, {(0, 1): 10})
    _add(ranking, START_US + 600 * MIN_US, {(0, 2): 2, (0, 3): 200})
    table = _table(ranking, START_US + 600 * MIN_US)
    assert table[2][2] < 1.5
    assert table[3][2] > 4


def test_pairs_below_the_floor_are_forgotten_and_their_memory_given_back():
    ranking = HotConfig("hot", half_life_us=MIN_US, past=2, span_us=12 * MIN_US, floor=0.01).build()
    for minute in range(200):
        rows = {(0, 1): 1.0} | {(minute, 1000 * minute + key): 1.0 for key in range(100)}
        _add(ranking, START_US + minute * MIN_US, rows)
    assert len(ranking.snapshot()["key"]) < 2 * 100 * 40
    assert _table(ranking, START_US + 199 * MIN_US, 0)[1][0] == pytest.approx(2, rel=1e-3)


def test_a_quiet_week_forgets_all_and_keeps_working():
    ranking = HotConfig("hot").build()
    _add(ranking, START_US, {(0, 1): 1_000_000})
    week_us = START_US + 168 * HOUR_US
    assert len(ranking.places(week_us)) == 0
    _add(ranking, week_us, {(0, 2): 1})
    assert _table(ranking, week_us, 0) == {2: (1.0, 1.0, 0.0)} | {2: _table(ranking, week_us, 0)[2]}
    assert ranking.snapshot()["key"].tolist() == [2, 2]


def test_above_the_largest_number_of_pairs_the_lowest_scores_go():
    ranking = HotConfig("hot", max_pairs=1000, top=2000).build()
    _add(ranking, START_US, {(0, key): key + 1 for key in range(1200)})
    kept = ranking.places(START_US, scopes=np.array([0])).key
    assert len(ranking.snapshot()["key"]) == 750
    assert kept[0] == 1199
    assert kept.min() > 1199 - 750


def test_a_pair_named_twice_in_one_call_is_added_up():
    ranking = HotConfig("hot").build()
    ranking.add(START_US, np.array([0, 0, 0]), np.array([5, 6, 5]), np.array([1.0, 1.0, 2.0]))
    assert {key: row[0] for key, row in _table(ranking, START_US, 0).items()} == {5: 3, 6: 1}


def test_asking_for_the_past_is_refused():
    ranking = HotConfig("hot").build()
    _add(ranking, START_US, {(0, 1): 1})
    with pytest.raises(InputError, match=str(START_US)):
        ranking.places(START_US - 1)


def test_a_negative_scope_is_refused():
    with pytest.raises(InputError, match="`-1`"):
        _add(HotConfig("hot").build(), START_US, {(-1, 1): 1})


@pytest.mark.parametrize(
    "wrong",
    [{"half_life_us": 0}, {"top": 0}, {"window_us": 0}, {"past": 1}, {"span_us": 3}, {"floor": 0}, {"max_pairs": 9}],
)
def test_a_config_that_cannot_mean_anything_is_refused(wrong: dict[str, float]):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        HotConfig("hot", **wrong)
