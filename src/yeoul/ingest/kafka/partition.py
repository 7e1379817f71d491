"""A partition as a split: its messages wait here, in order, until they are read as lines."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import contains
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yeoul.ingest.contract import Ahead, LineBlock
from yeoul.ingest.kafka.client import Brokers
from yeoul.ingest.kafka.gaps import Gaps

__all__ = ["Partition", "as_line"]

_MEAN_BYTES = 500.0
"""What a message weighs before any was seen."""
_LINE_FEED = 10


class _Chunk(NamedTuple):
    """Messages that came together, as lines."""

    offsets: NDArray[np.int64]
    data: bytes
    """Each line with its end."""


class Partition(Gaps):
    """One partition of a topic.

    Args:
        name: topic and number, as in `action-log/0`.
        number: its number.
        at: offset of the next message.
        brokers: what is known of who has it.
        fill: asks the client library for messages, which then wait here; True waits a moment for them.
    """

    def __init__(self, name: str, number: int, at: int, brokers: Brokers, fill: Callable[[bool], None]) -> None:
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
        self.waiting_bytes = 0
        self.final_bytes = 1 << 20
        """How much can surely wait: a block of a replay is not larger."""
        self.stored: int | None = None
        """Where the next read goes on, as it was asked last for a checkpoint."""
        self._next = self._reached = at
        self._kept = -1
        """Position that was asked for last."""
        self._brokers = brokers
        self._fill = fill
        self._waiting: deque[_Chunk] = deque()
        self._seen_end = False
        self._mean_bytes = _MEAN_BYTES

    @property
    def stalled(self) -> bool:
        """Whether nothing came because nobody answered, or because it is still on its way."""
        # of a busy partition the end is not told, for there is more each time it is asked
        at_end = self._seen_end or self._next >= self.high
        return not (at_end and self.assigned and self._brokers.answers(self.number))

    @property
    def fetched(self) -> int:
        """Offset of the next message that the client library is asked for."""
        last = int(self._waiting[-1].offsets[-1]) + 1 if self._waiting else self._next
        return max(last, self._reached)  # behind the end of a transaction a gap is another one

    def take(self, offsets: Sequence[int], values: Sequence[bytes | None]) -> None:
        """Messages that came, in their order; those from the end on are dropped."""
        self._seen_end = False
        if self.end is not None and offsets[-1] >= self.end:
            count = bisect_left(offsets, self.end)
            offsets, values = offsets[:count], values[:count]
            self._take(offsets, values)
            self.reached(self.end)
        else:
            self._take(offsets, values)

    def _take(self, offsets: Sequence[int], values: Sequence[bytes | None]) -> None:
        if not offsets:
            return
        # a byte is found in a value several times as fast as a text of one byte, or as in all that are joined
        plain = all(values) and not any(map(contains, values, repeat(_LINE_FEED)))  # type: ignore[arg-type]  # no None
        data = b"\n".join([*(values if plain else map(as_line, values)), b""])
        numbers = np.arange(offsets.start, offsets.stop) if isinstance(offsets, range) else np.array(offsets, np.int64)
        self._waiting.append(_Chunk(numbers, data))
        self.waiting_bytes += len(data)

    def reached(self, offset: int) -> None:
        """There is nothing from this offset on, now."""
        self._seen_end = True
        self._reached = offset if self.end is None else min(offset, self.end)
        self.high = max(self.high, offset)
        self._pass_markers()

    @property
    def over(self) -> bool:
        """Whether all before the end came."""
        return self.end is not None and (self._seen_end or self.fetched >= self.end)

    def _pass_markers(self) -> None:
        """Offsets before the end that are no messages, such as the end of a transaction, are read with the last one."""
        if self._seen_end and not self._waiting and self._next < self._reached:
            if self._next == self._kept:
                self.stored = self._kept = self._reached
            self._next = self._reached

    def begin(self, offset: int, high: int, topic_id: str | None) -> None:
        """The client library fetches it from there on; nothing waits."""
        self._next = offset
        self._seen_end = False
        self.assigned = True
        self.high = high
        self.topic_id = topic_id or self.topic_id

    def may_be_of(self, topic_id: str | None) -> bool:
        """Whether it is of this topic, as far as is known."""
        return topic_id is None or self.topic_id in {topic_id, None}

    def drop(self) -> None:
        """The client library does not fetch it any more; what waits is still to be read."""
        self.assigned = self.paused = False

    def read(self, limit_bytes: int, *, final: bool = False) -> LineBlock | None:
        """The next messages as lines, at least one; None when there is none now, or none before the end.

        With `final` it waits for as many as the limit allows: then a replay's blocks do not depend on how they came.
        """
        if final:
            limit_bytes = min(limit_bytes, self.final_bytes)
            while self.waiting_bytes < limit_bytes and not self.over:
                self._fill(True)
        elif self.waiting_bytes < limit_bytes:
            self._fill(False)
        chunks: list[_Chunk] = []
        size = 0
        while self._waiting and (chunk := self._cut(limit_bytes - size, alone=not chunks)):
            chunks.append(chunk)
            size += len(chunk.data)
        if not chunks:
            return None
        offsets = np.concatenate([chunk.offsets for chunk in chunks]) if len(chunks) > 1 else chunks[0].offsets
        self.waiting_bytes -= size
        self._next = int(offsets[-1]) + 1
        self.high = max(self.high, self._next)
        self._mean_bytes = size / len(offsets)
        self._pass_markers()
        data = b"".join([chunk.data for chunk in chunks])
        return LineBlock(self.name, int(offsets[0]), data, messages=offsets)

    def _cut(self, limit_bytes: int, *, alone: bool) -> _Chunk | None:
        """As much of the next chunk as fits, `alone` at least one message; the rest waits. None when nothing fits."""
        offsets, data = self._waiting[0]
        if len(data) <= limit_bytes:
            return self._waiting.popleft()
        cut = data.rfind(b"\n", 0, max(0, limit_bytes)) + 1
        if not cut and alone:
            cut = data.index(b"\n") + 1
        if not cut:
            return None
        if cut == len(data):
            return self._waiting.popleft()
        count = data.count(b"\n", 0, cut)
        self._waiting[0] = _Chunk(offsets[count:], data[cut:])
        return _Chunk(offsets[:count], data[:cut])

    def position(self) -> dict[str, Any]:
        """The offset of the next message, and of which topic of that name."""
        self.stored = self._kept = self._next
        return {"offset": self._next, "topic_id": self.topic_id}

    def backlog_messages(self) -> int:
        """Messages written and not read yet, as far as is known."""
        end = max(self.high, self._brokers.end(self.number)) if self.end is None else self.end
        return max(0, end - self._next)

    def backlog_bytes(self) -> int:
        """The same in bytes, by what messages weighed lately."""
        return int(self.backlog_messages() * self._mean_bytes)

    def ahead(self) -> list[Ahead]:
        """The offsets still to be read."""
        return [Ahead(self.name, self._next, self.high, messages=True)] if self.high > self._next else []


def as_line(value: bytes | None) -> bytes:
    """A message as one line: a line feed is white space in JSON as a return is, and as illegal within its texts."""
    return (value or b"").replace(b"\n", b"\r")
