"""The detectors of PyOD as scorers: a far row is odd, a missing value is nothing, labels are asked for."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.detect.tables import ScoringConfig, Table, score_table
from yeoul.errors import ConfigError, InputError, StateError
from yeoul.plugins import load

pytestmark = pytest.mark.slow  # their libraries take seconds to load

NAMES = ("ocsvm", "lof", "cblof", "hbos", "knn", "avgknn", "iforest", "xgbod")


def table() -> Table:
    values = np.random.default_rng(0).normal(size=(800, 3))
    labels = np.zeros(800, bool)
    for row in (100, 150, 200, 700):
        values[row] += 8
        labels[row] = True
    values[300, 1] = np.nan
    return Table(values, ("a", "b", "c"), np.arange(800) * 300_000_000, labels)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_far_away_is_odd_and_a_missing_value_is_nothing(name: str):
    scored = score_table(table(), ScoringConfig(name, fit=0.3))
    assert scored.p[700] < 0.002
    assert scored.confidence[300] == 0
    usual = np.delete(np.arange(240, 800), [60, 460])
    assert np.median(scored.p[usual]) > 0.2
    again = score_table(table(), ScoringConfig(name, fit=0.3))
    np.testing.assert_array_equal(scored.p, again.p)


def test_what_is_missing_for_them_is_said():
    kind = load("yeoul.detect.tables.outliers:Knn")
    with pytest.raises(StateError, match="fit before score"):
        kind().score(table(), 0)
    with pytest.raises(InputError, match="legal: 1 row or more"):
        kind(window=0)
    with pytest.raises(InputError, match="see PyOD's `KNN`"):
        score_table(table(), ScoringConfig("knn", options={"neighbours": 3}))
    quiet = Table(table().values, ("a", "b", "c"), table().at_us, np.zeros(800, bool))
    with pytest.raises(InputError, match="needs both kinds"):
        score_table(quiet, ScoringConfig("xgbod"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("knn", {"n_neighbors": 0}),
        ("knn", {"n_neighbors": 3000}),
        ("knn", {"method": "middle"}),
        ("cblof", {"n_clusters": 1}),
        ("ocsvm", {"nu": 2}),
        ("lof", {"contamination": 7}),
    ],
)
def test_what_pyod_cannot_do_with_its_arguments_is_a_sentence(name: str, options: dict[str, object]):
    with pytest.raises((InputError, ConfigError), match=f"`{name}`.*(--set|see PyOD)"):
        score_table(table(), ScoringConfig(name, options=options))


@pytest.mark.parametrize("rows", [20, 24, 28])
@pytest.mark.parametrize("name", ["knn", "hbos", "iforest"])
def test_of_few_rows_some_are_held_out(name: str, rows: int):
    scorer = load(f"yeoul.detect.tables.outliers:{name.title()}")()
    assert len(scorer.fit(table().part(0, rows))) == rows - round(0.7 * rows)


@pytest.mark.parametrize("name", ["knn", "avgknn", "lof"])
def test_in_batch_mode_rows_that_taught_are_as_odd_as_those_held_out(name: str):
    late = []
    for seed in range(6):
        rows = Table(np.random.default_rng(seed).normal(size=(300, 3)), ("a", "b", "c"))
        p = score_table(rows, ScoringConfig(name)).p
        late.append((p[210:] <= 0.1).sum() / (p <= 0.1).sum())
    assert 0.2 < np.mean(late) < 0.4


def test_in_batch_mode_a_supervised_detector_judges_rows_that_taught():
    labelled = table()
    scored = score_table(labelled, ScoringConfig("xgbod", mode="batch"))
    assert (scored.p[[100, 150, 200]] < 0.02).all()


def test_rows_of_one_normal_law_are_parted_into_fewer_clusters_where_eight_are_all_alike():
    values = np.random.default_rng(35).normal(size=(400, 3))
    rows = Table(values, ("a", "b", "c"))
    assert score_table(rows, ScoringConfig("cblof")).p.min() < 0.01
    with pytest.raises(InputError, match="could not learn"):
        score_table(rows, ScoringConfig("cblof", options={"n_clusters": 8}))
