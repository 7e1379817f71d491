"""One broker away for long: `yeoul ship`, `yeoul run` and `yeoul submit` wait for it, then go on, and all is exact."""

from __future__ import annotations

import json
import random
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.events import iso
from yeoul.testing.broker import Broker
from yeoul.testing.consoles import hear, rss_bytes
from yeoul.testing.processes import EngineProcess, counts, everything_closed, process_tree, wait_for
from yeoul.testing.results import checked_ledger, exported, rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow]

S = 1_000_000
MB = 1 << 20
PARTITIONS = 3
WINDOW_US = 4 * S
Group = tuple[str, str, str]


class Writer(threading.Thread):
    """Writes a hundred lines of now a second to a log, and counts them as windows would."""

    def __init__(self, log: Path) -> None:
        super().__init__(daemon=True)
        self.rows = 0
        self.hits: Counter[Group] = Counter()
        self.plays: Counter[Group] = Counter()
        self._log = log
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        draw = random.Random(1)
        while not self._ended.wait(0.1):
            with self._log.open("ab") as file:
                for _ in range(10):
                    at_us = time.time_ns() // 1000
                    customer, title, n = f"c{draw.randrange(9)}", f"m{draw.randrange(30)}", draw.randrange(9)
                    file.write(plain_line(at_us, customer, title, n, f"e{self.rows}"))
                    group = iso(at_us - at_us % WINDOW_US), customer, title
                    self.hits[group] += n
                    self.plays[group] += 1
                    self.rows += 1

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.rows


def memory(processes: dict[str, subprocess.Popen[Any]]) -> dict[str, int]:
    """Megabytes of each with all that it started."""
    found = {}
    for name, process in processes.items():
        sizes = []
        for pid in process_tree(process.pid):
            try:
                sizes.append(rss_bytes(pid))
            except FileNotFoundError:  # it has just ended
                continue
        found[name] = sum(sizes) // MB
    return found


def most(*samples: dict[str, int]) -> dict[str, int]:
    return {name: max(each[name] for each in samples) for name in samples[0]}


def health(folder: Path) -> str:
    return str(next(message for message in hear(folder))["health"]["status"])


def read_by_spark(job: Any) -> int:
    return sum(int(re.search(r"batch \d+, ([\d,]+) rows?", line)[1].replace(",", "")) for line in job.batches)


def windows(rows: list[dict[str, Any]]) -> dict[Group, tuple[int, int]]:
    return {(row["window_start"], row["customer"], row["title"]): (row["plays"], row["hits"]) for row in rows}


@pytest.mark.parametrize(
    "seconds",
    # longer than a minute, after which clients give up by default
    [
        pytest.param(75, marks=pytest.mark.timeout(360)),
        pytest.param(600, marks=[pytest.mark.soak, pytest.mark.timeout(1500)]),
    ],
)
def test_a_broker_that_is_away_for_long_is_waited_for_by_all_and_nothing_is_lost(
    seconds: int,
    brokers: Callable[..., Broker],
    shippers: Callable[..., Any],
    engines: Callable[..., EngineProcess],
    submits: Callable[..., Any],
    messages_of: Callable[..., list[Message]],
    tmp_path: Path,
):
    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    topics = [NewTopic("rows", PARTITIONS, 1), NewTopic("windows", 2, 1), NewTopic("spark-windows", 1, 1)]
    for made in admin.create_topics(topics).values():
        made.result(30)
    stream = {
        "source": f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "rows" }}',
        "event_id": '"id"',
        "where": "\"title <> 'ping'\"",
        "idle_timeout": '"10s"',
        # what waited comes back to one partition before another, which nevertheless is not left behind
        "max_split_lag": f'"{seconds // 2}s"',
    }
    sink = f'[sink.out]\nkind = "kafka"\nbootstrap = "{broker.bootstrap}"\ntopics = {{ windows = "windows" }}\n'
    local = plain_workspace(tmp_path / "local", stream=stream, extra=sink)
    # on Spark partitions are late for each other: what is read after the outage comes in steps of many seconds
    patient = stream | {"delay": f'"{seconds + 120}s"', "max_future_skew": '"1h"'}
    ours = plain_workspace(tmp_path / "spark", stream=patient)
    (tmp_path / "logs").mkdir()

    writer = Writer(tmp_path / "logs/a.log")
    shipper = shippers(tmp_path / "logs", broker.bootstrap)
    engine = engines(local)
    job = submits(ours, "--out", "spark-windows")
    processes = {"ship": shipper.process, "run": engine.process, "submit": job.process}
    wait_for(lambda: len(job.batches) >= 3 and counts(local).read > 1000, within_s=120)
    before = most(*(memory(processes) for _ in range(10) if time.sleep(0.5) is None))

    broker.kill()
    until = time.monotonic() + seconds
    during = before
    while time.monotonic() < until:
        time.sleep(1)
        during = most(during, memory(processes))
    assert health(local) == "red"
    rows = writer.rows
    broker.start()
    begun = time.monotonic()
    recovered: dict[str, float] = {}
    reached: dict[str, Callable[[], bool]] = {
        "ship": lambda: len(messages_of(broker.bootstrap, "rows")) >= rows,
        "run": lambda: counts(local).read >= rows,
        "submit": lambda: read_by_spark(job) >= rows,
    }
    while len(recovered) < len(reached):
        assert time.monotonic() - begun < 120, recovered
        recovered |= {
            name: round(time.monotonic() - begun, 1)
            for name, there in reached.items()
            if name not in recovered and there()
        }
        during = most(during, memory(processes))
        time.sleep(0.5)
    print(f"\n{seconds} s, {rows:,} lines; MB before {before}, at most {during}; s to recover {recovered}")
    assert health(local) == "green"
    assert during["ship"] < before["ship"] + 100
    assert during["run"] < before["run"] + 150
    assert during["submit"] < 1800  # of which Java may have 1,024 for its heap
    assert (shipper.said.count("acknowledges nothing"), shipper.said.count("is back")) == (1, 1)
    assert (job.said.count("no broker answers at"), job.said.count("a broker answers at")) == (1, 1)

    rows = writer.stop()
    wait_for(everything_closed(local, rows))
    expected = {group: (plays, writer.hits[group]) for group, plays in writer.plays.items()}
    wait_for(lambda: read_by_spark(job) >= rows)
    beyond = plain_line(time.time_ns() // 1000 + (seconds + 180) * S, "c0", "ping")
    with (tmp_path / "logs/a.log").open("ab") as file:
        file.write(beyond)
    spark: list[Message] = []

    def all_published() -> bool:
        spark[:] = messages_of(broker.bootstrap, "spark-windows")
        return windows([json.loads(each.value()) for each in spark]).keys() >= expected.keys()

    wait_for(all_published, every_s=1)
    assert [process_stop() for process_stop in (shipper.stop, engine.stop, job.stop)] == [0, 0, 0]

    assert windows([json.loads(each.value()) for each in spark]) == expected
    assert len({each.value() for each in spark}) == len(expected)  # what comes again is the same
    out = exported(local)
    ledger = checked_ledger(out)
    assert (ledger.counted, ledger.late, ledger.invalid) == (rows, 0, 0)
    assert windows(rows_of(out / "windows.ndjson")) == expected
    sent = {dict(each.headers())["id"]: each.value() for each in messages_of(broker.bootstrap, "windows")}
    assert sorted(sent.values()) == sorted((out / "windows.ndjson").read_bytes().splitlines())
