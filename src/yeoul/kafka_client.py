"""Kafka's client library, imported here alone, and what sources and sinks share: its log, its errors as sentences."""

from __future__ import annotations

import logging
from typing import Any

from yeoul.errors import MissingExtraError, UnreachableError

try:
    from confluent_kafka import (
        Consumer,
        KafkaError,
        KafkaException,
        Message,
        Producer,
        TopicCollection,
        TopicPartition,
    )
    from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]  # documented there
except ImportError as error:  # pragma: no cover - the lock files install it
    library = "confluent-kafka"
    raise MissingExtraError(library, "kafka") from error

__all__ = [
    "LOG",
    "AclOperation",
    "AdminClient",
    "ConfigResource",
    "Consumer",
    "KafkaError",
    "KafkaException",
    "Message",
    "NewTopic",
    "Producer",
    "ResourceType",
    "Said",
    "TopicCollection",
    "TopicPartition",
    "no_broker",
    "refusal",
    "refused_settings",
    "text_of",
]

LOG = logging.getLogger("yeoul.kafka")
LOG.addHandler(logging.NullHandler())  # silent unless somebody listens: what matters is raised, told or shown as health
_UNTRUSTED = ("certificate", "wrong version number", "unknown ca")
"""What a TLS error says that does not go away; others also come from a broker that is killed while it shakes hands."""


class Said:
    """What the client library says that is not of one message.

    Args:
        fatal: codes of errors that do not go away by waiting.
    """

    def __init__(self, fatal: frozenset[int]) -> None:
        self.refused: str | None = None
        """Why a broker does not let us in: waiting does not help."""
        self.last = ""
        """The last error."""
        self._fatal = fatal

    def note(self, error: KafkaError) -> None:
        """An error of a connection, or of the whole."""
        self.last = error.str().partition(" (after")[0]
        if self.is_fatal(error):
            self.refused = self.last

    def is_fatal(self, error: KafkaError) -> bool:
        """Whether waiting does not help; of TLS only what is said of certificates."""
        said = error.str().lower()
        return error.code() in self._fatal or any(part in said for part in _UNTRUSTED)


def no_broker(bootstrap: str, said: Said, error: KafkaException) -> UnreachableError:
    """Nobody answers there."""
    why = said.last or text_of(error)
    return UnreachableError(f"no Kafka broker answers at `{bootstrap}` ({why}); start it or mend `bootstrap`")


def refusal(bootstrap: str, said: Said, whose: str) -> str:
    """They do not let us in; `whose` is the sink or the source."""
    why = (said.refused or "").rstrip(".")
    denied = "authorization failed" in why  # who we are is known, what we may do is too little
    advice = f"{'grant that right (an ACL), or ' * denied}mend the {whose}'s `client`"
    return f"the broker at `{bootstrap}` refuses: {why}; {advice}"


def refused_settings(error: Exception) -> str:
    """The client library does not take what it was given."""
    return f"the Kafka client refuses its settings: {text_of(error)}; legal: settings of librdkafka"


def text_of(error: Any) -> str:
    """What an exception of the client library says."""
    first = error.args[0] if error.args else error
    return str(first.str() if isinstance(first, KafkaError) else first)
