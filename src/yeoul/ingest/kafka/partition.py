"""A partition as a split: its messages wait here, in order, until they are read as lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from yeoul.ingest.contract import Ahead, LineBlock

if TYPE_CHECKING:
    from confluent_kafka import Message

__all__ = ["Partition"]

_MEAN_BYTES = 500.0
"""What a message weighs before any was seen."""


class Partition:
    """One partition of a topic.

    Args:
        name: topic and number, as in `action-log/0`.
        number: its number.
        at: offset of the next message.
        fill: asks the client library for messages, which then wait here; True waits a moment for them.
    """

    def __init__(self, name: str, number: int, at: int, fill: Callable[[bool], None]) -> None:
        self.name = name
        self.number = number
        self.topic_id: str | None = None
        """Tells the topic from another of the same name."""
        self.assigned = False
        """Whether the client library fetches it."""
        self.high = at
        """Offset behind its last message, as far as is known."""
        self.end: int | None = None
        """Read no further (replay)."""
        self.paused = False
        self.answers = False
        """Whether its broker answers."""
        self.waiting_bytes = 0
        self.stored: int | None = None
        """Where the next read goes on, as it was asked last for a checkpoint."""
        self._next = at
        self._fill = fill
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._seen_end = False
        self._mean_bytes = _MEAN_BYTES

    @property
    def stalled(self) -> bool:
        """Whether nothing came because nobody answered, or because it is still on its way."""
        return not (self._seen_end and self.answers)

    @property
    def fetched(self) -> int:
        """Offset of the next message that the client library is asked for."""
        return self._waiting[-1][0] + 1 if self._waiting else self._next

    def take(self, message: Message) -> None:
        """A message that came."""
        value = message.value() or b""
        if b"\n" in value:  # white space in JSON either way, and illegal within its texts either way
            value = value.replace(b"\n", b"\r")
        self._waiting.append((message.offset() or 0, value))
        self.waiting_bytes += len(value) + 1
        self._seen_end = False

    def reached(self, offset: int) -> None:
        """There is nothing from this offset on, now."""
        self._seen_end = True
        self.high = max(self.high, offset)
        if not self._waiting:
            self._next = max(self._next, offset)

    def skip_to(self, offset: int) -> None:
        """What comes next begins there; what waits is read before."""
        if not self._waiting:
            self._next = offset
        self._seen_end = False

    def read(self, limit_bytes: int, *, final: bool = False) -> LineBlock | None:
        """The next messages as lines, at least one; None when there is none now, or none before the end."""
        while not self._waiting:
            if self.end is not None and self._next >= self.end:
                return None
            self._fill(final)
            if not self._waiting and (not final or self._seen_end):
                return None
        offsets: list[int] = []
        values: list[bytes] = []
        size = 0
        waiting = self._waiting
        while waiting and (size < limit_bytes):
            if self.end is not None and waiting[0][0] >= self.end:
                self._next = self.end
                break
            offset, value = waiting.popleft()
            offsets.append(offset)
            values.append(value)
            size += len(value) + 1
        if not offsets:
            return None
        self.waiting_bytes -= size
        self._next = offsets[-1] + 1
        self.high = max(self.high, self._next)
        self._mean_bytes += 0.1 * (size / len(offsets) - self._mean_bytes)
        values.append(b"")
        return LineBlock(self.name, offsets[0], b"\n".join(values), messages=np.array(offsets, np.int64))

    def position(self) -> dict[str, Any]:
        """The offset of the next message, and of which topic of that name."""
        self.stored = self._next
        return {"offset": self._next, "topic_id": self.topic_id}

    def backlog_messages(self) -> int:
        """Messages written and not read yet, as far as is known."""
        end = self.high if self.end is None else self.end
        return max(0, end - self._next)

    def backlog_bytes(self) -> int:
        """The same in bytes, by what messages weighed lately."""
        return int(self.backlog_messages() * self._mean_bytes)

    def ahead(self) -> list[Ahead]:
        """The offsets still to be read."""
        return [Ahead(self.name, self._next, self.high)] if self.high > self._next else []
