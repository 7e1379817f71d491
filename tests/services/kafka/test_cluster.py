"""Three brokers, one of which is killed and comes back: ship, source and sink go on, and everything is exact."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.testing.broker import Cluster
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import exported
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(400)]

WITHIN_S = 120

SINK = """[sink.out]
kind = "kafka"
bootstrap = "{bootstrap}"
topics = {{ windows = "windows" }}
transactional = true
"""


@pytest.fixture
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    request.getfixturevalue("kafka_programs")  # skips where there can be none
    with Cluster(tmp_path / "cluster") as cluster:
        yield cluster


class Log(threading.Thread):
    """Writes two hundred lines a second of now to a log, until it is told to stop."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.rows = 0
        self._path = path
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        draw = random.Random(1)
        while not self._ended.wait(0.1):
            with self._path.open("ab") as file:
                for _ in range(20):
                    at_us = time.time_ns() // 1000
                    file.write(plain_line(at_us, f"c{draw.randrange(9)}", f"m{draw.randrange(30)}", 1, f"e{self.rows}"))
                    self.rows += 1

    def stop(self) -> int:
        self._ended.set()
        self.join()
        return self.rows


@pytest.fixture
def shipped(tmp_path: Path, cluster: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """`yeoul ship` of `*.log` to the topic `rows`."""
    words = ["--path", "*.log", "--bootstrap", cluster.bootstrap, "--topic", "rows", "--key", "customer"]
    with subprocess.Popen([sys.executable, "-m", "yeoul.cli", "ship", *words], cwd=tmp_path) as process:
        yield process
        process.kill()


def leader(admin: AdminClient, topic: str) -> int:
    """Number of the broker that leads the first partition."""
    return int(admin.list_topics(topic, timeout=30).topics[topic].partitions[0].leader)


def test_a_broker_of_three_that_is_killed_costs_nothing_and_holds_nothing_up(
    cluster: Cluster,
    engines: Callable[..., EngineProcess],
    messages_of: Callable[..., list[Message]],
    request: pytest.FixtureRequest,
    tmp_path: Path,
):
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    for made in admin.create_topics([NewTopic("rows", 3, 3), NewTopic("windows", 2, 3)]).values():
        made.result(60)
    source = f'{{ kind = "kafka", bootstrap = "{cluster.bootstrap}", topic = "rows" }}'
    stream = {"source": source, "event_id": '"id"', "idle_timeout": '"10s"', "max_split_lag": '"1m"'}
    folder = plain_workspace(tmp_path / "shop", stream=stream, extra=SINK.format(bootstrap=cluster.bootstrap))
    log = Log(tmp_path / "a.log")
    shipper: subprocess.Popen[bytes] = request.getfixturevalue("shipped")
    engine = engines(folder)
    wait_for(lambda: counts(folder).counted > 500, within_s=WITHIN_S)

    killed = cluster.brokers[leader(admin, "rows") - 1]
    killed.kill()
    rows = log.rows
    # what was written since comes through with two of three
    wait_for(lambda: counts(folder).counted > rows, within_s=WITHIN_S)
    killed.start()
    rows = log.stop()
    wait_for(lambda: counts(folder).counted >= rows, within_s=WITHIN_S)
    wait_for(everything_closed(folder, counts(folder).read))

    def windows() -> list[bytes]:
        return sorted(each.value() for each in messages_of(cluster.bootstrap, "windows"))

    kept = sorted((exported(folder) / "windows.ndjson").read_bytes().splitlines())
    wait_for(lambda: windows() == kept)
    found = counts(folder)
    assert (found.counted, found.late, found.invalid) == (rows, 0, 0)
    assert sum(json.loads(each)["plays"] for each in kept) == rows
    assert engine.running
    assert shipper.poll() is None
