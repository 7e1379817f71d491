"""Scorers of several columns: what they know of rows, and what they leave alone."""

import numpy as np
import pytest

from yeoul.detect.tables import SCORERS, ScoringConfig, Table, score_table
from yeoul.detect.tables.contract import Scorer
from yeoul.detect.tables.daily import DailyProfile
from yeoul.detect.tables.surprise import Surprise
from yeoul.plugins import resolve

NAMES = ("ensemble", "pca", "windows")
STEP_US = 1_800_000_000


def make(name: str) -> Scorer:
    # fewer trees are built sooner
    return resolve("yeoul.scorers", SCORERS, name)(seed=0, **({"trees": 20} if name == "ensemble" else {}))


def table(rows: int = 300, width: int = 3) -> Table:
    rng = np.random.default_rng(3)
    load = 10.0 + 4.0 * np.sin(np.arange(rows) * np.pi / 24.0)
    values = load[:, None] * np.arange(1.0, width + 1.0) + 0.3 * rng.normal(size=(rows, width))
    return Table(values, tuple(f"c{i}" for i in range(width)), np.arange(rows, dtype=np.int64) * STEP_US)


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_row_is_found_and_its_column_named(name: str):
    rows = table()
    rows.values[270, 1] = 90.0
    scorer = make(name)
    scorer.fit(rows.part(0, 200))
    scores = scorer.score(rows, 200)
    assert scores.raw[70] > np.quantile(scores.raw, 0.85)
    assert scores.contributions is not None
    assert scores.contributions.shape == (100, 3)
    assert scores.contributions.min() >= 0
    assert scores.contributions[70].argmax() == 1


@pytest.mark.parametrize("name", NAMES)
def test_later_rows_change_nothing(name: str):
    rows, scorer = table(), make(name)
    scorer.fit(rows.part(0, 200))
    whole, part = scorer.score(rows, 200), scorer.score(rows.part(0, 250), 200)
    np.testing.assert_allclose(whole.raw[:50], part.raw, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_scores(name: str):
    rows, one, other = table(), make(name), make(name)
    np.testing.assert_array_equal(one.fit(rows.part(0, 200)), other.fit(rows.part(0, 200)))
    np.testing.assert_array_equal(one.score(rows, 200).raw, other.score(rows, 200).raw)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("rows", "width"), [(20, 1), (24, 3), (120, 1)])
def test_few_rows_and_one_column_are_scored(name: str, rows: int, width: int):
    short, scorer = table(rows, width), make(name)
    assert np.isfinite(scorer.fit(short.part(0, rows - 4))).all()
    scores = scorer.score(short, rows - 4)
    assert np.isfinite(scores.raw).all()
    assert scores.lower is not None
    assert scores.expected is not None
    assert scores.upper is not None
    assert (scores.lower <= scores.expected).all()
    assert (scores.expected <= scores.upper).all()


@pytest.mark.parametrize("name", NAMES)
def test_constant_and_missing_values_are_borne(name: str):
    rows, scorer = table(), make(name)
    rows.values[:, 0] = 7.0
    rows.values[:, 2] = np.nan
    rows.values[50:60, 1] = np.nan
    rows.values[240] = np.nan
    assert np.isfinite(scorer.fit(rows.part(0, 200))).any()
    scores = scorer.score(rows, 200)
    assert np.isnan(scores.raw).nonzero()[0].tolist() == [40]
    assert scores.contributions is not None
    assert np.isfinite(scores.contributions).all()


def test_an_alarm_of_windows_ends_with_the_last_odd_row():
    rows = table(1200)
    rows.values[800:806] += 60.0
    p = score_table(rows, ScoringConfig("windows", fit=700)).p
    assert p[800:806].max() < 1e-4
    assert p[806:840].min() > 1e-3


def test_windows_of_ordinary_rows_are_odd_as_long_as_they_last():
    rows = table(1200)
    # every row is one that was seen at its time of day; that they take turns was not
    rows.values[800:820] += np.where(np.arange(20) % 2, 0.7, -0.7)[:, None]
    p = score_table(rows, ScoringConfig("windows", fit=700)).p
    assert p[811:820].max() < 1e-4


def test_the_usual_of_a_day_is_that_of_the_days_before():
    rows = table(480, 1)
    moved = rows.values.copy()
    moved[240:] += 50.0
    profile = DailyProfile(4).fit(rows.values[:240], rows.at_us[:240])
    usual, then = (profile.expected(values, rows.at_us, 240) for values in (rows.values, moved))
    np.testing.assert_array_equal(usual[:48], then[:48])
    assert then[-1, 0] > usual[-1, 0] + 20.0


def test_a_score_that_is_missing_surprises_nobody():
    total, _ = Surprise((np.arange(100.0),)).of([np.array([np.nan, 50.0, 500.0])])
    assert total[0] == 0
    assert total[0] < total[1] < total[2]


@pytest.mark.parametrize("seed", range(3))
def test_a_flag_that_a_tenth_of_all_rows_have_is_never_odd(seed: int):
    flags = (np.random.default_rng(seed).random((2000, 1)) < 0.1) * 1.0
    rows = Table(flags, ("flag",), np.arange(2000) * STEP_US)
    assert score_table(rows, ScoringConfig("ensemble", options={"trees": 20})).p.min() > 0.01


def test_scores_that_differ_by_the_order_of_sums_alone_are_as_rare():
    normal = np.where(np.arange(100) < 90, 1.0, 2.0)
    surprise = Surprise((normal,))
    as_high, reckoned_otherwise = (surprise.of([np.array([score])])[0] for score in (2.0, np.nextafter(2.0, 3.0)))
    np.testing.assert_allclose(as_high, reckoned_otherwise)
