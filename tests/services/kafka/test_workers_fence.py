"""A worker that hung and does not know that others have its shard writes nothing, whatever it tries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Message

from yeoul.deliver.kafka import Member, Outbound, ResultsWriter
from yeoul.errors import TransientError
from yeoul.ingest.kafka import Group, Topic
from yeoul.testing.broker import Broker
from yeoul.testing.processes import wait_for

pytestmark = [pytest.mark.services, pytest.mark.timeout(120)]

PATIENCE = {"session.timeout.ms": "6000", "max.poll.interval.ms": "6000"}
NEVER = threading.Event()


class Follower:
    """A member of the group that has partition 0 when the group says so, and writes as a worker does."""

    def __init__(self, broker: Broker, windows: str, results: str) -> None:
        self._broker = broker
        self._windows = windows
        self._results = results
        self.has: set[int] = set()
        self.group = Group(
            Topic(broker.bootstrap, windows),
            f"{windows}.detect",
            PATIENCE,
            gained=self.has.update,
            given=self.has.difference_update,
            lost=self.has.difference_update,
        )

    def has_it(self) -> bool:
        self.group.look()
        return 0 in self.has

    def open(self) -> ResultsWriter:
        member = Member(f"{self._windows}.detect", self._results, 0, self.group.membership)
        writer = ResultsWriter(
            self._broker.bootstrap, [self._results], {}, identity=f"{self._windows}.0", epoch="e", member=member
        )
        writer.open()
        return writer

    def write(self, writer: ResultsWriter, value: bytes, sent: int) -> None:
        assert writer.write([Outbound(self._results, b"k", value, [])], sent, NEVER, print)


def test_who_hung_and_was_replaced_commits_nothing_though_it_begins_anew(
    broker: Broker, topics: Callable[..., Any], messages_of: Callable[..., list[Message]]
):
    windows, results = topics(broker).name, topics(broker).name
    hung = Follower(broker, windows, results)
    before = hung.open()  # waits until the broker has made what it keeps of transactions: it hears nothing meanwhile
    wait_for(hung.has_it)
    hung.write(before, b"one", 1)
    other = Follower(broker, windows, results)
    wait_for(other.has_it, 30)  # meanwhile the first one does not hear anything
    ours = other.open()
    wait_for(other.has_it, 30)
    other.write(ours, b"two", 2)

    assert hung.has == {0}
    with pytest.raises(TransientError):
        hung.write(before, b"late", 3)
    again = hung.open()  # fences the other one off
    with pytest.raises(TransientError, match="has let go of this member"):
        hung.write(again, b"later", 4)
    with pytest.raises(TransientError):
        other.write(ours, b"three", 3)
    ours = other.open()
    wait_for(other.has_it, 30)
    other.write(ours, b"three", 3)
    assert [each.value() for each in messages_of(broker.bootstrap, results)] == [b"one", b"two", b"three"]

    wait_for(lambda: not hung.has_it())
    for each in (before, again, ours, hung.group, other.group):
        each.close()
