"""Logs in, files out: the windows are those that an independent batch count finds."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from yeoul.demo import ServiceConfig, write_sample
from yeoul.events import iso
from yeoul.flows.replay import replay
from yeoul.flows.results.export import RESULTS
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import demo_workspace

LINES = 20_000


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(workspace: Path, out: str) -> Path:
    replay(load_workspace(workspace).plan(), workspace / out)
    return workspace / out


@pytest.fixture(scope="module")
def disordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files of rows that are out of order by up to eight seconds and otherwise clean."""
    folder = demo_workspace(tmp_path_factory.mktemp("replay"))
    config = ServiceConfig(disorder_s=2.0, late=0, duplicates=0, malformed=0, future=0)
    for index in range(3):
        write_sample(folder / f"logs/host{index}.ndjson", LINES, seed=index, span_s=1200, config=config)
    return folder


@pytest.fixture(scope="module")
def results(disordered: Path) -> Path:
    return run(disordered, "out")


def oracle(folder: Path) -> list[tuple]:
    """The same windows by DuckDB, which knows nothing of streams; the logs are in Seoul time, nine hours ahead."""
    rows = duckdb.sql(f"""
        WITH event AS (
            SELECT _source->>'logdate' AS stamp, _source->'@fields'->'params' AS p
            FROM read_json('{folder}/logs/*.ndjson', columns = {{_source: 'JSON'}}, format = 'newline_delimited'))
        SELECT (floor(epoch(strptime(stamp, '%Y-%m-%d %H:%M:%S.%f')) / 10) * 10 - 9 * 3600)::BIGINT * 1000000,
               p->>'cpk', p->>'base_mck', count(*), sum((p->>'hit')::INT)::BIGINT
        FROM event GROUP BY ALL ORDER BY ALL""")
    return [(iso(start_us), *rest) for start_us, *rest in rows.fetchall()]


def test_the_windows_are_those_of_a_batch_count(disordered: Path, results: Path):
    names = ("window_start", "cpk", "base_mck", "plays", "hits")
    assert [tuple(row[name] for name in names) for row in read(results / "windows.ndjson")] == oracle(disordered)


def test_every_line_is_in_the_ledger_once(results: Path):
    book = json.loads((results / "ledger.json").read_text())["hits"]
    total = book["total"]
    assert total["read"] == total["counted"] == 3 * LINES
    assert [name for name in book if name != "total"] == [f"logs/host{index}.ndjson" for index in range(3)]
    for name, value in total.items():
        assert value == sum(book[f"logs/host{index}.ndjson"][name] for index in range(3))


def test_the_same_input_gives_the_same_bytes(disordered: Path, results: Path):
    again = run(disordered, "again")
    assert [(again / name).read_bytes() == (results / name).read_bytes() for name in RESULTS] == [True] * len(RESULTS)


def test_windows_are_sorted_by_start_keys_and_revision(results: Path):
    order = [
        (row["window_start"], row["cpk"], row["base_mck"], row["revision"]) for row in read(results / "windows.ndjson")
    ]
    assert order == sorted(order)


def test_rankings_are_hourly_and_at_the_end(results: Path):
    rows = read(results / "rankings.ndjson")
    overall = [row for row in rows if row["scope"] == {}]
    assert {row["place"] for row in overall} == set(range(1, 11))
    last = max(row["at"] for row in rows)
    assert last == max(row["window_end"] for row in read(results / "windows.ndjson"))
    assert {"cpk"} == set(next(row["scope"] for row in rows if row["scope"]))


def test_dirt_is_told_apart_and_nothing_is_lost(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    config = ServiceConfig(late=0.01, duplicates=0.02, malformed=0.01, future=0.01)
    write_sample(folder / "logs/a.ndjson", 10_000, span_s=900, config=config)
    out = run(folder, "out")
    total = json.loads((out / "ledger.json").read_text())["hits"]["total"]
    assert total["read"] == 10_000
    assert total["read"] == sum(
        total[kind] for kind in ("counted", "late", "future", "invalid", "duplicate", "filtered")
    )
    assert min(total["late"], total["future"], total["invalid"], total["duplicate"]) > 20
    assert len(read(out / "late.ndjson")) == total["late"]
    assert sum(row["plays"] for row in read(out / "windows.ndjson")) == total["counted"]


def test_planted_incidents_are_found_and_named(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    sample = write_sample(folder / "logs/a.ndjson", 200_000, seed=3, span_s=3600, customers=30, kinds=("burst", "drop"))
    rows = read(run(folder, "out") / "incidents.ndjson")
    told = {(label["kind"], label["cpk"][0]): (label["start"], label["end"]) for label in sample.labels}
    for (kind, customer), (start, end) in told.items():
        matching = [
            row
            for row in rows
            if {"cpk": customer} in row["keys"] and row["opened_at"] <= end and (row["closed_at"] or "Z") >= start
        ]
        assert matching, f"{kind} of {customer} from {start} was missed"
        above = matching[0]["observed"] > matching[0]["expected"]
        assert above == (kind == "burst")
        assert matching[0]["contributors"]
    assert len(rows) <= len(told) + 1


def test_replay_leaves_the_workspace_alone(results: Path, disordered: Path):
    assert not (disordered / ".yeoul").exists()
    assert sorted(path.name for path in results.iterdir()) == sorted(RESULTS)
