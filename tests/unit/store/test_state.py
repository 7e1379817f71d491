"""The state file: one writer, all or nothing, damage is told and never read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from yeoul.errors import BusyError, StateError, StorageFullError
from yeoul.store import open_state, pack, read_state, unpack


def test_a_second_writer_is_refused_and_told_who_has_it(tmp_path: Path):
    state = open_state(tmp_path)
    script = f"from pathlib import Path; from yeoul.store import open_state; open_state(Path({str(tmp_path)!r}))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "BusyError" in other.stderr
    state.close()
    open_state(tmp_path).close()


def test_within_one_process_too(tmp_path: Path):
    state = open_state(tmp_path)
    with pytest.raises(BusyError, match="in use by another engine"):
        open_state(tmp_path)
    state.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path):
    state = open_state(tmp_path)

    def half() -> None:
        with state.transaction():
            state.set_meta("a", "1")
            raise KeyError

    with pytest.raises(KeyError):
        half()
    assert state.meta("a") is None
    state.close()


def test_a_reader_sees_what_was_committed_beside_the_writer(tmp_path: Path):
    state = open_state(tmp_path)
    with state.transaction():
        state.set_meta("a", "1")
    reader = read_state(tmp_path)
    assert reader.meta("a") == "1"
    reader.close()
    state.close()


def test_a_reader_where_nothing_is_kept_is_told_what_makes_it(tmp_path: Path):
    with pytest.raises(StateError, match="yeoul run"):
        read_state(tmp_path)


def test_a_full_disk_is_an_error_that_may_pass(tmp_path: Path):
    state = open_state(tmp_path)
    pages = state.db.execute("PRAGMA page_count").fetchone()[0]
    state.db.execute(f"PRAGMA max_page_count = {pages + 2}")

    def much() -> None:
        with state.transaction():
            state.set_meta("a", "x" * 100_000)

    with pytest.raises(StorageFullError, match="free some space"):
        much()
    state.db.execute(f"PRAGMA max_page_count = {pages + 1000}")
    much()
    state.close()


def test_a_state_of_a_newer_release_is_refused(tmp_path: Path):
    state = open_state(tmp_path)
    state.db.execute("PRAGMA user_version = 99")
    state.close()
    with pytest.raises(StateError, match="newer Yeoul"):
        open_state(tmp_path)


@pytest.mark.parametrize(
    "value", [None, 1, 1.5, "text", b"bytes", [1, [2]], {"a": {"b": 1}}, {"huge": 2**62}, {"nothing": None}]
)
def test_what_is_packed_comes_back(value: object):
    assert unpack(pack(value)) == value


@pytest.mark.parametrize("dtype", ["<i4", "<i8", "<f4", "<f8", "|b1", "<u8"])
def test_arrays_come_back_with_type_and_shape(dtype: str):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    back = unpack(pack({"a": array}))["a"]
    assert back.dtype == array.dtype
    assert back.tolist() == array.tolist()


@pytest.mark.parametrize("place", [0, 3, 8, -1])
def test_one_flipped_bit_is_noticed(place: int):
    data = bytearray(pack({"a": np.arange(100)}))
    data[place] ^= 1
    with pytest.raises(StateError, match="damaged"):
        unpack(bytes(data))
