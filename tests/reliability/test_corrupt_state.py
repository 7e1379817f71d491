"""Torn and bit-flipped state: found at the start; then the results are right all the same, or the engine refuses."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import DamagedError, YeoulError
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
BatchCount = Callable[..., dict[Any, Any]]
KEYS = ("customer", "title")
ROWS = 12_000
FIRST_ROWS = 7_000
AT_US = 1_700_000_000_000_000
AT_ONCE = 6

DAMAGES = ("flip", "flips", "cut", "block", "zeros", "grown", "gone")
FILES = ("state.db", "state.db-wal", "state.sums", "state.copy")


def lines(first: int, last: int) -> bytes:
    """Ten rows a second."""
    made = random.Random(first)
    found = []
    for number in range(first, last):
        at_us = AT_US + number * 100_000 + made.randrange(1_000_000)
        found.append(plain_line(at_us, f"c{made.randrange(60)}", f"m{made.randrange(40)}", made.randrange(9)))
    return b"".join(found)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `kill -9` left of an engine that once stopped in good order, and then counted more."""
    quick = {"delay": '"1s"', "idle_timeout": '"0.5s"'}
    folder = plain_workspace(tmp_path_factory.mktemp("killed"), stream=quick)
    (folder / "logs/a.ndjson").write_bytes(lines(0, FIRST_ROWS))
    engine = EngineProcess(folder)
    try:
        wait_for(lambda: counts(folder).read == FIRST_ROWS)
        assert engine.stop() == 0
        engine.start()
        # in pieces, so that there are many checkpoints
        for first in range(FIRST_ROWS, ROWS, 500):
            with (folder / "logs/a.ndjson").open("ab") as log:
                log.write(lines(first, first + 500))
            wait_for(lambda first=first: counts(folder).read == first + 500, every_s=0.02)
    finally:
        engine.kill()
    assert all((folder / ".yeoul" / name).stat().st_size for name in FILES)
    return folder


def damage(path: Path, how: str, chance: random.Random) -> None:
    """Harm a file as a bad disk or a crash of the machine does."""
    if not path.exists():
        return
    size = path.stat().st_size
    if how == "gone":
        path.unlink()
        return
    data = bytearray(path.read_bytes())
    at = chance.randrange(size)
    match how:
        case "flip" | "flips":
            for _ in range(1 if how == "flip" else 64):
                bit = chance.randrange(size * 8)
                data[bit // 8] ^= 1 << bit % 8
        case "cut":
            del data[at:]
        case "block" | "zeros":
            at = at // 4096 * 4096
            piece = chance.randbytes(4096) if how == "block" else bytes(4096)
            data[at : at + 4096] = piece[: size - at]
        case "grown":
            data += chance.randbytes(5000)
    path.write_bytes(data)


def harmed(killed: Path, target: Path, seed: int) -> Path:
    """A workspace with one to three damages; every other one has no good copy."""
    chance = random.Random(seed)
    folder = shutil.copytree(killed, target, ignore=shutil.ignore_patterns("live.sock", ".engine-*"))
    state = folder / ".yeoul"
    if seed % 2:
        (state / "state.copy").unlink()
    for name in chance.choices(FILES, weights=(5, 4, 1, 1), k=chance.choice((1, 1, 1, 2, 3))):
        how = chance.choice(DAMAGES)
        # the sums and the database both removed by hand is a fresh start, and told as such in the docs
        damage(state / name, "flip" if name == "state.sums" and how == "gone" else how, chance)
    return folder


def ended_or_done(engine: EngineProcess, folder: Path) -> Callable[[], bool]:
    def over() -> bool:
        with contextlib.suppress(sqlite3.Error, YeoulError):  # the engine has not looked at it yet
            return not engine.running or everything_closed(folder, ROWS)()
        return False

    return over


def attacked(killed: Path, tmp_path: Path, engines: Engines, oracle: dict[Any, Any], seeds: range) -> dict[str, int]:
    """How often the engine went on, went back to its copy, refused; anything else fails."""
    outcome = {"went on": 0, "went back": 0, "refused": 0}
    for start in range(seeds.start, seeds.stop, AT_ONCE):
        running = []
        for seed in range(start, min(start + AT_ONCE, seeds.stop)):
            folder = harmed(killed, tmp_path / str(seed), seed)
            running.append((seed, folder, engines(folder)))
        for seed, folder, engine in running:
            wait_for(ended_or_done(engine, folder))
            if engine.running:
                assert engine.stop() == 0, (seed, engine.said)
                out = exported(folder)
                assert final_windows(out, keys=KEYS) == oracle, (seed, engine.said)
                assert checked_ledger(out).counted == ROWS, seed
                back = "the state was damaged" in engine.said
                assert not back or "`logs/a.ndjson` from byte" in engine.said
                outcome["went back" if back else "went on"] += 1
            else:
                assert engine.process.returncode == 1, (seed, engine.said)
                size = (folder / "logs/a.ndjson").stat().st_size
                assert "Traceback" not in engine.said, (seed, engine.said)
                assert "there is no good copy" in engine.said, (seed, engine.said)
                assert f"`logs/a.ndjson` from byte 0 to byte {size}" in engine.said, (seed, engine.said)
                outcome["refused"] += 1
            shutil.rmtree(folder)
    return outcome


@pytest.fixture(scope="module")
def oracle(killed: Path, batch_count: BatchCount) -> dict[Any, Any]:
    return batch_count([killed / "logs/a.ndjson"])


def test_a_damaged_state_is_never_silently_wrong(
    killed: Path, tmp_path: Path, engines: Engines, oracle: dict[Any, Any]
):
    outcome = attacked(killed, tmp_path, engines, oracle, range(12))
    assert min(outcome.values()) > 0, outcome


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_damages(killed: Path, tmp_path: Path, engines: Engines, oracle: dict[Any, Any]):
    outcome = attacked(killed, tmp_path, engines, oracle, range(1000, 1200))
    assert min(outcome.values()) > 10, outcome


def test_damage_of_archived_results_is_told_and_never_exported(
    tmp_path: Path, engines: Engines, batch_count: BatchCount
):
    folder = plain_workspace(tmp_path)
    (folder / "logs/a.ndjson").write_bytes(lines(0, 6000))
    engine = engines(folder, faults=["--hurry"])
    wait_for(everything_closed(folder, 6000))
    wait_for(lambda: list(folder.glob(".yeoul/history/hits/*.parquet")))
    assert engine.stop() == 0
    assert final_windows(exported(folder), keys=KEYS) == batch_count([folder / "logs/a.ndjson"])
    files = sorted(folder.glob(".yeoul/history/hits/*.parquet"))
    chance = random.Random(7)
    for how in ("flip", "flip", "flip", "cut", "block", "gone"):
        victim = chance.choice(files)
        kept = victim.read_bytes()
        damage(victim, how, chance)
        with pytest.raises(DamagedError, match=victim.name):
            exported(folder)
        victim.write_bytes(kept)
    assert final_windows(exported(folder), keys=KEYS) == batch_count([folder / "logs/a.ndjson"])
