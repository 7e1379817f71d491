"""Slots for pairs behave as a dict of tuples does."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.rank.pairs import PairSlots


@pytest.mark.parametrize("spread", [3, 1000, 2**62])
def test_slots_are_those_of_a_dict(spread: int):
    random = np.random.default_rng(spread)
    slots, plain = PairSlots(), {}
    for _ in range(30):
        scope, key = random.integers(-1, spread, (2, 500))
        for pair in zip(scope.tolist(), key.tolist(), strict=True):
            plain.setdefault(pair, len(plain))
        got = slots.take(scope, key)
        names = list(zip(slots.scope[got].tolist(), slots.key[got].tolist(), strict=True))
        assert names == list(zip(scope.tolist(), key.tolist(), strict=True))
        assert len(slots) == len(plain)
    pairs = list(plain)
    found = slots.find(*np.array(pairs).T)
    assert sorted(found.tolist()) == list(range(len(plain)))
    assert (slots.find(np.full(9, -7), np.arange(9)) == -1).all()


def test_kept_renumbers_what_stays_in_order():
    slots = PairSlots.of(np.arange(5000), np.arange(5000) * 2)
    stays = np.arange(5000) % 3 == 0
    slots = slots.kept(stays)
    assert slots.scope.tolist() == list(range(0, 5000, 3))
    assert slots.find(np.array([3, 4]), np.array([6, 8])).tolist() == [1, -1]
    assert slots.take(np.array([4]), np.array([8])).tolist() == [len(slots) - 1]


def test_everything_may_be_dropped():
    slots = PairSlots()
    slots.take(np.arange(9), np.arange(9))
    slots = slots.kept(np.zeros(9, np.bool_))
    assert len(slots) == 0
    assert slots.find(np.array([1]), np.array([1])).tolist() == [-1]
    assert slots.take(np.array([1]), np.array([1])).tolist() == [0]
