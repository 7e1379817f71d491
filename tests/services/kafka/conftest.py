"""Topics as tests write them: messages to partitions, and the workspace that reads them."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from yeoul.testing.broker import Broker
from yeoul.testing.workspaces import plain_line, plain_workspace

_WITHIN_S = 60
_NUMBERS = itertools.count(1)


class Topic:
    """A topic on a broker, made when it is not there.

    Args:
        broker: where it is.
        name: its name.
        partitions: so many when it is made.
        client: more settings of the producer.
    """

    def __init__(
        self, broker: Broker, name: str, partitions: int = 1, client: Mapping[str, object] | None = None
    ) -> None:
        self.broker = broker
        self.name = name
        settings = {"bootstrap.servers": broker.bootstrap, "log_level": 0, **(client or {})}
        self._admin = AdminClient(settings)
        if name not in self._admin.list_topics(timeout=_WITHIN_S).topics:
            self.make(partitions)
        self.producer = Producer(
            {"linger.ms": 5, "topic.metadata.refresh.interval.ms": 1000, "enable.idempotence": True} | settings
        )

    def make(self, partitions: int = 1) -> None:
        """Make it, again too."""
        self._admin.create_topics([NewTopic(self.name, partitions, 1)])[self.name].result(_WITHIN_S)

    def grow(self, partitions: int) -> None:
        """Give it so many partitions, more than it has."""
        self._admin.create_partitions([NewPartitions(self.name, partitions)])[self.name].result(_WITHIN_S)

    def delete(self) -> None:
        """Delete it, and wait until its name is free."""
        self._admin.delete_topics([self.name])[self.name].result(_WITHIN_S)
        while self.name in self._admin.list_topics(timeout=_WITHIN_S).topics:
            self._admin.poll(0.05)

    def forget(self, partition: int, before: int) -> None:
        """Delete the messages of a partition before an offset, as its retention does."""
        place = TopicPartition(self.name, partition, before)
        self._admin.delete_records([place])[place].result(_WITHIN_S)

    def send(self, partition: int, messages: Iterable[bytes | None]) -> None:
        """Write messages, in order, and wait until the broker has them."""
        for message in messages:
            value = message[:-1] if message is not None and message.endswith(b"\n") else message
            while True:
                try:
                    self.producer.produce(self.name, value, partition=partition)
                    break
                except BufferError:
                    self.producer.poll(0.1)
                except KafkaException as error:  # a partition that has just been added
                    if error.args[0].name() != "_UNKNOWN_PARTITION":
                        raise
                    self.producer.poll(0.1)
        self.flush()

    def commit(self, partition: int, messages: Iterable[bytes | None]) -> None:
        """Write messages in a transaction; the producer has a `transactional.id`, and has begun with it."""
        self.producer.begin_transaction()
        self.send(partition, messages)
        self.producer.commit_transaction(_WITHIN_S)

    def flush(self) -> None:
        """Wait until the broker has what was sent.

        Raises:
            TimeoutError: it does not take it.
        """
        if self.producer.flush(_WITHIN_S):
            message = f"the broker at {self.broker.bootstrap} did not take what was sent to `{self.name}`"
            raise TimeoutError(message)

    def describe(self) -> str | None:
        """Its id."""
        return str(self._admin.describe_topics(TopicCollection([self.name]))[self.name].result(_WITHIN_S).topic_id)

    def workspace(self, folder: Path, source: str = "", stream: dict[str, str] | None = None, extra: str = "") -> Path:
        """As `plain_workspace`, on this topic; `source` are more keys of its source, as in `on_loss = "continue"`."""
        members = f'kind = "kafka", bootstrap = "{self.broker.bootstrap}", topic = "{self.name}"'
        if source:
            members += f", {source}"
        return plain_workspace(folder, stream={"source": f"{{ {members} }}", **(stream or {})}, extra=extra)


class Writer(threading.Thread):
    """Writes a few hundred lines a second of now, up to two seconds out of order, until it is told to stop."""

    def __init__(self, topic: Topic, partitions: int) -> None:
        super().__init__(daemon=True)
        self.topic = topic
        self.partitions = partitions
        self.sent = 0
        self._ended = threading.Event()
        self._random = random.Random(1)
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            for _ in range(20):
                rng = self._random
                at_us = time.time_ns() // 1000 - rng.randrange(2_000_000)
                line = plain_line(
                    at_us, f"c{rng.randrange(9)}", f"m{rng.randrange(30)}", rng.randrange(9), f"e{self.sent}"
                )
                self.topic.producer.produce(self.topic.name, line[:-1], partition=rng.randrange(self.partitions))
                self.sent += 1
            self.topic.producer.poll(0)

    def end(self) -> None:
        """Write no more."""
        self._ended.set()

    def stop(self) -> int:
        """Stop, wait until the broker has it all; how many lines that is."""
        self.end()
        self.join()
        self.topic.flush()
        return self.sent


@pytest.fixture
def writers() -> Iterator[Callable[..., Writer]]:
    """Starts writers, arguments as `Writer`; those that still write at the end are stopped."""
    made: list[Writer] = []

    def make(*arguments: Any) -> Writer:
        made.append(Writer(*arguments))
        return made[-1]

    yield make
    for each in made:
        each.end()


class Shipper:
    """`yeoul ship` of `*.log` of a folder to the topic `rows`."""

    def __init__(self, folder: Path, bootstrap: str) -> None:
        self._folder = folder
        words = ["--path", "*.log", "--topic", "rows", "--state", "state", "--key", "customer"]
        self._command = [sys.executable, "-m", "yeoul.cli", "ship", "--bootstrap", bootstrap, *words]
        self.start()

    @property
    def said(self) -> str:
        """Standard error of all starts so far."""
        return (self._folder / "said.txt").read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def start(self) -> None:
        with (self._folder / "said.txt").open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@pytest.fixture
def shippers() -> Iterator[Callable[..., Shipper]]:
    """Starts shippers, arguments as `Shipper`; those that still run at the end are killed."""
    made: list[Shipper] = []

    def start(*arguments: Any) -> Shipper:
        made.append(Shipper(*arguments))
        return made[-1]

    yield start
    for each in made:
        each.kill()


@pytest.fixture(scope="session")
def own_broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of this folder's own."""
    request.getfixturevalue("broker")  # skips where there can be none
    with Broker(tmp_path_factory.mktemp("restless")) as own:
        yield own


@pytest.fixture
def restless(own_broker: Broker) -> Broker:
    """A running broker that a test may disturb: kill, freeze, start again."""
    own_broker.thaw()
    return own_broker if own_broker.running else own_broker.start()


@pytest.fixture
def topics() -> Callable[..., Topic]:
    """Makes topics with names of their own, arguments as `Topic` without the name."""

    def make(broker: Broker, partitions: int = 1, client: Mapping[str, object] | None = None) -> Topic:
        return Topic(broker, f"hits-{next(_NUMBERS)}", partitions, client)

    return make
