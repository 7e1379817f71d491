"""One sink for lines: tails its files, offers their lines, moves its positions when they are acknowledged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from yeoul.clock import Clock
from yeoul.errors import InputError, UnreachableError
from yeoul.flows.shipping.message import Shape
from yeoul.flows.shipping.outstanding import Block, Outstanding
from yeoul.flows.sinks import LinesSink
from yeoul.ingest.files import FileSource
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import State

if TYPE_CHECKING:
    from yeoul.deliver.kafka import Sender  # its client library is an extra

__all__ = ["Shipping", "stream_of"]

_POLL_US = 100_000
_READ_BYTES = 256 << 10
_HELD_BYTES = 64 << 20
"""Of lines that are read and whose positions are not stored; of a line that is pruned all of it."""
_LONGEST_LINE_BYTES = 16 << 20
_SERVE_EVERY = 1000


class _Offer(NamedTuple):
    value: bytes
    key: bytes | None
    block: Block
    number: int


def stream_of(sink: LinesSink) -> str:
    """What the sink's rows in the state file are called."""
    return f"ship.{sink.name}"


class Shipping:
    """The lines of one sink.

    What is in memory may be dropped at any time: `load` goes on from the last position that is in the state.
    """

    def __init__(self, sink: LinesSink, state: State, clock: Clock, tell: Callable[[str], None]) -> None:
        self.sink = sink
        self.sent = 0
        """Lines acknowledged."""
        self.set_aside = 0
        self.unread_bytes = 0
        self._state = state
        self._clock = clock
        self._tell = tell
        self._stream = stream_of(sink)
        self._shape = Shape(sink.key, sink.fields)
        self._alone_until = 0
        """Until so many lines are sent, each is a batch of its own."""
        self._source: FileSource | None = None
        self._sender: Sender | None = None

    def load(self, *, wait: bool = False) -> None:
        """Begin at the stored positions.

        Args:
            wait: a broker that does not answer is waited for, not for a first start.

        Raises:
            UnreachableError: no broker answers.
            SinkError: there is no such topic, or they do not let us in.
            SourceError: the folder of the files is not there.
        """
        from yeoul.deliver.kafka import Sender  # noqa: PLC0415  (its client library is an extra)

        sink, db = self.sink, self._state.db
        if self._sender is not None and self._sender.innocent:
            self._alone_until = self.sent + len(self._sender) + 1
        self.close()
        alone = self.sent < self._alone_until
        self._sender = Sender(sink.bootstrap, sink.topic, dict(sink.client), compression=sink.compression, alone=alone)
        begun = self._state.meta(self._stream) is not None
        try:
            self._sender.check()
        except UnreachableError as error:
            if not (wait and begun):
                raise
            self._tell(f"{error}; it is waited for")
        rows = db.execute("SELECT name, position FROM split WHERE stream = ?", (self._stream,))
        kept = {name: json.loads(position) for name, position in rows}
        self._source = FileSource(
            sink.pattern,
            sink.folder,
            resume=kept if begun else None,
            start=sink.start,
            max_line_bytes=_LONGEST_LINE_BYTES,
            clock=self._clock,
        )
        self._outstanding = Outstanding()
        self._offers: Iterator[_Offer] = iter(())
        self._offer: _Offer | None = None
        self._split = ""
        self._gone: set[str] = set()
        self._heard = 0
        self._polled_us = -_POLL_US
        if not begun:
            self._source.check()
            self._source.poll()
            with self._state.transaction():
                # with `latest` this is where it begins, also when it is killed before the first line
                self._keep({split.name: split.position() for split in self._source.splits()})
                self._state.set_meta(self._stream, "begun")

    @property
    def waiting(self) -> int:
        """Messages that are not acknowledged."""
        return len(self._sender) if self._sender else 0

    @property
    def full(self) -> bool:
        """Whether the queue took no more: reading pauses."""
        return self._offer is not None

    @property
    def away(self) -> tuple[float, str]:
        """For how long nothing was acknowledged though something waits, in seconds; and why."""
        return (self._sender.silent_s, self._sender.said) if self._sender else (0.0, "")

    def look(self) -> bool:
        """Read and offer a block's worth of lines, as far as the queue takes them; whether there was any.

        Raises:
            TransientError: `load` before going on.
            SinkError: waiting does not help.
        """
        assert self._source is not None
        assert self._sender is not None
        now = self._clock.monotonic_us()
        if now - self._polled_us >= _POLL_US:
            self._polled_us = now
            self._source.poll()
            for notice in self._source.notices():
                if notice.kind != "rotated":
                    self._tell(f"{notice.source}: {notice.kind}: {notice.detail}")
            self._gone.update(self._source.forgotten())
            self.unread_bytes = sum(split.backlog_bytes() for split in self._source.splits())
        over = 0 < self._alone_until <= self.sent
        if over and not self._outstanding:
            self._alone_until = 0
            self.load(wait=True)  # batches again
        elif self._offer is None and not over and self._outstanding.held_bytes < _HELD_BYTES:
            self._offers = self._read()
            self._offer = next(self._offers, None)
        busy = self._offer is not None
        self._send(self._sender)
        return busy

    def _send(self, sender: Sender) -> None:
        number = 0
        while self._offer is not None and sender.offer(*self._offer):
            number += 1
            if number % _SERVE_EVERY == 0:
                sender.poll()
            self._offer = next(self._offers, None)
        sender.poll()
        self.sent += sender.acknowledged - self._heard
        self._heard = sender.acknowledged

    def _read(self) -> Iterator[_Offer]:
        """The next block of the split whose turn it is."""
        assert self._source is not None
        splits = list(self._source.splits())
        later = [split for split in splits if split.name > self._split]
        for split in later + splits[: len(splits) - len(later)]:
            lines = split.read(_READ_BYTES)
            if lines is not None:
                self._split = split.name
                block = Block(lines, split.position())
                self._outstanding.add(split.name, block)
                yield from self._shaped(block)
                block.seal()
                return

    def _shaped(self, block: Block) -> Iterator[_Offer]:
        for number, line in block.lines():
            if len(line) >= _LONGEST_LINE_BYTES:
                block.reject(number, f"the line is longer than {_LONGEST_LINE_BYTES} bytes; its begin is kept here")
                continue
            try:
                sent = self._shape.of(line)
            except InputError as error:
                block.reject(number, str(error))
                continue
            block.expect()
            yield _Offer(sent.value, sent.key, block, number)

    def commit(self) -> None:
        """Store the positions up to which all is acknowledged, and what was set aside, in one transaction.

        Raises:
            StorageFullError: the disk is full; `load` before going on.
        """
        done = self._outstanding.settle()
        gone = {name for name in self._gone if not self._outstanding.waits(name)}
        if not done and not gone:
            return
        with self._state.transaction() as db:
            self._keep({name: blocks[-1].position for name, blocks in done.items()})
            quarantine = Quarantine(db)
            for name, blocks in done.items():
                rejects = [reject for block in blocks for reject in block.rejects]
                quarantine.add(self._stream, name, rejects, self._clock.now_us())
                self.set_aside += len(rejects)
            db.executemany("DELETE FROM split WHERE stream = ? AND name = ?", [(self._stream, name) for name in gone])
        self._gone -= gone

    def _keep(self, positions: dict[str, dict[str, Any]]) -> None:
        self._state.db.executemany(
            "INSERT OR REPLACE INTO split (stream, name, position, clock) VALUES (?, ?, ?, '{}')",
            [(self._stream, name, json.dumps(position)) for name, position in positions.items()],
        )

    def wait(self, wait_s: float) -> None:
        """Let acknowledgements come, at most so long."""
        if self._sender is not None:
            self._sender.poll(wait_s)

    def flush(self, within_s: float) -> int:
        """Wait for what is on its way; how many messages still wait."""
        if self._sender is None:
            return 0
        left = self._sender.flush(within_s)
        self.sent += self._sender.acknowledged - self._heard
        self._heard = self._sender.acknowledged
        return left

    def unfinished(self) -> list[str]:
        """Files that end in a line without end, which waits for it."""
        assert self._source is not None
        return [part.source for split in self._source.splits() for part in split.ahead()]

    def close(self) -> None:
        """Let go of files and connections; what waits is read again at the next `load`."""
        if self._source is not None:
            self._source.close()
        if self._sender is not None:
            self._sender.close()
        self._source = self._sender = None
