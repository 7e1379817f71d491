"""What every scorer of tables must do, whoever wrote it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yeoul.detect.tables import SCORERS, Scores, ScoringConfig, Table, score_table
from yeoul.errors import InputError
from yeoul.flows.servers.keeping import keep
from yeoul.plugins import load

ROWS, FIT, FAULT = 900, 450, slice(700, 712)
# networks as small as they can be: what is looked at is the contract, not the quality
QUICK: dict[str, dict[str, Any]] = {
    **{name: {"units": 4, "epochs": 1} for name in ("gru", "lstm", "rnn", "seq2seq")},
    "rrcf": {"trees": 4, "size": 32},
    "two-stage-lstm": {"units": (4, 3), "epochs": 1, "second_units": (3, 2), "second_epochs": 1},
}


def named() -> list[Any]:
    slow = [name for name, reference in SCORERS.items() if load(reference).traits.extra]
    return [pytest.param(name, marks=[pytest.mark.slow] if name in slow else []) for name in sorted(SCORERS)]


def table(name: str, *, missing: bool = False) -> Table:
    traits = load(SCORERS[name]).traits
    columns = 1 if traits.most_columns == 1 else 3
    rhythm = 40.0 + 15.0 * np.sin(np.arange(ROWS) * 2 * np.pi / 96)
    values = np.random.default_rng(7).poisson(np.outer(rhythm, np.arange(1, columns + 1))).astype(float)
    labels = np.zeros(ROWS, bool)
    labels[100:105] = True
    values[labels, 0] += 150
    values[FAULT, 0] += 150
    if missing:
        values[::97] = np.nan
        values[55::97, -1] = np.nan
    return Table(values, tuple(f"c{i}" for i in range(columns)), np.arange(ROWS) * 900_000_000, labels)


def scored(name: str, rows: Table, *, fit: int = FIT, seed: int = 0) -> tuple[Any, Scores]:
    scorer = load(SCORERS[name])(seed=seed, **QUICK.get(name, {}))
    if not scorer.traits.fitted:
        scorer.fit(rows.part(0, 0))
        return scorer, scorer.score(rows, 0)
    scorer.fit(rows.part(0, fit))
    return scorer, scorer.score(rows, fit)


@pytest.mark.parametrize("name", named())
def test_what_is_said_of_m_rows_has_the_shapes_and_ranges_of_the_contract(name: str, tmp_path: Path):
    rows = table(name, missing=True)
    scorer, scores = scored(name, rows)
    count, width = len(rows) - (FIT if scorer.traits.fitted else 0), rows.values.shape[1]
    assert scores.raw.shape == (count,)
    assert np.isfinite(scores.raw).mean() > 0.5
    if scores.p is not None:
        assert ((scores.p > 0) & (scores.p <= 1))[np.isfinite(scores.p)].all()
    for band in (scores.expected, scores.lower, scores.upper):
        assert band is None or band.shape == (count, width)
    if scores.expected is not None and scores.lower is not None and scores.upper is not None:
        told = np.isfinite(scores.expected) & np.isfinite(scores.lower) & np.isfinite(scores.upper)
        slack = 1e-6 * (1 + np.abs(scores.expected))
        assert (scores.lower <= scores.expected + slack)[told].all()
        assert (scores.expected <= scores.upper + slack)[told].all()
    if scores.contributions is not None:
        assert scores.contributions.shape == (count, width)
        assert (np.nan_to_num(scores.contributions) >= 0).all()
    if scores.confidence is not None:
        assert ((scores.confidence >= 0) & (scores.confidence <= 1)).all()
    # what it says of being kept as plain files is so
    with nullcontext() if scorer.traits.plain else pytest.raises(InputError, match="cannot be kept as plain files"):
        keep(scorer, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", named())
def test_later_rows_change_no_earlier_score_and_the_same_seed_gives_the_same(name: str):
    rows = table(name)
    _, whole = scored(name, rows)
    _, cut = scored(name, rows.part(0, 800))
    known = np.isfinite(cut.raw)
    np.testing.assert_allclose(whole.raw[: len(cut.raw)][known], cut.raw[known], rtol=1e-4, atol=1e-6)
    _, again = scored(name, rows)
    np.testing.assert_array_equal(whole.raw, again.raw)


@pytest.mark.parametrize("name", named())
def test_a_table_is_scored_and_what_was_fitted_on_says_nothing(name: str):
    result = score_table(table(name), ScoringConfig(name, fit=FIT, options=QUICK.get(name, {})))
    assert ((result.p > 0) & (result.p <= 1)).all()
    assert ((result.score >= 0) & (result.score <= 1)).all()
    if load(SCORERS[name]).traits.fitted:
        assert (result.p[:FIT] == 1).all()
        assert (result.confidence[:FIT] == 0).all()
    assert result.confidence[FIT + 20 :].max() > 0.2


def test_the_suite_walks_all_of_them():
    assert len(named()) == len(SCORERS) >= 24
