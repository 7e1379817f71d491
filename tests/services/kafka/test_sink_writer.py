"""How far a sink came is committed with what it sent: who takes over finds it, whenever the one before was killed."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.deliver.kafka import Outbound, ResultsWriter
from yeoul.errors import TransientError
from yeoul.testing.broker import Broker
from yeoul.testing.processes import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]


def test_who_takes_over_goes_on_behind_what_was_committed_and_nothing_else_is_seen(
    broker: Broker, topic: Callable[..., str], messages_of: Callable[..., list[Message]]
) -> None:
    name, identity, stop = topic(), f"yeoul.{uuid.uuid4()}", threading.Event()

    def opened(epoch: str = "first") -> tuple[ResultsWriter, int | None]:
        for _ in range(30):
            writer = ResultsWriter(broker.bootstrap, [name], {}, identity=identity, epoch=epoch)
            try:
                return writer, writer.open()
            except TransientError:  # a broker that has just been started finds its coordinator by and by
                writer.close()
                time.sleep(0.5)
        pytest.fail("the broker has no coordinator")

    def batch(value: bytes) -> list[Outbound]:
        return [Outbound(name, b"k", value, [("id", value)])]

    before, known = opened()
    assert known is None
    assert before.write(batch(b"one"), 5, stop, print)
    # it sends more, and is not heard of again before that is committed
    producer = before._producer  # noqa: SLF001
    producer.begin_transaction()
    producer.produce(name, b"half")
    producer.flush(10)

    after, known = opened()
    assert known == 5
    assert after.write(batch(b"two"), 6, stop, print)
    with pytest.raises(TransientError):
        before.write(batch(b"three"), 7, stop, print)
    assert [each.value() for each in messages_of(broker.bootstrap, name)] == [b"one", b"two"]
    uncommitted = messages_of(broker.bootstrap, name, isolation="read_uncommitted")
    assert [each.value() for each in uncommitted] == [b"one", b"half", b"two"]
    after.close()
    before.close()
    # numbers of a state that is lost mean nothing in the next one
    other, known = opened("second")
    assert known is None
    other.close()


@pytest.mark.parametrize("transactional", [False, True])
def test_who_is_to_stop_before_it_has_begun_does_not_say_that_all_is_there(
    broker: Broker, topic: Callable[..., str], messages_of: Callable[..., list[Message]], *, transactional: bool
) -> None:
    name, stop = topic(), threading.Event()
    writer = ResultsWriter(
        broker.bootstrap, [name], {}, identity=f"yeoul.{uuid.uuid4()}" if transactional else "", epoch="first"
    )
    writer.open()
    stop.set()
    assert not writer.write([Outbound(name, b"k", b"one", [("id", b"one")])], 5, stop, print)
    writer.close()
    assert messages_of(broker.bootstrap, name) == []


def test_a_broker_that_is_killed_amid_transactions_is_gone_on_with_when_it_is_back(
    brokers: Callable[..., Broker], messages_of: Callable[..., list[Message]]
) -> None:
    stop, done, trouble = threading.Event(), [0], [0]
    with brokers() as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        admin.create_topics([NewTopic("numbers", 1, 1)])["numbers"].result(60)

        def send() -> None:
            while not stop.is_set():
                writer = ResultsWriter(broker.bootstrap, ["numbers"], {"log_level": "0"}, identity="it", epoch="first")
                try:
                    done[0] = writer.open() or 0
                    while not stop.is_set():
                        value = b"%d" % (done[0] + 1)
                        if writer.write([Outbound("numbers", b"k", value, [("id", value)])], done[0] + 1, stop, print):
                            done[0] += 1
                except TransientError:
                    trouble[0] += 1
                    time.sleep(0.5)
                writer.close()

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        wait_for(lambda: done[0] > 20)
        broker.kill()
        time.sleep(3)
        broker.start()
        before = done[0]
        wait_for(lambda: done[0] > before + 20, 120)
        stop.set()
        thread.join(60)
        numbers = [int(each.value() or 0) for each in messages_of(broker.bootstrap, "numbers")]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= done[0]


def opened_on(
    broker: Broker, name: str, identity: str, settings: Mapping[str, str] = MappingProxyType({})
) -> ResultsWriter:
    for _ in range(30):
        writer = ResultsWriter(broker.bootstrap, [name], settings, identity=identity, epoch="first")
        try:
            writer.check()
            writer.open()
        except TransientError:  # a broker that has just been started finds its coordinator by and by
            writer.close()
            time.sleep(0.5)
        else:
            return writer
    pytest.fail("the broker has no coordinator")


@pytest.mark.parametrize("transactional", [False, True])
def test_one_that_is_too_large_takes_no_other_with_it_and_repeats_none(
    broker: Broker, topic: Callable[..., str], messages_of: Callable[..., list[Message]], *, transactional: bool
) -> None:
    name, told = topic(max_message_bytes="20000"), list[str]()
    writer = opened_on(broker, name, f"yeoul.{uuid.uuid4()}" if transactional else "")
    # its failure is heard of while those behind it are still handed over
    batch = [Outbound(name, b"%d" % number, os.urandom(200), [("id", b"x")]) for number in range(10_000)]
    for place in (0, 5000, 10_002):
        batch.insert(place, Outbound(name, b"large", os.urandom(30_000), [("id", b"y")]))
    assert writer.write(batch, 1, threading.Event(), told.append)
    writer.close()
    assert [each.key() for each in messages_of(broker.bootstrap, name)] == [b"%d" % number for number in range(10_000)]
    assert len(told) == 3


@pytest.mark.parametrize("transactional", [False, True])
def test_one_that_the_client_s_own_limit_forbids_is_left_out(
    broker: Broker, topic: Callable[..., str], messages_of: Callable[..., list[Message]], *, transactional: bool
) -> None:
    name, told = topic(), list[str]()
    identity = f"yeoul.{uuid.uuid4()}" if transactional else ""
    writer = opened_on(broker, name, identity, {"message.max.bytes": "20000"})
    sizes = {b"before": 10, b"large": 30_000, b"behind": 10}
    batch = [Outbound(name, key, os.urandom(size), [("id", b"x")]) for key, size in sizes.items()]
    assert writer.write(batch, 1, threading.Event(), told.append)
    assert writer.left_out == 1
    writer.close()
    assert [each.key() for each in messages_of(broker.bootstrap, name)] == [b"before", b"behind"]
    large = "takes no message of 30005 bytes: the one with the key b'large' is left out"
    assert told == [f"the client's `message.max.bytes` {large}"]


@pytest.mark.parametrize("limit", [10_000, 20_000])
@pytest.mark.parametrize("transactional", [False, True])
def test_a_topic_that_takes_less_than_was_known_is_sent_smaller_batches(
    broker: Broker,
    topic: Callable[..., str],
    messages_of: Callable[..., list[Message]],
    *,
    transactional: bool,
    limit: int,
) -> None:
    name, told = topic(max_message_bytes=f"{limit}"), list[str]()
    writer = ResultsWriter(
        broker.bootstrap, [name], {}, identity=f"yeoul.{uuid.uuid4()}" if transactional else "", epoch="first"
    )
    writer.open()  # without `check` it knows as little of the topic as who may not ask
    batch = [Outbound(name, b"%d" % number, os.urandom(500), [("id", b"x")]) for number in range(1000)]
    batch.insert(500, Outbound(name, b"large", os.urandom(30_000), [("id", b"y")]))
    assert writer.write(batch, 1, threading.Event(), told.append)
    writer.close()
    kept = [each.key() for each in messages_of(broker.bootstrap, name)]
    keys = [b"%d" % number for number in range(1000)]
    assert sorted(set(kept), key=lambda key: int(key or b"0")) == keys
    if transactional:
        assert kept == keys
    assert len(told) == 1


class _StopAmid(threading.Event):
    """Set when so many messages were handed over and some of them are there."""

    left = 5000

    def is_set(self) -> bool:
        self.left -= 1
        if self.left == 0:
            time.sleep(1)
        return self.left <= 0


def test_a_stop_amid_a_transaction_holds_no_reader_up(
    broker: Broker, topic: Callable[..., str], messages_of: Callable[..., list[Message]]
) -> None:
    name = topic()
    writer = opened_on(broker, name, f"yeoul.{uuid.uuid4()}")
    batch = [Outbound(name, b"k", b"amid", [("id", b"x")]) for _ in range(10_000)]
    assert not writer.write(batch, 1, _StopAmid(), print)
    writer.close()
    other = opened_on(broker, name, "")
    assert other.write([Outbound(name, b"k", b"behind", [("id", b"z")])], 1, threading.Event(), print)
    other.close()
    assert len(messages_of(broker.bootstrap, name, isolation="read_uncommitted")) > 1
    wait_for(lambda: [each.value() for each in messages_of(broker.bootstrap, name)] == [b"behind"], 5)
