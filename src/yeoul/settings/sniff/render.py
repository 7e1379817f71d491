"""A proposal as the text of a `yeoul.toml`, every choice with what was seen and what else could be chosen."""

from __future__ import annotations

import json
import re
from typing import Any

from yeoul.events import format_path
from yeoul.settings.sniff.members import Member
from yeoul.settings.sniff.proposal import Chosen, Proposal

__all__ = ["render"]

_MOST_OTHERS = 40
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def render(proposal: Proposal) -> str:
    """The text; it is TOML 1.0 and a workspace."""
    parts = (_head, _source, _time, _keys, _windows, _fields, _detect, _rank, _rest)
    return "\n".join("\n".join(part(proposal)) + "\n" for part in parts)


def _head(proposal: Proposal) -> list[str]:
    lines = ["# Written by `yeoul init`. Everything here is a proposal: change what you know better, then run"]
    lines += [
        "# `yeoul check` (explains, touches nothing) and `yeoul replay --out DIR` (tries it on all there is).",
        "#",
    ]
    for facts in proposal.files:
        part = "" if facts.whole else " first"
        odd = f"; {facts.odd} are of another format" if facts.odd else ""
        lines.append(_comment(f"Looked at the{part} {facts.lines:,} lines of {facts.path}{odd}."))
    return lines


def _source(proposal: Proposal) -> list[str]:
    shape = proposal.shape
    members: dict[str, Any] = {"kind": "files", "path": proposal.glob}
    if shape.line_format != "json":
        members["format"] = shape.line_format
    if shape.pattern is not None:
        members["pattern"] = shape.pattern
    if shape.line_format == "csv" and shape.delimiter != ",":
        members["delimiter"] = shape.delimiter
    if shape.columns is not None:
        members["columns"] = list(shape.columns)
    lines = [f"[stream.{proposal.stream}]"]
    lines.append(_comment(f"{shape.title}: {shape.share:.0%} of the lines. Rotated siblings (.1, .gz, dates) belong."))
    folder, _, name = proposal.glob.rpartition("/")
    ending = name[name.rfind(".") :] if "." in name else ""
    if "*" not in name and ending:
        lines.append(_comment(f"All files like it: path = {_toml(f'{folder}/*{ending}' if folder else f'*{ending}')}"))
    if shape.columns is not None:
        lines.append("# The columns have no header line: give them better names here and in `fields`.")
    return [*lines, f"source     = {_toml(members)}"]


def _time(proposal: Proposal) -> list[str]:
    time, zone = proposal.time, proposal.zone
    formats: Any = time.formats[0] if len(time.formats) == 1 else list(time.formats)
    members: dict[str, Any] = {"path": format_path(time.path), "format": formats}
    lines = [_comment(f"Event time: reads in {time.share:.1%} of the lines, such as {time.example}.")]
    if not time.zoned:
        members["timezone"] = zone.name
        lines.append(_comment(f"Its zone is not written in the log; {zone.why}."))
        if not zone.sure:
            lines.append("# Please check: a wrong zone shifts everything by hours.")
    if time.rival:
        lines.append(_comment(f"Day and month could be the other way round: format = {_toml(time.rival)}"))
    for other in proposal.other_times[:4]:
        one: Any = other.formats[0] if len(other.formats) == 1 else list(other.formats)
        lines.append(_comment(f"Also a time: {_toml({'path': format_path(other.path), 'format': one})}"))
    return [*lines, f"event_time = {_toml(members)}"]


def _keys(proposal: Proposal) -> list[str]:
    lines = [
        "# Events are counted for each combination of these. The first should name who acts: a customer, a device.",
    ]
    lines += [_comment(f"{chosen.name}: {_seen(chosen.member)}; {chosen.role}.") for chosen in proposal.keys]
    for member in proposal.other_keys:
        lines.append(_comment(f"could be a key: {format_path(member.path)} ({_seen(member)})"))
    lines.append(f"keys       = {_toml([chosen.name for chosen in proposal.keys])}")
    if proposal.event_id is not None:
        lines += [_comment(f"{proposal.event_id.name} is {proposal.event_id.role}.")]
        lines += [f"event_id   = {_toml(proposal.event_id.name)}"]
    return lines


def _windows(proposal: Proposal) -> list[str]:
    order = f"99.5 % of the rows are in order within {proposal.disorder_s:.3g} s; later ones are set aside as late."
    lines = [f"window     = {_duration(proposal.window_s)}", _comment(order)]
    if proposal.lost_share:
        lines.append(_comment(f"With a shorter delay {proposal.lost_share:.0%} of the rows would be late or future."))
    elif proposal.delay_s > 300:
        lines.append("# The sample is far out of order, so results wait long. Is it sorted by time at all?")
    lines += [
        f"delay      = {_duration(proposal.delay_s)}",
        '# allowed_lateness = "0s"   # rows so much later still revise',
    ]
    lines.append(f"aggregates = {_toml(proposal.aggregates)}")
    lines.append("# also: min(field), max(field), mean(field), distinct(field)")
    lines.append(_comment(f"where    = {_toml(_where(proposal))}   # only rows for which this holds"))
    lines.append(_comment(f"redact   = {_toml([proposal.keys[0].name])}   # masked wherever a single row is shown"))
    return lines


def _where(proposal: Proposal) -> str:
    """A filter that would work as it stands."""
    first = (proposal.values or proposal.keys)[0]
    if first.type in {"int", "float"}:
        return f"{first.name} > 0"
    return first.name if first.type == "bool" else f"{first.name} <> 'test'"


def _fields(proposal: Proposal) -> list[str]:
    lines = [f"[stream.{proposal.stream}.fields]"]
    taken = {proposal.time.path}
    for chosen in proposal.fields:
        taken.add(chosen.member.path)
        if chosen.default is not None:
            share = 1 - chosen.member.share
            lines.append(_comment(f"missing in {share:.1%} of the lines, which then count as {chosen.default!r}:"))
        lines.append(f"{_key(chosen.name)} = {_field(chosen)}   {_comment(_examples(chosen.member))}".rstrip())
    others = [member for member in proposal.members if member.path not in taken and member.type != "list"]
    if others:
        lines.append("# What else is in the lines. A declared field must be in each line, or have a default.")
    for member in others[:_MOST_OTHERS]:
        path = format_path(member.path)
        value = _toml(path) if member.type == "str" else _toml({"path": path, "type": member.type})
        lines.append(_comment(f"{_key(_short(member))} = {value}   # in {member.share:.0%}, {_examples(member)}"))
    if len(others) > _MOST_OTHERS:
        lines.append(f"# … and {len(others) - _MOST_OTHERS} more")
    return lines


def _detect(proposal: Proposal) -> list[str]:
    key = proposal.keys[0].name
    return [
        f"[detect.{_block(key)}]",
        _comment(f"Whose behaviour is abnormal: each {key} is judged by its own past and by the others'."),
        f"stream         = {_toml(proposal.stream)}",
        f"by             = {_toml([key])}",
        f"value          = {_toml(proposal.watched)}",
        'detectors      = ["seasonal", "kmeans"]',
        "alarms_per_day = 1   # the budget: false alarms a day for the whole block",
        f"min_volume     = {proposal.min_volume}   # windows in which less is observed and expected raise no alarm",
        "min_effect     = 0.2   # at least 20 % away from expected",
        'persist        = "2 of 3"',
    ]


def _rank(proposal: Proposal) -> list[str]:
    by, within = proposal.keys[-1].name, [key.name for key in proposal.keys[:-1]][:1]
    lines = [
        "[rank.hot]",
        _comment(f"Which {by} is hot, over all" + (f" and for each {within[0]}." if within else ".")),
    ]
    lines += [f"stream    = {_toml(proposal.stream)}", f"by        = {_toml([by])}"]
    if within:
        lines.append(f"within    = {_toml(within)}")
    first = next(iter(proposal.aggregates))
    return [*lines, f"value     = {_toml(first)}", 'half_life = "10m"   # then an event weighs half', "top       = 10"]


def _rest(proposal: Proposal) -> list[str]:
    key = proposal.keys[-1].name
    return [
        "# Names for keys, shown everywhere, from a CSV file with a header line:",
        "# [lookup.names]",
        '# path = "names.csv"',
        _comment(f"key  = {_toml(key)}"),
        '# name = "title"',
        "",
        "# Who is told when an incident opens, grows or closes:",
        "# [notify.ops]",
        '# kind = "webhook"',
        '# url  = "http://127.0.0.1:9000/alarm"',
    ]


def _field(chosen: Chosen) -> str:
    members: dict[str, Any] = {"path": chosen.path}
    if chosen.type != "str":
        members["type"] = chosen.type
    if chosen.default is not None:
        members["default"] = chosen.default
    return _toml(members) if len(members) > 1 else _toml(chosen.path)


def _seen(member: Member) -> str:
    return f"{member.distinct:,} value{'s' * (member.distinct != 1)} in {member.present:,} lines, {_examples(member)}"


def _examples(member: Member) -> str:
    return "such as " + ", ".join(member.examples)


def _short(member: Member) -> str:
    return re.sub(r"\W+", "_", member.path[-1]).strip("_") or "field"


def _block(name: str) -> str:
    return re.sub(r"[^\w-]", "_", name)


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return _toml(f"{seconds // size}{unit}")
    return _toml(f"{seconds}s")


def _comment(text: str) -> str:
    """One line of comment: TOML allows no control characters in it."""
    return "# " + "".join(char if char.isprintable() else " " for char in text)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_toml(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str):
        # a regular expression reads best as it is
        if ("\\" in value or '"' in value) and "'" not in value and value.isprintable():
            return f"'{value}'"
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
