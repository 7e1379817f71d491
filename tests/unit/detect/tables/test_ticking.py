"""The live detectors over one series: a row is a tick, judged by the rows before it."""

import numpy as np
import pytest

from yeoul.detect.tables import SCORERS, ScoringConfig, Table, score_table
from yeoul.detect.tables.contract import Scorer
from yeoul.errors import ConfigError
from yeoul.plugins import resolve

NAMES = ("kmeans", "novelty", "polynomial", "seasonal", "spectral", "univariate")
STEP_US = 300_000_000


def series(rows: int = 260) -> Table:
    values = np.random.default_rng(1).normal(200.0, 5.0, rows)
    values[240:] *= 3.0
    return Table(values[:, None], ("load",), np.arange(rows) * STEP_US)


def make(name: str) -> Scorer:
    return resolve("yeoul.scorers", SCORERS, name)(seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_later_rows_change_nothing_and_the_odd_one_is_found(name: str):
    table = series()
    whole, part = make(name).score(table, 0), make(name).score(table.part(0, 200), 0)
    assert whole.p is not None
    assert part.p is not None
    np.testing.assert_array_equal(whole.p[:200], part.p)
    assert whole.p[240:].min() < 1e-5
    assert np.median(whole.p[100:240]) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_later_rows_that_are_closer_to_each_other_change_nothing(name: str):
    table = series()
    faster = table.at_us[-1] + np.arange(1, 601) * (STEP_US // 60)
    values = np.concatenate([table.values, table.values[:200], table.values[:200], table.values[:200]])
    whole = Table(values, table.columns, np.concatenate([table.at_us, faster]))
    np.testing.assert_array_equal(make(name).score(whole, 0).p[:260], make(name).score(table, 0).p)


@pytest.mark.parametrize("name", NAMES)
def test_rows_from_start_on_are_the_end_of_all_rows(name: str):
    table = series()
    whole, end = make(name).score(table, 0), make(name).score(table, 150)
    np.testing.assert_array_equal(whole.raw[150:], end.raw)
    np.testing.assert_array_equal(whole.expected[150:], end.expected)


def test_of_a_missing_value_and_before_there_is_history_nothing_is_said():
    table = series()
    table.values[100] = np.nan
    scored = score_table(table, ScoringConfig())
    assert scored.p[100] == 1
    assert scored.confidence[[0, 63, 100]].tolist() == [0, 0, 0]
    assert np.isnan(scored.expected[[0, 100]]).all()


def test_the_default_for_one_column_is_novelty():
    table = series()
    np.testing.assert_array_equal(
        score_table(table, ScoringConfig()).p, score_table(table, ScoringConfig(detector="novelty")).p
    )


def test_several_columns_are_refused():
    table = Table(np.ones((50, 2)), ("a", "b"), np.arange(50))
    with pytest.raises(ConfigError, match="takes 1"):
        score_table(table, ScoringConfig(detector="novelty"))


def test_progress_is_told_in_rows():
    told: list[tuple[int, int]] = []
    score_table(series(), ScoringConfig(), lambda done, rows: told.append((done, rows)))
    assert told == [(0, 260), (256, 260), (260, 260)]


@pytest.mark.parametrize("name", ["novelty", "polynomial", "spectral"])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e30])
def test_any_real_number_is_taken(name: str, scale: float):
    values = scale * np.random.default_rng(1).normal(size=260)
    values[240], values[250] = 50.0 * scale, 1e300
    p = score_table(Table(values[:, None], ("load",), np.arange(260) * STEP_US), ScoringConfig(detector=name)).p
    assert ((p > 0) & (p <= 1)).all()
    assert p[240] < 1e-3
    assert (p < 1e-3).sum() < 5
