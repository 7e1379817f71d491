"""The published recipe is the default, and what cannot mean anything is told at once."""

from __future__ import annotations

import sys
from dataclasses import asdict

import pytest

from yeoul.detect.tables.deep.backend import load_keras
from yeoul.detect.tables.deep.forecaster import ForecastConfig
from yeoul.detect.tables.deep.recipe import TwoStageConfig
from yeoul.errors import ConfigError, MissingExtraError


def test_the_defaults_are_the_published_recipe():
    assert asdict(TwoStageConfig()) | {"hold_out": 0, "limit": 0} == {
        "window": 5,
        "units": (128, 64),
        "epochs": 20,
        "clean": 0.2,
        "second_units": (64, 32),
        "second_epochs": 10,
        "flag": 0.1,
        "batch": 128,
        "learning_rate": 1e-3,
        "patience": 2,
        "dropout": 0.0,
        "hold_out": 0,
        "limit": 0,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 1),
        ("units", (128,)),
        ("second_units", (0, 1)),
        ("epochs", 0),
        ("clean", "much"),
        ("flag", "p:2"),
        ("dropout", 1.0),
        ("hold_out", 0.0),
        ("learning_rate", 0.0),
        ("limit", -1.0),
    ],
)
def test_a_choice_that_means_nothing_is_refused_by_its_name(name: str, value: object):
    with pytest.raises(ConfigError, match=f"^{name}: "):
        TwoStageConfig(**{name: value})


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        ForecastConfig(window=0, units=0, dropout=2.0)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["window", "units", "dropout"]


def test_a_missing_library_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'yeoul\[deep\]'"):
        load_keras()
