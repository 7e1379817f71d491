"""Workers on a real broker: added, killed and stopped, they find each finding once, and the same as one alone does."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.testing.broker import Broker
from yeoul.testing.mixed import CUSTOMERS, mixed_workspace
from yeoul.testing.processes import EngineProcess, wait_for
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]

MessagesOf = Callable[..., list[Message]]
START_US = 1_767_225_600_000_000
SPAN_S = 4200
SHARDS = 4
BLOCKS = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 500

[rank.hot]
stream = "hits"
by = ["title"]
value = "plays"
"""
MIXED = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 500

[detect.devices]
stream = "hits"
by = ["device", "trial"]
value = "plays"
persist = "1 of 1"
alarms_per_day = 500

[calendar.works]
from = "2026-01-01T00:45"
until = "2026-01-01T01:10"
keys = "7/*"
watch = ["devices"]
"""
LAST = b'"window_end":"2026-01-01T01:10:00Z","kind":"window"'


def lines() -> Iterator[bytes]:
    """Seventy minutes of twelve customers, each of which bursts for some seconds now and then."""
    rng = random.Random(11)
    for second in range(SPAN_S):
        at_us = START_US + second * 1_000_000
        burst = f"c{second // 300 % 12}" if second % 300 in range(100, 108) else ""
        for customer in [f"c{rng.randrange(12)}" for _ in range(24)] + [burst] * (30 if burst else 0):
            yield plain_line(at_us, customer, f"m{rng.randrange(4)}")


def sink(broker: Broker, windows: str, group: str, more: str = "") -> str:
    topics = {"windows": windows, "findings": f"{group}-findings", "incidents": f"{group}-incidents"}
    named = ", ".join(f'{kind} = "{topic}"' for kind, topic in {**topics, "rankings": f"{group}-rankings"}.items())
    return (
        f'[sink.out]\nkind = "kafka"\nbootstrap = "{broker.bootstrap}"\ntopics = {{ {named} }}\n'
        f'shard_by = ["customer"]\ngroup = "{group}"\n{more}\n'
    )


class Shop:
    """Windows of the log in a topic, and workspaces whose workers follow them with groups of their own."""

    def __init__(self, folder: Path, broker: Broker, messages_of: MessagesOf) -> None:
        self.folder = folder
        self.broker = broker
        self._messages_of = messages_of
        self._admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        self.make("windows", SHARDS)
        self.windows: list[list[Message]] = []
        """By partition."""

    def make(self, name: str, partitions: int = 1) -> None:
        """Make a topic."""
        self._admin.create_topics([NewTopic(name, partitions, 1)])[name].result(60)

    def of(self, topic: str, isolation: str = "read_committed") -> list[Message]:
        """What it holds."""
        return self._messages_of(self.broker.bootstrap, topic, isolation=isolation)

    def workspace(self, group: str, windows: str = "windows", more: str = "") -> Path:
        """One whose results have topics of their own; `more` are lines of its sink."""
        for kind in ("findings", "incidents", "rankings"):
            self.make(f"{group}-{kind}")
        extra = BLOCKS + sink(self.broker, windows, group, more)
        return plain_workspace(self.folder / group, stream={"window": '"10s"'}, extra=extra)

    def mixed(self, group: str, span_s: int = 0) -> Path:
        """A workspace with two sinks, whose windows are in the same topics for all groups; its log spans so long."""
        self.make(f"{group}-findings")
        extra = MIXED
        for name, key in (("out", "customer"), ("other", "device")):
            topics = f'windows = "mixed-{key}", findings = "{group}-findings"'
            extra += f'[sink.{name}]\nkind = "kafka"\nbootstrap = "{self.broker.bootstrap}"\ntopics = {{ {topics} }}\n'
            extra += f'shard_by = ["{key}"]\ngroup = "{group}"\nclient = {{ "session.timeout.ms" = "6000" }}\n'
        return mixed_workspace(self.folder / group, extra=extra, start_us=START_US, span_s=span_s)

    def count(self) -> None:
        """Count the log until all of its windows are in the topic; killed on the way."""
        folder = self.workspace("counting")
        (folder / "logs" / "a.ndjson").write_bytes(b"".join(lines()))
        engine = EngineProcess(folder, part="count")
        try:
            wait_for(lambda: len(self.of("windows")) > 2000)
            engine.kill()
            engine.start()
            wait_for(lambda: sum(LAST in (each.value() or b"") for each in self.of("windows")) >= SHARDS, 120, 1.0)
            assert engine.stop() == 0
        finally:
            engine.kill()
        found = self.of("windows")
        self.windows = [[each for each in found if each.partition() == number] for number in range(SHARDS)]

    def feed(self, topic: str, begin: float, end: float) -> None:
        """Send this share of all windows to another topic."""
        producer = Producer({"bootstrap.servers": self.broker.bootstrap, "enable.idempotence": True, "log_level": 0})
        for number, messages in enumerate(self.windows):
            for each in messages[int(begin * len(messages)) : int(end * len(messages))]:
                producer.produce(topic, each.value(), each.key(), number, headers=each.headers())
            producer.poll(0)
        producer.flush(60)

    def left(self, group: str, part: str = "detect", windows: str = "windows") -> int:
        """Messages up to the last complete window that the group is not done with."""
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, "group.id": f"{group}.{part}.{windows}"})
        ends = {
            each.partition(): each.offset() + 1 for each in self.of(windows) if b'"groups":' in (each.value() or b"")
        }
        places = [TopicPartition(windows, number) for number in ends]
        done = {each.partition: max(0, each.offset) for each in consumer.committed(places, timeout=60)}
        consumer.close()
        return sum(max(0, end - done[number]) for number, end in ends.items())

    def outcome(
        self, group: str, isolation: str = "read_committed"
    ) -> tuple[dict[str, bytes | None], dict[bytes, bytes | None]]:
        """Findings by id, incidents as they were said last; an id is committed once, and a repeat says the same."""
        findings, incidents = (self.of(f"{group}-{kind}", isolation) for kind in ("findings", "incidents"))
        for messages in (findings, incidents):
            ids = [id_of(each) for each in messages]
            assert isolation == "read_uncommitted" or len(ids) == len(set(ids))
            assert len({(id_of(each), each.value()) for each in messages}) == len(set(ids))
        return {id_of(each): each.value() for each in findings}, {each.key() or b"": each.value() for each in incidents}


def id_of(message: Message) -> str:
    return bytes(dict(message.headers() or ())["id"]).decode()  # type: ignore[arg-type]  # it is bytes here


@pytest.fixture(scope="module")
def shop(broker: Broker, messages_of: MessagesOf, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(tmp_path_factory.mktemp("workers"), broker, messages_of)
    made.count()
    return made


@pytest.fixture(scope="module")
def expected(shop: Shop) -> tuple[dict[str, bytes | None], dict[bytes, bytes | None]]:
    """What one worker finds that nobody disturbs."""
    worker = EngineProcess(shop.workspace("alone"), part="detect")
    try:
        wait_for(lambda: shop.left("alone") == 0, 120, 1.0)
        assert worker.stop() == 0
    finally:
        worker.kill()
    found = shop.outcome("alone")
    assert len(found[0]) > 50
    return found


def test_added_killed_and_stopped_workers_give_each_finding_once_and_the_same_as_one_does(
    shop: Shop,
    expected: tuple[dict[str, bytes | None], dict[bytes, bytes | None]],
    engines: Callable[..., EngineProcess],
):
    group, windows = "restless", "restless-windows"
    shop.make(windows, SHARDS)
    folder = shop.workspace(group, windows)

    def left() -> int:
        return shop.left(group, "detect", windows)

    shop.feed(windows, 0.0, 0.3)
    first = engines(folder, part="detect")
    wait_for(lambda: first.said.count("takes over") == SHARDS)
    second = engines(folder, part="detect")
    wait_for(lambda: "takes over" in second.said)
    wait_for(lambda: left() == 0, 60, 1.0)
    shop.feed(windows, 0.3, 0.6)
    first.kill()
    third = engines(folder, part="detect")
    wait_for(lambda: "takes over" in third.said)
    shop.feed(windows, 0.6, 1.0)
    assert second.stop() == 0
    wait_for(lambda: left() == 0, 60, 1.0)
    assert third.stop() == 0

    assert shop.outcome(group) == expected
    assert shop.outcome(group, "read_uncommitted") == expected


def test_workers_that_hang_until_others_have_their_shards_spoil_nothing_when_they_wake(
    shop: Shop,
    expected: tuple[dict[str, bytes | None], dict[bytes, bytes | None]],
    engines: Callable[..., EngineProcess],
):
    group, windows = "hanging", "hanging-windows"
    shop.make(windows, SHARDS)
    folder = shop.workspace(group, windows, 'client = { "session.timeout.ms" = "6000" }')
    workers = [engines(folder, part="detect") for _ in range(3)]
    wait_for(lambda: all("takes over" in each.said for each in workers))
    rng = random.Random(5)
    rounds = 4
    for number in range(rounds):
        hung = workers[number % 3]
        feeding = threading.Thread(target=shop.feed, args=(windows, number / rounds, (number + 0.7) / rounds))
        feeding.start()
        time.sleep(0.05 + 0.3 * rng.random())  # it is amid its work
        hung.freeze()
        feeding.join()
        shop.feed(windows, (number + 0.7) / rounds, (number + 1) / rounds)
        time.sleep(7.5)  # others have its shards, and have judged what it had before it hung
        hung.thaw()
    wait_for(lambda: shop.left(group, "detect", windows) == 0, 60, 1.0)
    time.sleep(1.5)
    assert [each.stop() for each in workers] == [0, 0, 0]

    assert shop.outcome(group) == expected
    assert shop.outcome(group, "read_uncommitted") == expected


def test_two_sinks_sliding_windows_and_keys_of_all_types_give_the_same_though_a_worker_is_killed(
    shop: Shop, engines: Callable[..., EngineProcess]
):
    for key in ("customer", "device"):
        shop.make(f"mixed-{key}", 2)
    quiet, busy = shop.mixed("quiet", SPAN_S), shop.mixed("busy")

    def left(group: str) -> int:
        return sum(shop.left(group, "detect", f"mixed-{key}") for key in ("customer", "device"))

    counting = engines(quiet, part="count")
    wait_for(lambda: sum(LAST in (each.value() or b"") for each in shop.of("mixed-device")) >= 2, 120, 1.0)
    wait_for(lambda: sum(LAST in (each.value() or b"") for each in shop.of("mixed-customer")) >= 2, 120, 1.0)
    assert counting.stop() == 0
    alone, killed, other = engines(quiet, part="detect"), engines(busy, part="detect"), engines(busy, part="detect")
    wait_for(lambda: "takes over" in killed.said)
    time.sleep(1)
    killed.kill()
    wait_for(lambda: left("quiet") == 0, 60, 1.0)
    wait_for(lambda: left("busy") == 0, 60, 1.0)
    assert [alone.stop(), other.stop()] == [0, 0]

    found, expected = (shop.of(f"{group}-findings") for group in ("busy", "quiet"))
    assert {(id_of(each), each.value()) for each in found} == {(id_of(each), each.value()) for each in expected}
    assert len(found) == len(expected) > 20
    said = [json.loads(each.value() or b"") for each in found]
    assert {each["muted"] for each in said} == {None, "works"}
    assert {each.get("customer") for each in said} >= {*CUSTOMERS[:3], None}


def test_rankings_go_on_with_who_stood_by_when_their_worker_is_killed(
    shop: Shop, engines: Callable[..., EngineProcess]
):
    folder = shop.workspace("ranks")
    first = engines(folder, part="rank")
    wait_for(lambda: "takes over" in first.said)
    second = engines(folder, part="rank")
    wait_for(lambda: "stands by" in second.said or "takes over" in second.said)
    both = [first, second]
    leader = max(both, key=lambda each: each.said.rfind("takes over") > each.said.rfind("hands over"))
    wait_for(lambda: len(shop.of("ranks-rankings")) > 0)
    leader.kill()
    wait_for(lambda: shop.left("ranks", "rank") == 0, 60, 1.0)
    other = second if leader is first else first
    assert other.stop() == 0
    found = {id_of(each): json.loads(each.value() or b"") for each in shop.of("ranks-rankings")}
    hours = {each["at"] for each in found.values()}
    assert hours == {"2026-01-01T01:00:00Z"}
    counts = {each["key"]["title"]: each["count"] for each in found.values()}
    assert counts == _plays_of_the_first_hour()


def _plays_of_the_first_hour() -> dict[str, float]:
    found: dict[str, float] = {}
    for line in lines():
        row = json.loads(line)
        if row["at"] < "2026-01-01T01:00:00":
            found[row["title"]] = found.get(row["title"], 0.0) + 1.0
    return found


def test_a_workspace_or_topic_that_cannot_be_followed_is_told_in_a_sentence(
    shop: Shop, topic: Callable[..., str], engines: Callable[..., EngineProcess]
):
    folder = shop.workspace("refused")
    text = (folder / "yeoul.toml").read_text()

    def said(old: str, new: str) -> str:
        (folder / "yeoul.toml").write_text(text.replace(old, new))
        worker = engines(folder, part="detect")
        wait_for(lambda: not worker.running)
        assert worker.process.returncode in {1, 2}
        return worker.said

    assert "has no topic `nowhere`" in said('windows = "windows"', 'windows = "nowhere"')
    assert "no Kafka broker answers at `127.0.0.1:1`" in said(shop.broker.bootstrap, "127.0.0.1:1")
    assert 'legal: a `[sink.NAME]` with `topics.windows` and `shard_by = ["customer"]`' in said(
        'shard_by = ["customer"]', ""
    )
    other = topic()
    producer = Producer({"bootstrap.servers": shop.broker.bootstrap, "log_level": 0})
    producer.produce(other, b"{}")
    producer.flush(60)
    assert "message 0 of partition 0 has no header `schema`" in said('windows = "windows"', f'windows = "{other}"')
    shop.make("few.detect.windows", 1)
    assert "topic `few.detect.windows` keeps what workers learn and has 1 of the 4 partitions" in said(
        'group = "refused"', 'group = "few"'
    )


def test_a_broker_that_goes_away_is_told_and_all_is_found_when_it_is_back(
    shop: Shop,
    expected: tuple[dict[str, bytes | None], dict[bytes, bytes | None]],
    brokers: Callable[..., Broker],
    engines: Callable[..., EngineProcess],
    messages_of: MessagesOf,
    tmp_path: Path,
):
    with brokers() as own:
        other = Shop(tmp_path, own, messages_of)
        other.windows = shop.windows
        folder = other.workspace("away")
        workers = [engines(folder, part="detect"), engines(folder, part="detect")]
        wait_for(lambda: all("takes over" in each.said for each in workers))
        other.feed("windows", 0.0, 0.5)
        own.kill()
        wait_for(lambda: all("; waits" in each.said for each in workers), 90)
        time.sleep(10)
        own.start()
        other.feed("windows", 0.5, 1.0)
        wait_for(lambda: other.left("away") == 0, 120, 1.0)
        assert [each.stop(90) for each in workers] == [0, 0]
        assert other.outcome("away") == expected
