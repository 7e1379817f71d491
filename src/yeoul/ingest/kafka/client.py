"""A consumer as this source needs it: its settings, what it tells of its brokers, its errors as sentences."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import NamedTuple

from yeoul.errors import SourceError, UnreachableError
from yeoul.kafka_client import (
    LOG,
    AdminClient,
    Consumer,
    KafkaError,
    KafkaException,
    Said,
    TopicCollection,
    TopicPartition,
    no_broker,
    refusal,
    refused_settings,
    text_of,
)
from yeoul.plugins import nearest

__all__ = [
    "Brokers",
    "Topic",
    "ask_partitions",
    "ask_range",
    "ask_topic_id",
    "deleted",
    "no_topic",
    "open_admin",
    "open_consumer",
]

_STATISTICS_MS = 1000
_SILENT_US = 3_000_000
"""A broker answers each fetch within half a second, also when it has nothing; one silent for so long hangs."""
_TRUSTED_LOOKS = 2
_TROUBLED_S = 120.0
_ASK_S = 5.0
_NAMED = 10
_FATAL = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001 - the library's names of its own errors begin so
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)


class Brokers(Said):
    """What the client library says of its connections, once a second."""

    def __init__(self) -> None:
        super().__init__(_FATAL)
        self._answering: dict[int, int] = {}
        self._troubled_s = -_TROUBLED_S
        self._ends: dict[int, int] = {}

    def note(self, error: KafkaError) -> None:
        """An error of a connection, or of the whole."""
        self._troubled_s = time.monotonic()
        super().note(error)

    @property
    def troubled(self) -> bool:
        """Whether there was an error lately."""
        return time.monotonic() - self._troubled_s < _TROUBLED_S

    def note_statistics(self, text: str) -> None:
        """Which partitions' brokers answer, for how many looks in a row."""
        told = json.loads(text)
        up = {
            broker["nodeid"]
            for broker in told["brokers"].values()
            if broker["state"] == "UP" and 0 <= broker["rxidle"] < _SILENT_US
        }
        for topic in told["topics"].values():
            for number, partition in topic["partitions"].items():
                if partition["leader"] in up:
                    self._answering[int(number)] = self._answering.get(int(number), _TRUSTED_LOOKS) + 1
                elif int(number) in self._answering:
                    self._answering[int(number)] = 0
                self._ends[int(number)] = int(partition["ls_offset"])

    @property
    def away(self) -> bool:
        """Whether it is known that none answers."""
        return bool(self._answering) and not any(self._answering.values())

    def end(self, partition: int) -> int:
        """Offset behind the last committed message of a partition, as its broker said last; negative: it never did."""
        return self._ends.get(partition, -1)

    def answers(self, partition: int) -> bool:
        """Whether the broker of a partition is there; after an absence, long enough that what it had is fetched."""
        return self._answering.get(partition, _TRUSTED_LOOKS) >= _TRUSTED_LOOKS


def open_consumer(bootstrap: str, group: str, settings: Mapping[str, str], brokers: Brokers) -> Consumer:
    """A consumer that assigns itself nothing and commits nothing by itself.

    Raises:
        SourceError: the client library does not take the settings.
    """
    chosen = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": "yeoul",
        "isolation.level": "read_committed",
        "fetch.queue.backoff.ms": 10,
        "queued.max.messages.kbytes": 32768,
        **settings,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "statistics.interval.ms": _STATISTICS_MS,
        "stats_cb": brokers.note_statistics,
        "error_cb": brokers.note,
    }
    try:
        return Consumer(chosen, logger=LOG)
    except (KafkaException, ValueError, TypeError) as error:
        raise SourceError(refused_settings(error)) from error


def open_admin(bootstrap: str, settings: Mapping[str, str]) -> AdminClient:
    """What asks for more than a consumer can."""
    return AdminClient({"bootstrap.servers": bootstrap, "client.id": "yeoul", **settings}, logger=LOG)


class Topic(NamedTuple):
    """Where a topic is."""

    bootstrap: str
    name: str


def ask_partitions(
    consumer: Consumer, topic: Topic, brokers: Brokers, within_s: float, *, led: bool = True
) -> list[int] | None:
    """The partitions of a topic, those alone that somebody leads now if `led`; None when there is no such topic.

    Raises:
        UnreachableError: no broker answers, or none knows now.
        SourceError: they do not let us in.
    """
    bootstrap = topic.bootstrap
    try:
        told = consumer.list_topics(topic.name, timeout=within_s)
    except KafkaException as error:
        consumer.poll(0)  # hands over the errors that came meanwhile
        if brokers.refused:
            raise SourceError(refusal(bootstrap, brokers, "source")) from error
        raise no_broker(bootstrap, brokers, error) from error
    found = told.topics.get(topic.name)
    code = KafkaError.UNKNOWN_TOPIC_OR_PART if found is None else found.error and found.error.code()
    if code in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
        message = f"the broker at `{bootstrap}` refuses topic `{topic.name}`: {found.error.str()}; mend its ACL"
        raise SourceError(message)
    if code in {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_EXCEPTION}:
        return None
    if code is not None:
        message = f"the broker at `{bootstrap}` does not know topic `{topic.name}` now: {found.error.str()}; try again"
        raise UnreachableError(message)
    return sorted(number for number, partition in found.partitions.items() if partition.leader >= 0 or not led)


def no_topic(consumer: Consumer, topic: Topic) -> SourceError:
    """The error that lists the topics there are."""
    try:
        names = consumer.list_topics(timeout=_ASK_S).topics
    except KafkaException:
        names = {}
    have = sorted(name for name in names if not name.startswith("__"))
    legal = ", ".join(f"`{name}`" for name in have[:_NAMED]) or "none that you may see"
    more = f" and {len(have) - _NAMED} more" if len(have) > _NAMED else ""
    return SourceError(
        f"the broker at `{topic.bootstrap}` has no topic `{topic.name}`; its topics: {legal}{more}; make it or mend "
        f"`topic`{nearest(topic.name, have)}"
    )


def deleted(topic: Topic, then: str) -> SourceError:
    """The error that says that a topic which was read is gone, and what `then`."""
    return SourceError(f"topic `{topic.name}` was deleted: the broker at `{topic.bootstrap}` has it no more; {then}")


def ask_topic_id(admin: AdminClient, topic: str) -> str | None:
    """What tells a topic from a later one of the same name; None when the broker does not say."""
    try:
        asked = admin.describe_topics(TopicCollection([topic]), request_timeout=_ASK_S)
        return str(asked[topic].result(_ASK_S).topic_id)
    except (KafkaException, TimeoutError):
        return None


def ask_range(consumer: Consumer, topic: str, partition: int, within_s: float) -> tuple[int, int]:
    """The first offset that a partition still has, and the one behind its last.

    Raises:
        UnreachableError: its broker does not say.
    """
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=within_s)
    except KafkaException as error:
        message = f"`{topic}/{partition}` cannot be asked for its offsets: {text_of(error)}; see that its broker is up"
        raise UnreachableError(message) from error
    return int(low), int(high)
