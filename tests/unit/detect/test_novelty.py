"""Amplitude novelty says each new thing once, whatever the unit."""

import numpy as np
import pytest

from yeoul.detect import Tick
from yeoul.detect.novelty import Novelty


def judge(values: np.ndarray) -> np.ndarray:
    detector, alive = Novelty(), np.ones(1, bool)
    return np.array([detector.judge(Tick(i, 1, np.array([value]), alive)).p[0] for i, value in enumerate(values)])


def noise(rows: int = 700) -> np.ndarray:
    return np.random.default_rng(2).normal(0.0, 1.0, rows)


def test_unit_and_offset_change_nothing():
    values = noise()
    values[500] = 12.0
    plain, scaled = judge(values), judge(-1e4 + 250.0 * values)
    assert plain[500] < 1e-6
    assert scaled[500] == pytest.approx(plain[500], rel=0.02)


def test_a_shift_is_told_when_it_comes_and_not_again():
    values = noise()
    values[500:] += 15.0
    p = judge(values)
    assert p[500] < 1e-6
    assert (p[501:] > 1e-4).all()


def test_a_second_spike_is_told_when_it_tops_the_first():
    values = noise()
    values[[500, 510, 520]] = 12.0, 12.0, 400.0
    p = judge(values)
    assert p[500] < 1e-6
    assert p[510] >= 0.02
    assert p[520] < 1e-4


@pytest.mark.parametrize("value", [0.0, 3000.0, -7.5])
def test_a_flat_key_is_not_odd(value: float):
    assert (judge(np.full(300, value)) == 1.0).all()


def test_nothing_is_said_before_there_are_64_values():
    values = noise(200)
    values[40] = 90.0
    assert (judge(values)[:64] == 1.0).all()


def test_keys_that_begin_together_wait_for_their_turn():
    detector, size = Novelty(), 5000
    values = np.random.default_rng(0).normal(size=(67, size))
    judged = [detector.judge(Tick(i, 1, row, np.ones(size, bool))) for i, row in enumerate(values)]
    assert [(one.confidence > 0).sum() for one in judged[63:66]] == [0, 4096, size]
