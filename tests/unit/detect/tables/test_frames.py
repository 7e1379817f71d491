"""Frames as people have them: times with a zone, and columns that are none, told in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from yeoul.detect.tables import detect
from yeoul.errors import InputError

KINDS = [pd.DataFrame, pl.DataFrame, pa.table]


def test_times_with_a_zone_are_what_they_are_in_utc():
    at = pd.date_range("2024-01-01", periods=200, freq="5min", tz="Asia/Seoul")
    frame = pd.DataFrame({"at": at, "hits": np.random.default_rng(0).poisson(40, 200)})
    plain = frame.assign(at=at.tz_convert("UTC").tz_localize(None))
    texts = frame.assign(at=at.strftime("%Y-%m-%dT%H:%M:%S%z"))
    expected = detect(plain, time="at", values="hits")["p"]
    pd.testing.assert_series_equal(detect(frame, time="at", values="hits")["p"], expected)
    pd.testing.assert_series_equal(detect(texts, time="at", values="hits")["p"], expected)


@pytest.mark.parametrize("kind", KINDS)
def test_nanoseconds_since_1970_are_times(kind: Any):
    frame = kind({"at": 1_700_000_000_000_000_000 + 300_000_000_000 * np.arange(50), "hits": np.arange(50)})
    assert len(detect(frame, time="at", values="hits")) == 50


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_time_is_said(kind: Any):
    frame = kind({"at": ["soon"] * 50, "hits": list(range(50))})
    with pytest.raises(InputError, match="column `at` of String, which is no time"):
        detect(frame, time="at", values="hits")


@pytest.mark.parametrize("values", [[], ["hits", "hits"]])
def test_no_value_and_one_named_twice_are_refused(values: list[str]):
    with pytest.raises(InputError, match="one column at least, and each once"):
        detect(pl.DataFrame({"hits": [1, 2]}), values=values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("label", [np.datetime64("2024-01-01", "us"), "odd"])
def test_labels_that_are_neither_true_nor_numbers_are_refused(kind: Any, label: Any):
    frame = kind({"hits": np.arange(50), "fault": np.array([label] * 50)})
    with pytest.raises(InputError, match=r"got the labels `fault` of .*; legal: true and false, or numbers"):
        detect(frame, values="hits", label="fault")
