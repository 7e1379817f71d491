"""A worker: has the shards that its group gives it, sends what they find, keeps what they learn, hands them over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from yeoul.clock import Clock
from yeoul.errors import TransientError, YeoulError
from yeoul.flows.plan import Plan
from yeoul.flows.sinking import as_messages, open_writer
from yeoul.flows.workers.keeping import keep_whole, newest_kept, to_keep
from yeoul.flows.workers.shard import Shard
from yeoul.flows.workers.workload import Workload

if TYPE_CHECKING:
    from yeoul.deliver.kafka import Outbound, ResultsWriter  # its client library is an extra
    from yeoul.ingest.kafka import Group, Reader

__all__ = ["Worker"]

_READ = 5000
_WAIT_S = 0.1
_COMMIT_S = 1.0
_KEEP_S = 60.0
_KEEP_SHARE = 50
"""What is learnt is kept at most when this many times the duration of keeping it has passed."""
_TELL_S = 30.0
_AGAIN_S = 1.0
_SLOW_S = 5.0
"""A broker that has acknowledged nothing for so long is told of."""
_END_S = 8.0
_ASK_S = 10.0
_LEADER = 0
"""Rankings need all windows: who has this partition makes them, the others stand by."""


@dataclass(slots=True)
class _Held:
    """A shard that this worker has."""

    number: int
    epoch: str
    """Numbers of changes mean something within one: of one declaration, from one place on."""
    shard: Shard
    writer: ResultsWriter
    slot: int
    quiet_before: int
    """What its entries before this offset give was sent under another declaration."""
    kept_s: float = field(default_factory=time.monotonic)
    keeping_s: float = 0.0
    kept: int = -1
    """Entries when it was kept last."""


class Worker:
    """Follows the windows of one topic until it is told to stop; see `Workload`."""

    def __init__(
        self, plan: Plan, workload: Workload, stop: threading.Event, clock: Clock, tell: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._load = workload
        self._topics = dict(workload.sink.topics)
        self._stop = stop
        self._ending = threading.Event()
        self._clock = clock
        self._say = tell
        self._held: dict[int, _Held] = {}
        self._wanted: set[int] = set()
        self._members: set[int] = set()
        self._group: Group
        self._reader: Reader
        self._all: list[int] = []
        self._why = ""
        self._away = False
        self._stands_by = False
        self._committed_s = self._told_s = time.monotonic()
        self._sent = self._told = 0

    def run(self) -> None:
        """Work until `stop` is set; then hand over in order.

        Raises:
            UnreachableError: no broker answers at the start.
            SinkError: a topic is missing, or they do not let us in.
            SourceError: the topic of windows is missing, another one than it was, or of another version or number of
                shards.
            MissingExtraError: Kafka's client library is not installed.
        """
        threading.Thread(target=self._end_later, name=f"{self._load.part} end", daemon=True).start()
        with self._joined():
            while not self._stop.is_set():
                self._group.look()
                self._open_wanted()
                self._read()
                for held in list(self._held.values()):
                    self._trying(held, partial(self._send, held))
                self._keep_due()
                self._tell()

    def _end_later(self) -> None:
        """What is being sent when it is to stop has some seconds."""
        self._stop.wait()
        time.sleep(_END_S)
        self._ending.set()

    @contextmanager
    def _joined(self) -> Iterator[None]:
        from yeoul.deliver.kafka import make_beside  # noqa: PLC0415  (its client library is an extra)
        from yeoul.ingest.kafka import Group, Reader, Topic  # noqa: PLC0415  (its client library is an extra)

        load, sink = self._load, self._load.sink
        settings = dict(sink.client)
        with ExitStack() as stack:
            writer = open_writer(sink, topics=load.results)
            stack.callback(writer.close)
            writer.check()
            topic = Topic(sink.bootstrap, load.topic)
            self._group = Group(topic, load.group, settings, gained=self._gain, given=self._give, lost=self._lose)
            stack.callback(self._group.close)
            self._all = self._group.partitions
            make_beside(sink.bootstrap, load.group, load.topic, settings)
            self._reader = Reader(topic, load.group, settings, self._tell_of)
            stack.callback(self._reader.close)
            try:
                yield
            except YeoulError:
                self._ending.set()  # nobody waits for what cannot be sent
                raise
            finally:
                self._give(list(self._held))

    def _gain(self, partitions: list[int]) -> None:
        self._members |= {*partitions}
        self._wanted |= {number for number in partitions if self._load.part != "rank" or number == _LEADER}
        if self._load.part == "rank" and _LEADER not in self._members and not self._stands_by:
            self._stands_by = True
            self._tell_of("another worker makes the rankings; stands by")

    def _open_wanted(self) -> None:
        for number in sorted(self._wanted):
            try:
                self._open(number)
            except TransientError as error:
                self._tell_why(error)
                self._stop.wait(_AGAIN_S)
                return
            self._wanted.discard(number)
            self._why = ""

    def _open(self, number: int) -> None:
        """Go on with a shard where its last owner kept it.

        Raises:
            TransientError: a broker does not answer.
            SourceError: what is kept is of another topic of that name.
        """
        from yeoul.ingest.kafka import Topic, read_whole  # noqa: PLC0415  (its client library is an extra)

        load, sink = self._load, self._load.sink
        messages = read_whole(Topic(sink.bootstrap, load.group), number, load.group, dict(sink.client), _ASK_S)
        kept = newest_kept(messages, load.declared)
        if kept is not None:
            self._group.check_topic(kept.topic_id)
        before = self._group.committed(number)
        partitions = self._all if load.part == "rank" else [number]
        with ExitStack() as stack:
            shard = Shard(self._plan, load, partitions, len(self._all), self._clock, self._tell_of)
            stack.callback(shard.close)
            if kept is None:
                shard.assembly.begin(self._reader.begin(partitions))
            else:
                shard.restore(kept.block)
            epoch = f"{load.declared}@{shard.assembly.begun}"
            shard.sent, writer = self._open_writer(number, epoch, shard.sent)
            stack.callback(writer.close)
            quiet = 0 if before.metadata == epoch else max(0, before.offset)
            held = _Held(
                number, epoch, shard, writer, kept.slot if kept else 0, quiet, kept=shard.taken if kept else -1
            )
            if kept is None:
                self._keep(held)  # from here on changes have their numbers
            self._reader.add(shard.assembly.position)
            stack.pop_all()
        self._held[number], self._stands_by = held, False
        where = ", ".join(f"{part}@{at}" for part, at in sorted(shard.assembly.position.items()))
        self._tell_of(f"takes over shard {number} of `{load.topic}`: goes on at {where}")

    def _open_writer(self, number: int, epoch: str, sent: int) -> tuple[int, ResultsWriter]:
        """A shard's only writer, and up to which change its results are sent, of which `sent` is known.

        Always in transactions: who hung may have something to send of a shard that others have.

        Raises:
            TransientError: a broker does not answer, or the group has given the shard to others.
        """
        from yeoul.deliver.kafka import Member  # noqa: PLC0415  (its client library is an extra)

        load = self._load
        member = Member(load.group, load.group, number, self._group.membership)
        writer = open_writer(load.sink, f"{load.group}.{number}", epoch, [*load.results, load.group], member)
        try:
            writer.check()
            sent = max(sent, writer.open() or 0)
            writer.write([], sent, self._ending, self._tell_of)  # who hung is refused before it says a word
        except BaseException:
            writer.close()
            raise
        return sent, writer

    def _read(self) -> None:
        owners = {part: held for held in self._held.values() for part in held.shard.assembly.position}
        came = self._reader.read(_READ, _WAIT_S)
        for each in came:
            held = owners.get(each.partition)
            if held is not None and each.value is not None:
                if held.quiet_before and each.partition == held.number and each.offset >= held.quiet_before:
                    held.shard.skip()
                    held.quiet_before = 0
                held.shard.take(each.headers.get("schema", b""), each.value, each.partition, each.offset)
        # of who was judging for long and asked for nothing, a broker seems to be away
        if (away := self._reader.away and not came) != self._away:
            self._away = away
            said = "no broker answers at `{}`; waits" if self._away else "a broker answers at `{}` again"
            self._tell_of(said.format(self._load.sink.bootstrap))

    def _trying(self, held: _Held, work: Callable[[], object]) -> None:
        """Do what needs the broker; after trouble with another writer, unless the shard has gone to others."""
        if not self._has(held):  # it went while another one was in trouble
            return
        try:
            work()
            self._why = ""
        except TransientError as error:
            self._tell_why(error)
            self._stop.wait(_AGAIN_S)
            self._group.look()
            if not self._has(held) or self._stop.is_set():
                return
            held.writer.close()
            with suppress(TransientError):
                held.shard.sent, held.writer = self._open_writer(held.number, held.epoch, held.shard.sent)

    def _has(self, held: _Held) -> bool:
        return self._held.get(held.number) is held

    def _send(self, held: _Held) -> None:
        shard = held.shard
        if held.quiet_before:
            shard.skip()
            return
        while True:
            number, records = shard.due()
            if records and not self._write(held, as_messages(records, self._topics), number):
                return
            self._sent += len(records)
            if number == shard.sent:
                return
            shard.book(number)

    def _write(self, held: _Held, batch: list[Outbound], number: int) -> bool:
        text = f"the broker at `{self._load.sink.bootstrap}` acknowledges nothing; waits"
        slow = threading.Timer(_SLOW_S, self._tell_of, [text])
        slow.daemon = True
        slow.start()
        try:
            return held.writer.write(batch, number, self._ending, self._tell_of)
        finally:
            slow.cancel()

    def _keep_due(self) -> None:
        now = time.monotonic()
        for held in list(self._held.values()):
            if now - held.kept_s >= max(_KEEP_S, _KEEP_SHARE * held.keeping_s):
                self._trying(held, partial(self._keep, held))
        if now - self._committed_s >= _COMMIT_S:
            self._committed_s = now
            self._commit(list(self._held.values()))

    def _keep(self, held: _Held) -> None:
        """Keep what a shard has learnt, if all that it found is sent."""
        shard, load = held.shard, self._load
        held.kept_s = started = time.monotonic()
        if shard.taken == held.kept:
            return
        slot = 1 - held.slot
        block = shard.snapshot()
        if block is None:
            return
        chunked = partial(
            to_keep,
            block,
            load.group,
            held.number,
            declared=load.declared,
            taken=shard.taken,
            slot=slot,
            topic_id=self._group.topic_id,
        )
        if keep_whole(held.writer, chunked, lambda batch: self._write(held, batch, shard.sent)):
            held.slot, held.kept = slot, shard.taken
        held.keeping_s = time.monotonic() - started

    def _commit(self, shards: list[_Held]) -> None:
        """Each time all of it, moved or not: one that comes amid a change of the group is not kept."""
        from yeoul.ingest.kafka import Committed  # noqa: PLC0415  (its client library is an extra)

        now = {
            number: Committed(offset, held.epoch)
            for held in shards
            if not held.quiet_before
            for number, offset in held.shard.assembly.position.items()
        }
        if now:
            self._group.commit(now)

    def _give(self, partitions: list[int]) -> None:
        """Send, keep and commit what is there, so that who comes next has nothing to do again."""
        self._members -= {*partitions}
        self._wanted -= {*partitions}
        for number in partitions:
            held = self._held.get(number)
            if held is None:
                continue
            try:
                self._send(held)
                self._keep(held)
                self._commit([held])
            except YeoulError as error:
                self._tell_of(f"shard {number} is handed over as it was kept last: {error}")
            self._let_go(held)

    def _lose(self, partitions: list[int]) -> None:
        """Others have them already."""
        self._members -= {*partitions}
        self._wanted -= {*partitions}
        for number in partitions:
            if number in self._held:
                self._let_go(self._held[number])

    def _let_go(self, held: _Held) -> None:
        del self._held[held.number]
        self._reader.drop(list(held.shard.assembly.position))
        held.writer.close()
        held.shard.close()
        self._tell_of(f"hands over shard {held.number} of `{self._load.topic}`")

    def _tell_of(self, text: str) -> None:
        self._say(f"{self._load.part}: {text}")

    def _tell_why(self, error: TransientError) -> None:
        if str(error) != self._why:
            self._why = str(error)
            self._tell_of(f"{error}; waits")

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_s < _TELL_S:
            return
        self._told_s = now
        taken = sum(held.shard.taken for held in self._held.values())
        if taken == self._told:
            return
        self._told = taken
        shards = sum(len(held.shard.assembly.position) for held in self._held.values())
        behind = self._reader.behind()
        self._tell_of(
            f"{shards} of {len(self._all)} shards, {taken:,} windows judged, {self._sent:,} results sent, "
            f"{behind:,} message{'s' * (behind != 1)} behind"
        )
