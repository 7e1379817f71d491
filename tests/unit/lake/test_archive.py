"""Archived entries come back as they were, from files that other tools read, and no half file is ever there."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from yeoul.errors import StateError, StorageFullError
from yeoul.lake import ENTRY_COLUMNS, read_entries, write_entries
from yeoul.store import scratch_state
from yeoul.streams.log import COLUMNS


def _rows(n: int, size: int = 300) -> list[tuple]:
    bits = random.Random(n)
    return [
        (
            seq,
            "hits",
            "empty" if seq % 7 == 0 else "window",
            seq * 10_000_000,
            (seq + 1) * 10_000_000,
            seq % 3,
            seq % 2,
            '{"expected": 2, "missing": ["ü.log"]}',
            seq * 11,
            None if seq % 7 == 0 else bits.randbytes(size),
        )
        for seq in range(1, n + 1)
    ]


def test_the_columns_are_those_of_the_log(tmp_path: Path):
    assert ", ".join(ENTRY_COLUMNS) == COLUMNS
    state = scratch_state(tmp_path)
    assert [row[1] for row in state.db.execute("PRAGMA table_info(log)")] == list(ENTRY_COLUMNS)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 5000])
def test_entries_come_back_as_they_were_and_in_order(tmp_path: Path, n: int):
    write_entries(tmp_path / "one.parquet", _rows(n))
    assert list(read_entries(tmp_path / "one.parquet")) == _rows(n)


@pytest.mark.parametrize("name", ["plain", "it's", "a[1]", "st*r", "what?", "여울", "year=2026"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str):
    folder = tmp_path / name
    folder.mkdir()
    write_entries(folder / "one.parquet", _rows(9))
    assert list(read_entries(folder / "one.parquet")) == _rows(9)


def test_entries_without_any_block_come_back(tmp_path: Path):
    rows = [(*row[:9], None) for row in _rows(5)]
    write_entries(tmp_path / "one.parquet", rows)
    assert list(read_entries(tmp_path / "one.parquet")) == rows


def test_another_tool_reads_the_plain_columns(tmp_path: Path):
    write_entries(tmp_path / "one.parquet", _rows(100))
    found = duckdb.sql(f"SELECT count(*), sum(rows), max(end_us) FROM '{tmp_path}/one.parquet' WHERE kind = 'window'")
    rows = [row for row in _rows(100) if row[2] == "window"]
    assert found.fetchall() == [(len(rows), sum(row[8] for row in rows), max(row[4] for row in rows))]
    kinds = duckdb.sql(f"DESCRIBE SELECT * FROM '{tmp_path}/one.parquet'").fetchall()
    assert {row[0]: row[1] for row in kinds} == ENTRY_COLUMNS


def test_writing_again_replaces_the_file_and_leaves_nothing_beside(tmp_path: Path):
    write_entries(tmp_path / "one.parquet", _rows(5))
    write_entries(tmp_path / "one.parquet", _rows(7))
    assert [path.name for path in tmp_path.iterdir()] == ["one.parquet"]
    assert len(list(read_entries(tmp_path / "one.parquet"))) == 7


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"x" * 5000])
def test_a_file_that_is_none_is_told_as_damaged_state(tmp_path: Path, content: bytes | None):
    path = tmp_path / "one.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StateError, match=r"one\.parquet"):
        list(read_entries(path))


def test_a_cut_file_is_told_as_damaged_state(tmp_path: Path):
    path = tmp_path / "one.parquet"
    write_entries(path, _rows(100))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StateError):
        list(read_entries(path))


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_whole_file_or_the_one_before(tmp_path: Path):
    path = tmp_path / "one.parquet"
    write_entries(path, _rows(10))
    code = (
        "import sys; from pathlib import Path; from yeoul.lake import write_entries\n"
        "rows = [(i, 's', 'window', i, i + 1, 0, 1, '{}', 1, bytes([i % 251]) * 20000) for i in range(2000)]\n"
        "import duckdb; print('ready', flush=True)\n"
        f"while True: write_entries(Path({str(path)!r}), rows)\n"
    )
    for pause_s in (0.0, 0.02, 0.05, 0.1, 0.3):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(pause_s)
            os.kill(writer.pid, signal.SIGKILL)
        assert len(list(read_entries(path))) in {10, 2000}


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path):
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    code = (
        "import os; from pathlib import Path; from yeoul.lake import write_entries\n"
        "rows = [(i, 's', 'window', i, i + 1, 0, 1, '{}', 1, os.urandom(20000)) for i in range(100)]\n"
        f"write_entries(Path({str(tmp_path)!r}) / 'one.parquet', rows)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], preexec_fn=limit, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_space_is_a_transient_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_: int) -> None:
        with Path("/dev/full").open("wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError, match="full"):
        write_entries(tmp_path / "one.parquet", _rows(3))
    assert list(tmp_path.iterdir()) == []
