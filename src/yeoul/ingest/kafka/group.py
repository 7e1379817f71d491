"""Partitions of a topic shared out by a consumer group, and read from where their new owner wants."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from yeoul.errors import SourceError, UnreachableError
from yeoul.ingest.kafka.client import (
    Brokers,
    Topic,
    ask_partitions,
    ask_range,
    ask_topic_id,
    deleted,
    no_topic,
    open_admin,
    open_consumer,
)
from yeoul.ingest.kafka.gaps import Gaps
from yeoul.kafka_client import Consumer, KafkaError, KafkaException, TopicPartition, refusal, text_of

__all__ = ["Committed", "Group", "Read", "Reader", "read_whole"]

_BEGINNING = -2
"""The offset that stands for the first message there is."""
_SESSION_MS = "10000"
"""The partitions of a worker that is killed go to others after so long; `client` of the sink may say otherwise."""
_ASK_S = 10.0
_ASK_LIVE_S = 2.0
_LOOK_S = 5.0
"""How often it is seen whether it is still the same topic."""
_SOON_S = 1.0
_SURE_LOOKS = 3
"""A broker that has just come up may not know all topics yet."""
_WAIT_S = 0.2
# ruff: noqa: SLF001 - the library's names of its own errors begin with an underscore
_LOST = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})


class Committed(NamedTuple):
    """What a group keeps of a partition."""

    offset: int
    """Behind the last message that is done with; negative: nothing was committed."""
    metadata: str


class Read(NamedTuple):
    """A message."""

    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: dict[str, bytes]


class Group:
    """Membership of a consumer group: it is told which partitions it has, and reads none of them itself.

    Partitions move one by one (`cooperative-sticky`): those that stay are not disturbed.

    Args:
        topic: whose partitions are shared out.
        group: its name.
        settings: more settings of the client library.
        gained: is given partitions that this member has from now on.
        given: is given those that it hands over in order; who has them next comes when this returns.
        lost: is given those that others have already.

    Raises:
        SourceError: there is no such topic, or they do not let us in.
        UnreachableError: no broker answers.
    """

    def __init__(
        self,
        topic: Topic,
        group: str,
        settings: Mapping[str, str],
        *,
        gained: Callable[[list[int]], None],
        given: Callable[[list[int]], None],
        lost: Callable[[list[int]], None],
    ) -> None:
        self._topic = topic
        self._brokers = Brokers()
        chosen = {"session.timeout.ms": _SESSION_MS, **settings, "partition.assignment.strategy": "cooperative-sticky"}
        self._consumer = open_consumer(topic.bootstrap, group, chosen, self._brokers)
        self._look_s = time.monotonic() + _LOOK_S
        self._missed = 0
        self._another = False
        """Whether it is another topic: then nothing is committed to it."""
        try:
            self.partitions = self._ask()
            self._admin = open_admin(topic.bootstrap, settings)
            self.topic_id = ask_topic_id(self._admin, topic.name)
            """What tells the topic from a later one of its name; None while the broker does not say."""
        except BaseException:
            self._consumer.close()
            raise
        self._consumer.subscribe(
            [topic.name],
            on_assign=lambda _, places: self._assign(places, gained),
            on_revoke=lambda _, places: self._unassign(places, given),
            on_lost=lambda _, places: self._unassign(places, lost),
        )

    def _ask(self) -> list[int]:
        # those too that nobody leads now: they are shards as the others
        found = ask_partitions(self._consumer, self._topic, self._brokers, _ASK_S, led=False)
        if found is None:
            raise no_topic(self._consumer, self._topic)
        return found

    def _assign(self, places: list[Any], gained: Callable[[list[int]], None]) -> None:
        for place in places:
            place.offset = 0  # nothing is read by this consumer: there is none to be looked up
        self._consumer.incremental_assign(places)
        self._consumer.pause(places)
        gained([place.partition for place in places])

    def _unassign(self, places: list[Any], then: Callable[[list[int]], None]) -> None:
        then([place.partition for place in places])
        self._consumer.incremental_unassign(places)

    def look(self) -> None:
        """Hear what the group decided; to be called at least every five minutes, or others take over.

        Raises:
            SourceError: they do not let us in, or it is not the topic any more that it was.
        """
        came = self._consumer.poll(0)
        error = came and came.error()
        if error and error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:  # to a source its group is no matter
            self._brokers.refused = error.str()
        if self._brokers.refused:
            raise SourceError(refusal(self._topic.bootstrap, self._brokers, "sink"))
        if time.monotonic() >= self._look_s and not self._brokers.away:
            self._look_s = time.monotonic() + _LOOK_S
            self._see_topic()

    def _see_topic(self) -> None:
        """See that the topic is there, as large as it was, and not another one of its name.

        Raises:
            SourceError: it is not.
        """
        name = self._topic.name
        try:
            found = ask_partitions(self._consumer, self._topic, self._brokers, _ASK_LIVE_S, led=False)
        except UnreachableError:
            return
        if found is None:
            self._missed += 1
            self._look_s += _SOON_S - _LOOK_S
            if self._missed >= _SURE_LOOKS:
                then = "what was found in it is sent; for another one of that name, name another `group` in the sink"
                raise deleted(self._topic, then)
            return
        self._missed = 0
        topic_id = ask_topic_id(self._admin, name)
        self.topic_id = self.topic_id or topic_id
        self.check_topic(topic_id)
        if len(found) > len(self.partitions):
            message = (
                f"topic `{name}` had {len(self.partitions)} partitions and has {len(found)} now: keys are no longer "
                "where what was learnt of them is; name a new topic in `topics.windows`"
            )
            raise SourceError(message)

    def check_topic(self, topic_id: str | None) -> None:
        """See that something is of this topic, and of no other one of its name.

        Raises:
            SourceError: it is of another one.
        """
        if topic_id is not None and self.topic_id is not None and topic_id != self.topic_id:
            self._another = True
            raise made_again(self._topic)

    def committed(self, partition: int) -> Committed:
        """What was committed of a partition.

        Raises:
            UnreachableError: its broker does not say.
        """
        try:
            [found] = self._consumer.committed([TopicPartition(self._topic.name, partition)], timeout=_ASK_S)
        except KafkaException as error:
            message = (
                f"group of `{self._topic.name}` cannot be asked for its offsets: {text_of(error)}; its broker is away"
            )
            raise UnreachableError(message) from error
        return Committed(found.offset, found.metadata or "")

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        """Keep how far partitions are done with; what cannot be kept now is kept the next time."""
        if self._another:
            return
        places = [
            TopicPartition(self._topic.name, number, each.offset, each.metadata) for number, each in offsets.items()
        ]
        with suppress(KafkaException):
            self._consumer.commit(offsets=places, asynchronous=True)  # otherwise it waits for a broker that is away

    def membership(self) -> Any:
        """What a producer commits with, so that the broker refuses it when others have the partitions.

        Raises:
            UnreachableError: the group has let go of this member.
        """
        told = self._consumer.consumer_group_metadata()
        # of who is no member the broker would take a commit as of somebody who shares with nobody; it is asked for
        # after the former: who was let go joins again only when it has heard of it in `look`
        if not self._consumer.memberid():
            message = f"the group of `{self._topic.name}` has let go of this member, which was not heard of in time"
            raise UnreachableError(message)
        return told

    def close(self) -> None:
        """Leave; others take over at once."""
        self._consumer.close()


class _Place(Gaps):
    """How far a partition is read."""

    fetched = 0

    def __init__(self, fetched: int) -> None:
        self.fetched = fetched


class Reader:
    """Reads partitions that others decide on; what the client library passes over in the wake of an outage too.

    Args:
        topic: theirs.
        group: that may read it; it is not joined.
        settings: more settings of the client library.
        tell: is told of messages that are gone before they were read.
    """

    def __init__(self, topic: Topic, group: str, settings: Mapping[str, str], tell: Callable[[str], None]) -> None:
        self._topic = topic
        self._tell = tell
        self._brokers = Brokers()
        self._consumer = open_consumer(topic.bootstrap, group, settings, self._brokers)
        self._places: dict[int, _Place] = {}
        self._lost: set[int] = set()
        """Partitions whose next message is gone; they are read on when their broker says from where."""

    @property
    def away(self) -> bool:
        """Whether it is known that no broker answers."""
        return self._brokers.away

    def begin(self, partitions: Sequence[int]) -> dict[int, int]:
        """The first offset that each has.

        Raises:
            UnreachableError: a broker does not say.
        """
        name = self._topic.name
        return {number: ask_range(self._consumer, name, number, _ASK_S)[0] for number in partitions}

    def add(self, offsets: Mapping[int, int]) -> None:
        """Read these partitions too, each from an offset on."""
        self._places |= {number: _Place(offset) for number, offset in offsets.items()}
        self._consumer.incremental_assign([TopicPartition(self._topic.name, *place) for place in offsets.items()])

    def drop(self, partitions: Sequence[int]) -> None:
        """Read these no more."""
        for number in partitions:
            self._lost.discard(number)
            self._places.pop(number, None)
        self._consumer.incremental_unassign([TopicPartition(self._topic.name, number) for number in partitions])

    def read(self, most: int, wait_s: float) -> list[Read]:
        """Messages that came, in order within a partition.

        Raises:
            SourceError: they do not let us in, or it is not the topic any more that it was.
        """
        found = []
        for each in self._places.values():
            each.comes_again = False
        for message in self._consumer.consume(most, wait_s):
            error, number, at = message.error(), message.partition() or 0, message.offset() or 0
            place = self._places.get(number)
            if place is None:
                continue
            if error is not None and error.code() in _LOST:
                self._lost.add(number)
            elif error is None or error.code() == KafkaError._PARTITION_EOF:
                if not place.comes_again and self._brokers.troubled and place.before_gap([at]) is not None:
                    self._consumer.seek(TopicPartition(self._topic.name, number, place.fetched))
                if not place.comes_again:
                    place.fetched = at + (error is None)  # an end too: behind it a gap is another one
                    if error is None:
                        found.append(_read(message))
        for number in sorted(self._lost):
            self._pass_gap(number)
        if self._brokers.refused:
            raise SourceError(refusal(self._topic.bootstrap, self._brokers, "sink"))
        return found

    def _pass_gap(self, partition: int) -> None:
        """Read on where messages are again.

        Raises:
            SourceError: it is another topic.
        """
        at = self._places[partition].fetched
        with suppress(UnreachableError):
            low, high = ask_range(self._consumer, self._topic.name, partition, _ASK_S)
            if at > high:
                raise made_again(self._topic)
            if at < low:
                self._tell(
                    f"`{self._topic.name}/{partition}` has no message before {low} any more, and {at} was to be read: "
                    "what was between them is past its retention"
                )
            self.drop([partition])
            self.add({partition: max(at, low)})

    def behind(self) -> int:
        """How many messages are still to be read, as far as is known."""
        found = 0
        for number, place in self._places.items():
            _, high = self._consumer.get_watermark_offsets(TopicPartition(self._topic.name, number), cached=True)
            found += max(0, high - place.fetched)
        return found

    def close(self) -> None:
        """Let go of the brokers."""
        self._consumer.close()


def made_again(topic: Topic) -> SourceError:
    """The error that says so."""
    return SourceError(
        f"topic `{topic.name}` was deleted and made again: what was learnt is of the one before; name another `group` "
        "in the sink to begin anew with this one"
    )


def read_whole(topic: Topic, partition: int, group: str, settings: Mapping[str, str], within_s: float) -> list[Read]:
    """All messages that a partition has.

    Raises:
        UnreachableError: for so long none came.
    """
    brokers = Brokers()
    consumer: Consumer = open_consumer(topic.bootstrap, group, settings, brokers)
    try:
        consumer.assign([TopicPartition(topic.name, partition, _BEGINNING)])
        found: list[Read] = []
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            for message in consumer.consume(1000, _WAIT_S):
                error = message.error()
                if error is None:
                    until_s = time.monotonic() + within_s
                    found.append(_read(message))
                elif error.code() == KafkaError._PARTITION_EOF:
                    return found
        message_ = f"`{topic.name}/{partition}` sent nothing for {within_s:.0f} s ({brokers.last or 'no answer'}); "
        raise UnreachableError(message_ + "see that its broker is up")
    finally:
        consumer.close()


def _read(message: Any) -> Read:
    headers = dict(message.headers() or ())
    return Read(message.partition(), message.offset(), message.key() or b"", message.value(), headers)
