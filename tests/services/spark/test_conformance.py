"""One declaration, two engines: what the local engine and Spark say of the same rows is the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from yeoul.errors import SourceError
from yeoul.flows.spark.jobs import spark_plan, with_files
from yeoul.settings import load_workspace
from yeoul.streams.spark.broker import require_topics
from yeoul.streams.spark.files import read_all
from yeoul.testing.two_engines import FLOATS, WHOLE, partition_rows, replayed, two_engines, windows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

Topics = Callable[..., str]
Messages = Callable[[str], list[Any]]
Run = Callable[..., tuple[list[bytes], Counter[str]]]
Windows = dict[tuple[str, str, int], dict[str, Any]]


class Both(NamedTuple):
    """What the two engines say."""

    local: Windows
    local_ledger: dict[str, int]
    spark: Windows
    lines: list[bytes]
    spark_ledger: Counter[str]
    quarantine: list[str]


def members(windows: Windows, names: tuple[str, ...]) -> dict[tuple[str, str, int], list[Any]]:
    return {key: [each[name] for name in names] for key, each in windows.items()}


@pytest.fixture(scope="module")
def source(filled: Callable[..., str]) -> str:
    return filled()


@pytest.fixture(scope="module")
def both(run_on_spark: Run, source: str, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = two_engines(tmp_path_factory.mktemp("both"), source)
    local, local_ledger = replayed(folder, folder / "local")
    lines, ledger = run_on_spark(folder, quarantine=str(folder / "quarantine"))
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


def test_totals_so_far_end_at_the_same_numbers(
    run_on_spark: Run,
    source: str,
    both: Both,
    tmp_path: Path,
    topic: Topics,
    messages: Messages,
    as_agreed: Callable[..., None],
):
    folder, out = two_engines(tmp_path, source), topic()
    run_on_spark(folder, mode="update", topic=out, folder=None)
    told = messages(out)
    assert len(told) > len(both.local)
    last = windows_of(message.value() for message in told)
    assert members(last, WHOLE) == members(both.local, WHOLE)
    as_agreed(told, "live", ("customer", "title"))


def test_sliding_windows_are_equal(run_on_spark: Run, source: str, tmp_path: Path):
    folder = two_engines(tmp_path, source, '{ size = "20s", slide = "5s" }')
    local, _ = replayed(folder, folder / "local")
    lines, _ = run_on_spark(folder)
    assert len(local) > 300
    assert members(windows_of(lines), WHOLE) == members(local, WHOLE)


def test_files_of_which_no_row_counts_have_a_ledger_all_the_same(spark: Any, tmp_path: Path):
    folder = plain_workspace(tmp_path)
    (folder / "logs/a.ndjson").write_bytes(b"no JSON\n" * 3)
    books = read_all(spark, [with_files(each) for each in load_workspace(folder).plan().streams], tmp_path)
    assert (books["hits"]["read"], books["hits"]["invalid"], books["hits"]["counted"]) == (3, 3, 0)


def test_fields_may_be_called_as_the_quarantine_calls_a_place(spark: Any, tmp_path: Path):
    keys = {"keys": '["source", "position"]', "fields": '{ source = "customer", position = "title", n = "n" }'}
    folder = plain_workspace(tmp_path, stream=keys | {"aggregates": '{ plays = "count()" }'})
    (folder / "logs/a.ndjson").write_bytes(plain_line(0))
    read_all(spark, [with_files(each) for each in load_workspace(folder).plan().streams], tmp_path)
    assert '"source":"c1","position":"m1","plays":1' in (tmp_path / "windows.ndjson").read_text()


def test_files_read_at_once_are_counted_as_by_replay(spark: Any, tmp_path: Path):
    folder = two_engines(tmp_path, '{ kind = "files", path = "logs/*.ndjson" }')
    (folder / "logs").mkdir()
    for number in range(3):
        rows = [row for row in partition_rows(number, 500) if b"T10:" not in row]  # none late: nothing is, for Spark
        (folder / f"logs/{number} [a].ndjson").write_bytes(b"\n".join(rows))
    local, ledger = replayed(folder, folder / "local")
    plan = with_files(load_workspace(folder).plan().streams[0])
    book = read_all(spark, [plan], folder)["hits"]
    ours = (folder / "windows.ndjson").read_bytes().splitlines()
    theirs = (folder / "local/windows.ndjson").read_bytes().splitlines()
    assert [list(json.loads(each)) for each in ours] == [list(json.loads(each)) for each in theirs]
    assert [whole(each) for each in ours] == [whole(each) for each in theirs]
    assert book == {name: None if name == "late" else ledger[name] for name in book}
    assert members(windows_of(ours), WHOLE) == members(local, WHOLE)


def test_topics_that_are_not_there_are_told_before_anything_starts(spark: Any, source: str, tmp_path: Path):
    plan = spark_plan(load_workspace(two_engines(tmp_path, source)).plan().streams[0])
    read = plan.source
    require_topics(spark, read, [read.topic])
    with pytest.raises(SourceError, match="got the topic `nowhere`, which is not at 127"):
        require_topics(spark, replace(read, topic="nowhere"), [])
    with pytest.raises(SourceError, match="got --out nowhere, a topic that is not at 127"):
        require_topics(spark, read, ["nowhere"])


def whole(line: bytes) -> list[Any]:
    """All but the floats of a window."""
    return [value for name, value in json.loads(line).items() if name not in FLOATS]
