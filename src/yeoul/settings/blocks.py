"""The blocks that speak of streams or of the whole: detect, rank, lookup, notify, console, engine."""

from __future__ import annotations

import csv
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from yeoul.detect import DETECTORS, WatchConfig
from yeoul.errors import ConfigError
from yeoul.flows.plan import DetectBlock, EngineOptions, Lookup, Notifier, RankBlock, StreamPlan
from yeoul.plugins import nearest
from yeoul.rank import HotConfig
from yeoul.settings.environment import fill
from yeoul.settings.facts import StreamFacts, text_at, texts_at
from yeoul.settings.models import ConsoleKeys, DetectKeys, EngineKeys, LookupKeys, NotifyKeys, RankKeys
from yeoul.settings.problems import Place, Problems

__all__ = ["ConsoleOptions", "read_console", "read_detect", "read_engine", "read_lookup", "read_notify", "read_rank"]


_ANY_URL = "http://localhost"
"""Stands where the environment has none, which is told already."""

Facts = Mapping[str, StreamFacts]


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How the web pages are served."""

    host: str = "127.0.0.1"
    port: int = 8750
    language: str = "auto"
    """`auto`, `en` or `ko`."""
    password: str | None = field(default=None, repr=False)
    """From the environment: YEOUL_PASSWORD."""


def read_detect(
    name: str, raw: Any, streams: Mapping[str, StreamPlan], facts: Facts, problems: Problems
) -> DetectBlock | None:
    """A `[detect.NAME]` block; None when it or its stream has mistakes."""
    place = ("detect", name)
    keys = problems.validate(DetectKeys, raw, place)
    legal = sorted({*DETECTORS, *(point.name for point in entry_points(group="yeoul.detectors"))})
    for one in texts_at(raw, "detectors") or ():
        problems.member((*place, "detectors"), one, legal, "a detector")
    stream = _stream(raw, place, facts, problems)
    if stream is not None:
        _keys_of("by", texts_at(raw, "by"), stream, place, problems)
        _value_of(raw, list(stream.aggregates), "an aggregate", place, problems)
    if keys is None:
        return None
    plan = streams.get(keys.stream)
    try:
        watch = WatchConfig(
            name,
            tuple(keys.detectors),
            keys.alarms_per_day,
            keys.min_volume,
            keys.min_effect,
            keys.persist,
            plan.spec.slide_us if plan else 10_000_000,
            keys.min_confidence,
            keys.max_keys,
        )
    except ConfigError as error:
        for one in error.problems:
            at, _, what = one.partition(": ")
            problems.add((*place, at), what)
        return None
    if plan is None or problems.under(place):
        return None
    return DetectBlock(name, keys.stream, _in_order(keys.by, plan), keys.value, watch)


def read_rank(
    name: str, raw: Any, streams: Mapping[str, StreamPlan], facts: Facts, problems: Problems
) -> RankBlock | None:
    """A `[rank.NAME]` block; None when it or its stream has mistakes."""
    place = ("rank", name)
    keys = problems.validate(RankKeys, raw, place)
    if keys is not None and keys.half_life < 1_000_000:
        problems.add((*place, "half_life"), "got less than a second; legal: a duration of at least `1s`")
    stream = _stream(raw, place, facts, problems)
    if stream is not None:
        _keys_of("by", texts_at(raw, "by"), stream, place, problems)
        _keys_of("within", texts_at(raw, "within"), stream, place, problems, empty=True)
        legal = [one for one, function in stream.aggregates.items() if function in {"count", "sum", ""}]
        _value_of(raw, legal, "a count() or sum()", place, problems)
        if both := set(texts_at(raw, "by") or ()) & set(texts_at(raw, "within") or ()):
            text = f"got `{min(both)}`, which is in `by` too; legal: a key in one of them only"
            problems.add((*place, "within"), text)
    if keys is None:
        return None
    plan = streams.get(keys.stream)
    if plan is None or problems.under(place):
        return None
    hot = HotConfig(name, keys.half_life, keys.top, plan.spec.slide_us, bool(keys.within))
    return RankBlock(name, keys.stream, _in_order(keys.by, plan), _in_order(keys.within, plan), keys.value, hot)


def _stream(raw: Any, place: Place, facts: Facts, problems: Problems) -> StreamFacts | None:
    """What the named stream offers; references are read leniently, so that one mistake does not hide the others."""
    name = text_at(raw, "stream")
    if name is None:
        return None
    problems.member((*place, "stream"), name, list(facts), "the name of a stream")
    return facts.get(name)


def _value_of(raw: Any, legal: list[str], what: str, place: Place, problems: Problems) -> None:
    value = text_at(raw, "value")
    if value is not None:
        problems.member((*place, "value"), value, legal, f"{what} of `{text_at(raw, 'stream')}`")


def _keys_of(
    member: str, got: list[str] | None, stream: StreamFacts, place: Place, problems: Problems, *, empty: bool = False
) -> None:
    if got is None:
        return
    if not got and not empty:
        legal = ", ".join(f"`{one}`" for one in stream.keys)
        problems.add((*place, member), f"got none; legal: at least one of {legal}")
    for one in got:
        if problems.member((*place, member), one, list(stream.keys), "a key of the stream") and got.count(one) > 1:
            problems.add((*place, member), f"got `{one}` twice; legal: each key once")
            return


def _in_order(keys: list[str], plan: StreamPlan) -> tuple[str, ...]:
    return tuple(key for key in plan.spec.keys if key in keys)


def read_lookup(
    name: str, raw: Any, folder: Path, facts: Facts, problems: Problems, warnings: list[str]
) -> Lookup | None:
    """A `[lookup.NAME]` block. A file that is not there is a warning: it may come later."""
    place = ("lookup", name)
    keys = problems.validate(LookupKeys, raw, place)
    known = sorted({key for stream in facts.values() for key in stream.keys})
    key = text_at(raw, "key")
    if known and key is not None:
        problems.member((*place, "key"), key, known, "a key of a stream")
    if keys is None:
        return None
    path = folder / keys.path
    if not path.is_file():
        warnings.append(f"`lookup.{name}.path`: `{path}` is not there (yet); keys are shown without names")
    else:
        _note_columns(name, path, keys, warnings)
    return Lookup(name, path, keys.key, keys.name)


def _note_columns(name: str, path: Path, keys: LookupKeys, warnings: list[str]) -> None:
    columns = _columns(path)
    has = ", ".join(f"`{one}`" for one in columns) or "no header that can be read"
    for member, column in (("key", keys.key), ("name", keys.name)):
        if column not in columns:
            text = f"`{path}` has no column `{column}`, so keys are shown without names; it has {has}"
            warnings.append(f"`lookup.{name}.{member}`: {text}{nearest(column, columns)}")


def _columns(path: Path) -> list[str]:
    """The header of a CSV file; nothing where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [cell.strip() for cell in next(csv.reader(file), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def read_notify(
    name: str, raw: Any, detects: list[str], environ: Mapping[str, str], problems: Problems
) -> Notifier | None:
    """A `[notify.NAME]` block, with what it takes from the environment."""
    place = ("notify", name)
    filled = raw
    if isinstance(raw, dict):
        filled = dict(raw)
        if isinstance(raw.get("url"), str):
            filled["url"] = fill(raw["url"], (*place, "url"), environ, problems)
        if isinstance(raw.get("headers"), dict):
            filled["headers"] = {
                one: fill(text, (*place, "headers", one), environ, problems) if isinstance(text, str) else text
                for one, text in raw["headers"].items()
            }
    if problems.under((*place, "url")):
        filled["url"] = _ANY_URL
    keys = problems.validate(NotifyKeys, filled, place)
    for one in texts_at(raw, "detect") or ():
        problems.member((*place, "detect"), one, detects, "a detect block")
    if keys is None:
        return None
    return Notifier(
        name, keys.kind, keys.url, tuple(sorted(keys.headers.items())), keys.timeout / 1_000_000, tuple(keys.detect)
    )


def read_console(raw: Any, environ: Mapping[str, str], problems: Problems) -> ConsoleOptions:
    """The `[console]` block."""
    keys = problems.validate(ConsoleKeys, raw, ("console",))
    password = environ.get("YEOUL_PASSWORD") or None
    host = raw.get("host", "127.0.0.1") if isinstance(raw, dict) else "127.0.0.1"
    if password is None and isinstance(host, str) and not _loopback(host):
        text = f"got `{host}`; legal without a password: `127.0.0.1`; set YEOUL_PASSWORD to listen elsewhere"
        problems.add(("console", "host"), text)
    if keys is None:
        return ConsoleOptions(password=password)
    return ConsoleOptions(keys.host, keys.port, keys.language, password)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_engine(raw: Any, problems: Problems) -> EngineOptions:
    """The `[engine]` block."""
    keys = problems.validate(EngineKeys, raw, ("engine",))
    if keys is None:
        return EngineOptions()
    return EngineOptions(keys.commit_interval, keys.quarantine_cap, keys.log_cap)
