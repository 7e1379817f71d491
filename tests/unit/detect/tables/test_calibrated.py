"""p of few rows: what is promised is no more than the rows show, and what is far out is still rare."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.detect.tables import ScoringConfig, Table, score_table
from yeoul.detect.tables.calibrated import Calibration

FEW = (20, 28, 40, 100)


def noise(seed: int, rows: int) -> Table:
    values = np.random.default_rng(seed).normal(size=(rows, 2))
    return Table(values, ("a", "b"), np.arange(rows) * 300_000_000)


@pytest.mark.parametrize("fit", FEW)
@pytest.mark.parametrize("name", ["windows", "pca"])
def test_fitted_on_few_rows_of_noise_few_rows_are_odd(name: str, fit: int):
    p = np.concatenate([score_table(noise(seed, fit + 20), ScoringConfig(name, fit=fit)).p[fit:] for seed in range(12)])
    assert np.mean(p <= 0.05) < 0.1
    assert np.mean(p <= 0.01) < 0.02


@pytest.mark.parametrize("fit", FEW)
@pytest.mark.parametrize("name", ["windows", "pca"])
def test_a_row_far_out_is_the_oddest_of_few(name: str, fit: int):
    table = noise(1, fit + 20)
    table.values[fit + 10] += 40.0
    p = score_table(table, ScoringConfig(name, fit=fit)).p
    assert int(np.argmin(p[: fit + 11])) == fit + 10


def test_few_scores_are_counted_with_the_row_itself():
    p = Calibration(np.arange(1.0, 10.0)).p(np.array([5.5, 9.5, np.nan]))
    assert p[0] == pytest.approx(5 / 10)
    assert p[1] == pytest.approx((9 / 9.5) ** 3 / 11)
    assert p[2] == 1


def test_far_beyond_few_scores_p_falls_with_the_third_power():
    assert Calibration(np.arange(1.0, 10.0)).p(np.array([90.0]))[0] == pytest.approx(1e-4)


def test_later_scores_change_no_earlier_p_of_few():
    raw = np.random.default_rng(0).exponential(size=50)
    np.testing.assert_array_equal(Calibration(raw[:10]).p(raw)[:30], Calibration(raw[:10]).p(raw[:30]))


def test_a_score_that_many_rows_have_is_not_rare_beside_others_that_are_next_to_nothing():
    usual = np.where(np.random.default_rng(0).random(3000) < 0.1, 2.0, 1e-4)
    assert Calibration(usual[:500]).p(usual[500:]).min() > 0.02
