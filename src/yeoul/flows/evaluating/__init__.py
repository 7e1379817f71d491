"""Detectors scored on labelled data: series and their events read, every detector judging the same rows, measures."""

from yeoul.flows.evaluating.evaluate import EvaluationConfig, evaluate
from yeoul.flows.evaluating.measured import Measured, as_columns
from yeoul.flows.evaluating.series import LabelledRequest, Series, read_series

__all__ = ["EvaluationConfig", "LabelledRequest", "Measured", "Series", "as_columns", "evaluate", "read_series"]
