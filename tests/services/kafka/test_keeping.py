"""What a worker has learnt is kept whole or not at all, however little its topic takes in one message."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.deliver.kafka import ResultsWriter, kept, make_beside
from yeoul.errors import UnreachableError
from yeoul.flows.workers.keeping import keep_whole, newest_kept, to_keep
from yeoul.ingest.kafka import Topic, read_whole
from yeoul.testing.broker import Broker
from yeoul.testing.processes import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]


def kept_in(broker: Broker, name: str, writer: ResultsWriter, block: bytes) -> tuple[bool, bytes | None]:
    writer.open()
    chunked = partial(to_keep, block, name, 0, declared="d", taken=5, slot=0, topic_id=None)
    whole = keep_whole(writer, chunked, lambda batch: writer.write(batch, 1, threading.Event(), print))
    writer.close()
    found = newest_kept(read_whole(Topic(broker.bootstrap, name), 0, "g", {}, 10.0), "d")
    return whole, found and found[0]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("transactional", [False, True])
def test_what_is_learnt_is_kept_where_a_topic_takes_little(
    broker: Broker,
    topic: Callable[..., str],
    messages_of: Callable[..., list[Message]],
    *,
    known: bool,
    transactional: bool,
) -> None:
    name, block = topic(max_message_bytes="100000"), os.urandom(700_000)
    writer = ResultsWriter(broker.bootstrap, [name], {}, identity=f"yeoul.{uuid.uuid4()}" if transactional else "")
    if known:
        writer.check()
    assert kept_in(broker, name, writer, block) == (True, block)
    if known:
        assert len(messages_of(broker.bootstrap, name)) == 8


def test_what_a_topic_takes_in_no_message_is_not_said_to_be_kept(broker: Broker, topic: Callable[..., str]) -> None:
    name = topic(max_message_bytes="100")
    writer = ResultsWriter(broker.bootstrap, [name], {}, identity=f"yeoul.{uuid.uuid4()}")
    assert kept_in(broker, name, writer, os.urandom(2000)) == (False, None)


def test_a_broker_that_hangs_before_it_has_made_the_topic_is_told(
    brokers: Callable[..., Broker], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = brokers().start()
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    admin.create_topics([NewTopic("windows", 2, 1)])["windows"].result(60)
    wait_for(lambda: "windows" in admin.list_topics(timeout=10).topics)

    class Hanging(AdminClient):
        def list_topics(self, *arguments: Any, **named: Any) -> Any:
            found = super().list_topics(*arguments, **named)
            broker.freeze()
            return found

    monkeypatch.setattr(kept, "AdminClient", Hanging)
    with pytest.raises(UnreachableError, match=r"makes topic `kept` .*; start it or mend `bootstrap`"):
        make_beside(broker.bootstrap, "kept", "windows", {})
