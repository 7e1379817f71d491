"""Forecasting scorers: an error in units of usual errors, made from earlier rows only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from yeoul.detect.tables import Table
from yeoul.detect.tables.deep.forecaster import Forecaster
from yeoul.detect.tables.deep.recurrent import Gru, Lstm, Rnn
from yeoul.detect.tables.deep.seq2seq import Seq2Seq
from yeoul.errors import InputError, StateError

pytestmark = pytest.mark.slow

FITTED, WINDOW = 700, 8


@pytest.fixture(scope="module", params=[Rnn, Lstm, Gru, Seq2Seq], ids=lambda kind: kind.name)
def fitted(request: pytest.FixtureRequest, series: Table) -> tuple[Forecaster, np.ndarray]:
    scorer = request.param(seed=2, window=WINDOW, units=12, epochs=10, batch=32, learning_rate=1e-2)
    return scorer, scorer.fit(series.part(0, FITTED))


def test_what_leaves_the_pattern_is_odd_by_its_column(fitted: tuple[Forecaster, np.ndarray], series: Table):
    scorer, held_out = fitted
    scores = scorer.score(series, FITTED)
    assert np.median(held_out) == pytest.approx(0.8, abs=0.4)
    assert scores.raw[800 - FITTED] > held_out.max()
    assert scores.contributions is not None
    assert scores.contributions[800 - FITTED].argmax() == 1


def test_the_range_holds_normal_values(fitted: tuple[Forecaster, np.ndarray], series: Table):
    scores, values = fitted[0].score(series, FITTED), series.values[FITTED:]
    assert (scores.lower <= scores.expected).all()
    assert (scores.expected <= scores.upper).all()
    inside = (values >= scores.lower)[:, :2] & (values <= scores.upper)[:, :2]
    assert inside[:100].mean() > 0.9


def test_a_score_looks_at_no_later_row(fitted: tuple[Forecaster, np.ndarray], series: Table):
    whole = fitted[0].score(series, 0).raw
    assert np.flatnonzero(np.isnan(whole)).tolist() == list(range(WINDOW))
    assert np.array_equal(fitted[0].score(series.part(0, 750), 730).raw, whole[730:750])


def test_a_missing_row_gives_no_score_and_later_ones_come_back(fitted: tuple[Forecaster, np.ndarray], series: Table):
    values = series.values.copy()
    values[720], values[740, 0] = np.nan, np.nan
    unknown = np.flatnonzero(np.isnan(fitted[0].score(replace(series, values=values), FITTED).raw)) + FITTED
    assert unknown[0] == 720
    assert unknown[-1] == 720 + WINDOW
    assert 740 not in unknown


def test_the_same_seed_gives_the_same_scores(fitted: tuple[Forecaster, np.ndarray], series: Table):
    assert np.array_equal(fitted[0].fit(series.part(0, FITTED)), fitted[1])


def test_what_cannot_be_scored_is_told(series: Table):
    with pytest.raises(StateError, match="not trained"):
        Lstm().score(series, 0)
    with pytest.raises(InputError, match="got `30` rows"):
        Lstm().fit(series.part(0, 30))
