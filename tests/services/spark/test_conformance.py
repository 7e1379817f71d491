"""One declaration, two engines: what the local engine and Spark say of the same rows is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import pytest

from yeoul.flows.spark_jobs import spark_plan
from yeoul.settings import load_workspace
from yeoul.streams.spark import JobOptions
from yeoul.streams.spark.job import StreamJob, run_jobs
from yeoul.testing.two_engines import FLOATS, WHOLE, replayed, two_engines, windows_of

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

Windows = dict[tuple[str, str, int], dict[str, Any]]


class Both(NamedTuple):
    """What the two engines say."""

    local: Windows
    local_ledger: dict[str, int]
    spark: Windows
    lines: list[bytes]
    spark_ledger: Counter[str]
    quarantine: list[str]


def run_on_spark(spark: Any, folder: Path, **options: Any) -> tuple[list[bytes], Counter[str]]:
    """The lines that Spark writes of a workspace, and its rows by class."""
    plan = spark_plan(load_workspace(folder).plan().streams[0])
    ledger: Counter[str] = Counter()
    given = {"topic": None, "folder": str(folder / "out"), "rows_per_batch": 400} | options
    job = StreamJob(spark, plan, JobOptions(str(folder / "checkpoint"), available_now=True, **given))
    run_jobs([job], Event(), lambda batch: ledger.update(batch.classes))
    files = sorted((folder / "out").glob("part-*"))
    return [line for file in files for line in file.read_bytes().splitlines()], ledger


def members(windows: Windows, names: tuple[str, ...]) -> dict[tuple[str, str, int], list[Any]]:
    return {key: [each[name] for name in names] for key, each in windows.items()}


@pytest.fixture(scope="module")
def source(filled: Callable[..., str]) -> str:
    return filled()


@pytest.fixture(scope="module")
def both(spark: Any, source: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = two_engines(tmp_path_factory.mktemp("both"), source)
    local, local_ledger = replayed(folder, folder / "local")
    lines, ledger = run_on_spark(spark, folder, quarantine=str(folder / "quarantine"))
    quarantine = [line for file in (folder / "quarantine").glob("part-*") for line in file.read_text().splitlines()]
    return Both(local, local_ledger, windows_of(lines), lines, ledger, quarantine)


def test_whole_numbers_are_equal(both: Both):
    assert len(both.local) > 100
    assert members(both.spark, WHOLE) == members(both.local, WHOLE)


def test_floats_are_equal_but_for_the_order_of_adding(both: Both):
    for key, local in both.local.items():
        assert [both.spark[key][name] for name in FLOATS] == pytest.approx([local[name] for name in FLOATS], rel=1e-9)


def test_different_values_are_within_the_stated_error(both: Both):
    for key, local in both.local.items():
        assert both.spark[key]["different"] == pytest.approx(local["different"], rel=0.05)


def test_a_window_is_published_once(both: Both):
    assert len(both.lines) == len(both.spark)
    assert {each["revision"] for each in both.spark.values()} == {0}


def test_rows_are_of_the_same_classes_and_late_ones_are_not_told_of(both: Both):
    same = ("read", "invalid", "future", "duplicate", "filtered")
    assert {name: both.spark_ledger[name] for name in same} == {name: both.local_ledger[name] for name in same}
    assert both.local_ledger["late"] == 15
    assert "late" not in both.spark_ledger
    assert both.spark_ledger["timely"] == sum(both.local_ledger[name] for name in ("counted", "late", "duplicate"))
