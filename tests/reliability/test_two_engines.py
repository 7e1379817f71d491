"""One engine a state: a second is refused; who is asked to stop, or loses a process, loses and repeats nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.flows.live_socket import request
from yeoul.testing.faults import STAGES
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.receiver import Receiver
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.watched import watched_logs, watched_workspace
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

LINES = 20_000
FAULTS = ("--hurry", "--small-blocks")
STOP_WITHIN_S = 9.0
Engines = Callable[..., EngineProcess]
Runs = Callable[..., subprocess.Popen[str]]


def workspace(folder: Path, lines: int = LINES) -> Path:
    """A plain workspace with two logs of some minutes each."""
    quick = {"window": '"1s"', "delay": '"500ms"', "idle_timeout": '"200ms"'}
    plain_workspace(folder, stream=quick, extra="[console]\nport = 0\n")
    for host in range(2):
        made = [plain_line((1_700_000_000_000 + 50 * at) * 1000, f"c{at % 7}", f"m{host}") for at in range(lines // 2)]
        (folder / f"logs/{host}.ndjson").write_bytes(b"".join(made))
    return folder


@pytest.fixture
def runs() -> Iterator[Runs]:
    """Starts `yeoul run` as people do, the console too; standard error is a pipe."""
    made: list[subprocess.Popen[str]] = []

    def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "yeoul.cli", "run", str(folder), *arguments]
        made.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        return made[-1]

    yield start
    for process in made:
        if process.poll() is None:
            process.terminate()
            process.wait(20)
        process.stderr.close()


def answers(folder: Path) -> bool:
    return (folder / ".yeoul").exists() and request(folder / ".yeoul", "ping", {}) is not None


def children(pid: int) -> dict[str, int]:
    """The processes that a `yeoul run` started, by their verb."""
    found = {}
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found |= {verb: child for verb in ("engine", "console") if verb.encode() in words}
    return found


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def all_done(folder: Path, lines: int = LINES) -> Callable[[], bool]:
    """Whether an engine runs (one that is still being loaded knows no signal) and everything is closed."""
    closed = everything_closed(folder, lines)
    return lambda: answers(folder) and closed()


def holder(folder: Path) -> int:
    return int((folder / ".yeoul/lock").read_text())


def right(folder: Path, batch_count: Callable[..., Any], lines: int = LINES) -> None:
    """The exported windows are those of a batch count, the ledger is exact."""
    out = exported(folder)
    assert final_windows(out, keys=("customer", "title")) == batch_count(folder.glob("logs/*"), window_s=1)
    total = checked_ledger(out)
    assert (total.read, total.counted) == (lines, lines)


def test_a_second_engine_is_refused_in_a_sentence_that_names_the_first(
    tmp_path: Path, engines: Engines, runs: Runs, batch_count: Callable[..., Any]
):
    folder = workspace(tmp_path)
    first = engines(folder)
    wait_for(lambda: answers(folder))
    pid = children(first.process.pid)["engine"]
    sentence = f"is in use by another engine (process {pid}); stop that one first"
    alone, with_console = runs(folder, "--no-console"), runs(folder)
    for second in (alone, with_console):
        _, said = second.communicate(timeout=30)
        assert second.returncode == 1
        assert sentence in said
        assert "Traceback" not in said
    wait_for(all_done(folder, LINES))
    assert first.stop() == 0
    right(folder, batch_count)


def started_together(folder: Path, engines: Engines, number: int) -> None:
    together = [engines(folder) for _ in range(number)]
    wait_for(lambda: sum(each.running for each in together) == 1)
    (winner,) = (each for each in together if each.running)
    wait_for(lambda: answers(folder))
    assert holder(folder) in winner.pids()
    for each in together:
        if each is not winner:
            assert each.ended_by() == 1
            assert f"in use by another engine (process {holder(folder)})" in each.said
    assert winner.stop() == 0


def test_of_engines_started_at_the_same_moment_one_runs(tmp_path: Path, engines: Engines):
    started_together(workspace(tmp_path, 2), engines, 2)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_of_many_engines_started_at_the_same_moment_one_runs(tmp_path: Path, engines: Engines):
    for trial in range(20):
        started_together(workspace(tmp_path / str(trial), 2), engines, 2 + trial % 3)
        started_together(tmp_path / str(trial), engines, 2)  # over the lock file of the one before


def asked_to_stop(folder: Path, engines: Engines, how: str, stages: dict[str, int]) -> None:
    """Let an engine be asked to stop at each of these stages, in a row."""
    for stage, count in stages.items():
        engine = engines(folder, faults=[*FAULTS, how, f"{stage}:{count}"])
        assert engine.ended_by(60) == 0, f"{stage}: {engine.said}"
        assert not (folder / ".yeoul/live.sock").exists()


IN_A_COMMIT = {
    "commit begun": 2,
    "positions written": 2,
    "not sealed": 2,
    "committed": 2,
    "archive written": 1,
    "applied": 3,
}


def test_asked_to_stop_within_a_commit_it_loses_nothing(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    folder = workspace(tmp_path)
    asked_to_stop(folder, engines, "--term", IN_A_COMMIT)
    asked_to_stop(folder, engines, "--int", {"not sealed": 2})
    assert 0 < counts(folder).read < LINES
    engine = engines(folder)
    wait_for(all_done(folder, LINES))
    assert engine.stop(STOP_WITHIN_S) == 0
    right(folder, batch_count)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_asked_to_stop_anywhere_again_and_again_it_loses_nothing(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    folder = workspace(tmp_path, 20 * LINES)
    for trial in range(8):
        stages = {stage: 1 + (trial + place) % 4 for place, stage in enumerate(STAGES) if "tell" not in stage != "told"}
        asked_to_stop(folder, engines, ("--term", "--int")[trial % 2], {**stages})
    engine = engines(folder)
    wait_for(all_done(folder, 20 * LINES), within_s=300)
    assert engine.stop(STOP_WITHIN_S) == 0
    right(folder, batch_count, 20 * LINES)


def test_run_ends_its_engine_and_its_console_in_good_order(tmp_path: Path, runs: Runs, batch_count: Callable[..., Any]):
    folder = workspace(tmp_path)
    for number in (signal.SIGTERM, signal.SIGINT):
        run = runs(folder)
        wait_for(lambda: answers(folder) and counts(folder).read)
        wait_for(lambda run=run: len(children(run.pid)) == 2)
        started = children(run.pid)
        begun = time.monotonic()
        run.send_signal(number)
        assert run.wait(30) == 0
        assert time.monotonic() - begun < STOP_WITHIN_S
        assert all(map(gone, started.values()))
    run = runs(folder, "--no-console")
    wait_for(all_done(folder, LINES))
    run.terminate()
    assert run.wait(30) == 0
    right(folder, batch_count)


def test_an_engine_that_is_killed_alone_is_started_again_by_itself(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    folder = workspace(tmp_path)
    run = engines(folder)
    wait_for(lambda: counts(folder).read)
    killed = children(run.process.pid)["engine"]
    os.kill(killed, signal.SIGKILL)
    wait_for(all_done(folder, LINES))
    assert run.running
    assert children(run.process.pid)["engine"] != killed
    assert "starting it again" in run.said
    assert run.stop() == 0
    right(folder, batch_count)


def test_when_run_is_killed_alone_its_engine_ends_and_the_next_one_goes_on(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    folder = workspace(tmp_path)
    run = engines(folder)
    for begun in (lambda: True, lambda: answers(folder)):
        # the first time before the engine has come to listen for the end of who started it
        wait_for(lambda begun=begun: begun() and children(run.process.pid), every_s=0.001)
        (engine,) = children(run.process.pid).values()
        run.process.kill()
        run.process.wait()
        wait_for(lambda engine=engine: gone(engine), within_s=STOP_WITHIN_S)
        run.start()
    wait_for(all_done(folder))
    assert run.stop() == 0
    right(folder, batch_count)


def test_a_receiver_neither_holds_up_the_stop_nor_hears_twice_what_it_answered_before(tmp_path: Path, engines: Engines):
    with Receiver() as receiver:
        receiver.pause_s = 100
        folder = watched_workspace(tmp_path, receiver.url)
        watched_logs(folder / "logs", int(time.time() - 2) * 1_000_000, span_s=1200)
        engine = engines(folder)
        wait_for(lambda: receiver.asked)
        assert engine.stop(STOP_WITHIN_S) == 0
        receiver.pause_s = 0.3
        before = receiver.asked
        engine.start()
        wait_for(lambda: receiver.asked > before, every_s=0.01)
        assert engine.stop(STOP_WITHIN_S) == 0
        engine.start()
        wait_for(lambda: any(b'"closed"' in body for body in receiver.bodies().values()))
        assert engine.stop(STOP_WITHIN_S) == 0
        keys = [key for key, _ in receiver.heard]
        assert len(keys) == len(set(keys))
