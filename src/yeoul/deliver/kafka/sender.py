"""Sending messages to one topic, each until it is acknowledged; who sends hears of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from yeoul.deliver.kafka.client import (
    BATCH_BYTES,
    FATAL,
    FRAME_BYTES,
    PURGED,
    fit_batches,
    hear,
    let_go,
    open_producer,
    raise_refused,
)
from yeoul.errors import TransientError
from yeoul.kafka_client import KafkaError, KafkaException, Message, Said, text_of

__all__ = ["Receipt", "Sender"]


class Receipt(Protocol):
    """Who is told what became of messages; `number` is what was given with one."""

    def acknowledged(self) -> None:
        """One more message is kept by every replica."""

    def refused(self, number: int, reason: str) -> None:
        """One will never be taken, whatever is done."""


class Sender:
    """An idempotent producer on one topic: in order within a partition, given up never, bounded in memory.

    One thread. `offer` and `poll` hand over what was acknowledged.

    Args:
        bootstrap: `host:port`, several joined by commas.
        topic: its name.
        settings: more settings of the client library.
        compression: `zstd`, `lz4`, `snappy`, `gzip` or `none`.
        alone: each message is a batch of its own, so that one that is too large takes no other with it.

    Raises:
        SinkError: the client library does not take the settings; from `poll`: they do not let us in.
        TransientError: from `poll`: what waits must be sent anew, by another sender.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        settings: Mapping[str, str],
        *,
        compression: str = "zstd",
        alone: bool = False,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._settings = settings
        self._compression = compression
        self._alone = alone
        self._batch_bytes = BATCH_BYTES
        self._trouble = ""
        self.innocent = False
        """Set when a batch was refused for its size, and not for that of a single message."""
        self._said = Said(FATAL)
        self._producer = self._open()
        self.acknowledged = 0
        self._waiting = 0
        self._moved_s = time.monotonic()

    def _open(self) -> Any:
        own: dict[str, str | int | bool] = {
            "compression.type": self._compression,
            "message.timeout.ms": 0,
            "batch.size": self._batch_bytes,
        }
        if self._alone:
            own["batch.num.messages"] = 1
        return open_producer(self._bootstrap, self._settings, self._said, own)

    def check(self) -> None:
        """See that the topic is there, and fit batches to what it takes. Before the first message.

        Raises:
            UnreachableError: no broker answers.
            SinkError: it is not there, or they do not let us in.
        """
        fit = fit_batches(self._producer, self._bootstrap, [self._topic], self._settings, self._said)
        if fit < self._batch_bytes:
            # then what is larger stands alone, and is refused alone
            self._batch_bytes = fit
            self._producer = self._open()

    def __len__(self) -> int:
        return self._waiting  # the library counts errors that nobody has heard of with them

    @property
    def silent_s(self) -> float:
        """Seconds for which messages have waited without any being acknowledged; 0 when none waits."""
        return time.monotonic() - self._moved_s if self._waiting else 0.0

    @property
    def said(self) -> str:
        """The last error of a connection."""
        return self._said.last

    def offer(self, value: bytes, key: bytes | None, receipt: Receipt, number: int) -> bool:
        """Take a message; False: the queue is full, offer it again after a `poll`."""
        if not self._waiting:
            self._moved_s = time.monotonic()
        try:
            self._producer.produce(self._topic, value, key, on_delivery=partial(self._heard, receipt, number))
        except BufferError:
            return False
        except KafkaException as error:
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                receipt.refused(number, f"got {len(value)} bytes, more than the client's `message.max.bytes`")
            else:
                self._trouble = self._trouble or text_of(error)
        else:
            self._waiting += 1
        return True

    def poll(self, wait_s: float = 0.0) -> None:
        """Hand over what was acknowledged; with `wait_s` wait so long for some of it.

        Raises:
            SinkError: they do not let us in.
            TransientError: nothing more comes through this sender.
        """
        self._trouble = hear(self._producer, self._said, wait_s) or self._trouble
        raise_refused(self._bootstrap, self._said)
        if self._trouble:
            message = f"the broker at `{self._bootstrap}` took a message not: {self._trouble}; it is sent again"
            raise TransientError(message)

    def flush(self, within_s: float) -> int:
        """Wait until all is acknowledged, at most so long; how many messages still wait."""
        with suppress(KafkaException):  # it may be done for
            self._producer.flush(within_s)
        return self._waiting

    def close(self) -> None:
        """Drop what waits."""
        let_go(self._producer)

    def _heard(self, receipt: Receipt, number: int, error: KafkaError | None, message: Message) -> None:
        self._waiting -= 1
        if error is None:
            self.acknowledged += 1
            self._moved_s = time.monotonic()
            receipt.acknowledged()
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            size = len(message.value() or b"") + len(message.key() or b"")
            if self._alone or size > self._batch_bytes - FRAME_BYTES:
                self._moved_s = time.monotonic()
                receipt.refused(number, f"got {size} bytes, more than topic `{self._topic}` takes in one message")
            else:
                self.innocent = True
                self._trouble = self._trouble or str(error.str())
        elif error.code() not in PURGED:
            self._said.note(error)
            self._trouble = self._trouble or str(error.str())
