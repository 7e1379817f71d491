"""Results to their topics beside the engine: a thread for each sink sends what changed, the engine books."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yeoul.errors import TransientError, UnreachableError, YeoulError
from yeoul.flows.engine import Engine
from yeoul.flows.plan import Plan
from yeoul.flows.results.outgoing import COMPLETE, LIVE, Outgoing, Record, book, overflowing, trim, unsent
from yeoul.flows.results.records import schema_name
from yeoul.flows.results.shards import Shards
from yeoul.flows.sinks import ResultsSink
from yeoul.ingest.contract import Notice
from yeoul.store import State, read_state
from yeoul.streams import Entry

if TYPE_CHECKING:
    from yeoul.deliver.kafka import Member, Outbound, ResultsWriter  # its client library is an extra

__all__ = ["Sinking", "as_messages", "check_result_sink", "check_result_sinks", "open_writer"]

_LOOK_S = 0.2
_AGAIN_S = 1.0
_YELLOW_S = 5.0
_RED_S = 60.0
_END_S = 5.0
_IDENTITY = "sinks.identity"
_EPOCH = "sinks.epoch"


def check_result_sinks(plan: Plan, tell: Callable[[str], None]) -> None:
    """See before anything starts that results can go out; a broker that is away is waited for by who has begun.

    Raises:
        UnreachableError: no broker answers a first start.
        SinkError: a topic is missing, or a broker does not let us in.
        MissingExtraError: Kafka's client library is not installed.
    """
    for sink in plan.result_sinks:
        try:
            check_result_sink(sink)
        except TransientError as error:
            # also of a broker that has just been started and knows nothing of its groups yet
            if isinstance(error, UnreachableError) and not _begun(plan.folder / ".yeoul", sink):
                raise
            tell(f"{error}; results wait for it")


def check_result_sink(sink: ResultsSink) -> None:
    """See that topics are there and may be written, in transactions where they are asked for: an empty one is begun.

    Raises:
        UnreachableError: no broker answers.
        TransientError: it does not say now.
        SinkError: a topic is missing, or a broker does not let us in.
        MissingExtraError: Kafka's client library is not installed.
    """
    # the names of real ones begin with `yeoul.` too, and so a right by prefix covers both
    writer = open_writer(sink, f"yeoul.check.{sink.name}" if sink.transactional else "")
    try:
        writer.check()
        writer.open()
    finally:
        writer.close()


def _begun(folder: Path, sink: ResultsSink) -> bool:
    try:
        state = read_state(folder)
    except YeoulError:
        return False
    try:
        return state.meta(f"sink.{sink.name}") is not None
    finally:
        state.close()


def open_writer(
    sink: ResultsSink,
    identity: str = "",
    epoch: str = "",
    topics: Iterable[str] | None = None,
    member: Member | None = None,
) -> ResultsWriter:
    """What writes to the topics of a sink; to these only, where they are given. See `ResultsWriter`.

    Raises:
        MissingExtraError: Kafka's client library is not installed.
        SinkError: it does not take the sink's settings.
    """
    from yeoul.deliver.kafka import ResultsWriter  # noqa: PLC0415  (its client library is an extra)

    names = [topic for _, topic in sink.topics] if topics is None else list(topics)
    settings = dict(sink.client)
    return ResultsWriter(
        sink.bootstrap,
        names,
        settings,
        compression=sink.compression,
        identity=identity,
        epoch=epoch,
        member=member,
    )


def as_messages(records: Sequence[Record], topics: Mapping[str, str]) -> list[Outbound]:
    """Results as messages to the topics of their kinds."""
    from yeoul.deliver.kafka import Outbound  # noqa: PLC0415  (its client library is an extra)

    # who follows the windows of a shard has to read there when one is complete
    places = {**topics, COMPLETE: topics.get("windows", "")}
    schemas = {kind: schema_name(kind).encode() for kind in places}
    return [
        Outbound(
            places[each.kind],
            each.key,
            each.value,
            [("schema", schemas[each.kind]), ("id", each.id.encode())],
            each.partition,
        )
        for each in records
    ]


class Sinking:
    """All sinks of results of one engine; the engine never waits for a broker."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._workers: list[_Worker] = []
        sinks = engine.plan.result_sinks
        if not sinks:
            return
        state = engine.state
        with state.transaction():
            if state.meta(_IDENTITY) is None:
                state.set_meta(_IDENTITY, uuid.uuid4().hex)
            if state.meta(_EPOCH) is None or state.restored is not None:
                # numbers of changes are given anew: what was committed beside results is of the state that is lost
                state.set_meta(_EPOCH, uuid.uuid4().hex)
        identity, epoch = str(state.meta(_IDENTITY)), str(state.meta(_EPOCH))
        self._workers = [_Worker(sink, engine.plan, state, f"yeoul.{identity}.{sink.name}", epoch) for sink in sinks]

    def look(self) -> None:
        """Book what was sent; let the threads look."""
        moved = [each for each in self._workers if each.sent != each.booked]
        if moved:
            with self._engine.state.transaction():
                for each in moved:
                    sent = each.sent
                    book(self._engine.state, each.sink.name, sent)
                    each.booked = sent
        self._trim()
        self._show_live()
        for each in self._workers:
            for text in each.told():
                for feed in self._engine.feeds.values():
                    feed.notices.append(Notice("sink", each.sink.name, text))
                    break
            each.wake()

    def _trim(self) -> None:
        """Let the oldest changes go when too many wait, and say which."""
        state = self._engine.state
        until = overflowing(state) if self._workers else 0
        if until:
            lost = [unsent(state, each.sent, until) for each in self._workers]
            with state.transaction():
                trim(state, until)
            for each, changes in zip(self._workers, lost, strict=True):
                each.lose(changes)

    def _show_live(self) -> None:
        """Hand the windows that are open to those who are to send them now; comes right after a commit."""
        now = time.monotonic()
        due = [each for each in self._workers if each.live_due(now)]
        if due:
            found = {name: feed.stream.windows.still_open() for name, feed in self._engine.feeds.items()}
            for each in due:
                each.show_live(found, now)

    def causes(self) -> list[dict[str, Any]]:
        """Sinks whose results wait."""
        found = []
        for each in self._workers:
            waits_s, why = each.waits()
            if waits_s >= _YELLOW_S:
                params = {"sink": each.sink.name, "detail": why, "seconds": round(waits_s)}
                level = "red" if waits_s >= _RED_S else "yellow"
                found.append({"level": level, "code": "sink_failing", "params": params})
        return found

    def close(self) -> None:
        """Let the threads end and book what they sent; the rest is sent at the next start."""
        until = time.monotonic() + _END_S
        for each in self._workers:
            each.stop()
        for each in self._workers:
            each.join(max(0.0, until - time.monotonic()))
        # what cannot be booked is sent again, with the same ids: that is no reason to end in an error
        with contextlib.suppress(YeoulError, sqlite3.Error):
            self.look()


class _Worker:
    """The thread of one sink, with a connection of its own to read the state."""

    def __init__(self, sink: ResultsSink, plan: Plan, state: State, identity: str, epoch: str) -> None:
        self.sink = sink
        self.booked = int(state.meta(f"sink.{sink.name}") or 0)
        self.sent = self.booked
        """Number of the last change that is in its topic."""
        self._plan = plan
        self._folder = state.folder
        self._identity = identity if sink.transactional else ""
        self._epoch = epoch
        self._topics = dict(sink.topics)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._told: list[str] = []
        self._lost = 0
        self._live: dict[str, list[Entry]] = {}
        self._live_s = 0.0
        self._why = ""
        self._since_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something new."""
        self._wake.set()

    def live_due(self, now_s: float) -> bool:
        """Whether open windows are to be sent again."""
        return LIVE in self._topics and now_s - self._live_s >= self.sink.live_every_s

    def show_live(self, entries: dict[str, list[Entry]], now_s: float) -> None:
        """The open windows of each stream; they take the place of those that were not sent yet."""
        self._live, self._live_s = entries, now_s

    def stop(self) -> None:
        """End after what is being sent."""
        self._stop.set()
        self._wake.set()

    def join(self, within_s: float) -> None:
        """Wait for the end."""
        self._thread.join(within_s)

    def lose(self, changes: dict[str, int]) -> None:
        """Changes of these kinds are gone before they were sent."""
        lost = {kind: number for kind, number in changes.items() if kind in self._topics}
        if lost:
            self._lost += sum(lost.values())
            named = ", ".join(f"{number:,} of {kind}" for kind, number in lost.items())
            self._told.append(f"too many changes wait: the oldest are gone and are never sent ({named})")

    def told(self) -> list[str]:
        """What people should know, since the last call."""
        told = self._told[:]
        del self._told[: len(told)]  # the list stays: its thread adds to it meanwhile
        return told

    def waits(self) -> tuple[float, str]:
        """For how long results have waited, in seconds, and why."""
        since = self._since_s
        if since is None:
            return 0.0, ""
        lost = f"; {self._lost:,} changes are gone unsent" if self._lost else ""
        return time.monotonic() - since, f"{self._why}{lost}"

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._serve()
            except (YeoulError, sqlite3.Error) as error:
                self._why = str(error)
                self._since_s = self._since_s or time.monotonic()
                self._stop.wait(_AGAIN_S)

    def _serve(self) -> None:
        """Send as it comes, until it is to stop or something is in the way.

        Raises:
            YeoulError: begin anew.
        """
        with contextlib.ExitStack() as stack:
            writer = open_writer(self.sink, self._identity, self._epoch)
            stack.callback(writer.close)
            writer.check()
            self.sent = max(self.sent, writer.open() or 0)
            state = read_state(self._folder)
            stack.callback(state.close)
            outgoing = Outgoing(state, self._plan, frozenset(self._topics), self._shards(writer))
            while not self._stop.is_set():
                number, records = outgoing.after(self.sent)
                # taken after what has closed was read, and sent before it: so no window is shown open after it closed
                live, self._live = self._live, {}
                records = [each for name in live for each in outgoing.live(name, live[name])] + records
                if number == self.sent and not records:
                    self._since_s, self._lost = None, 0
                    self._wake.wait(_LOOK_S)
                    self._wake.clear()
                    continue
                if records:
                    self._since_s = self._since_s or time.monotonic()
                    self._why = self._why or f"the broker at `{self.sink.bootstrap}` acknowledges nothing"
                    if not self._write(writer, records, number):
                        return
                self.sent, self._since_s, self._why = number, None, ""

    def _shards(self, writer: ResultsWriter) -> Shards | None:
        if not self.sink.shard_by:
            return None
        number = writer.partitions(self._topics["windows"])
        return Shards(self.sink.shard_by, [each.spec for each in self._plan.streams], number)

    def _write(self, writer: ResultsWriter, records: list[Record], number: int) -> bool:
        return writer.write(as_messages(records, self._topics), number, self._stop, self._told.append)
