"""Arguments of a scorer: those that it does not have, and values that it cannot take, are refused with a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from yeoul.detect.tables import ScoringConfig, Table, score_table
from yeoul.errors import ConfigError


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lenght": 3}, "did you mean `length`"),
        ({"length": 0}, "whole number from 1 on"),
        ({"length": -3}, "whole number from 1 on"),
        ({"length": "long"}, "whole number from 1 on"),
        ({"length": 1.5}, "whole number from 1 on"),
        ({"seed": 3}, "name it by --seed"),
    ],
)
def test_an_argument_that_means_nothing_is_refused(options: dict[str, Any], words: str):
    table = Table(np.random.default_rng(0).normal(size=(100, 2)), ("a", "b"), np.arange(100) * 60_000_000)
    with pytest.raises(ConfigError, match=words):
        score_table(table, ScoringConfig("windows", options=options))


def test_a_detector_without_arguments_says_so():
    table = Table(np.zeros((100, 1)), ("a",), np.arange(100) * 60_000_000)
    with pytest.raises(ConfigError, match="legal: none"):
        score_table(table, ScoringConfig("novelty", options={"depth": 3}))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"fit": float("nan")}, "fit"),
        ({"fit": float("inf")}, "fit"),
        ({"alarms_per_day": float("inf")}, "alarms_per_day"),
        ({"seed": -1}, "seed"),
    ],
)
def test_numbers_that_count_nothing_are_refused(setting: dict[str, Any], words: str):
    with pytest.raises(ConfigError, match=words):
        ScoringConfig(**setting)
