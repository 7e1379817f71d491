"""Every built-in ranking keeps what `Ranking` promises."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from yeoul.plugins import load
from yeoul.rank import OVERALL, RANKINGS, Places, Ranking
from yeoul.store import pack, unpack

TICK_US = 10_000_000
START_US = 1_772_449_800_000_000
WINDOWS = 40
Make = Callable[..., Ranking]


def _windows(seed: int, windows: int = WINDOWS) -> list[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    random = np.random.default_rng(seed)
    made = []
    for tick in range(1, windows + 1):
        n = int(random.integers(0, 60))
        pairs = np.unique(random.integers(0, 5 * 30, n))
        made.append(
            (START_US + tick * TICK_US, pairs // 30, pairs % 30, random.integers(1, 9, len(pairs)).astype(float))
        )
    return made


def _same(one: Places, two: Places) -> None:
    for member in dataclasses.fields(Places):
        np.testing.assert_array_equal(getattr(one, member.name), getattr(two, member.name), err_msg=member.name)


def _fed(ranking: Ranking, windows: list) -> Ranking:
    for window in windows:
        ranking.add(*window)
    return ranking


def test_there_are_built_in_rankings():
    assert len(RANKINGS) == 1


@pytest.fixture(params=RANKINGS)
def make(request: pytest.FixtureRequest) -> Make:
    return lambda snapshot=None: load(request.param)("of_the_test").build(snapshot)


def test_it_is_called_what_its_config_says(make: Make):
    assert make().name == "of_the_test"


def test_nothing_added_gives_no_places(make: Make):
    assert len(make().places(START_US)) == 0
    assert len(make().publish(START_US)) == 0


def test_an_empty_window_is_legal(make: Make):
    nothing = np.zeros(0, np.int64)
    ranking = make()
    ranking.add(START_US, nothing, nothing, np.zeros(0))
    assert len(ranking.places(START_US)) == 0


def test_places_are_one_to_n_in_each_scope_and_follow_the_score(make: Make):
    end_us = START_US + WINDOWS * TICK_US
    places = _fed(make(), _windows(1)).places(end_us)
    assert set(places.scope.tolist()) == {OVERALL, 0, 1, 2, 3, 4}
    for scope in set(places.scope.tolist()):
        rows = places.scope == scope
        np.testing.assert_array_equal(places.place[rows], np.arange(1, rows.sum() + 1))
        assert (np.diff(places.score[rows]) <= 0).all()
        assert len(set(places.key[rows].tolist())) == rows.sum()
    assert (places.trend >= -1).all()


def test_asking_for_some_scopes_gives_the_same_rows_for_them(make: Make):
    end_us = START_US + WINDOWS * TICK_US
    ranking = _fed(make(), _windows(2))
    every, some = ranking.places(end_us), ranking.places(end_us, scopes=np.array([OVERALL, 3]))
    rows = np.isin(every.scope, [OVERALL, 3])
    np.testing.assert_array_equal(every.key[rows], some.key)
    np.testing.assert_array_equal(every.score[rows], some.score)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_additions_and_how_they_are_cut_do_not_show(make: Make, seed: int):
    windows = _windows(seed)
    end_us = windows[-1][0]
    straight = _fed(make(), windows).places(end_us)
    random = np.random.default_rng(seed)
    pieces = []
    for at_us, scope, key, count in windows:
        first = np.floor(count * random.random(len(count)))
        pieces += [(at_us, scope, key, first), (at_us, scope[::-1], key[::-1], (count - first)[::-1])]
    shuffled = [pieces[index] for index in random.permutation(len(pieces))]
    _same(straight, _fed(make(), shuffled).places(end_us))


def test_a_revision_gives_what_the_right_count_would_have_given(make: Make):
    windows = _windows(3)
    at_us, scope, key, count = windows[5]
    wrong = [*windows[:5], (at_us, scope, key, count + 4), *windows[6:], (at_us, scope, key, np.full(len(key), -4.0))]
    end_us = windows[-1][0]
    _same(_fed(make(), windows).places(end_us), _fed(make(), wrong).places(end_us))


def test_it_goes_on_from_a_snapshot_as_if_nothing_had_been(make: Make):
    windows = _windows(4, 80)
    straight, broken = make(), make()
    for window in windows:
        straight.add(*window)
        broken.add(*window)
        if window[0] % (7 * TICK_US) == 0:
            straight.publish(window[0])
            broken.publish(window[0])
            broken = make(unpack(pack(broken.snapshot())))
    _same(straight.places(windows[-1][0]), broken.places(windows[-1][0]))


def test_a_snapshot_is_not_changed_by_what_comes_later(make: Make):
    windows = _windows(5)
    ranking = _fed(make(), windows[:20])
    kept = ranking.snapshot()
    before = pack(kept)
    _fed(ranking, windows[20:])
    ranking.publish(windows[-1][0])
    assert pack(kept) == before


def test_movement_is_against_the_published_places_only(make: Make):
    one, keys = np.zeros(3, np.int64), np.array([1, 2, 3])
    ranking = make()
    ranking.add(START_US, one, keys, np.array([9.0, 5.0, 1.0]))
    assert set(ranking.publish(START_US).movement) == {"new"}
    ranking.add(START_US + TICK_US, np.zeros(4, np.int64), np.array([1, 2, 3, 4]), np.array([0.0, 0.0, 20.0, 1.0]))
    for _ in range(2):  # asking changes nothing
        now = ranking.places(START_US + TICK_US, scopes=np.array([0]))
        assert now.key.tolist() == [3, 1, 2, 4]
        assert now.movement == ["up 2", "down 1", "down 1", "new"]
    ranking.publish(START_US + TICK_US)
    assert set(ranking.places(START_US + TICK_US).movement) == {"same"}


def test_places_published_by_another_ranking_can_be_what_movement_is_against(make: Make):
    one, keys = np.zeros(2, np.int64), np.array([1, 2])
    waiting, present = make(), make()
    waiting.add(START_US, one, keys, np.array([1.0, 2.0]))
    present.add(START_US, one, keys, np.array([3.0, 2.0]))
    present.remember(waiting.publish(START_US))
    assert present.places(START_US, scopes=np.array([0])).movement == ["up 1", "down 1"]


def test_ties_go_by_name_where_names_are_given_and_by_id_otherwise(make: Make):
    ranking = make()
    keys = np.arange(30)
    ranking.add(START_US, np.zeros(30, np.int64), keys[::-1], np.ones(30))
    by_id = ranking.places(START_US, scopes=np.array([0]))
    assert by_id.key.tolist() == list(range(len(by_id)))
    by_name = ranking.places(
        START_US, scopes=np.array([0]), names=lambda some: [f"title {99 - one}" for one in some.tolist()]
    )
    assert by_name.key.tolist() == [29 - place for place in range(len(by_name))]
