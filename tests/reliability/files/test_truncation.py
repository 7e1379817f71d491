"""Files truncated in place: nothing is read again; only what the truncation itself destroyed is lost, which is told."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROUNDS = [pytest.param(1), pytest.param(30, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
_AT_ONCE = contextlib.nullcontext()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_file_truncated_and_rewritten_is_read_from_its_start_whatever_its_new_size(attack: Any, rounds: int):
    logs = {name: attack.log(f"{name}.log") for name in ("longer", "shorter", "equal")}
    attack.start()
    for _ in range(rounds):
        for how in ("run", "stop", "kill"):
            sizes = {}
            for log in logs.values():
                os.truncate(log.path, 0)
                sizes[log] = sum(map(len, log.write(60)))
            attack.read()
            attack.end(how)
            logs["longer"].rewrite(b"".join(logs["longer"].made(90)))
            logs["shorter"].rewrite(b"".join(logs["shorter"].made(5)))
            few = logs["equal"].made(40)
            missing = sizes[logs["equal"]] - sum(map(len, few)) - 120
            logs["equal"].rewrite(b"".join(few + logs["equal"].made(1, missing))[: sizes[logs["equal"]]])
            _fill(logs["equal"], sizes[logs["equal"]])
            attack.resume(how)
            attack.read()
    attack.judge()


def _fill(log: Any, size: int) -> None:
    """Let the file have exactly this size: a last line whose padding makes up the difference."""
    there = log.path.stat().st_size
    assert there <= size
    if there < size:
        line = b"\n" * (size - there)  # blank lines are no rows
        log.put(line)
    assert log.path.stat().st_size == size


@pytest.mark.parametrize("rounds", ROUNDS)
def test_unread_bytes_that_a_rewrite_took_while_nobody_read_are_told_with_their_range(attack: Any, rounds: int):
    logs = [attack.log(f"{name}.log") for name in ("longer", "shorter")]
    attack.start()
    destroyed: set[str] = set()
    for _ in range(rounds):
        for how in ("stop", "kill"):
            for log in logs:
                log.write(50)
            attack.read(len(attack.lines()) - len(destroyed))
            attack.end(how)
            ends = {log: log.path.stat().st_size for log in logs}
            for log in logs:
                before = set(log.lines)
                log.write(20)
                destroyed |= set(log.lines) - before
                log.rewrite(b"".join(log.made(200 if log is logs[0] else 3)))
            attack.resume(how)
            attack.read(len(attack.lines()) - len(destroyed))
            for log, end in ends.items():
                attack.told("truncated", f"logs/{log.path.name}", f"read up to byte {end}")
    assert len(destroyed) == rounds * 2 * 2 * 20
    kept = [line for log in logs for title, line in log.lines.items() if title not in destroyed]
    attack.judge(kept)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_copytruncate_loses_only_what_is_written_between_the_copy_and_the_truncation(attack: Any, rounds: int):
    logs = [attack.log("appends.log"), attack.log("stays.log", append=False)]
    attack.start()
    for _ in range(rounds):
        for how in ("run", "stop", "kill"):
            for log in logs:
                log.write(100)
            attack.read(0)
            attack.end(how)
            for log in logs:
                log.write(100)
                _copytruncate(log, gap=0)
                log.write(30)
            attack.resume(how)
            for log in logs:
                log.write(30)
    attack.judge()


@pytest.mark.parametrize("rounds", ROUNDS)
def test_what_is_written_in_the_gap_of_a_copytruncate_is_lost_at_most_and_told(attack: Any, rounds: int):
    """The engine is stopped, so that nothing of the gap can be read: all of it is lost, and people are told."""
    logs = [attack.log("appends.log"), attack.log("stays.log", append=False)]
    attack.start()
    gap: set[str] = set()
    for _ in range(rounds):
        for how in ("stop", "kill"):
            for log in logs:
                log.write(100)
            attack.read(len(attack.lines()) - len(gap))
            attack.end(how)
            for log in logs:
                log.write(20)
                gap |= _copytruncate(log, gap=10)
                log.write(30)
            attack.resume(how)
            attack.read(len(attack.lines()) - len(gap))
            for log in logs:
                attack.told("truncated", f"logs/{log.path.name}", "copied to", "between")
    attack.judge([line for log in logs for title, line in log.lines.items() if title not in gap])


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_service_that_writes_all_the_time_loses_nothing_beyond_the_gap_of_a_copytruncate(attack: Any, rounds: int):
    logs = [attack.log("appends.log"), attack.log("stays.log", append=False)]
    attack.start()
    writing, whole = threading.Event(), threading.Lock()

    def write_on() -> None:
        while not writing.is_set():
            for log in logs:
                with whole:  # a copy never ends in half a line, which would be a row of its own
                    log.write(5)
            time.sleep(0.005)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(5 * rounds):
            time.sleep(0.4)
            for log in logs:
                _copytruncate(log, gap=0, copying=whole)
    finally:
        writing.set()
        writer.join()
    on_disk = _on_disk(attack.logs)
    attack.read(len(on_disk))
    time.sleep(2)  # a line too many would come now
    kept = on_disk | attack.counted()
    lost = len(attack.lines()) - len(kept)
    assert lost < len(attack.lines()) / 10
    for log in logs:
        attack.told("truncated", f"logs/{log.path.name}", "copied to")
    attack.judge([line for log in logs for title, line in log.lines.items() if title in kept])


def _copytruncate(log: Any, gap: int, copying: contextlib.AbstractContextManager[Any] = _AT_ONCE) -> set[str]:
    """logrotate's; the titles of the lines that were written in between."""
    before = set(log.lines)
    for number in range(400, 0, -1):
        path = log.path.with_name(f"{log.path.name}.{number}")
        if path.exists():
            path.rename(log.path.with_name(f"{log.path.name}.{number + 1}"))
    with copying:
        shutil.copyfile(log.path, log.path.with_name(f"{log.path.name}.1"))
    if gap:
        log.write(gap)
    between = set(log.lines) - before
    os.truncate(log.path, 0)
    return between


def _on_disk(folder: Path) -> set[str]:
    """Titles of the whole lines of all files."""
    found = set()
    for path in folder.glob("*"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            found.add(line.partition(b'"title":"')[2].partition(b'"')[0].decode())
    return found - {""}
