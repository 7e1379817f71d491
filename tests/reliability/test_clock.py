"""Clocks that lie: devices a day ahead or at 1970, local times that occur twice, a host whose own clock is stepped."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from yeoul.events import iso
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.processes import EngineProcess, counts, open_parts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

S = 1_000_000
HOUR_S = 3600
DAY_S = 86_400
WINDOW_S = 4
KEYS = ("customer", "title")
FAKETIME = Path("/usr/lib") / f"{os.uname().machine}-linux-gnu/faketime/libfaketimeMT.so.1"

Engines = Callable[..., EngineProcess]


class Service:
    """Logs of four customers whose clocks are right, among them rows of devices whose clocks are not.

    It knows what each row has to become: that, by plain counting, is the oracle.
    """

    def __init__(self, folder: Path, base_us: int) -> None:
        self.folder, self.base_us = folder, base_us
        self.windows: Counter[tuple[str, str, str]] = Counter()
        self.classes: dict[str, Counter[str]] = {}
        self.written = 0

    def good(self, at_s: float, customer: str = "") -> tuple[float, str, str]:
        return at_s, customer or f"c{round(at_s * 10) % 4}", "counted"

    def write(self, split: str, rows: Iterable[tuple[float, str, str]]) -> None:
        """Append rows: seconds since the beginning, customer, class."""
        lines = []
        for at_s, customer, fate in rows:
            at_us = self.base_us + round(at_s * S)
            lines.append(plain_line(at_us, customer, split))
            self.classes.setdefault(f"logs/{split}.ndjson", Counter())[fate] += 1
            if fate == "counted":
                self.windows[iso(at_us // (WINDOW_S * S) * WINDOW_S * S), customer, split] += 1
        self.written += len(lines)
        with (self.folder / f"logs/{split}.ndjson").open("ab") as file:
            file.write(b"".join(lines))

    def end(self, at_s: float) -> None:
        """The service lives on until what was counted ahead of its time is over, so that those windows close too."""
        for split in sorted(self.folder.glob("logs/*")):
            self.write(split.stem, [self.good(at_s + 300 + tenth / 10) for tenth in range(20)])

    def check(self, out: Path) -> None:
        """Each row is what it has to be, and there is no window but theirs."""
        books = json.loads((out / "ledger.json").read_text())["hits"]
        found = {
            split: Counter({name: n for name, n in book.items() if n and name not in {"read", "bytes"}})
            for split, book in books.items()
            if split != "total"
        }
        assert found == self.classes
        assert checked_ledger(out).read == self.written
        plays = {at: values["plays"] for at, values in final_windows(out, keys=KEYS).items()}
        assert plays == dict(self.windows)


def settled(folder: Path, rows: int) -> Callable[[], bool]:
    def all_read_and_closed() -> bool:
        return counts(folder).read == rows and not open_parts(folder)

    return all_read_and_closed


def odd_slice(service: Service, number: int, from_s: float) -> None:
    """Ten seconds of every split, each with its own liar."""
    times = [from_s + tenth / 10 for tenth in range(100)]
    good = [service.good(at) for at in times]
    first = number == 0
    service.write("day_ahead", [*good[:50], (from_s + 5 + DAY_S, "odd", "future"), *good[50:]])
    service.write("epoch", [*good[:5], (-service.base_us / S, "odd", "late"), *good[5:]])
    service.write("four_minutes", [each for at in times for each in (service.good(at), (at + 240, "odd", "counted"))])
    burst = [(from_s + DAY_S + index / 10, "odd", "future") for index in range(50)]
    service.write("fifty", [*good[:60], *burst, *good[60:]])
    service.write("year_first", [*([(365 * DAY_S, "odd", "future")] if first else []), *good])
    service.write("right", good)


def test_devices_with_wrong_clocks_make_no_correct_row_late_nor_windows_of_their_own(tmp_path: Path, engines: Engines):
    # twelve hours ago: what is a day ahead of that is ahead of the wall clock too
    base_us = (time.time_ns() // 1000 // (HOUR_S * S) - 12) * HOUR_S * S
    # files are written one after the other: a test that has to wait for its disk in between is not a silent split
    service = Service(plain_workspace(tmp_path / "w", stream={"idle_timeout": '"5s"'}), base_us)
    odd_slice(service, 0, 0)
    engines(service.folder)
    wait_for(lambda: counts(service.folder).read >= 100)
    # a quiet night of eight hours stands between the evening and the morning
    for number, from_s in enumerate((10, 20, 30, 8 * HOUR_S, 8 * HOUR_S + 10, 8 * HOUR_S + 20), 1):
        odd_slice(service, number, from_s)
        time.sleep(0.3)
    service.end(8 * HOUR_S + 30)
    wait_for(settled(service.folder, service.written))
    service.check(exported(service.folder))
    replay(load_workspace(service.folder).plan(), tmp_path / "replayed")
    service.check(tmp_path / "replayed")


def test_seconds_that_stand_where_milliseconds_should_be_late_and_move_nothing(tmp_path: Path, engines: Engines):
    folder = plain_workspace(tmp_path, stream={"event_time": '{ path = "at", format = "ms" }'})
    base_s = 1_700_000_000
    windows: Counter[str] = Counter()
    lines = []
    for index in range(2000):
        at_ms = base_s * 1000 + index * 10
        odd = index % 20 == 7
        shown = at_ms // 1000 if odd else at_ms
        lines.append(f'{{"at":{shown},"customer":"c{index % 4}","title":"m","n":1,"id":"{index}"}}\n')
        if not odd:
            windows[iso(at_ms // (WINDOW_S * 1000) * WINDOW_S * S)] += 1
    (folder / "logs/a.ndjson").write_text("".join(lines))
    engines(folder)
    wait_for(settled(folder, 2000))
    out = exported(folder)
    book = checked_ledger(out)
    assert (book.counted, book.late) == (1900, 100)
    found: Counter[str] = Counter()
    for (start, _, _), values in final_windows(out, keys=KEYS).items():
        found[start] += values["plays"]
    assert found == windows


def test_the_hour_that_occurs_twice_is_counted_as_two_hours(tmp_path: Path, engines: Engines):
    time_of = '{ path = "at", format = "%Y-%m-%d %H:%M:%S", timezone = "Europe/Berlin" }'
    folder = plain_workspace(tmp_path, stream={"event_time": time_of, "window": '"60s"'})
    begin = datetime(2025, 10, 25, 23, 30, tzinfo=UTC)  # 01:30 in Berlin; summer time ends at 03:00
    windows: Counter[str] = Counter()
    lines = []
    for second in range(2 * HOUR_S + 1800):
        moment = begin + timedelta(seconds=second - (second % 3))  # out of order by up to two seconds
        odd = second % 10 == 3 and second < 2 * HOUR_S + 1500
        if odd:
            moment += timedelta(minutes=4)
        local = moment.astimezone(ZoneInfo("Europe/Berlin"))
        customer = "odd" if odd else f"c{second % 4}"
        lines.append(
            f'{{"at":"{local:%Y-%m-%d %H:%M:%S}","customer":"{customer}","title":"m","n":1,"id":"{second}"}}\n'
        )
        windows[iso(round(moment.timestamp()) // 60 * 60 * S)] += 1
    log = folder / "logs/a.ndjson"
    log.write_text("".join(lines[:4000]))
    engines(folder)
    wait_for(lambda: counts(folder).read >= 4000)
    with log.open("a") as file:
        file.writelines(lines[4000:])
    wait_for(settled(folder, len(lines)))
    out = exported(folder)
    assert checked_ledger(out).counted == len(lines)
    found: Counter[str] = Counter()
    for (start, _, _), values in final_windows(out, keys=KEYS).items():
        found[start] += values["plays"]
    assert found == windows


STEPS = ("+0", "-5m", "+1h", "restart", "-5m", "restart", "+0")


@pytest.mark.services
@pytest.mark.parametrize(
    "seconds_each",
    [1.0, pytest.param(60.0, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])],
    ids=["short", "long"],
)
def test_a_host_clock_that_is_stepped_makes_no_row_late(tmp_path: Path, engines: Engines, seconds_each: float):
    if not FAKETIME.exists():
        pytest.skip("no libfaketime on this machine: apt-get install faketime")
    base_us = time.time_ns() // 1000
    service = Service(plain_workspace(tmp_path / "w"), base_us)
    offset = tmp_path / "offset"
    offset.write_text("+0\n")
    environment = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",  # a step changes no mtime of what was written before
    }
    for split in ("busy", "four_minutes", "rare"):
        service.write(split, [service.good(at / 10) for at in range(-100, 0)])
    # the engine alone: the sleep of who would start it again is one that faketime breaks
    engine = engines(service.folder, ["--hurry"], environment=environment)
    wait_for(lambda: counts(service.folder).read >= 300)
    written_s = rare_s = (time.time_ns() / 1000 - base_us) / S
    for step in STEPS:
        if step == "restart":
            engine.kill()
            engine.start(["--hurry"])
        else:
            offset.write_text(f"{step}\n")
        until = time.monotonic() + seconds_each
        while time.monotonic() < until:
            time.sleep(0.05)
            now_s = (time.time_ns() / 1000 - base_us) / S
            times = [written_s + (now_s - written_s) * part / 5 for part in range(5)]
            written_s = now_s
            service.write("busy", [service.good(at) for at in times])
            service.write(
                "four_minutes", [each for at in times for each in ((at + 240, "odd", "counted"), service.good(at))]
            )
            if now_s - rare_s > 4:  # longer than `delay` and than `idle_timeout`
                rare_s = now_s
                service.write("rare", [service.good(now_s)])
    service.end(written_s)
    wait_for(settled(service.folder, service.written))
    service.check(exported(service.folder))
