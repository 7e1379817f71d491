"""A good state is not taken for a damaged one, whatever moment a crash came in, nor a damaged one for a good one."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from yeoul.errors import BusyError, DamagedError
from yeoul.store import State, check_state, open_state, read_state
from yeoul.store import sums as sums_module
from yeoul.store.sums import load_sums
from yeoul.store.wal import read_wal

FILES = ("state.db", "state.db-wal", "state.sums", "state.copy")


def write(state: State, first: int, count: int) -> None:
    for number in range(first, first + count):
        with state.transaction():
            state.set_meta("newest", str(number))
            state.set_meta(f"row {number % 97}", f"{number} " * 300)


def kept_aside(folder: Path, target: Path) -> Path:
    """The files as a `kill -9` leaves them."""
    target.mkdir()
    for name in FILES:
        if (folder / name).exists():
            shutil.copy(folder / name, target / name)
    return target


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


def test_the_page_of_sqlites_locks_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = open_state(tmp_path)
    write(state, 0, 200)
    state.close()
    (tmp_path / "state.sums").unlink()  # as a release left it that kept none
    monkeypatch.setattr(sums_module, "_PENDING_BYTES", 20 * 4096)
    open_state(tmp_path).close()
    assert check_state(tmp_path)


KILLED_WITHIN_A_COMMIT = """
import os, sys
from pathlib import Path
from yeoul.store import open_state
folder = Path(sys.argv[1])
state = open_state(folder)
for number in range(20):
    with state.transaction():
        state.set_meta("newest", str(number))
        state.set_meta(f"row {number % 97}", f"{number} " * 300)
index = os.open(folder / "state.db-shm", os.O_RDWR)
head = os.pread(index, 96, 0)
with state.transaction():
    state.set_meta("newest", "20")
    state.db.execute("UPDATE other SET x = ?", ("newer " * 300,))
os.pwrite(index, head, 0)
os._exit(9)
"""


def killed_within_a_commit(folder: Path) -> sqlite3.Connection:
    """A commit is in the log, not yet in the index, which a reader keeps."""
    state = open_state(folder)
    with state.transaction() as db:
        db.execute("CREATE TABLE other (x TEXT)")
        db.execute("INSERT INTO other VALUES (?)", ("older " * 300,))
    state.close()
    reader = read_state(folder).db
    reader.execute("SELECT count(*) FROM meta").fetchone()
    done = subprocess.run([sys.executable, "-c", KILLED_WITHIN_A_COMMIT, str(folder)], check=False)
    assert done.returncode == 9
    return reader


def test_a_commit_that_a_kill_cut_short_beside_a_reader_is_no_damage(tmp_path: Path):
    reader = killed_within_a_commit(tmp_path)
    state = open_state(tmp_path)
    assert state.restored is None
    assert state.meta("newest") == "19"
    write(state, 30, 5)
    assert state.copying is not None
    state.copying.copy_back()
    state.close()
    reader.close()
    assert newest(tmp_path) == 34


@pytest.mark.slow
def test_damage_below_a_commit_that_was_cut_short_is_found(tmp_path: Path):
    reader = killed_within_a_commit(tmp_path)
    (tmp_path / "state.copy").unlink()
    path = tmp_path / "state.db"
    data = path.read_bytes()
    at = data.index(b"older older")
    path.write_bytes(data[:at] + b"wrong" + data[at + 5 :])
    with pytest.raises(DamagedError):
        open_state(tmp_path)
    reader.close()


@pytest.mark.slow
def test_a_log_that_lost_what_an_earlier_copying_had_copied_is_not_put_over_it(tmp_path: Path):
    state = open_state(tmp_path / "state")
    write(state, 0, 100)
    assert state.copying is not None
    state.copying.make_room()  # the log begins anew
    write(state, 100, 20)
    reader = sqlite3.connect(tmp_path / "state/state.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM meta").fetchone()
    write(state, 120, 20)
    reader.execute("COMMIT")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM meta").fetchone()  # of the newest: so all is copied, and the log goes on
    assert state.copying.copy_back()
    write(state, 140, 20)
    folder = kept_aside(tmp_path / "state", tmp_path / "killed")
    # killed after the sums of the next copying were noted, before a page was copied
    kept = load_sums(folder / "state.sums")
    assert kept is not None
    wal = read_wal(folder / "state.db-wal")
    assert wal.salt == kept.salt
    kept.following(wal, complete=True).write(folder / "state.sums")
    reader.close()
    state.close()
    assert newest(shutil.copytree(folder, tmp_path / "whole")) == 159
    log = (folder / "state.db-wal").read_bytes()
    for share in range(20):
        cut = shutil.copytree(folder, tmp_path / f"cut {share}")
        (cut / "state.db-wal").write_bytes(log[: len(log) * share // 20])
        assert 139 <= newest(cut) < 159


def test_a_log_without_its_file_is_of_no_use(tmp_path: Path):
    state = open_state(tmp_path / "state")
    write(state, 0, 50)
    folder = kept_aside(tmp_path / "state", tmp_path / "killed")
    state.close()
    for name in ("state.db", "state.sums"):
        (folder / name).unlink()
    state = open_state(folder)
    assert state.meta("newest") is None
    state.close()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sums_there", [True, False])
def test_a_copy_takes_its_place_whatever_moment_a_crash_comes_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, sums_there: bool
):
    state = open_state(tmp_path)
    write(state, 0, 100)
    state.close()
    for name in ("state.db", "state.sums")[: 1 if sums_there else 2]:
        path = tmp_path / name
        path.write_bytes(bytes(4096) + path.read_bytes()[4096:]) if name == "state.db" else path.unlink()
    steps = iter(range(100))

    def crash(self: Path, target: Path) -> Path:
        if next(steps) == seed:
            raise KeyboardInterrupt
        os.rename(self, target)  # noqa: PTH104 - its method is what is replaced here
        return target

    for verb in ("rename", "replace"):
        monkeypatch.setattr(Path, verb, crash)
    for _ in range(2):
        try:
            open_state(tmp_path).close()
        except KeyboardInterrupt:
            continue
    assert newest(tmp_path) == 99


def test_an_engine_waits_for_one_who_looks_at_the_state(tmp_path: Path):
    state = open_state(tmp_path)
    with pytest.raises(BusyError):
        open_state(tmp_path)
    state.close()
    lock = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    timer = threading.Timer(0.3, os.close, [lock])
    timer.start()
    open_state(tmp_path).close()
    timer.join()


def test_a_copy_that_a_reader_holds_up_is_not_tried_at_every_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    state = open_state(tmp_path)
    write(state, 0, 20)
    reader = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM meta").fetchone()
    write(state, 20, 20)
    copying = state.copying
    assert copying is not None
    tried = []
    real = copying.copy_back

    def counted() -> bool:
        tried.append(time.monotonic())
        return real()

    monkeypatch.setattr(copying, "copy_back", counted)
    monkeypatch.setattr(copying, "_copied_s", time.monotonic() - 1e6)
    for number in range(10):
        write(state, 40 + number, 1)
        state.keep_copy()
    assert len(tried) == 1
    reader.close()
    state.close()


def test_a_state_that_is_refused_leaves_no_file_open(tmp_path: Path):
    state = open_state(tmp_path)
    write(state, 0, 50)
    state.close()
    (tmp_path / "state.copy").unlink()
    data = bytearray((tmp_path / "state.db").read_bytes())
    data[:4096] = random.Random(1).randbytes(4096)
    (tmp_path / "state.db").write_bytes(data)
    (tmp_path / "state.sums").unlink()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(DamagedError):
            open_state(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
