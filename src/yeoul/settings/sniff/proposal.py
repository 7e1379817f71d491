"""What a workspace for a sample would say: time, keys, values, event id, window and delay, each with what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from yeoul.errors import InputError
from yeoul.events import format_path, parse_path
from yeoul.plugins import nearest
from yeoul.settings.sniff.members import Member, look_at_members
from yeoul.settings.sniff.names import field_name, sum_name
from yeoul.settings.sniff.place import glob_of, stream_name
from yeoul.settings.sniff.roles import content_keys, customer_keys, event_ids, plain_keys, values_to_sum
from yeoul.settings.sniff.sample import SampleFile
from yeoul.settings.sniff.shapes import Path as MemberPath
from yeoul.settings.sniff.shapes import Record, Shape, read_records, recognise
from yeoul.settings.sniff.times import TimeGuess, find_times
from yeoul.settings.sniff.zones import ZoneGuess, check_zone, guess_zone

__all__ = ["DELAYS_S", "Chosen", "FileFacts", "Proposal", "Wanted", "propose"]

_S = 1_000_000
DELAYS_S = (10, 30, 60, 300, 900, 3600, 6 * 3600, 86_400)
"""Delays that are proposed, the shortest that serves."""
_WINDOWS_S = (10, 60, 300, 900, 3600)
_ON_TIME = 0.995
_FEWEST_IN_WINDOW = 20
_DIRT = 0.01
"""A member that is missing in fewer lines than this is missing by mistake: those lines are invalid."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person said, so that it is not guessed."""

    time: str | None = None
    keys: tuple[str, ...] = ()
    value: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read of one sample."""

    path: Path
    lines: int
    """Lines looked at, without blank ones and headers."""
    odd: int
    """Those among them that are of another format."""
    whole: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """A member that becomes a field."""

    name: str
    member: Member
    type: str
    default: str | int | None
    """Where it may be missing."""
    role: str
    """In words: why it was chosen."""

    @property
    def path(self) -> str:
        """As a workspace writes it."""
        return format_path(self.member.path)


@dataclass(slots=True)
class Proposal:
    """All that goes into a `yeoul.toml`."""

    stream: str
    glob: str
    files: list[FileFacts]
    shape: Shape
    time: TimeGuess
    other_times: list[TimeGuess]
    zone: ZoneGuess
    keys: list[Chosen]
    values: list[Chosen]
    event_id: Chosen | None
    members: list[Member]
    delay_s: int
    window_s: int
    disorder_s: float
    """Within so many seconds 99.5 % of the rows are in order."""
    min_volume: int
    other_keys: list[Member]
    lost_share: float = 0.0
    """Share of the rows that a shorter delay would lose."""
    watched: str = ""
    """Name of the aggregate that is judged."""
    aggregates: dict[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> list[Chosen]:
        """All fields, each once."""
        return [*self.keys, *self.values, *([self.event_id] if self.event_id else [])]


def propose(folder: Path, samples: Sequence[SampleFile], wanted: Wanted) -> Proposal:
    """Look at the samples and choose.

    Args:
        folder: The workspace's folder, which need not exist.
        samples: At least one; all of one format.
        wanted: What is not to be guessed.

    Raises:
        InputError: the samples are of no known or of different formats, nothing reads as a time or as a key, or what is
            wanted is not there.
    """
    shape = recognise(samples[0])
    facts, records = _read(shape, samples)
    members = look_at_members(records)
    times = find_times(records, members)
    time = _time(times, members, wanted.time, samples)
    taken = {time.path}
    free = [member for member in members if member.path not in taken and member.type != "list"]
    clocks = {guess.path for guess in times}
    keys, others = _keys([one for one in free if one.path not in clocks], free, wanted.keys)
    used = {chosen.member.path for chosen in keys}
    values = _values(free, used | clocks, wanted.value, [chosen.name for chosen in keys])
    used |= {chosen.member.path for chosen in values}
    names = [chosen.name for chosen in (*keys, *values)]
    number = next(iter(event_ids(free, used | clocks)), None)
    unique = "different in every line: a repeated event counts once"
    event_id = None if number is None else _chosen(number.member, names, unique)
    delay_s, disorder_s = _delay(time)
    window_s = _window(time)
    proposal = Proposal(
        stream=stream_name([sample.path for sample in samples]),
        glob=glob_of(folder, [sample.path for sample in samples]),
        files=facts,
        shape=shape,
        time=time,
        other_times=[guess for guess in times if guess.path != time.path],
        zone=_zone(time, samples, shape, wanted.timezone),
        keys=keys,
        values=values,
        event_id=event_id,
        members=members,
        delay_s=delay_s,
        window_s=window_s,
        disorder_s=disorder_s,
        min_volume=_volume(records, keys[0].member, time, window_s),
        other_keys=others,
    )
    _count(proposal, bool(wanted.value))
    return proposal


def _read(shape: Shape, samples: Sequence[SampleFile]) -> tuple[list[FileFacts], list[Record]]:
    facts: list[FileFacts] = []
    records: list[Record] = []
    for sample in samples:
        found = read_records(shape, sample)
        good = [record for record in found if record is not None]
        if not good:
            what = "has no line of data" if shape.header and not found else f"has no line that is {shape.title}"
            like = "" if sample is samples[0] else f", as `{samples[0].path}` has"
            message = f"got the sample `{sample.path}`, which {what}{like}; legal: samples of one stream, in one format"
            raise InputError(message)
        facts.append(FileFacts(sample.path, len(found), len(found) - len(good), sample.whole))
        records += good
    return facts, records


def _time(
    times: list[TimeGuess], members: list[Member], wanted: str | None, samples: Sequence[SampleFile]
) -> TimeGuess:
    if wanted is not None:
        member = _member(wanted, members, "--time")
        for guess in times:
            if guess.path == member.path:
                return guess
        message = (
            f"got --time `{wanted}`, which does not read as a time: it holds `{member.examples[0]}`; legal: ISO 8601, "
            "seconds, milliseconds or microseconds since 1970, or a usual local form; other forms can be declared in "
            "yeoul.toml by a strptime pattern"
        )
        raise InputError(message)
    if times:
        return times[0]
    looked = ", ".join(f"`{format_path(member.path)}` ({member.examples[0]})" for member in members[:8])
    more = f" and {len(members) - 8} more" if len(members) > 8 else ""
    message = (
        f"no time was found in `{samples[0].path}`; looked at {looked}{more}; name the member that holds it: "
        "--time PATH (a date alone is not enough, times in nanoseconds are not read)"
    )
    raise InputError(message)


def _member(text: str, members: Sequence[Member], option: str) -> Member:
    """The member that a person named: by its path, or by its last part when only one ends so."""
    path = parse_path(text)
    ending = [member for member in members if member.path[-len(path) :] == path]
    exact = [member for member in members if member.path in {path, (text,)}]
    if len(found := exact or ending) == 1:
        return found[0]
    legal = [format_path(member.path) for member in found or members]
    several = "several members end so" if found else "no member is called that"
    shown = ", ".join(f"`{one}`" for one in legal[:12]) + (" …" if len(legal) > 12 else "")
    # people name a member by its last part
    close = nearest(text, legal) or nearest(text, [format_path(member.path[-1:]) for member in members])
    message = f"got {option} `{text}`: {several}; legal: {shown}{close}"
    raise InputError(message)


def _keys(candidates: list[Member], all_: list[Member], wanted: tuple[str, ...]) -> tuple[list[Chosen], list[Member]]:
    keys: list[Chosen] = []
    if wanted:
        for text in dict.fromkeys(wanted):
            member = _member(text, all_, "--keys")
            if member.type == "float":
                message = f"got --keys `{text}`, which holds numbers with fractions; legal: texts, integers, true/false"
                raise InputError(message)
            keys.append(_chosen(member, [key.name for key in keys], "as you said"))
        return keys, []
    customers, contents = customer_keys(candidates), content_keys(candidates)
    who = customers[0].member if customers else None
    what = next((role.member for role in contents if role.member is not who), None)
    if who is not None:
        keys.append(_chosen(who, (), "who acts, by its name"))
    if what is not None:
        keys.append(_chosen(what, [key.name for key in keys], "what is acted upon, by its name"))
    numbers = {role.member.path for role in values_to_sum(candidates, ())}
    plain = [role.member for role in plain_keys(candidates) if role.member.path not in numbers]
    if not keys and plain:
        keys = [_chosen(plain[0], (), "guessed: its values repeat as those of a key do")]
    if not keys:
        shown = ", ".join(f"`{format_path(member.path)}`" for member in all_[:12]) or "none"
        message = f"no member was found that events can be grouped by (members: {shown}); name some: --keys a,b"
        raise InputError(message)
    used = {key.member.path for key in keys}
    others = [role.member for role in (*customers, *contents)] + plain
    unique = {member.path: member for member in others if member.path not in used and member.distinct > 1}
    return keys, list(unique.values())[:8]


def _values(free: list[Member], taken: set[MemberPath], wanted: str | None, names: list[str]) -> list[Chosen]:
    if wanted is not None:
        member = _member(wanted, free, "--value")
        if not member.numeric:
            message = f"got --value `{wanted}`, which holds no numbers but `{member.examples[0]}`; legal: numbers"
            raise InputError(message)
        return [_chosen(member, names, "as you said", missing=0)]
    found: list[Chosen] = []
    for role in values_to_sum(free, taken)[:2]:
        found.append(
            _chosen(role.member, [*names, *(one.name for one in found)], "a number worth adding up", missing=0)
        )
    return found


def _chosen(member: Member, taken: Sequence[str], role: str, missing: str | int = "-") -> Chosen:
    type_ = member.type
    default: str | int | None = None
    if 1 - member.share > _DIRT and role[0] != "d":
        default = missing
        # a text can stand for nothing, an integer cannot
        type_ = "str" if missing == "-" else type_
    return Chosen(field_name(member.path, taken), member, type_, default, role)


def _zone(time: TimeGuess, samples: Sequence[SampleFile], shape: Shape, wanted: str | None) -> ZoneGuess:
    if wanted is not None:
        return ZoneGuess(check_zone(wanted), "as you said", sure=True)
    if time.zoned:
        return ZoneGuess("UTC", "not needed: each time says its own, or counts from 1970", sure=True)
    sample = max(samples, key=lambda one: one.changed_us)
    last_us = None
    if sample.last:
        last = SampleFile(sample.path, [*sample.lines[:1], sample.last], False, False, 0, b"")
        record = next(reversed(read_records(shape, last)), None)
        guesses = find_times([record], look_at_members([record])) if record else []
        last_us = next((int(guess.local_us[0]) for guess in guesses if guess.path == time.path), None)
    return guess_zone(last_us, sample.changed_us)


def _delay(time: TimeGuess) -> tuple[int, float]:
    """How long to wait for rows out of order, so that nearly all are on time."""
    us = time.local_us
    behind_s = (np.maximum.accumulate(us) - us) / _S
    # one clock far ahead must not make all that follow look late: what most rows need counts
    middle = np.median(us)
    near = np.abs(us - middle) <= 4 * max(_S, float(np.percentile(np.abs(us - middle), 90)))
    if near.any():
        sane = us[near]
        behind_s = (np.maximum.accumulate(sane) - sane) / _S
    needed = float(np.quantile(behind_s, _ON_TIME))
    return next((delay for delay in DELAYS_S if needed <= delay), DELAYS_S[-1]), needed


def _window(time: TimeGuess) -> int:
    """The shortest window that holds some rows on average."""
    low, high = np.quantile(time.local_us, [0.05, 0.95])
    rate = 0.9 * len(time.local_us) / max((high - low) / _S, 1.0)
    return next((size for size in _WINDOWS_S if rate * size >= _FEWEST_IN_WINDOW), _WINDOWS_S[-1])


def _volume(records: Sequence[Record], key: Member, time: TimeGuess, window_s: int) -> int:
    """A floor that the busiest keys reach: half of what the busiest tenth has in a window, 3 to 20."""
    tally: dict[object, int] = {}
    for record in records:
        value = record.get(key.path)
        tally[value] = tally.get(value, 0) + 1
    low, high = np.quantile(time.local_us, [0.05, 0.95])
    windows = max(float(high - low) / _S / 0.9 / window_s, 1.0)
    busy = float(np.quantile(list(tally.values()), 0.9)) / windows
    return int(min(20, max(3, round(busy / 2))))


def _count(proposal: Proposal, said: bool) -> None:
    taken = {chosen.name for chosen in proposal.fields}
    events = "events" if "events" not in taken else "event_rows"
    proposal.aggregates = {events: "count()"}
    proposal.watched = events
    for place, value in enumerate(proposal.values):
        name = sum_name(value.name, {*taken, *proposal.aggregates})
        proposal.aggregates[name] = f"sum({value.name})"
        few = {"hit", "hits", "count", "cnt", "qty", "quantity", "plays", "views", "clicks"}
        if place == 0 and (said or value.member.path[-1].lower() in few):
            proposal.watched = name
