"""Writing results to topics, a batch at a time: each at least once, or exactly once in transactions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

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
from yeoul.errors import TransientError, YeoulError
from yeoul.kafka_client import Consumer, KafkaError, KafkaException, Message, Said, TopicPartition, text_of

__all__ = ["Member", "Outbound", "ResultsWriter"]

_WAIT_S = 0.2
_TRANSACTION_S = 30.0
_ABORT_S = 2.0
_ASK_S = 3.0
_HEAR_S = 5.0
"""To wait for why a transaction takes nothing more; a loaded machine tells it late."""
_TIMEOUT = "transaction.timeout.ms"
_TIMEOUT_MS = 60_000
"""So long readers wait behind the open transaction of who was killed and is not started again."""


class Outbound(NamedTuple):
    """A message."""

    topic: str
    key: bytes
    value: bytes | None
    headers: list[tuple[str, str | bytes | None]]
    partition: int = -1
    """-1: by its key."""


class Member(NamedTuple):
    """Of a consumer group, that writes as long as it is one."""

    group: str
    topic: str
    """Of no message: `sent` is an offset there."""
    partition: int
    metadata: Callable[[], Any]
    """What the client library knows of its membership; the broker takes no commit of who is no member any more."""


class ResultsWriter:
    """A producer whose batches are written whole before the next one begins.

    In transactions a batch and how far the sender has come (`sent`) are committed together: that number is an offset of
    the consumer group `identity`, which `open` gives back. A writer that was killed is fenced off, and its open
    transaction aborted, before the number is read. So no batch is there twice for who reads committed messages only.
    That of a `member` may be fenced off by one that hung and does not know that others have its work, but that one
    commits nothing: the group has let go of it.

    Args:
        bootstrap: `host:port`, several joined by commas.
        topics: where messages go.
        settings: more settings of the client library.
        compression: `zstd`, `lz4`, `snappy`, `gzip` or `none`.
        identity: of the sender, the same over restarts; empty: no transactions.
        epoch: kept beside `sent`; a number of another epoch is not believed.
        member: whose work this is; None: of nobody else.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Sequence[str],
        settings: Mapping[str, str],
        *,
        compression: str = "zstd",
        identity: str = "",
        epoch: str = "",
        member: Member | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = sorted(set(topics))
        self._settings = dict(settings)
        self._identity = identity
        self._epoch = epoch
        self._member = member
        self._said = Said(FATAL)
        self._failed: list[tuple[int, str]] = []
        self._there: set[int] = set()
        """Of the batch: what is acknowledged, without transactions."""
        self._out: set[int] = set()
        """Of the batch: what is too large."""
        self._amid = False
        """Whether a transaction is open."""
        self._compression = compression
        self._batch_bytes = BATCH_BYTES
        self._producer = self._make()
        self._group: Consumer | None = None

    def _make(self) -> Any:
        own: dict[str, str | int | bool] = {"compression.type": self._compression, "batch.size": self._batch_bytes}
        if self._identity:
            own |= {"transactional.id": self._identity, _TIMEOUT: self._settings.get(_TIMEOUT, _TIMEOUT_MS)}
        else:
            own["message.timeout.ms"] = 0
        return open_producer(self._bootstrap, self._settings, self._said, own)

    def check(self) -> None:
        """See that the topics are there and may be written, and fit batches to what they take.

        Raises:
            UnreachableError: no broker answers.
            SinkError: one is missing, or they do not let us in.
        """
        fit = fit_batches(self._producer, self._bootstrap, self._topics, self._settings, self._said)
        if fit < self._batch_bytes:
            self._batch_bytes = fit
            self._producer = self._make()

    @property
    def most_bytes(self) -> int:
        """Of a message that every topic takes, as far as is known, beside 512 bytes of headers; at least 512."""
        return max(FRAME_BYTES, self._batch_bytes - 2 * FRAME_BYTES)

    @property
    def left_out(self) -> int:
        """Messages of the last batch that were too large."""
        return len(self._out)

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has.

        Raises:
            TransientError: a broker does not answer.
        """
        try:
            return len(self._producer.list_topics(topic, timeout=_TRANSACTION_S).topics[topic].partitions)
        except KafkaException as error:
            raise self._trouble(text_of(error)) from error

    def open(self) -> int | None:
        """Be the only writer of this identity; how far the one before came, None when that is not known.

        Raises:
            TransientError: a broker does not answer.
            SinkError: they do not let us in.
        """
        if not self._identity:
            return None
        try:
            self._producer.init_transactions(_TRANSACTION_S)
            group = self._member.group if self._member else self._identity
            self._group = Consumer(
                {**self._settings, "bootstrap.servers": self._bootstrap, "group.id": group, "log_level": 0}
            )
            found = self._committed(self._group)
        except KafkaException as error:
            raise self._trouble(text_of(error)) from error
        known = found.error is None and found.offset >= 0 and found.metadata == self._epoch
        return int(found.offset) if known else None

    def _committed(self, group: Consumer) -> TopicPartition:
        """What is committed at our place.

        Raises:
            KafkaException: no answer came.
            SinkError: they do not let us in.
        """
        until = time.monotonic() + _TRANSACTION_S
        while True:
            try:
                [found] = group.committed([self._place()], timeout=_ASK_S)
            except KafkaException as error:
                self._said.note(error.args[0])  # of the group, which the producer knows nothing of
                if (beside := group.poll(0)) is not None and (why := beside.error()) is not None:
                    self._said.note(why)  # that a right is missing is told as a message, and the question not answered
                raise_refused(self._bootstrap, self._said)
                if error.args[0].code() != KafkaError._TIMED_OUT or time.monotonic() > until:  # noqa: SLF001  (its name of it)
                    raise
            else:
                return found

    def write(self, batch: Sequence[Outbound], sent: int, stop: threading.Event, tell: Callable[[str], None]) -> bool:
        """Write a batch; whether all of it is there. False: it was to stop before it was.

        A message that no topic takes for its size is left out, which `tell` is told. Without transactions what was
        acknowledged before is not sent again for its sake.

        Raises:
            TransientError: begin anew with another writer, at `open`.
            SinkError: they do not let us in.
        """
        self._there, self._out = set(), set()
        try:
            while self._try(batch, stop, tell):
                if not self._failed:
                    if self._group is not None:
                        self._commit(self._group, sent)
                    return True
                self._learn(batch, tell)
        except KafkaException as error:
            raise self._trouble(text_of(error)) from error
        return False

    def _try(self, batch: Sequence[Outbound], stop: threading.Event, tell: Callable[[str], None]) -> bool:
        """Send what is not there yet; False: it was to stop before all was answered. What failed is in `_failed`.

        Raises:
            KafkaException: what the library says.
            SinkError: they do not let us in.
        """
        self._failed = []
        if self._group is not None:
            self._producer.begin_transaction()
            self._amid = True
        try:
            for number, message in enumerate(batch):
                over = number in self._there or number in self._out
                if not over and not self._produce(number, message, stop, tell):
                    return False
            # what follows a failure in a transaction is not sent any more
            while len(self._producer) and not (self._failed and self._amid):
                if stop.is_set():
                    return bool(self._failed)
                self._producer.flush(_WAIT_S)
                raise_refused(self._bootstrap, self._said)
        except KafkaException:
            # a transaction takes nothing more once a message failed, which is heard of by and by
            until = time.monotonic() + _HEAR_S
            while self._amid and not self._failed and len(self._producer) and time.monotonic() < until:
                self._producer.poll(_WAIT_S)
            if not (self._failed and self._amid):
                raise
        return True

    def _commit(self, group: Consumer, sent: int) -> None:
        """Commit the transaction and how far it goes.

        Raises:
            TransientError: no answer came.
            KafkaException: what the library says.
        """
        metadata = self._member.metadata() if self._member else group.consumer_group_metadata()

        def commit() -> None:
            self._producer.send_offsets_to_transaction([self._place(sent)], metadata, _TRANSACTION_S)
            self._producer.commit_transaction(_TRANSACTION_S)

        self._end(commit, _TRANSACTION_S)

    def _end(self, how: Callable[[], None], within_s: float) -> None:
        """End the transaction.

        Of a broker that goes away amid it the library waits for ever, whatever time it is given (2.16): then the
        thread is left to it, and another writer begins anew.

        Raises:
            TransientError: no answer came.
            KafkaException: what the library says.
        """
        failed: list[KafkaException] = []

        def end() -> None:
            try:
                how()
            except KafkaException as error:
                failed.append(error)

        thread = threading.Thread(target=end, name="end of a transaction", daemon=True)
        thread.start()
        thread.join(within_s + within_s / 10)
        if thread.is_alive():
            self._amid = False  # it is that thread's now
            why = "the end of a transaction was not answered"
            raise self._trouble(why)
        if failed:
            raise failed[0]
        self._amid = False

    def _produce(self, number: int, message: Outbound, stop: threading.Event, tell: Callable[[str], None]) -> bool:
        topic, key, value, headers, partition = message
        heard = partial(self._heard, number)
        while not stop.is_set():
            try:
                self._producer.produce(topic, value, key, partition, heard, headers=headers)
            except BufferError:
                self._producer.poll(_WAIT_S)
                raise_refused(self._bootstrap, self._said)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    raise
                self._leave_out(number, message, "the client's `message.max.bytes`", tell)
                return True
            else:
                return True
        return False

    def _leave_out(self, number: int, message: Outbound, by: str, tell: Callable[[str], None]) -> None:
        self._out.add(number)
        tell(f"{by} takes no message of {_size(message)} bytes: the one with the key {message.key[:200]!r} is left out")

    def _learn(self, batch: Sequence[Outbound], tell: Callable[[str], None]) -> None:
        """Leave out what was too large by itself; make batches smaller when one was that of several messages.

        Raises:
            TransientError: something else failed.
            KafkaException: what the library says.
        """
        amid = self._amid
        large = [number for number, why in self._failed if not why]
        # in a transaction one that is too large takes those behind it with it, whatever is said of them
        others = [why for _, why in self._failed if why and not (amid and large)]
        if others:
            raise self._trouble(others[0])
        together = []
        for number in large:
            message = batch[number]
            if _size(message) < self._batch_bytes:  # what is larger shares its batch with none
                together.append(number)
            else:
                self._leave_out(number, message, f"topic `{message.topic}`", tell)
        if amid or together:
            # in a transaction the number of the one that failed is missing: the broker would refuse what comes next
            let_go(self._producer)
            if together:
                # the topic takes less than it said, or says nothing to us; what follows is sent again, so that order
                # stays, also where it was heard of only now
                self._there = {number for number in self._there if number < min(together)}
                self._batch_bytes = max(1, self._batch_bytes // 2)
            self._producer = self._make()
        if amid:
            # that aborts what is open: the library's own abort waits in vain for messages of one that failed (2.16)
            self._producer.init_transactions(_TRANSACTION_S)
            self._amid = False

    def _heard(self, number: int, error: KafkaError | None, _: Message) -> None:
        if error is None:
            if not self._amid:
                self._there.add(number)
        elif error.code() not in PURGED:
            self._failed.append((number, "" if error.code() == KafkaError.MSG_SIZE_TOO_LARGE else str(error.str())))

    def _place(self, sent: int = -1001) -> Any:
        topic, partition = self._member[1:3] if self._member else (self._topics[0], 0)
        place = TopicPartition(topic, partition, sent)
        return TopicPartition(topic, partition, sent, metadata=self._epoch) if sent >= 0 else place

    def _trouble(self, why: str) -> TransientError:
        hear(self._producer, self._said)
        raise_refused(self._bootstrap, self._said)
        return TransientError(f"the broker at `{self._bootstrap}` does not take results ({self._said.last or why})")

    def close(self) -> None:
        """Drop what waits, and abort the transaction: readers of what is committed wait for its end."""
        if self._amid:
            with suppress(KafkaException, YeoulError):
                self._end(partial(self._producer.abort_transaction, _ABORT_S), _ABORT_S)
        let_go(self._producer)
        if self._group is not None:
            self._group.close()
            self._group = None


def _size(message: Outbound) -> int:
    return len(message.value or b"") + len(message.key)
