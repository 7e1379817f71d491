"""What the brokers say of topics before a job starts, and whether they answer while it runs.

Both are asked through the Java client that the job itself uses.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from yeoul.errors import SourceError, UnreachableError
from yeoul.plugins import nearest
from yeoul.streams.spark.java import root_cause
from yeoul.streams.spark.plan import TopicRead

__all__ = ["Watch", "require_answer", "require_topics"]

_TIMEOUT_MS = 10_000
_CONNECT_S = 5.0
_LOOK_EVERY_S = 2.0
_LOOK_MS = 5_000
_TRY_MS = 2_000


def require_answer(source: TopicRead) -> None:
    """See that somebody listens at one of the addresses, before Spark is started for it.

    Raises:
        UnreachableError: nobody does.
    """
    for address in source.bootstrap.split(","):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S):
                return
        except OSError:
            continue
    raise _silent(source)


def require_topics(spark: Any, source: TopicRead, sinks: list[str]) -> None:
    """See that the brokers answer and that the topics are there.

    Raises:
        UnreachableError: no broker answers.
        SourceError: a topic is not there, or the brokers refuse to tell.
    """
    topics = _topics(spark, source)
    if source.topic not in topics:
        message = f"got the topic `{source.topic}`, which is not at {source.bootstrap}{nearest(source.topic, topics)}"
        raise SourceError(message + "; legal: one that is there; make it first, or mend `source.topic`")
    for topic in sinks:
        if topic not in topics:
            message = f"got --out {topic}, a topic that is not at {source.bootstrap}{nearest(topic, topics)}"
            raise SourceError(message + "; make it first, or name a folder (with a `/` in it)")


def count_partitions(spark: Any, source: TopicRead, topic: str) -> int:
    """How many partitions a topic has that is there.

    Raises:
        UnreachableError: no broker answers.
        SourceError: the brokers refuse to tell.
    """
    names = spark.sparkContext._jvm.java.util.Collections.singletonList(topic)  # noqa: SLF001  (as below)
    found = _ask(spark, source, lambda admin: admin.describeTopics(names).allTopicNames().get())
    return int(found[topic].partitions().size())


class Watch:
    """Whether the brokers answer while jobs run, for Spark's own clients try on for a minute and more without a word.

    Args:
        spark: the session.
        sources: the topics; who has the same brokers is asked for once.
        say: hears once that none answers, and once that one does again.

    `look` is to be called every now and then and does not wait: an outage is told within about 8 s.
    """

    def __init__(self, spark: Any, sources: Sequence[TopicRead], say: Callable[[str], None]) -> None:
        self.say = say
        clusters = {(source.bootstrap, source.settings): source for source in sources}
        self._looks = [_Look(spark, source, say) for source in clusters.values()]

    @property
    def away(self) -> bool:
        """Whether brokers are known not to answer."""
        return any(look.away_since is not None for look in self._looks)

    def look(self) -> None:
        """Ask again, where it is time to, and tell of what was answered."""
        for look in self._looks:
            look.look()

    def close(self) -> None:
        """Ask no more."""
        for look in self._looks:
            look.close()


class _Look:
    """At the brokers of one cluster."""

    def __init__(self, spark: Any, source: TopicRead, say: Callable[[str], None]) -> None:
        self.away_since: float | None = None
        self._bootstrap = source.bootstrap
        self._say = say
        self._admin = _admin(spark, source, _LOOK_MS, _TRY_MS)
        self._at_once = spark.sparkContext._jvm.java.time.Duration.ofMillis(0)  # noqa: SLF001  (as below)
        self._answer: Any = None
        self._asked = 0.0

    def look(self) -> None:
        now = time.monotonic()
        if self._answer is None:
            if now - self._asked >= _LOOK_EVERY_S:
                self._answer, self._asked = self._admin.describeCluster().nodes(), now
            return
        if not self._answer.isDone():
            return
        failed, self._answer = self._answer.isCompletedExceptionally(), None
        if failed and self.away_since is None:
            self.away_since = self._asked
            self._say(f"no broker answers at {self._bootstrap}; waiting for it, Ctrl-C stops")
        elif not failed and self.away_since is not None:
            self._say(f"a broker answers at {self._bootstrap} again, after {now - self.away_since:.0f} s")
            self.away_since = None

    def close(self) -> None:
        self._admin.close(self._at_once)


def _admin(spark: Any, source: TopicRead, timeout_ms: int, try_ms: int) -> Any:
    """A client that gives up after `timeout_ms`, and one broker after `try_ms`."""
    jvm = spark.sparkContext._jvm  # noqa: SLF001  (PySpark has no other way to its Java side)
    settings = jvm.java.util.Properties()
    for key, value in (
        ("bootstrap.servers", source.bootstrap),
        ("default.api.timeout.ms", str(timeout_ms)),
        ("request.timeout.ms", str(try_ms)),
        *source.settings,
    ):
        settings.setProperty(key, value)
    return jvm.org.apache.kafka.clients.admin.AdminClient.create(settings)


def _topics(spark: Any, source: TopicRead) -> set[str]:
    return set(_ask(spark, source, lambda admin: admin.listTopics().names().get()))


def _ask(spark: Any, source: TopicRead, question: Callable[[Any], Any]) -> Any:
    try:
        admin = _admin(spark, source, _TIMEOUT_MS, _TIMEOUT_MS)
        try:
            return question(admin)
        finally:
            admin.close()
    except Exception as error:
        said = root_cause(error)
        if said is None:
            raise
        if "Timeout" in said or "Disconnect" in said:
            raise _silent(source) from None
        message = f"the brokers at {source.bootstrap} refuse: {said}; see `source.client`"
        raise SourceError(message) from None


def _silent(source: TopicRead) -> UnreachableError:
    return UnreachableError(f"no broker answers at {source.bootstrap}; start it, or mend `source.bootstrap`")
