"""What the brokers say of topics before a job starts, asked through the Java client that the job itself will use."""

from __future__ import annotations

import socket
from typing import Any

from yeoul.errors import SourceError, UnreachableError
from yeoul.plugins import nearest
from yeoul.streams.spark.plan import TopicRead

__all__ = ["require_answer", "require_topics"]

_TIMEOUT_MS = 10_000
_CONNECT_S = 5.0


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


def _topics(spark: Any, source: TopicRead) -> set[str]:
    jvm = spark.sparkContext._jvm  # noqa: SLF001  (PySpark has no other way to its Java side)
    settings = jvm.java.util.Properties()
    for key, value in (
        ("bootstrap.servers", source.bootstrap),
        ("default.api.timeout.ms", str(_TIMEOUT_MS)),
        ("request.timeout.ms", str(_TIMEOUT_MS)),
        *source.settings,
    ):
        settings.setProperty(key, value)
    try:
        admin = jvm.org.apache.kafka.clients.admin.AdminClient.create(settings)
        try:
            return set(admin.listTopics().names().get())
        finally:
            admin.close()
    except Exception as error:
        cause: Any = getattr(error, "java_exception", None)
        if cause is None:
            raise
        while cause.getCause() is not None:
            cause = cause.getCause()
        said = f"{cause.getClass().getSimpleName()}: {cause.getMessage()}"
        if "Timeout" in said or "Disconnect" in said:
            raise _silent(source) from None
        message = f"the brokers at {source.bootstrap} refuse: {said}; see `source.client`"
        raise SourceError(message) from None


def _silent(source: TopicRead) -> UnreachableError:
    return UnreachableError(f"no broker answers at {source.bootstrap}; start it, or mend `source.bootstrap`")
