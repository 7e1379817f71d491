"""Volume under the surface agrees with its authors' package; measures of order refuse what has no order to measure."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from yeoul.detect.measures import auc_pr, auroc, vus_pr, vus_roc
from yeoul.errors import InputError

# seed, rows, anomalies, how far they stand out, window; VUS-PR and VUS-ROC by the package `vus` 0.0.6
REFERENCE = [
    (0, 800, 3, 1.0, 20, 0.2026, 0.8174),
    (1, 1500, 5, 0.5, 100, 0.2782, 0.8091),
    (2, 600, 1, 2.0, 50, 0.3764, 0.9530),
    (3, 1500, 8, 0.0, 20, 0.1314, 0.6114),
    (5, 900, 2, 3.0, 10, 0.8317, 0.9826),
]


@pytest.mark.parametrize(("seed", "rows", "runs", "height", "window", "pr", "roc"), REFERENCE)
def test_the_volume_is_that_of_the_package(
    seed: int, rows: int, runs: int, height: float, window: int, pr: float, roc: float
):
    rng = np.random.default_rng(seed)
    labels = np.zeros(rows, bool)
    for start in rng.integers(0, rows - 100, runs):
        labels[start : start + rng.integers(1, 60)] = True
    scores = rng.normal(size=rows) + labels * height
    assert vus_pr(labels, scores, window) == pytest.approx(pr, abs=1e-4)
    assert vus_roc(labels, scores, window) == pytest.approx(roc, abs=1e-4)


def test_a_score_that_says_nothing_has_the_value_of_chance():
    labels = np.random.default_rng(0).random(20_000) < 0.02
    scores = np.random.default_rng(1).random(20_000)
    assert auc_pr(labels, scores) == pytest.approx(0.02, abs=0.005)
    assert auroc(labels, scores) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("measure", [auc_pr, auroc, vus_pr, vus_roc])
@pytest.mark.parametrize("labels", [np.zeros(50, bool), np.ones(50, bool), np.zeros(7, bool)])
def test_labels_of_one_kind_or_another_length_are_refused(measure: Callable[..., float], labels: NDArray[np.bool_]):
    with pytest.raises(InputError, match="labels"):
        measure(labels, np.zeros(50))
