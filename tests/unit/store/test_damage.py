"""Flipped bits, cut files, lost logs are found when the state is opened; a good copy takes a bad state's place."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from yeoul.errors import DamagedError
from yeoul.store import State, check_at_rest, open_state
from yeoul.store.wal import read_wal


def write(state: State, first: int, count: int) -> None:
    for number in range(first, first + count):
        with state.transaction():
            state.set_meta("newest", str(number))
            state.set_meta(f"row {number % 97}", f"{number} " * 300)


def left_behind(state: State, folder: Path) -> Path:
    """The files as a `kill -9` leaves them."""
    target = folder / "killed"
    target.mkdir()
    for name in ("state.db", "state.db-wal", "state.sums", "state.copy"):
        if (state.folder / name).exists():
            shutil.copy(state.folder / name, target / name)
    return target


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def newest(folder: Path) -> int:
    """What the state says once it is open, where all of it fits together."""
    state = open_state(folder)
    try:
        assert state.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        number = int(state.meta("newest") or 0)
        assert state.meta(f"row {number % 97}") == f"{number} " * 300
        return number
    finally:
        state.close()


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state whose log was copied back once, and goes on; without a copy."""
    folder = tmp_path_factory.mktemp("once")
    state = open_state(folder / "state")
    write(state, 0, 400)
    assert state.copying is not None
    assert state.copying.copy_back()
    write(state, 400, 50)
    left_behind(state, folder)
    state.close()
    return folder / "killed"


@pytest.fixture
def killed(killed_once: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    return shutil.copytree(killed_once, tmp_path / "killed")


def test_a_killed_state_opens_where_it_was(killed: Path):
    assert read_wal(killed / "state.db-wal").frames > 50
    assert newest(killed) == 449


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_of_the_state_file_is_found(killed: Path, seed: int):
    path = killed / "state.db"
    flip(path, random.Random(seed).randrange(path.stat().st_size * 8))
    try:
        assert newest(killed) == 449  # the page has a newer image in the log
    except DamagedError as error:
        assert "not what was written" in str(error)  # noqa: PT017 - either is right, and one of them must be


def test_most_flipped_bits_are_told(killed: Path, tmp_path: Path):
    found = 0
    for seed in range(20):
        folder = shutil.copytree(killed, tmp_path / str(seed))
        flip(folder / "state.db", random.Random(seed).randrange((folder / "state.db").stat().st_size * 8))
        try:
            open_state(folder).close()
        except DamagedError:
            found += 1
    assert found > 5


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_of_the_log_is_an_older_state(killed: Path, seed: int):
    path = killed / "state.db-wal"
    flip(path, random.Random(seed).randrange(path.stat().st_size * 8))
    assert 399 <= newest(killed) <= 449


@pytest.mark.parametrize("seed", range(10))
def test_a_cut_log_is_an_older_state(killed: Path, seed: int):
    path = killed / "state.db-wal"
    with path.open("r+b") as file:
        file.truncate(random.Random(seed).randrange(path.stat().st_size))
    assert 399 <= newest(killed) <= 449


def test_a_lost_log_is_an_older_state(killed: Path):
    (killed / "state.db-wal").unlink()
    assert newest(killed) == 399


def test_a_log_of_which_a_part_was_copied_may_not_lose_its_end(tmp_path: Path):
    state = open_state(tmp_path / "state")
    write(state, 0, 300)
    assert state.copying is not None
    assert state.copying.copy_back()
    write(state, 300, 50)
    reader = sqlite3.connect(tmp_path / "state/state.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM meta").fetchone()
    write(state, 350, 50)
    assert not state.copying.copy_back()  # the reader holds it up half way
    write(state, 400, 10)
    folder = left_behind(state, tmp_path)
    reader.close()
    state.close()
    assert newest(shutil.copytree(folder, tmp_path / "whole")) == 409
    with (folder / "state.db-wal").open("r+b") as file:
        file.truncate((folder / "state.db-wal").stat().st_size // 8)
    with pytest.raises(DamagedError, match="already copied"):
        open_state(folder)


def test_a_log_that_was_copied_whole_may_lose_anything(tmp_path: Path):
    state = open_state(tmp_path / "state")
    write(state, 0, 300)
    assert state.copying is not None
    assert state.copying.copy_back()
    folder = left_behind(state, tmp_path)
    state.close()
    flip(folder / "state.db-wal", 200_000)
    assert newest(folder) == 299


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "sums", "garbled"])
def test_what_is_missing_or_cut_is_found(killed: Path, damage: str):
    path = killed / ("state.sums" if damage == "sums" else "state.db")
    (killed / "state.db-wal").unlink()
    match damage:
        case "gone":
            path.unlink()
        case "garbled":
            path.write_bytes(random.Random(1).randbytes(path.stat().st_size))
        case _:
            with path.open("r+b") as file:
                file.truncate(0 if damage == "empty" else path.stat().st_size // 2)
    with pytest.raises(DamagedError):
        open_state(killed)


def test_a_good_copy_takes_the_place_of_a_damaged_state(tmp_path: Path):
    state = open_state(tmp_path / "state")
    write(state, 0, 100)
    state.close()
    state = open_state(tmp_path / "state")
    write(state, 100, 100)
    folder = left_behind(state, tmp_path)
    state.close()
    (folder / "state.db-wal").unlink()
    with (folder / "state.db").open("r+b") as file:
        file.truncate(20_000)
    state = open_state(folder)
    assert state.meta("newest") == "99"
    assert state.restored is not None
    assert state.restored.damaged.stat().st_size == 20_000
    state.close()
    state = open_state(folder)
    assert state.restored is None
    state.close()


def test_a_damaged_copy_is_not_taken(tmp_path: Path):
    state = open_state(tmp_path)
    write(state, 0, 100)
    state.close()
    flip(tmp_path / "state.copy", 100_000)
    flip(tmp_path / "state.db", 100_000)
    with pytest.raises(DamagedError):
        open_state(tmp_path)
    assert (tmp_path / "state.db").exists()


def test_a_copy_is_made_while_transactions_go_on(tmp_path: Path):
    state = open_state(tmp_path / "state")
    write(state, 0, 200)
    assert state.copying is not None
    state.copying.keep_copy(now=True)
    write(state, 200, 100)
    folder = left_behind(state, tmp_path)
    state.close()
    for number in range(5):
        flip(folder / "state.db", 8 * 4096 * number + 999)
    (folder / "state.db-wal").unlink()
    if (folder / "state.copy").exists():
        assert newest(folder) == 199


def test_who_exports_a_damaged_state_is_told(tmp_path: Path):
    state = open_state(tmp_path)
    write(state, 0, 10)
    check_at_rest(tmp_path)
    state.close()
    check_at_rest(tmp_path)
    flip(tmp_path / "state.db", 50_000)
    with pytest.raises(DamagedError, match="yeoul run"):
        check_at_rest(tmp_path)
    check_at_rest(tmp_path / "nowhere")


def test_a_state_without_sums_gets_them(tmp_path: Path):
    state = open_state(tmp_path)
    write(state, 0, 100)
    state.close()
    (tmp_path / "state.sums").unlink()
    assert newest(tmp_path) == 99
    assert (tmp_path / "state.sums").exists()
