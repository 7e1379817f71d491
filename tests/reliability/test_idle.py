"""Silent or standing still: silence closes windows, a stopped engine or a locked file makes no row late."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from yeoul.events import iso
from yeoul.testing.processes import EngineProcess, counts, open_parts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows, rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

S = 1_000_000
WINDOW_S, DELAY_S, IDLE_S, COMMIT_S = 1, 1, 1, 0.2
SLACK_S = 2.0
"""For a machine with other things to do."""
KEYS = ("customer", "title")
QUICK = {"window": '"1s"', "delay": '"1s"', "idle_timeout": '"1s"'}

Engines = Callable[..., EngineProcess]


def now_us() -> int:
    return time.time_ns() // 1000


class Writers:
    """Files that are written in real time, a row every tenth of a second each."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder = folder
        self.windows: Counter[tuple[str, str, str]] = Counter()
        self.late = self.written = 0
        self.upto = dict.fromkeys(names, now_us() - 2 * S)
        self.tick(names)

    def line(self, name: str, at_us: int, *, late: bool = False) -> bytes:
        self.written += 1
        customer = f"c{self.written % 5}"
        if late:
            self.late += 1
        else:
            self.windows[iso(at_us // (WINDOW_S * S) * WINDOW_S * S), customer, name] += 1
        return plain_line(at_us, customer, name)

    def put(self, name: str, lines: list[bytes]) -> None:
        with (self.folder / f"logs/{name}.ndjson").open("ab") as file:
            file.write(b"".join(lines))

    def tick(self, names: list[str]) -> None:
        until = now_us()
        for name in names:
            times = range(self.upto[name] + S // 10, until + 1, S // 10)
            self.put(name, [self.line(name, at) for at in times])
            self.upto[name] = times[-1] if times else self.upto[name]

    def write_for(self, seconds: float, names: list[str], each: Callable[[], None] = lambda: None) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.tick(names)
            each()
            time.sleep(0.05)

    def check(self, out: Path) -> None:
        book = checked_ledger(out)
        assert (book.late, book.counted) == (self.late, self.written - self.late)
        plays = {at: values["plays"] for at, values in final_windows(out, keys=KEYS).items()}
        assert plays == dict(self.windows)


class Closes:
    """When windows were closed, as the results log shows it to another process."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(f"file:{folder}/.yeoul/state.db?mode=ro", uri=True, isolation_level=None)
        self.seen_us: dict[int, int] = {}

    def look(self) -> None:
        query = "SELECT DISTINCT end_us FROM log WHERE kind = 'window' AND revision = 0 ORDER BY end_us DESC LIMIT 20"
        for (end_us,) in self.db.execute(query):
            self.seen_us.setdefault(end_us, now_us())

    def delays_s(self, from_us: int, to_us: int) -> list[float]:
        return [(seen - end) / S for end, seen in sorted(self.seen_us.items()) if from_us <= end < to_us]


@pytest.mark.parametrize(
    "seconds",
    [4, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(600)])],
    ids=["short", "long"],
)
def test_one_of_eight_that_stops_holds_nobody_back_and_silence_closes_the_last_window(
    tmp_path: Path, engines: Engines, record_property: Callable[[str, object], None], seconds: float
):
    folder = plain_workspace(tmp_path, stream=QUICK)
    names = [f"host{number}" for number in range(8)]
    writers = Writers(folder, names)
    engines(folder)
    wait_for(lambda: counts(folder).read >= 8 * 16)
    writers.write_for(1.5, names)
    closes = Closes(folder)
    writers.write_for(1, names, closes.look)
    stopped_us = now_us()
    writers.write_for(seconds, names[1:], closes.look)
    # it comes back with what it wrote before it fell silent, and with what is new
    old = [writers.line(names[0], stopped_us + 100_000 + at * S // 10, late=True) for at in range(5)]
    writers.put(names[0], old)
    back_us = writers.upto[names[0]] = now_us()
    writers.write_for(2, names, closes.look)
    all_stopped_us = max(writers.upto.values())
    until = wait_for(
        lambda: closes.look() or (counts(folder).read == writers.written and not open_parts(folder)), 60, 0.02
    )
    writers.check(exported(folder))
    reasons = [row["reason"] for row in rows_of(folder / "out/late.ndjson")]
    assert len(reasons) == 5
    assert all("behind the watermark" in reason for reason in reasons)
    limit_s = DELAY_S + IDLE_S + COMMIT_S + SLACK_S
    held_s = max(closes.delays_s(stopped_us, back_us))
    last_s = (closes.seen_us[max(closes.seen_us)] - all_stopped_us) / S
    record_property("longest close while one of eight was silent, s", round(held_s, 3))
    record_property("last window after the last row, s", round(last_s, 3))
    print(f"one of eight silent: closed within {held_s:.2f} s of the end; all silent: {last_s:.2f} s ({until:.1f})")
    assert len(closes.delays_s(stopped_us, back_us)) >= seconds - 2
    assert held_s <= limit_s
    assert (closes.seen_us[max(closes.seen_us)] - max(closes.seen_us)) / S <= limit_s


@pytest.mark.parametrize(
    "stops",
    [2, pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
    ids=["short", "long"],
)
def test_an_engine_that_is_stopped_for_longer_than_the_idle_timeout_takes_nobody_for_silent(
    tmp_path: Path, engines: Engines, stops: int
):
    folder = plain_workspace(tmp_path, stream=QUICK)
    names = ["a", "b", "c"]
    writers = Writers(folder, names)
    engine = engines(folder)
    wait_for(lambda: counts(folder).read >= 3 * 16)
    chance = random.Random(stops)
    for _ in range(stops):
        writers.write_for(chance.uniform(0.3, 1.0), names)
        for pid in engine.pids()[::-1]:
            os.kill(pid, signal.SIGSTOP)
        writers.write_for(1.6, names)
        for pid in engine.pids():
            os.kill(pid, signal.SIGCONT)
    writers.write_for(0.5, names)
    wait_for(lambda: counts(folder).read == writers.written and not open_parts(folder))
    assert writers.late == 0
    writers.check(exported(folder))


def unprivileged() -> list[str]:
    """A command under which file modes hold for the superuser too."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is missing, and file modes do not stop the superuser")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.parametrize("stop", ["killed", pytest.param("stopped", marks=pytest.mark.soak)])
def test_a_file_that_may_not_be_read_for_a_while_is_waited_for_and_read_on(tmp_path: Path, engines: Engines, stop: str):
    folder = plain_workspace(tmp_path, stream=QUICK)
    names = ["open", "locked"]
    writers = Writers(folder, names)
    engine = engines(folder, under=unprivileged())
    wait_for(lambda: counts(folder).read >= 2 * 16)
    writers.write_for(1, names)
    wait_for(lambda: counts(folder).read == writers.written)
    _ = engine.stop() if stop == "stopped" else engine.kill()
    locked = folder / "logs/locked.ndjson"
    written, before_us = writers.written, writers.upto["locked"]
    writers.tick(names)
    locked.chmod(0)
    engine.start()
    wait_for(lambda: counts(folder).read > written)
    until = time.monotonic() + 3 * IDLE_S
    while time.monotonic() < until:
        writers.tick(["open"])
        time.sleep(0.05)
    closed = Closes(folder)
    closed.look()
    assert max(closed.seen_us) <= before_us
    locked.chmod(0o644)
    writers.tick(names)
    wait_for(lambda: counts(folder).read == writers.written and not open_parts(folder))
    assert writers.late == 0
    writers.check(exported(folder))
