"""A full disk: reading pauses, health is red and says why, and all resumes by itself when there is space."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.testing.processes import EngineProcess, wait_for
from yeoul.testing.results import checked_ledger, final_windows
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
BatchCount = Callable[..., dict[Any, Any]]
KEYS = ("customer", "title")
AT_US = 1_700_000_000_000_000
HALF = 4000
PIECE = 500
DISK_BYTES = 8 << 20


class SmallDisk:
    """A workspace whose `.yeoul` is a disk of 8 MB, in a mount namespace of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        state = folder / ".yeoul"
        state.mkdir()
        alone = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        script = f"mount -t tmpfs -o size={DISK_BYTES} tmpfs {state} && echo mounted && exec sleep 900"
        self._holder = subprocess.Popen(
            [*alone, "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        if not self._holder.stdout.readline():
            _, said = self._holder.communicate()
            pytest.skip(f"no mount namespace of our own on this machine: {said.decode().strip()}")
        inside = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        self.under = ["nsenter", "-t", str(self._holder.pid), "-m", *inside, "--"]
        self.state = Path(f"/proc/{self._holder.pid}/root{state}")
        """The state folder as those see it who are in the namespace."""

    def fill(self, name: str = "filler") -> None:
        """Leave no byte free."""
        with (self.state / name).open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    def free(self) -> None:
        for path in self.state.glob("filler*"):
            path.unlink()

    def yeoul(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A verb, run where the disk is seen."""
        command = [*self.under, sys.executable, "-m", "yeoul.cli", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    made = SmallDisk(plain_workspace(tmp_path / "w", stream={"delay": '"1s"', "idle_timeout": '"0.5s"'}))
    yield made
    made.close()


def write(folder: Path, first: int, last: int) -> None:
    made = random.Random(first)
    with (folder / "logs/a.ndjson").open("ab") as log:
        for number in range(first, last):
            at_us = AT_US + number * 10_000 + made.randrange(100_000)
            log.write(plain_line(at_us, f"c{made.randrange(60)}", f"m{made.randrange(40)}", made.randrange(9)))


def heard(state: Path) -> dict[str, Any]:
    """What an engine tells the console."""
    handle = os.open(state, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(f"/proc/self/fd/{handle}/live.sock")
            with connection.makefile("rb") as lines:
                return dict(json.loads(lines.readline()))
    except (OSError, ValueError):
        return {}
    finally:
        os.close(handle)


def is_red(disk: SmallDisk) -> Callable[[], bool]:
    def red() -> bool:
        health = heard(disk.state).get("health", {})
        return health.get("status") == "red" and "disk_full" in {each["code"] for each in health["causes"]}

    return red


def has_read(disk: SmallDisk) -> int:
    stream = heard(disk.state).get("streams", {}).get("hits")
    return int(stream["ledger"]["read"]) if stream else 0


def all_closed(disk: SmallDisk, rows: int) -> Callable[[], bool]:
    def closed() -> bool:
        message = heard(disk.state)
        stream = message.get("streams", {}).get("hits")
        return bool(stream and stream["ledger"]["read"] == rows and not stream["open_windows"] and not is_red(disk)())

    return closed


def same_as(disk: SmallDisk, oracle: dict[Any, Any]) -> None:
    done = disk.yeoul("export", str(disk.folder), "--out", str(disk.folder / "out"))
    assert done.returncode == 0, done.stderr
    assert final_windows(disk.folder / "out", keys=KEYS) == oracle
    assert checked_ledger(disk.folder / "out").counted == sum(row["plays"] for row in oracle.values())


@pytest.mark.parametrize("faults", [(), ("--hurry",)], ids=["state", "state and archive"])
def test_a_disk_that_fills_and_empties_while_it_runs(
    disk: SmallDisk, engines: Engines, batch_count: BatchCount, faults: tuple[str, ...]
):
    write(disk.folder, 0, HALF)
    engine = engines(disk.folder, faults=faults, under=disk.under)
    wait_for(lambda: has_read(disk) == HALF)
    for turn in (1, 2):
        disk.fill()
        write(disk.folder, turn * HALF, (turn + 1) * HALF - PIECE)
        wait_for(is_red(disk))
        seen = has_read(disk)
        write(disk.folder, (turn + 1) * HALF - PIECE, (turn + 1) * HALF)
        time.sleep(2)  # nothing is read meanwhile
        assert is_red(disk)()
        assert has_read(disk) == seen
        assert engine.running
        if turn == 2:  # another kind of crash on top of it
            engine.kill()
            engine.start(faults)
            wait_for(is_red(disk))
        disk.free()
        wait_for(lambda turn=turn: has_read(disk) == (turn + 1) * HALF)
    wait_for(all_closed(disk, 3 * HALF))
    assert engine.stop() == 0, engine.said
    same_as(disk, batch_count([disk.folder / "logs/a.ndjson"]))


def test_started_on_a_full_disk_it_waits(disk: SmallDisk, engines: Engines, batch_count: BatchCount):
    disk.fill()
    write(disk.folder, 0, HALF)
    engine = engines(disk.folder, under=disk.under)
    wait_for(is_red(disk))
    assert engine.running
    disk.free()
    wait_for(all_closed(disk, HALF))
    assert engine.stop() == 0, engine.said
    same_as(disk, batch_count([disk.folder / "logs/a.ndjson"]))


def test_a_full_disk_can_be_read_from_and_a_file_of_results_is_whole_or_not_there(
    disk: SmallDisk, engines: Engines, batch_count: BatchCount
):
    write(disk.folder, 0, HALF)
    oracle = batch_count([disk.folder / "logs/a.ndjson"])
    engine = engines(disk.folder, under=disk.under)
    wait_for(all_closed(disk, HALF))
    disk.fill()
    same_as(disk, oracle)
    engine.kill()
    same_as(disk, oracle)
    disk.free()
    engine.start()
    wait_for(all_closed(disk, HALF))
    assert engine.stop() == 0
    disk.fill()
    same_as(disk, oracle)
    for verb in ("export", "replay"):
        inside = disk.folder / ".yeoul/out"
        done = disk.yeoul(verb, str(disk.folder), "--out", str(inside))
        assert done.returncode == 1
        assert "disk is full" in done.stderr
        assert len(done.stderr.splitlines()) == 1
        left = list((disk.state / "out").glob("*.ndjson")) if (disk.state / "out").exists() else []
        assert [path for path in left if path.stat().st_size == 0 and path.name == "windows.ndjson"] == []


def test_the_quarantine_stays_below_its_cap(disk: SmallDisk, engines: Engines, batch_count: BatchCount):
    text = (disk.folder / "yeoul.toml").read_text()
    (disk.folder / "yeoul.toml").write_text(text + '[engine]\nquarantine_cap = "1MB"\n')
    write(disk.folder, 0, HALF)
    oracle = batch_count([disk.folder / "logs/a.ndjson"])
    engine = engines(disk.folder, under=disk.under)
    poison = b"\xffno row at all " * 50 + b"\n"
    rows = HALF
    for _ in range(12):  # what is read at once must find room, so it comes bit by bit
        rows += 1000
        with (disk.folder / "logs/a.ndjson").open("ab") as log:
            log.write(poison * 1000)
        wait_for(lambda: has_read(disk) == rows)  # noqa: B023 - waited for here
    wait_for(all_closed(disk, rows))
    assert engine.stop() == 0
    same_as(disk, oracle)


def test_a_log_of_results_at_its_cap_moves_to_files_and_goes_on(
    disk: SmallDisk, engines: Engines, batch_count: BatchCount
):
    text = (disk.folder / "yeoul.toml").read_text()
    (disk.folder / "yeoul.toml").write_text(text + '[engine]\nlog_cap = "100kB"\n')
    engine = engines(disk.folder, under=disk.under)
    for turn in range(4):
        write(disk.folder, turn * 4 * HALF, (turn + 1) * 4 * HALF)
        wait_for(lambda turn=turn: has_read(disk) == (turn + 1) * 4 * HALF)
    wait_for(all_closed(disk, 16 * HALF))
    wait_for(lambda: list(disk.state.glob("history/hits/*.parquet")))
    assert engine.stop() == 0
    same_as(disk, batch_count([disk.folder / "logs/a.ndjson"]))
