"""Detectors of the largest keys: whom they follow, and what bends their expectation."""

import numpy as np
import pytest

from yeoul.detect import Tick
from yeoul.detect.largest import LargestKeys
from yeoul.detect.polynomial import LocalPolynomial
from yeoul.detect.spectral import SpectralResidual


def feed(detector: LargestKeys, values: np.ndarray, first: int = 0) -> np.ndarray:
    """What is expected, by tick and key."""
    alive = np.ones(values.shape[1], bool)
    return np.array([detector.judge(Tick(first + i, 1, row, alive)).expected for i, row in enumerate(values)])


def levels(ticks: int, *size: float) -> np.ndarray:
    return np.array(size) * (1.0 + 0.05 * np.random.default_rng(0).normal(size=(ticks, len(size))))


@pytest.mark.parametrize("kind", [LocalPolynomial, SpectralResidual])
def test_only_so_many_keys_are_followed_and_the_largest_at_that(kind: type[LargestKeys]):
    detector = kind(most=2)
    expected = feed(detector, levels(200, 1.0, -90.0, 50.0, 3.0))
    assert (expected[-1] != 0).tolist() == [False, True, True, False]


def test_a_key_that_is_not_twice_as_large_takes_no_place():
    detector = LocalPolynomial(most=1)
    feed(detector, levels(100, 10.0))
    assert feed(detector, levels(300, 10.0, 15.0), first=100)[-1, 1] == 0
    assert feed(detector, levels(800, 10.0, 60.0), first=400)[-1, 1] != 0


def test_a_forgotten_key_makes_room():
    detector = LocalPolynomial(most=1)
    feed(detector, levels(100, 10.0, 5.0))
    detector.forget(np.array([0]))
    detector.judge(Tick(100, 1, np.array([0.0, 5.0]), np.array([False, True])))
    alive = np.array([False, True])
    judged = [detector.judge(Tick(101 + i, 1, np.array([0.0, 5.0]), alive)) for i in range(40)]
    assert judged[-1].expected[1] == pytest.approx(5.0)


def test_a_slope_goes_on():
    values = 3.0 * np.arange(120.0)[:, None]
    np.testing.assert_allclose(feed(LocalPolynomial(), values)[40:], values[40:])
    square = (np.arange(120.0)[:, None] / 10) ** 2
    np.testing.assert_allclose(feed(LocalPolynomial(degree=2), square)[40:], square[40:], atol=1e-3)


@pytest.mark.parametrize("kind", [LocalPolynomial, SpectralResidual])
def test_one_spike_hardly_bends_what_is_expected_and_a_shift_does(kind: type[LargestKeys]):
    values = levels(300, 100.0)
    plain = feed(kind(), values)
    spike = values.copy()
    spike[250] = 1e6
    assert abs(feed(kind(), spike)[251, 0] - plain[251, 0]) < 10.0
    values[200:] += 200.0
    assert feed(kind(), values)[-1, 0] == pytest.approx(300.0, rel=0.05)
