"""Files truncated in place: nothing is read again; only what the truncation itself destroyed is lost, which is told."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.testing.processes import wait_for

pytestmark = pytest.mark.slow
WAYS = [
    pytest.param(("run", "kill"), id="short"),
    pytest.param(("run", "stop", "kill") * 30, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
]
COPYTRUNCATES = [
    pytest.param(8, id="short"),
    pytest.param(300, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
]
_AT_ONCE = contextlib.nullcontext()


@pytest.mark.parametrize("ways", WAYS)
def test_truncated_files_lose_only_what_the_truncation_destroyed_and_that_is_told(attack: Any, ways: tuple[str, ...]):
    attack.play([rewritten, rewritten_unread, copied_and_truncated, written_in_the_gap], ways)


def rewritten(attack: Any, how: str, number: int) -> Iterator[None]:
    """All is read; then the file is truncated and written anew: longer than it was, shorter, or exactly as long."""
    del how, number
    longer, shorter, equal = (attack.log(f"{name}.log") for name in ("longer", "shorter", "equal"))
    for log in (longer, shorter, equal):
        log.write(60)
    yield
    size = equal.path.stat().st_size
    yield
    longer.rewrite(b"".join(longer.made(900)))
    shorter.rewrite(b"".join(shorter.made(5)))
    usual = b"".join(equal.made(40))
    (last,) = equal.made(1, 10)
    equal.rewrite(usual + last + b"\n" * (size - len(usual) - len(last)))  # blank lines are no rows
    assert equal.path.stat().st_size == size
    yield
    for log in (longer, shorter, equal):
        os.truncate(log.path, 0)
        log.write(3)


def rewritten_unread(attack: Any, how: str, number: int) -> Iterator[None]:
    """Lines that were written and destroyed while nobody read."""
    del number
    logs = [attack.log(f"unread-{name}.log") for name in ("longer", "shorter")]
    for log in logs:
        log.write(50)
    yield
    ends = [log.path.stat().st_size for log in logs]
    yield
    if how == "run":
        return
    for log in logs:
        first = len(log.lines)
        log.write(20)
        attack.missing |= set(list(log.lines)[first:])
        log.rewrite(b"".join(log.made(900 if log is logs[0] else 3)))
    yield
    for log, end in zip(logs, ends, strict=True):
        attack.told("truncated", f"logs/{log.path.name}", f"read up to byte {end}")


def copied_and_truncated(attack: Any, how: str, number: int) -> Iterator[None]:
    """Some of the copy was read, some not; nothing was written in the gap."""
    del how, number
    logs = [attack.log("appends.log"), attack.log("stays.log", append=False)]
    for log in logs:
        log.write(100)
    yield
    for log in logs:
        log.write(100)
    yield
    for log in logs:
        log.write(100)
        _copytruncate(log)
        log.write(30)
    yield
    for log in logs:
        attack.told("truncated", f"logs/{log.path.name}", "copied to", "between")


def written_in_the_gap(attack: Any, how: str, number: int) -> Iterator[None]:
    """Lines between the copy and the truncation, which a stopped engine cannot read."""
    del number
    logs = [attack.log("gap-appends.log"), attack.log("gap-stays.log", append=False)]
    for log in logs:
        log.write(100)
    yield
    yield
    for log in logs:
        log.write(20)
        attack.missing |= _copytruncate(log, gap=0 if how == "run" else 10)
        log.write(30)
    yield
    for log in logs:
        attack.told("truncated", f"logs/{log.path.name}", "copied to", "between")


@pytest.mark.parametrize("times", COPYTRUNCATES)
def test_a_service_that_writes_all_the_time_loses_nothing_beyond_the_gap_of_a_copytruncate(attack: Any, times: int):
    logs = [attack.log("appends.log"), attack.log("stays.log", append=False)]
    attack.start()
    ended, whole = threading.Event(), threading.Lock()

    def write_on() -> None:
        while not ended.is_set():
            for log in logs:
                with whole:  # a copy never ends in half a line, which would be a row of its own
                    log.write(5)
            time.sleep(0.005)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        for _ in range(times):
            time.sleep(0.3)
            for log in logs:
                _copytruncate(log, copying=whole)
    finally:
        ended.set()
        writer.join()
    for log in logs:
        log.write(1)
    ends = {list(log.lines)[-1] for log in logs}
    everything = {title for log in logs for title in log.lines}
    on_disk = _on_disk(attack.logs)
    attack.missing = everything - on_disk
    attack.read()
    # what was read of a gap, or read twice, stands before the last line of its log
    wait_for(lambda: ends <= attack.counted(), every_s=0.3)
    attack.missing = everything - on_disk - attack.counted()
    print(f"{times} copytruncates, {len(everything)} lines, {len(attack.missing)} lost in gaps")
    assert len(attack.missing) < len(everything) / 10
    for log in logs:
        attack.told("truncated", f"logs/{log.path.name}", "copied to")
    attack.judge()


def _copytruncate(log: Any, gap: int = 0, copying: contextlib.AbstractContextManager[Any] = _AT_ONCE) -> set[str]:
    """logrotate's; the titles of the lines that were written in between."""
    first = len(log.lines)
    log.move_siblings()
    with copying:
        shutil.copyfile(log.path, log.path.with_name(f"{log.path.name}.1"))
    if gap:
        log.write(gap)
    between = set(list(log.lines)[first:]) if gap else set()
    os.truncate(log.path, 0)
    return between


def _on_disk(folder: Path) -> set[str]:
    """Titles of the whole lines of all files."""
    found = set()
    for path in folder.glob("*"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            found.add(line.partition(b'"title":"')[2].partition(b'"')[0].decode())
    return found - {""}
