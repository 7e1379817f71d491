import numpy as np
import pytest

from yeoul.detect.rhythm import Rhythm

WIDTH_US = 60_000_000
HOUR = 60


def level_at(tick: int) -> float:
    return 100.0 * np.exp(0.8 * np.sin(2 * np.pi * tick / (24 * HOUR)))


def follow(rhythm: Rhythm, ticks: range, keys: int = 3) -> np.ndarray:
    factors = []
    for i in ticks:
        factors.append(rhythm.advance(i * WIDTH_US, WIDTH_US, keys, np.ones(keys)))
        rhythm.observe(np.full(keys, level_at(i)), np.ones(keys))
    return np.array(factors)


def test_nothing_is_expected_to_change_on_the_first_day():
    assert (follow(Rhythm(), range(20 * HOUR)) == 1.0).all()


def test_another_day_stands_in_for_an_hour_of_the_week_not_seen_yet():
    rhythm = Rhythm()
    factors = follow(rhythm, range(48 * HOUR))[30 * HOUR : 34 * HOUR, 0]
    assert factors.prod() == pytest.approx(level_at(34 * HOUR) / level_at(30 * HOUR), rel=0.05)


def test_a_new_key_gets_the_rhythm_of_the_others():
    rhythm = Rhythm()
    follow(rhythm, range(27 * HOUR))
    factors = follow(rhythm, range(27 * HOUR, 30 * HOUR), keys=5)
    np.testing.assert_allclose(factors[-1], factors[-1][0], rtol=2e-4)
    assert factors[-1][4] != 1.0


def test_a_gap_longer_than_an_hour_is_bridged_only_when_the_whole_week_is_known():
    rhythm = Rhythm()
    follow(rhythm, range(10 * HOUR))
    assert (rhythm.advance(15 * HOUR * WIDTH_US, WIDTH_US, 3, np.ones(3)) == 1.0).all()
    follow(rhythm, range(15 * HOUR + 1, 63 * HOUR))
    jump = rhythm.advance(69 * HOUR * WIDTH_US, WIDTH_US, 3, np.ones(3))
    assert jump[0] == pytest.approx(level_at(69 * HOUR) / level_at(63 * HOUR), rel=0.1)
