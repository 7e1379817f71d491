"""`yeoul ship`: lines of files in a topic of a real broker, each at least once and in order, whatever is killed."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from yeoul.clock import SystemClock
from yeoul.deliver.kafka import Sender
from yeoul.errors import BusyError, SinkError, UnreachableError
from yeoul.flows.shipping import Shipped, ship
from yeoul.flows.sinks import LinesSink
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import read_state
from yeoul.testing.broker import Broker
from yeoul.testing.processes import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

MessagesOf = Callable[..., list[Message]]
MB = 1 << 20


def line(number: int, key: str = "k") -> bytes:
    return b'{"at": %d, "_source": {"cpk":"%s", "n": 1.50}, "secret": "a"}\n' % (number, key.encode())


@pytest.fixture
def sink(tmp_path: Path, broker: Broker, topic: Callable[..., str]) -> Callable[..., LinesSink]:
    """Makes sinks of `*.log` in the test's folder to a topic of their own."""

    def make(partitions: int = 1, config: dict[str, str] | None = None, **members: object) -> LinesSink:
        name = topic(partitions, **(config or {}))
        return LinesSink("lines", "*.log", tmp_path, broker.bootstrap, name, **members)

    return make


def once(sink: LinesSink) -> Shipped:
    return ship([sink], sink.folder / "state", threading.Event(), once=True)


def refused(sink: LinesSink) -> list[tuple[int, str, bytes]]:
    state = read_state(sink.folder / "state")
    found = [(item.position, item.reason, item.raw) for item in Quarantine(state.db).find()]
    state.close()
    return found[::-1]


class Process:
    """`yeoul ship` as people run it, on `*.log` of a folder."""

    def __init__(self, folder: Path, bootstrap: str, topic: str, *more: str) -> None:
        self._log = folder / "said.txt"
        self._command = [sys.executable, "-m", "yeoul.cli", "ship", "--path", "*.log"]
        self._command += ["--bootstrap", bootstrap, "--topic", topic, "--state", "state", *more]
        self._folder = folder
        self.start()

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30)

    def memory_bytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) * 1024


@pytest.fixture
def process() -> Iterator[Callable[..., Process]]:
    made: list[Process] = []

    def start(*arguments: object) -> Process:
        made.append(Process(*arguments))
        return made[-1]

    yield start
    for each in made:
        each.kill()


def values(messages: list[Message]) -> list[bytes]:
    return [message.value() for message in messages]


# what is sent


def test_a_line_is_a_message_byte_for_byte_and_its_field_is_the_key(
    sink: Callable[..., LinesSink], messages_of: MessagesOf
) -> None:
    to = sink(key=("_source", "cpk"))
    odd = [b'{"_source" : {"cpk":"\\u00e9"}}\r', b"no JSON \xff", b'{"_source": {"cpk": 7}}', b'{"_source": 1}']
    (to.folder / "a.log").write_bytes(line(0, "c1") + b"\n" + b"\n".join(odd) + b"\n" + b'{"not": "finished"')
    done = once(to)
    found = messages_of(to.bootstrap, to.topic)
    assert values(found) == [line(0, "c1")[:-1], *odd]
    assert [message.key() for message in found] == [b"c1", "é".encode(), None, b"7", None]
    assert (done.sent, done.unfinished) == (5, ["a.log"])


def test_what_was_sent_is_not_sent_again(sink: Callable[..., LinesSink], messages_of: MessagesOf) -> None:
    to = sink()
    log = to.folder / "a.log"
    log.write_bytes(line(0) + line(1))
    once(to)
    log.rename(to.folder / "a.log.1")
    log.write_bytes(line(2))
    assert once(to).sent == 1
    assert values(messages_of(to.bootstrap, to.topic)) == [line(n)[:-1] for n in range(3)]


def test_declared_fields_are_sent_where_they_stand_and_named_ones_at_the_top(
    sink: Callable[..., LinesSink], messages_of: MessagesOf
) -> None:
    cpk, n = ("_source", "cpk"), ("_source", "n")
    to = sink(fields=((cpk, cpk), (("missing", "one"), ("missing", "one")), (("count",), n)))
    (to.folder / "a.log").write_bytes(line(0, "c1"))
    once(to)
    assert values(messages_of(to.bootstrap, to.topic)) == [b'{"_source":{"cpk":"c1"},"count":1.50}']


def test_a_line_whose_fields_cannot_be_told_is_set_aside(
    sink: Callable[..., LinesSink], messages_of: MessagesOf
) -> None:
    to = sink(fields=((("at",), ("at",)),))
    (to.folder / "a.log").write_bytes(line(0) + b"secret words\n" + line(1))
    assert once(to).set_aside == 1
    assert values(messages_of(to.bootstrap, to.topic)) == [b'{"at":0}', b'{"at":1}']
    [(position, reason, raw)] = refused(to)
    assert (position, raw) == (len(line(0)), b"secret words")
    assert reason.startswith("the line is no JSON object")


# what is too large


def noise(size: int) -> bytes:
    """A line that compression makes hardly smaller."""
    return base64.b85encode(random.Random(size).randbytes(size))[:size] + b"\n"


def lower_limit(sink: LinesSink, limit: int) -> None:
    """From now on the topic takes no more in one message."""
    entry = ConfigEntry("max.message.bytes", f"{limit}", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, sink.topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": sink.bootstrap})
    admin.incremental_alter_configs([resource])[resource].result(30)


def test_a_line_too_large_for_its_topic_is_set_aside_alone(
    sink: Callable[..., LinesSink], messages_of: MessagesOf
) -> None:
    to = sink(config={"max_message_bytes": "50000"})
    lines = [noise(300_000 if n % 40 == 7 else 2000 + n) for n in range(200)]
    (to.folder / "a.log").write_bytes(b"".join(lines))
    assert once(to).set_aside == 5
    assert values(messages_of(to.bootstrap, to.topic)) == [one[:-1] for one in lines if len(one) < 50_000]
    assert {reason for _, reason, _ in refused(to)} == {
        f"got 300000 bytes, more than topic `{to.topic}` takes in one message"
    }


def test_a_topic_that_takes_less_from_now_on_takes_no_other_line_along(
    sink: Callable[..., LinesSink], messages_of: MessagesOf
) -> None:
    to = sink()
    lines = [noise(30_000 if n % 40 == 7 else 2000 + n) for n in range(400)]
    log = to.folder / "a.log"
    log.write_bytes(b"".join(lines[:200]))
    stop = threading.Event()
    thread = threading.Thread(target=ship, args=([to], to.folder / "state", stop))
    thread.start()
    try:
        wait_for(lambda: len(messages_of(to.bootstrap, to.topic)) == 200)
        lower_limit(to, 20_000)
        with log.open("ab") as file:
            file.write(b"".join(lines[200:]))
        wanted = {one[:-1] for n, one in enumerate(lines) if n < 200 or len(one) < 20_000}
        wait_for(lambda: set(values(messages_of(to.bootstrap, to.topic))) == wanted)
        wait_for(lambda: len(refused(to)) == 5)
    finally:
        stop.set()
        thread.join()
    assert [raw for _, _, raw in refused(to)] == [one[:-1] for one in lines[200:] if len(one) > 20_000]


class _SlowMachine(SystemClock):
    """Each look at it takes long; before the first one the topic takes less than it said."""

    def __init__(self, sink: LinesSink) -> None:
        self._sink = sink
        self._lowered = False

    def monotonic_us(self) -> int:
        if not self._lowered:
            self._lowered = True
            lower_limit(self._sink, 20_000)
        time.sleep(0.6)
        return super().monotonic_us()


def test_on_a_slow_machine_too_what_was_refused_together_is_sent_before_it_ends(
    sink: Callable[..., LinesSink], messages_of: MessagesOf
) -> None:
    to = sink()
    lines = [noise(2000 + n) for n in range(40)]
    (to.folder / "a.log").write_bytes(b"".join(lines))
    ship([to], to.folder / "state", threading.Event(), once=True, clock=_SlowMachine(to))
    assert set(values(messages_of(to.bootstrap, to.topic))) == {one[:-1] for one in lines}


class _Receipt:
    def acknowledged(self) -> None: ...

    def refused(self, number: int, reason: str) -> None:
        raise AssertionError(number, reason)


def test_a_sender_that_is_let_go_of_amid_sending_leaves_nothing_in_memory(sink: Callable[..., LinesSink]) -> None:
    to = sink(3)
    for _ in range(15):
        sender = Sender(to.bootstrap, to.topic, {})
        for number in range(30_000):
            assert sender.offer(b"x" * 300, b"%d" % number, _Receipt(), number)
        sender.close()
        kept = weakref.ref(sender)
        del sender
        assert kept() is None


# what is in the way


def test_a_topic_that_is_not_there_is_told(sink: Callable[..., LinesSink], broker: Broker) -> None:
    to = LinesSink("lines", "*.log", sink().folder, broker.bootstrap, "nowhere")
    with pytest.raises(SinkError, match="has no topic `nowhere`"):
        once(to)


def test_a_first_start_without_a_broker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"no Kafka broker answers at `127\.0\.0\.1:1`"):
        once(LinesSink("lines", "*.log", tmp_path, "127.0.0.1:1", "any"))


def test_two_do_not_ship_from_one_state(sink: Callable[..., LinesSink]) -> None:
    to = sink()
    stop = threading.Event()
    thread = threading.Thread(target=ship, args=([to], to.folder / "state", stop))
    thread.start()
    try:
        wait_for((to.folder / "state/state.db").exists)
        with pytest.raises(BusyError, match="another `yeoul ship`"):
            once(to)
    finally:
        stop.set()
        thread.join()


def test_a_first_start_with_latest_goes_on_from_there_after_a_kill(
    tmp_path: Path, broker: Broker, topic: Callable[..., str], process: Callable[..., Process], messages_of: MessagesOf
) -> None:
    name = topic()
    log = tmp_path / "a.log"
    log.write_bytes(line(0))
    shipper = process(tmp_path, broker.bootstrap, name, "--start", "latest")
    wait_for((tmp_path / "state/state.db").exists)
    time.sleep(1)
    shipper.kill()
    with log.open("ab") as file:
        file.write(line(1))
    shipper.start()
    wait_for(lambda: values(messages_of(broker.bootstrap, name)) == [line(1)[:-1]])
    assert shipper.stop() == 0


# what is killed


class Writer(threading.Thread):
    """Writes numbered lines of ten keys to a log, and rotates it now and then, until it is told to stop."""

    def __init__(self, log: Path, pause_s: float = 0.01) -> None:
        super().__init__(daemon=True)
        self.written: list[bytes] = []
        self._log = log
        self._pause_s = pause_s
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        rng = random.Random(3)
        while not self._ended.is_set():
            with self._log.open("ab") as file:
                for _ in range(rng.randrange(1, 60)):
                    lines = [line(len(self.written) + n, f"c{rng.randrange(10)}") for n in range(20)]
                    self.written += lines
                    file.write(b"".join(lines))
                    file.flush()
                    if self._ended.wait(self._pause_s):
                        return
            older = sorted(int(path.suffix[1:]) for path in self._log.parent.glob(f"{self._log.name}.*"))
            for number in [*older[::-1], 0]:
                name = f"{self._log.name}.{number}" if number else self._log.name
                self._log.with_name(name).rename(self._log.with_name(f"{self._log.name}.{number + 1}"))

    def stop(self) -> list[bytes]:
        self._ended.set()
        self.join()
        return self.written


def all_there(found: list[Message], written: list[bytes]) -> bool:
    return {message.value() + b"\n" for message in found} >= set(written)


def in_order(found: list[Message]) -> dict[bytes, list[int]]:
    """The numbers of each key's lines, each once, in the order in which they came first."""
    numbers: dict[bytes, dict[int, None]] = {}
    for message in found:
        numbers.setdefault(message.key(), {})[json.loads(message.value())["at"]] = None
    return {key: list(each) for key, each in numbers.items()}


def check_complete(found: list[Message], written: list[bytes]) -> None:
    assert {message.value() + b"\n" for message in found} == set(written)
    by_key = in_order(found)
    assert sum(map(len, by_key.values())) == len(written)
    assert {key for key, numbers in by_key.items() if numbers != sorted(numbers)} == set()


def test_killed_again_and_again_while_files_rotate_it_sends_each_line_in_order(
    tmp_path: Path, broker: Broker, topic: Callable[..., str], process: Callable[..., Process], messages_of: MessagesOf
) -> None:
    name = topic(3)
    writer = Writer(tmp_path / "a.log")
    shipper = process(tmp_path, broker.bootstrap, name, "--key", "_source.cpk")
    rng = random.Random(5)
    for _ in range(8):
        time.sleep(0.7 + 1.3 * rng.random())
        shipper.kill()
        shipper.start()
    written = writer.stop()
    wait_for(lambda: all_there(messages_of(broker.bootstrap, name), written))
    assert shipper.stop() == 0
    check_complete(messages_of(broker.bootstrap, name), written)


def test_a_broker_that_is_dead_for_twenty_seconds_costs_no_line_and_little_memory(
    tmp_path: Path, brokers: Callable[..., Broker], process: Callable[..., Process], messages_of: MessagesOf
) -> None:
    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("t", 3, 1)])["t"].result(30)
    writer = Writer(tmp_path / "a.log", 0.05)
    shipper = process(tmp_path, broker.bootstrap, "t", "--key", "_source.cpk")
    wait_for(lambda: len(messages_of(broker.bootstrap, "t")) > 500)
    broker.kill()
    bulk = b"".join(line(10_000_000 + n, "bulk") for n in range(1000))
    with (tmp_path / "bulk.log").open("wb") as file:
        for n in range(110):
            file.write(bulk.replace(b'"at": 10', b'"at": %d' % (10 + n)))
    time.sleep(20)
    assert "acknowledges nothing" in shipper.said
    assert shipper.memory_bytes() < 400 * MB
    broker.start()
    written = writer.stop()
    wait_for(lambda: "is back" in shipper.said)
    wait_for(lambda: len(set(values(messages_of(broker.bootstrap, "t")))) == len(written) + 110_000, every_s=2)
    assert shipper.stop() == 0
    check_complete([each for each in messages_of(broker.bootstrap, "t") if each.key() != b"bulk"], written)


def test_of_lines_that_are_pruned_no_more_waits_in_memory_than_of_whole_ones(
    tmp_path: Path, brokers: Callable[..., Broker], process: Callable[..., Process], messages_of: MessagesOf
) -> None:
    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("t", 1, 1)])["t"].result(30)
    (tmp_path / "a.log").write_bytes(b'{"n": 0}\n')
    shipper = process(tmp_path, broker.bootstrap, "t", "--field", "n")
    wait_for(lambda: len(messages_of(broker.bootstrap, "t")) == 1)
    broker.kill()
    with (tmp_path / "a.log").open("ab") as file:
        for number in range(1, 20_001):
            file.write(b'{"n": %d, "rest": "%s"}\n' % (number, b"x" * 20_000))
    wait_for(lambda: "acknowledges nothing" in shipper.said)
    time.sleep(5)
    assert shipper.memory_bytes() < 300 * MB
    broker.start()
    wait_for(lambda: len(set(values(messages_of(broker.bootstrap, "t")))) == 20_001, every_s=1)
    assert shipper.stop() == 0
