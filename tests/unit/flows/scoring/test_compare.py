"""Detectors compared: each in its own process, measured on the same rows; one that fails is a row with its reason."""

from __future__ import annotations

import math

import numpy as np
import pytest

from yeoul.detect.tables import Rows, ScoringConfig
from yeoul.errors import ConfigError, InputError
from yeoul.flows.scoring import compare, usual_set


def rows(*, times: bool = True, columns: int = 3) -> Rows:
    values = np.random.default_rng(4).normal(size=(600, columns)) + np.sin(np.arange(600) / 20)[:, None]
    labels = np.zeros(600, bool)
    labels[500:506] = True
    values[labels] += 9
    at_us = np.arange(600) * 300_000_000 if times else None
    return Rows(values, tuple(f"c{i}" for i in range(columns)), at_us, None, labels)


def test_the_usual_set_follows_the_shape_of_the_table():
    assert usual_set(rows())[0] == "windows"
    assert usual_set(rows(columns=1))[0] == "univariate"
    assert usual_set(rows(times=False))[0] == "ensemble"


def test_no_detector_and_one_named_twice_are_refused():
    for names in ((), ("pca", "pca")):
        with pytest.raises(ConfigError, match="name each once"):
            compare(rows(), names, ScoringConfig())


def test_a_name_that_is_none_and_a_table_without_rows_are_told_before_anything_runs():
    with pytest.raises(ConfigError, match="did you mean `novelty`"):
        compare(rows(), ("pca", "noveltly"), ScoringConfig())
    with pytest.raises(InputError, match="without rows"):
        compare(Rows(np.zeros((0, 1)), ("a",)), ("pca",), ScoringConfig())


@pytest.mark.slow
def test_each_is_measured_and_one_that_fails_says_why():
    told: list[tuple[str, int, int]] = []
    found = compare(rows(), ("windows", "pca", "spectral"), ScoringConfig(fit=0.5), lambda *step: told.append(step))
    assert [one.detector for one in found] == ["windows", "pca", "spectral"]
    assert "takes 1" in found[2].error
    for one in found[:2]:
        assert one.error == ""
        assert one.judged == 300
        assert one.alarms >= 1
        assert one.alarms_per_day == pytest.approx(one.alarms / (300 / 288))
        assert one.peak_mb > 20
        assert -1 <= one.agreement <= 1
        assert one.auroc > 0.9
        assert one.events_found == 1
        assert math.isfinite(one.vus_pr)
    assert found[0].agreement == pytest.approx(found[1].agreement)
    assert found[2].as_json()["auroc"] is None
    assert told[-1] == ("", 3, 3)


@pytest.mark.slow
def test_what_learns_from_labels_is_not_measured_on_those_that_it_learnt():
    values, chance = np.random.default_rng(0).normal(size=(400, 4)), np.random.default_rng(1).random(400) < 0.1
    (one,) = compare(Rows(values, tuple("abcd"), None, None, chance), ("xgbod",), ScoringConfig(mode="batch"))
    assert one.judged == 280
    assert one.auroc < 0.7
