"""How far a value is from everything before, from the widest gaps alone."""

import numpy as np
import pytest

from yeoul.detect.gaps import gap_fields, gap_ratio
from yeoul.detect.slots import SlotArrays


def ratios(values: list[float] | np.ndarray, half: float = 0.0) -> np.ndarray:
    slots = SlotArrays(gap_fields("x"))
    slots.grow(1)
    told = []
    for value in np.asarray(values, np.float32):
        row = np.array([value])
        edges = (np.array([value - half], float), np.array([value + half], float))
        new = gap_ratio(slots.part(slice(0, 1)), "x", row, np.ones(1, bool), lambda at, e=edges: (e[0][at], e[1][at]))
        told.append(new[0])
    return np.array(told)


def by_all_values(values: np.ndarray) -> np.ndarray:
    told, largest = [0.0], np.zeros(3)
    for row in range(1, len(values)):
        gap = np.abs(values[:row] - values[row]).min()
        told.append(gap / (largest.mean() + 0.1))
        largest = np.sort(np.append(largest, gap))[1:]
    return np.array(told)


def test_the_first_value_and_one_seen_before_are_not_new():
    assert ratios([5.0, 5.0, 9.0, 5.0])[[0, 1, 3]].tolist() == [0, 0, 0]


def test_above_below_and_between_are_measured_to_the_nearest():
    told = ratios([0.0, 10.0, 4.0, -3.0])
    assert told[1] == pytest.approx(10 / 0.1)
    assert told[2] == pytest.approx(4 / (10 / 3 + 0.1))
    assert told[3] == pytest.approx(3 / (14 / 3 + 0.1))


def test_as_exact_as_all_values_where_a_gap_is_wide():
    values = np.random.default_rng(4).standard_t(3, 600).astype(np.float32).astype(float)
    exact, kept = by_all_values(values), ratios(values)
    wide = exact > 0.1
    assert wide.sum() > 5
    np.testing.assert_allclose(kept[wide], exact[wide], rtol=1e-4)
    assert (kept <= exact + 1e-6).all()


def test_a_value_is_known_to_its_resolution_only():
    assert ratios([0.0, 10.0, 11.0], half=0.5)[2] == pytest.approx(0.5 / (9.5 / 3 + 0.1))
    assert ratios([0.0, 10.0, 11.0], half=1.0)[2] == 0
