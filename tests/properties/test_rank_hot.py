"""The hot ranking is a function of the sum of all additions, compared with arithmetic in fractions."""

from __future__ import annotations

import dataclasses
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from yeoul.rank import OVERALL, HotConfig, Places

TICK_US = 10_000_000
CONFIG = HotConfig("hot", half_life_us=6 * TICK_US, top=3, past=4, span_us=12 * TICK_US)

addition = st.tuples(st.integers(0, 30), st.integers(0, 2), st.integers(0, 6), st.integers(0, 10_000))


def _ranked(additions: list[tuple[int, int, int, int]]) -> Places:
    ranking = CONFIG.build()
    for tick, scope, key, count in additions:
        ranking.add(tick * TICK_US, np.array([scope]), np.array([key]), np.array([float(count)]))
    return ranking.places(30 * TICK_US)


@settings(max_examples=150, deadline=None)
@given(st.lists(addition, max_size=40), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_bits(additions: list[tuple[int, int, int, int]], random: Random):
    shuffled = list(additions)
    random.shuffle(shuffled)
    one, two = _ranked(additions), _ranked(shuffled)
    for member in dataclasses.fields(Places):
        np.testing.assert_array_equal(getattr(one, member.name), getattr(two, member.name))


@settings(max_examples=150, deadline=None)
@given(st.lists(addition, max_size=40))
def test_places_are_those_of_the_formula(additions: list[tuple[int, int, int, int]]):
    sums: dict[tuple[int, int], list[float]] = {}
    for tick, scope, key, count in sorted(additions):
        for pair in ((OVERALL, key), (scope, key)):
            both = sums.setdefault(pair, [0.0, 0.0])
            both[0] += count * 2 ** (-(30 - tick) / 6)
            both[1] += count if tick > 18 else 0
    got = _ranked(additions)
    for scope in (OVERALL, 0, 1, 2):
        rows = got.scope == scope
        want = sorted(
            (score for (of, _), (score, _) in sums.items() if of == scope and score >= CONFIG.floor), reverse=True
        )
        np.testing.assert_allclose(got.score[rows], want[: CONFIG.top], rtol=1e-9)
    for scope, key, score, count in zip(got.scope, got.key, got.score, got.count, strict=True):
        np.testing.assert_allclose([score, count], sums[int(scope), int(key)], rtol=1e-9)
