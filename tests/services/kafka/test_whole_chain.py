"""Ship, count, detect, rank on one broker: whichever is killed or hangs, at any time, all results are right."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.events import iso
from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.results import checked_ledger, exported
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow]

S = 1_000_000
PACE = 20
"""Seconds of the log in one of ours: detectors learn from many windows."""
STREAM = {
    "event_id": '"id"',
    "where": "\"title <> 'ping'\"",
    "window": '"10s"',
    "delay": '"10m"',
    "allowed_lateness": '"40m"',  # after a pause files are shipped side by side
    "max_future_skew": '"6h"',
    "idle_timeout": '"60s"',
}
BLOCKS = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 2000

[rank.hot]
stream = "hits"
by = ["title"]
value = "plays"
"""
Group = tuple[str, str, str]
Results = list[tuple[str, bytes | None]]


class Writer(threading.Thread):
    """Writes logs of twelve customers, of whom one bursts now and then; counts them as windows would."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.rows = 0
        self.counted: Counter[Group] = Counter()
        hour_us = 3600 * S
        self._at_us = (time.time_ns() // 1000 - 24 * hour_us) // hour_us * hour_us - 600 * S
        self._folder = folder
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        draw, number = random.Random(1), 0
        while not self._ended.wait(0.1):
            burst = [f"c{number // 100 % 12}"] * 40 if number % 100 in range(60, 65) else []
            with (self._folder / f"{number // 70:06}.log").open("ab") as file:
                for customer in [f"c{draw.randrange(12)}" for _ in range(40)] + burst:
                    at_us, title = self._at_us + draw.randrange(PACE * S // 10), f"m{draw.randrange(4)}"
                    file.write(plain_line(at_us, customer, title, 1, f"e{self.rows}"))
                    self.counted[iso(at_us - at_us % (10 * S)), customer, title] += 1
                    self.rows += 1
            self._at_us += PACE * S // 10
            number += 1

    def stop(self) -> int:
        """Write no more; how many rows it was."""
        self._ended.set()
        self.join()
        return self.rows

    def pass_all(self) -> None:
        """Move the watermark of every partition beyond all that was written."""
        pings = [plain_line(self._at_us + 7200 * S, f"c{number}", "ping") for number in range(200)]
        (self._folder / "last.log").write_bytes(b"".join(pings))


class Part(Protocol):
    """What is killed, hangs for a while, and goes on."""

    @property
    def running(self) -> bool: ...
    def start(self) -> Any: ...
    def kill(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


def disturb(parts: Mapping[str, Part], seconds: float, seed: int) -> None:
    """For so long one after the other is killed or hangs; then all run."""
    draw, begun = random.Random(seed), time.monotonic()
    while time.monotonic() < begun + seconds:
        time.sleep(draw.uniform(0.5, 4))
        name, kills, away_s = draw.choice(list(parts)), draw.random() < 0.5, draw.choice([0.1, 1, 3, 8, 14])
        print(f"{time.monotonic() - begun:6.1f} s: {name} {'is killed' if kills else 'hangs'} for {away_s} s")
        (parts[name].kill if kills else parts[name].freeze)()
        time.sleep(away_s)
        (parts[name].start if kills else parts[name].thaw)()
        for each in parts.values():
            if not each.running:  # who begins while no broker answers says so and ends
                each.start()


def id_of(message: Message) -> str:
    return bytes(dict(message.headers() or ())["id"]).decode()  # type: ignore[arg-type]  # it is bytes here


class Topics:
    """What stands in the topics of results."""

    def __init__(self, broker: Broker, messages_of: Callable[..., list[Message]]) -> None:
        self._bootstrap = broker.bootstrap
        self._messages_of = messages_of

    def of(self, topic: str) -> list[Message]:
        """Committed messages; each once."""
        found = self._messages_of(self._bootstrap, topic)
        ids = [id_of(each) for each in found]
        assert len(ids) == len(set(ids)), topic
        return found

    def windows(self) -> dict[Group, int]:
        """Plays by group."""
        found: dict[Group, tuple[int, int]] = {}
        for message in self.of("windows"):
            row = json.loads(message.value() or b"")
            if "groups" not in row:
                group = row["window_start"], row["customer"], row["title"]
                found[group] = max(found.get(group, (0, 0)), (row["revision"], row["plays"]))
        return {group: plays for group, (_, plays) in found.items()}

    def left(self, group: str, part: str) -> int:
        """Messages that workers are not done with, up to the last one that completes a window."""
        ends = {
            each.partition(): each.offset() + 1 for each in self.of("windows") if b'"groups":' in (each.value() or b"")
        }
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": f"{group}.{part}.windows"})
        done = consumer.committed([TopicPartition("windows", number) for number in ends], timeout=60)
        consumer.close()
        return sum(max(0, ends[each.partition] - max(0, each.offset)) for each in done)

    def outcome(self, group: str, workers: list[EngineProcess]) -> dict[str, Results]:
        """Findings and places of a group, by id, when its workers have judged all windows."""
        for part in ("detect", "rank"):
            wait_for(lambda part=part: self.left(group, part) == 0, 180, 1.0)
        assert {each.stop(60) for each in workers} == {0}
        return {
            kind: sorted((id_of(each), each.value()) for each in self.of(f"{group}-{kind}"))
            for kind in ("findings", "rankings")
        }


@pytest.mark.parametrize(
    ("seconds", "seed"),
    [
        pytest.param(60, 4, marks=pytest.mark.timeout(600)),
        *(pytest.param(900, seed, marks=[pytest.mark.soak, pytest.mark.timeout(2400)]) for seed in (2, 3)),
    ],
)
def test_whatever_is_killed_or_hangs_each_window_finding_and_place_is_there_once_and_right(
    seconds: int,
    seed: int,
    brokers: Callable[..., Broker],
    shippers: Callable[..., Any],
    engines: Callable[..., EngineProcess],
    messages_of: Callable[..., list[Message]],
    tmp_path: Path,
):
    broker = brokers().start()
    kinds = ("findings", "incidents", "rankings")
    named = {"rows": 3, "windows": 2} | {f"{group}-{kind}": 1 for group in ("ours", "alone") for kind in kinds}
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    for made in admin.create_topics([NewTopic(name, number, 1) for name, number in named.items()]).values():
        made.result(60)

    def workspace(group: str) -> Path:
        source = f'{{ kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "rows" }}'
        results = "".join(f', {kind} = "{group}-{kind}"' for kind in kinds)
        sink = (
            f'[sink.out]\nkind = "kafka"\nbootstrap = "{broker.bootstrap}"\ntransactional = true\n'
            f'topics = {{ windows = "windows"{results} }}\nshard_by = ["customer"]\ngroup = "{group}"\n'
            'client = { "session.timeout.ms" = "6000" }\n'
        )
        return plain_workspace(tmp_path / group, stream=STREAM | {"source": source}, extra=BLOCKS + sink)

    ours, topics = workspace("ours"), Topics(broker, messages_of)
    (tmp_path / "logs").mkdir()
    writer = Writer(tmp_path / "logs")
    shipper, count = shippers(tmp_path / "logs", broker.bootstrap), engines(ours, part="count")
    workers = [engines(ours, part=part) for part in ("detect", "detect", "rank", "rank")]
    wait_for(lambda: len(topics.of("windows")) > 0, 120, 1.0)
    numbered = {f"{each.part} {number}": each for number, each in enumerate(workers)}
    disturb({"broker": broker, "ship": shipper, "count": count, **numbered}, seconds, seed)

    rows = writer.stop()
    wait_for(lambda: counts(ours).counted + counts(ours).late >= rows, 180, 1.0)
    writer.pass_all()
    with suppress(TimeoutError):
        wait_for(lambda: topics.windows() == writer.counted, 120, 2.0)
    assert topics.windows() == writer.counted
    assert (shipper.stop(), count.stop(60)) == (0, 0)
    ledger = checked_ledger(exported(ours))
    assert (ledger.counted, ledger.late, ledger.invalid, ledger.future) == (rows, 0, 0, 0)

    found = topics.outcome("ours", workers)
    alone = workspace("alone")
    expected = topics.outcome("alone", [engines(alone, part="detect"), engines(alone, part="rank")])
    assert found == expected
    assert len(found["findings"]) > 20
    assert found["rankings"]
