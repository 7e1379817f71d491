"""The count baseline: which ticks are odd."""

import numpy as np
import pytest

from yeoul.detect.contract import Tick
from yeoul.detect.seasonal import Seasonal

WIDTH_US = 10_000_000


def judged(values: list[float]) -> np.ndarray:
    """p of each tick of one key."""
    detector, alive = Seasonal(), np.ones(1, bool)
    ticks = (Tick(i * WIDTH_US, WIDTH_US, np.array([value]), alive) for i, value in enumerate(values))
    return np.array([float(detector.judge(tick).p[0]) for tick in ticks])


def test_a_change_too_small_for_one_tick_is_odd_over_a_minute():
    calm = np.random.default_rng(1).poisson(40, 400).astype(float).tolist()
    p = judged([*calm, *[56.0] * 12])
    assert p[401] > 1e-3
    assert p[-1] < 1e-5


@pytest.mark.parametrize("wild", [1e6, 1e12, 1e30])
def test_one_wild_tick_is_forgotten_within_a_dozen(wild: float):
    calm = np.random.default_rng(1).poisson(40, 440).astype(float).tolist()
    p = judged([*calm[:400], wild, *calm[400:]])
    assert p[400] < 1e-12
    assert p[413:].min() > 1e-3


def test_a_shift_that_lasts_is_learnt_at_its_own_level_whatever_came_just_before():
    rng = np.random.default_rng(1)
    calm, shift = rng.poisson(40, 420).astype(float).tolist(), rng.poisson(120, 300).astype(float).tolist()
    p = judged([*calm[:400], 1e12, *calm[400:], *shift])
    assert p[430] < 1e-6
    assert p[-100:].min() > 1e-4


def test_a_tick_on_the_other_side_is_no_part_of_a_minute_that_was_too_high():
    calm = np.random.default_rng(1).poisson(40, 400).astype(float).tolist()
    p = judged([*calm, *[60.0] * 12, 36.0, 60.0])
    assert p[-3] < 1e-5
    assert p[-2] > 0.01
    assert p[-1] < 1e-5
