"""Detectors scored on labelled data: series and their events read, every detector judging the same rows, measures."""

from yeoul.flows.evaluating.evaluate import EvaluationConfig, evaluate, long_enough, widest
from yeoul.flows.evaluating.measured import Measured, as_columns
from yeoul.flows.evaluating.series import LabelledRequest, Series, read_series

__all__ = [
    "EvaluationConfig",
    "LabelledRequest",
    "Measured",
    "Series",
    "as_columns",
    "evaluate",
    "long_enough",
    "read_series",
    "widest",
]
