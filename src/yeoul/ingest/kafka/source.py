"""The source itself: finds the partitions, fetches their messages, says what is lost, tells how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Literal

from yeoul.clock import Clock, SystemClock
from yeoul.errors import SourceError, UnreachableError
from yeoul.ingest.contract import Notice, Split
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
from yeoul.ingest.kafka.partition import Partition
from yeoul.kafka_client import KafkaError, KafkaException, Message, TopicPartition, refusal

__all__ = ["KafkaSource"]

_LOOK_US = 5_000_000
"""How often new partitions are looked for, and offsets committed for those who watch."""
_SOON_US = 1_000_000
_AT_ONCE = 500
"""Messages asked for in one call: so few are joined while the processor's cache holds them, and do not wake the garbage
collector, which would look through each of them."""
_FIRST_AT_ONCE = 256
_LEAST_AT_ONCE = 16
_AT_ONCE_BYTES = 8 << 20
_TAKE_BYTES = 4 << 20
"""Taken before it is looked whose turn it is to wait."""
_DRY_US = 20_000
"""When nothing had come, it is not asked again for so long: many partitions ask one after the other."""
_WAIT_S = 0.05
_ASK_S = 5.0
_ASK_LIVE_S = 1.0
_SURE_LOOKS = 2
"""A broker that has just started may not know its topics yet."""
_GIVE_UP_US = 60_000_000
"""A replay waits so long for a broker that does not answer."""
_HELD_BYTES = 64 << 20
_LEAST_HELD_BYTES = 1 << 20
# ruff: noqa: SLF001 - the library's names of its own errors begin with an underscore
_OUT_OF_RANGE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
_GONE = frozenset({KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART})


class KafkaSource:
    """Reads the messages of a topic, each as one line, and goes on exactly where a position says.

    Args:
        bootstrap: `host:port`, several joined by commas.
        topic: its name.
        resume: positions by split name (`TOPIC/PARTITION`). None: a fresh start; then `start` decides.
        start: `earliest`, or `latest`: what is there at the first poll of a fresh start is not read.
        live: False: partitions end where they ended at the first poll.
        on_loss: what to do when messages were deleted before they were read: `stop`, or `continue` behind them.
        group: the consumer group that offsets are committed to, for those who watch it; nothing is read from there.
        settings: more settings of the client library (librdkafka), such as TLS and SASL.
        clock: for how often it looks at the topic.

    Raises:
        SourceError: from `poll`: no broker answers a fresh start, the topic is not there or is another one than before,
            or messages are lost.

    Complexity: memory is bounded by what waits to be read, about 64 MB, whatever the partitions hold.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        *,
        resume: Mapping[str, dict[str, Any]] | None = None,
        start: Literal["earliest", "latest"] = "earliest",
        live: bool = True,
        on_loss: Literal["stop", "continue"] = "stop",
        group: str = "yeoul",
        settings: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._topic = Topic(bootstrap, topic)
        self._fresh = resume is None
        self._start = start
        self._live = live
        self._continue = on_loss == "continue"
        self._settings = dict(settings or {})
        self._clock = clock or SystemClock()
        self._brokers = Brokers()
        self._consumer = open_consumer(bootstrap, group, self._settings, self._brokers)
        self._admin: Any = None
        self._partitions: dict[int, Partition] = {}
        for name, kept in (resume or {}).items():
            partition = self._partition(int(name.rpartition("/")[2]), int(kept["offset"]))
            partition.topic_id = kept["topic_id"]
        self._notices: list[Notice] = []
        self._looked_us = self._committed_us = -_LOOK_US
        self._dry_us = -_DRY_US
        self._at_once = _FIRST_AT_ONCE
        self._missed = 0
        self._closed = False

    def poll(self) -> None:
        """See new partitions; take what came."""
        now_us = self._clock.monotonic_us()
        if now_us - self._looked_us >= _LOOK_US and not self._brokers.away and (self._live or self._fresh):
            self._looked_us = now_us
            self._look()
        self._take(0)

    def splits(self) -> Sequence[Split]:
        """The partitions, by number."""
        return [self._partitions[number] for number in sorted(self._partitions)]

    def notices(self) -> list[Notice]:
        """What happened since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def forgotten(self) -> list[str]:
        """None: partitions do not go."""
        return []

    def checkpointed(self) -> None:
        """Commit the stored offsets to the group, for those who watch it."""
        now_us = self._clock.monotonic_us()
        if not self._live or now_us - self._committed_us < _LOOK_US // 5:
            return
        self._committed_us = now_us
        stored = [(each, each.stored) for each in self._partitions.values() if each.stored is not None]
        offsets = [TopicPartition(self._topic.name, each.number, at) for each, at in stored]
        if offsets:
            with contextlib.suppress(KafkaException):  # nothing depends on it
                self._consumer.commit(offsets=offsets, asynchronous=True)
            for each, _ in stored:
                each.stored = None

    def close(self) -> None:
        """Let go of the connections; may be called twice."""
        if not self._closed:
            self._closed = True
            self._consumer.close()
            self._admin = None

    # the topic

    def _partition(self, number: int, at: int) -> Partition:
        name = f"{self._topic.name}/{number}"
        made = self._partitions[number] = Partition(name, number, at, self._brokers, self._fetch)
        return made

    def _look(self) -> None:
        """Find partitions that are not read yet, and whether it is still the same topic.

        Raises:
            UnreachableError: nobody answers at a fresh start, where the address may be wrong.
            SourceError: it is not the topic that was read, or messages are lost.
        """
        fresh, within_s = self._fresh, _ASK_S if self._fresh else _ASK_LIVE_S
        try:
            numbers = ask_partitions(self._consumer, self._topic, self._brokers, within_s)
        except UnreachableError:
            if fresh:
                raise
            return
        if numbers is None:
            self._miss()
            return
        self._missed = 0
        self._admin = self._admin or open_admin(self._topic.bootstrap, self._settings)
        topic_id = ask_topic_id(self._admin, self._topic.name)
        starts = []
        for number in numbers:
            partition = self._partitions.get(number)
            if partition is not None and partition.assigned and partition.may_be_of(topic_id):
                continue
            try:
                low, high = ask_range(self._consumer, self._topic.name, number, within_s)
            except UnreachableError:
                if fresh:
                    raise
                continue
            if (at := self._where(number, topic_id, low, high)) is not None:
                starts.append(TopicPartition(self._topic.name, number, at))
        self._fresh = False
        for each in self._partitions.values():
            each.final_bytes = self._cap_bytes() // 2  # what is paused has half of it
        if starts:
            self._consumer.incremental_assign(starts)

    def _miss(self) -> None:
        """There is no such topic.

        Raises:
            SourceError: that is sure.
        """
        if self._fresh:
            raise no_topic(self._consumer, self._topic)
        self._missed += 1
        if self._missed >= _SURE_LOOKS:
            then = "what was read of it is kept; to read another one of that name, move `.yeoul` away when it is there"
            raise deleted(self._topic, then)
        self._looked_us += _SOON_US - _LOOK_US

    def _where(self, number: int, topic_id: str | None, low: int, high: int) -> int | None:
        """Where reading of a partition goes on; None: not before what was fetched is read.

        Raises:
            SourceError: the topic was made anew since the position was taken, or messages are lost.
        """
        partition = self._partitions.get(number)
        if partition is None:
            at = high if self._fresh and self._start == "latest" else low
            partition = self._partition(number, at)
        else:
            self._check_topic(partition, topic_id, high)
            if partition.waiting_bytes:
                self._looked_us += _SOON_US - _LOOK_US
                return None
            at = self._past_loss(partition, low)
        partition.begin(at, high, topic_id)
        partition.end = None if self._live else high
        return at

    def _check_topic(self, partition: Partition, topic_id: str | None, high: int) -> None:
        """Raise when the topic was made anew since the position was taken."""
        at = partition.fetched
        if at > high or not partition.may_be_of(topic_id):
            message = (
                f"topic `{self._topic.name}` was deleted and made again: `{partition.name}` was read up to offset "
                f"{at}, and now ends at {high}; move `.yeoul` away to read it from its beginning, or name another topic"
            )
            raise SourceError(message)

    def _past_loss(self, partition: Partition, low: int) -> int:
        """Where reading can go on.

        Raises:
            SourceError: messages before that are lost, and nobody said that this is no harm.
        """
        at = partition.fetched
        if at >= low:
            return at
        lost = f"messages {at} to {low - 1} ({low - at} of them) were deleted before they were read"
        if not self._continue:
            message = (
                f"`{partition.name}`: {lost}; give the topic a longer retention, and to go on at {low} without "
                'them set `on_loss = "continue"` in the source'
            )
            raise SourceError(message)
        self._notices.append(Notice("lost", partition.name, f"{lost}; reading goes on at {low}"))
        return low

    # messages

    def _fetch(self, wait: bool) -> None:
        """Let messages come; a replay waits for them, and gives up in the end.

        Raises:
            UnreachableError: nobody answers.
        """
        begun_us = self._clock.monotonic_us()
        if not wait and begun_us - self._dry_us < _DRY_US:
            return
        while not self._take(_WAIT_S if wait else 0) and wait:
            if self._clock.monotonic_us() - begun_us > _GIVE_UP_US:
                said = self._brokers.last or "no error"
                message = (
                    f"the broker at `{self._topic.bootstrap}` sent nothing for a minute ({said}); start it, try again"
                )
                raise UnreachableError(message)

    def _take(self, wait_s: float) -> int:
        """Hand what came to the partitions; how many messages and ends that was."""
        self._hold_back()
        count = size = 0
        full = True
        while full and size < _TAKE_BYTES:
            came = self._consumer.consume(self._at_once, 0 if count else wait_s)
            full = len(came) == self._at_once
            count += len(came)
            size += (gained := self._hand_out(came))
            if gained:
                # as many as weigh a few megabytes by what these weighed: what waits stays near its bound
                self._at_once = min(_AT_ONCE, max(_LEAST_AT_ONCE, len(came) * _AT_ONCE_BYTES // gained))
        if not count:
            self._dry_us = self._clock.monotonic_us()
        if self._brokers.refused:
            raise SourceError(refusal(self._topic.bootstrap, self._brokers, "source"))
        return count

    def _hand_out(self, came: list[Message]) -> int:
        """Give messages to their partitions, and look at what is no message; the bytes that wait now more than before.

        Each look at a message is a call of the library, so there are only as many as are needed.
        """
        before = self._waiting_bytes()
        for each in self._partitions.values():
            each.comes_again = False
        numbers = list(map(Message.partition, came))
        if any(map(Message.error, came)):
            numbers = [each.partition() if each.error() is None else None for each in came]
        first = 0
        for number, run in groupby(numbers):
            last = first + len(list(run))
            messages = came[first:last]
            first = last
            if number is None:
                for message in messages:
                    self._note(message)
            else:
                self._accept(self._partitions[number], messages)
        return self._waiting_bytes() - before

    def _accept(self, partition: Partition, messages: list[Message]) -> None:
        if partition.comes_again:
            return
        offsets = _offsets(messages)
        doubted = partition.before_gap(offsets) if self._brokers.troubled else None
        if doubted is not None:
            offsets, messages = offsets[:doubted], messages[:doubted]
        if messages:
            partition.take(offsets, list(map(Message.value, messages)))
            place = TopicPartition(self._topic.name, partition.number)
            partition.high = max(partition.high, self._consumer.get_watermark_offsets(place, cached=True)[1])
        if doubted is not None:
            self._consumer.seek(TopicPartition(self._topic.name, partition.number, partition.fetched))

    def _note(self, message: Message) -> None:
        """An error in the place of a message."""
        error = message.error()
        assert error is not None
        partition = self._partitions.get(message.partition() or 0)
        code = error.code()
        if partition is not None and code == KafkaError._PARTITION_EOF:
            end = message.offset() or 0
            if self._brokers.troubled and not partition.comes_again and partition.before_gap([end]) is not None:
                self._consumer.seek(TopicPartition(self._topic.name, partition.number, partition.fetched))
            if not partition.comes_again:
                partition.reached(end)
        elif partition is not None and code in _OUT_OF_RANGE:
            # what was fetched before is still there to be read; the rest is asked for anew at the next look
            place = [TopicPartition(self._topic.name, partition.number)]
            if partition.paused:
                self._consumer.resume(place)
            self._consumer.incremental_unassign(place)
            partition.drop()
            self._looked_us = -_LOOK_US
        elif code in _GONE:
            self._looked_us = -_LOOK_US
        else:
            self._brokers.note(error)

    def _hold_back(self) -> None:
        """Fetch no more for partitions that are over, or of which much waits until half of it was read."""
        cap = self._cap_bytes()
        partitions = self._partitions.values()
        pause = [each for each in partitions if not each.paused and (each.waiting_bytes > cap or each.over)]
        if pause:
            self._consumer.pause([TopicPartition(self._topic.name, each.number) for each in pause])
        resume = [each for each in partitions if each.paused and each.waiting_bytes < cap // 2 and not each.over]
        if resume:
            self._consumer.resume([TopicPartition(self._topic.name, each.number) for each in resume])
        for each in pause + resume:
            each.paused = not each.paused

    def _waiting_bytes(self) -> int:
        return sum(each.waiting_bytes for each in self._partitions.values())

    def _cap_bytes(self) -> int:
        return max(_LEAST_HELD_BYTES, _HELD_BYTES // max(1, len(self._partitions)))


def _offsets(messages: Sequence[Message]) -> Sequence[int]:
    """Of messages of one partition, in their order: mostly the first and the last say those between them."""
    first, last = messages[0].offset() or 0, messages[-1].offset() or 0
    if last - first + 1 == len(messages):
        return range(first, last + 1)
    return [message.offset() or 0 for message in messages]
