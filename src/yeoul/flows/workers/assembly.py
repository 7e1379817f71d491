"""Messages of a topic of windows back into entries of the results log: each window once, when it is complete."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yeoul.errors import SourceError
from yeoul.events import parse_iso
from yeoul.flows.plan import StreamPlan
from yeoul.flows.results.outgoing import COMPLETE
from yeoul.flows.results.records import SCHEMA_VERSION, schema_name
from yeoul.streams import Aggregate, Coverage, Entry, KeyTable, Layout, Part, StreamSpec, key_text
from yeoul.streams.parts import ROWS

__all__ = ["Assembly", "Counts"]

_FORGET_EVERY = 360
_KEYS_KEPT = 360
"""Windows for which a key is known that has no rows."""
_UNMARKED = 20_000
"""Windows that nobody completes; a writer that was killed leaves some, and Spark completes those of a batch at last."""
_WINDOWS = schema_name("windows").encode()
_COMPLETE = schema_name(COMPLETE).encode()
_Key = tuple[str, ...]
_time = lru_cache(256)(parse_iso)  # thousands of messages have one
_Groups = dict[_Key, tuple[Any, ...]]


class Counts:
    """A stream that was counted elsewhere, of which a topic has the values; see `Counted`.

    A mean or a number of different values stands as it is, for it is of the whole key: here it is the largest of one.
    """

    def __init__(self, stream: StreamPlan) -> None:
        spec = stream.spec
        plain = tuple(
            Aggregate(each.name, "max", each.field) if each.function in {"mean", "distinct"} else each
            for each in spec.aggregates
        )
        self.spec: StreamSpec = replace(spec, aggregates=plain)
        self._floats = frozenset(each.name for each in spec.schema.fields if each.type == "float")
        self.layout = Layout.of(plain, self._floats)
        self.keys = {name: KeyTable() for name in spec.keys}

    def part(self, groups: _Groups, at_us: int) -> Part:
        """The groups of a window that ends at `at_us`, in the order of their keys' texts."""
        order = sorted(groups)
        codes = []
        for place, table in enumerate(self.keys.values()):
            code = table.encode([key[place] for key in order])
            table.touch(code, at_us)
            codes.append(code)
        columns: dict[str, NDArray[Any]] = {ROWS: np.ones(len(order), np.int64)}
        for place, each in enumerate(self.spec.aggregates):
            values = np.array([groups[key][place] for key in order])
            columns[ROWS if each.function == "count" else each.name] = values
            if each.function == "sum" and each.field in self._floats:
                columns[each.name] = values.astype(np.float64)
                columns[f"{each.name}~"] = np.zeros(len(order))
        return Part(tuple(codes), columns)

    def change(self, before: _Groups, now: _Groups) -> _Groups:
        """What a revision added; only sums say something here."""
        zero = (0,) * len(self.spec.aggregates)
        return {key: tuple(new - old for new, old in zip(now[key], before.get(key, zero), strict=True)) for key in now}

    def forget(self, before_us: int) -> None:
        """Drop texts of keys that no window since then had."""
        for table in self.keys.values():
            table.take_new()  # nobody keeps them
            table.forget(table.idle_since(before_us))


@dataclass(slots=True)
class _Window:
    """A window, or a revision of one, that is not complete yet."""

    groups: _Groups = field(default_factory=dict)
    begins: dict[int, int] = field(default_factory=dict)
    """By partition: its first message there."""
    ends: dict[int, int] = field(default_factory=dict)
    """By partition: behind the message that says it is complete there."""
    full: bool = True


class _Said(NamedTuple):
    """What completes a window in a shard."""

    stream: str
    start_us: int
    end_us: int
    kind: str
    revision: int
    groups: int
    full: bool
    shards: int


class Assembly:
    """Makes entries of the messages of some partitions.

    A window's groups gather until each partition has said that it is complete there. What comes again, because who sent
    it was killed before it had noted so, is left out: groups by their key, windows by their start and revision. Where
    windows are missing (past the topic's retention, or its writer's) their time counts as not covered.

    The same messages give the same entries, whatever comes again.

    Args:
        streams: those that are followed.
        partitions: those whose messages come.
        tell: is told of what is not as it should be.
    """

    def __init__(self, streams: Sequence[StreamPlan], partitions: Sequence[int], tell: Callable[[str], None]) -> None:
        self.counts = {each.spec.name: Counts(each) for each in streams}
        self._behind = dict.fromkeys(partitions, 0)
        """By partition: behind the last message that completed a window."""
        self.begun = 0
        """Where the first partition was begun: what was numbered since another place has other numbers."""
        self._tell = tell
        self._waiting: dict[tuple[str, int, int], _Window] = {}
        self._came: dict[tuple[str, int, int, int], int] = {}
        """How many groups of a window came since it was last complete in a partition."""
        self._first: dict[str, int] = {}
        """Start of the first window by stream."""
        self._newest: dict[str, int] = {}
        """Start of the newest window by stream."""
        self._revised: dict[tuple[str, int], int] = {}
        """Newest revision of windows that can still have one."""
        self._totals: dict[tuple[str, int], _Groups] = {}
        """Groups of windows that can still be revised."""
        self._shards: int | None = None
        self._taken = 0

    @property
    def position(self) -> dict[int, int]:
        """By partition: behind the last message that no later entry needs. O(windows that wait).

        Groups of windows that wait can come before what completed another one: streams share a topic, and Spark sends
        the groups of several windows before the first is complete.
        """
        found = dict(self._behind)
        for window in self._waiting.values():
            for number, offset in window.begins.items():
                found[number] = min(found[number], offset)
        return found

    def begin(self, position: Mapping[int, int]) -> None:
        """Messages are to come from there on; comes before the first one."""
        self._behind = dict(position)
        self.begun = self._behind[min(self._behind)]

    def take(self, schema: bytes, value: bytes, partition: int, offset: int) -> Iterator[tuple[str, Entry]]:
        """Take a message; the entries that it completes, with the names of their streams.

        Raises:
            SourceError: it is of another version, or of other shards.
        """
        if not schema:
            message = (
                f"message {offset} of partition {partition} has no header `schema`: it is not of a sink; legal: a topic"
                " that `yeoul run` sends windows to, with `shard_by`"
            )
            raise SourceError(message)
        if schema == _WINDOWS:
            self._take_group(msgspec.json.decode(value), partition, offset)
        elif schema == _COMPLETE:
            yield from self._take_complete(msgspec.json.decode(value), partition, offset)
        elif schema.partition(b"/")[0] in {_WINDOWS.partition(b"/")[0], _COMPLETE.partition(b"/")[0]}:
            message = (
                f"got messages of `{schema.decode()}`; legal: version {SCHEMA_VERSION}; use one release everywhere"
            )
            raise SourceError(message)

    def _take_group(self, members: dict[str, Any], partition: int, offset: int) -> None:
        counts = self.counts.get(members["stream"])
        if counts is None:
            return
        start_us, revision = _time(members["window_start"]), members["revision"]
        key = tuple(key_text(members[name]) for name in counts.keys)
        values = tuple(_number(members[each.name]) for each in counts.spec.aggregates)
        window = self._waiting.setdefault((members["stream"], start_us, revision), _Window())
        if self._shards is None and len(self._waiting) > _UNMARKED:
            message = (
                f"{_UNMARKED} windows of `{members['stream']}` came, none was said to be complete; legal: a topic that "
                "a sink with `shard_by` sends, since its first message"
            )
            raise SourceError(message)
        if partition not in window.ends:  # otherwise it comes again while others are waited for
            window.begins.setdefault(partition, offset)
            window.groups[key] = values
            place = (members["stream"], start_us, revision, partition)
            self._came[place] = self._came.get(place, 0) + 1

    def _take_complete(self, members: dict[str, Any], partition: int, offset: int) -> Iterator[tuple[str, Entry]]:
        said = _said(members)
        self._check_shards(said)
        counts = self.counts.get(said.stream)
        if counts is None:
            return
        key = (said.stream, said.start_us, said.revision)
        came = self._came.pop((*key, partition), 0)
        if self._was_taken(said, counts.spec):
            self._waiting.pop(key, None)
            self._behind[partition] = offset + 1
            return
        window = self._waiting.setdefault(key, _Window())
        if partition in window.ends:  # it comes again while others are waited for
            return
        window.begins.setdefault(partition, offset)
        window.ends[partition] = offset + 1
        window.full &= said.full and came >= said.groups
        if came < said.groups:
            self._tell(
                f"stream `{said.stream}`, window of {members['window_start']}: {came} of {said.groups} groups are in "
                f"partition {partition}; it counts as partly covered"
            )
        if len(window.ends) < len(self._behind):
            return
        del self._waiting[key]
        self._behind = {number: max(offset, window.ends[number]) for number, offset in self._behind.items()}
        yield from self._entries(said, counts, window)

    def _check_shards(self, said: _Said) -> None:
        if self._shards is None:
            self._shards = said.shards
        elif said.shards != self._shards:
            message = (
                f"windows were in {self._shards} shards and are in {said.shards} now, for their topic has grown: "
                "keys are no longer where what was learnt of them is; name a new topic in `topics.windows`"
            )
            raise SourceError(message)

    def _was_taken(self, said: _Said, spec: StreamSpec) -> bool:
        newest = self._newest.get(said.stream)
        if said.revision and newest is not None and said.start_us >= self._final_us(spec):
            return said.revision <= self._revised.get((said.stream, said.start_us), 0)
        return newest is not None and said.end_us - spec.size_us <= newest

    def _final_us(self, spec: StreamSpec) -> int:
        """Windows that start before cannot be revised any more."""
        return self._newest[spec.name] - spec.allowed_lateness_us - spec.size_us

    def _entries(self, said: _Said, counts: Counts, window: _Window) -> Iterator[tuple[str, Entry]]:
        spec, name = counts.spec, said.stream
        coverage = Coverage(1, () if window.full else ("shards",))
        part = counts.part(window.groups, said.end_us) if window.groups else None
        if said.revision:
            self._revised[name, said.start_us] = said.revision
            change = None
            if window.groups and said.start_us >= self._first.get(name, said.end_us):  # otherwise it was never seen
                before = self._totals.setdefault((name, said.start_us), {})
                change = counts.part(counts.change(before, window.groups), said.end_us)
                before.update(window.groups)
            yield name, Entry("window", said.start_us, said.end_us, said.revision, coverage, part, change)
            return
        newest, start_us = self._newest.get(name), said.start_us
        self._first.setdefault(name, start_us)
        if newest is not None and start_us > newest + spec.slide_us:
            gap = newest + spec.slide_us
            yield name, Entry("empty", gap, start_us - spec.slide_us + spec.size_us, 0, Coverage(1, ("windows",)))
        elif newest is not None:
            start_us = max(start_us, newest + spec.slide_us)  # of a run, a part may be known
        self._newest[name] = said.end_us - spec.size_us
        if spec.allowed_lateness_us:
            self._totals[name, said.start_us] = window.groups
        yield name, Entry("empty" if part is None else "window", start_us, said.end_us, 0, coverage, part)
        self._taken += 1
        if self._taken % _FORGET_EVERY == 0 or spec.allowed_lateness_us:
            self._forget(spec)

    def _forget(self, spec: StreamSpec) -> None:
        """Drop what no message can need any more."""
        until_us = self._final_us(spec)
        held: tuple[dict[Any, Any], ...] = (self._totals, self._revised, self._waiting, self._came)
        for each in held:
            for key in [key for key in each if key[0] == spec.name and key[1] < until_us]:
                del each[key]
        if self._taken % _FORGET_EVERY == 0:
            # one that comes again gets another code, and there is something for each code ever given
            self.counts[spec.name].forget(until_us - _KEYS_KEPT * spec.slide_us)

    def snapshot(self) -> dict[str, Any]:
        """Plain members; what waits is read again from `position`."""
        return {
            "position": list(self.position.items()),
            "begun": self.begun,
            "first": self._first,
            "newest": self._newest,
            "revised": [[*key, revision] for key, revision in self._revised.items()],
            "totals": [[*key, list(groups), list(groups.values())] for key, groups in self._totals.items()],
            "shards": self._shards,
            "taken": self._taken,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where `snapshot` was taken; messages are to come from `position` on."""
        self.begin(dict(state["position"]))
        self.begun = state["begun"]
        self._first, self._newest = dict(state["first"]), dict(state["newest"])
        self._revised = {(stream, start_us): revision for stream, start_us, revision in state["revised"]}
        self._totals = {
            (stream, start_us): {tuple(key): tuple(row) for key, row in zip(keys, rows, strict=True)}
            for stream, start_us, keys, rows in state["totals"]
        }
        self._shards = state["shards"]
        self._taken = state["taken"]


def _said(members: dict[str, Any]) -> _Said:
    return _Said(
        members["stream"],
        _time(members["window_start"]),
        _time(members["window_end"]),
        members["kind"],
        members["revision"],
        members["groups"],
        members["full"],
        members["shards"],
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value
