"""Which member of a sample is the time of its events, and how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.events import parse_iso
from yeoul.ingest.decode.times import TimeColumn
from yeoul.settings.sniff.members import Member, words
from yeoul.settings.sniff.shapes import Path, Record

__all__ = ["TimeGuess", "find_times"]

_FORMATS = (
    "iso",
    "%Y-%m-%d %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S",
    "%d/%b/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S.%f",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S UTC",
    "%Y-%m-%d %H:%M:%S GMT",
    "%Y-%m-%d %H:%M:%S.%f UTC",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%d.%m.%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
    "%b %d, %Y %H:%M:%S",
)
_EPOCHS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_FIRST_US, _LAST_US = parse_iso("2000-01-01"), parse_iso("2100-01-01")
_DAY_US = 86_400_000_000
_SCREENED = 60
_GOOD = {"timestamp", "time", "ts", "datetime", "logdate", "date", "eventtime", "at", "occurred", "logged", "when"}
_BEST = {"event", "log", "timestamp", "logdate", "ts"}
_POOR = {
    *("birth", "birthday", "release", "released", "expire", "expires", "expiry", "exp", "end", "until", "login"),
    *("received", "ingested", "ingest", "indexed", "processed", "updated", "modified", "first", "last", "join"),
}


@dataclass(frozen=True, slots=True)
class TimeGuess:
    """One member that reads as a time."""

    path: Path
    formats: tuple[str, ...]
    """As a workspace names them; of several, the first that fits."""
    share: float
    """Share of the lines whose time it reads."""
    zoned: bool
    """Whether the values say their zone themselves, or need none."""
    in_order: float
    """How well the times follow the order of the lines: 1 when they do, 0 when they do not at all."""
    local_us: NDArray[np.int64]
    """The times as if their zone were UTC, in the order of the lines."""
    rival: str
    """Another format that reads as many: day and month cannot be told apart."""
    example: str
    score: float


def find_times(records: Sequence[Record], members: Sequence[Member]) -> list[TimeGuess]:
    """Every member that may be the event time, the best first."""
    found = []
    for member in members:
        if member.type == "list" or member.present < 0.5 * member.total:
            continue
        guess = _guess(member, [record.get(member.path) for record in records])
        if guess is not None:
            found.append(guess)
    # of equals the first in the line
    return sorted(found, key=lambda guess: -guess.score)


def _guess(member: Member, values: list[Any]) -> TimeGuess | None:
    there = [value for value in values if value is not None]
    some = there[:: max(1, len(there) // _SCREENED)]
    formats = _epochs(some) if member.numeric else []
    formats += [text for text in _FORMATS if _fits(text, some)] if _datelike(some) else []
    if not formats:
        return None
    read = {text: _read((text,), there) for text in formats}
    best = max(formats, key=lambda text: (_sum(read[text]), -formats.index(text)))
    equal = [text for text in formats if text != best and _sum(read[text]) == _sum(read[best])]
    rival = ""
    for text in equal:
        if {text, best} == {"%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"}:
            best, rival = sorted((best, text), key=lambda one: _span(read[one][0]))
    chosen: tuple[str, ...] = (best,)
    us, good = read[best]
    for text in formats:
        if good.mean() < 0.98 and (both := _read((*chosen, text), there))[1].sum() > good.sum() + len(there) // 100:
            chosen, (us, good) = (*chosen, text), both
    us = us[good]
    if not len(us) or not _plausible(member, chosen, us):
        return None
    order = _in_order(us)
    share = len(us) / len(values)
    zoned = chosen[0] in _EPOCHS or chosen[0].endswith((" %z", "UTC", "GMT")) or _tells_zone(there, chosen)
    score = 3 * share + order + _named(member.path) - 0.05 * len(member.path)
    return TimeGuess(member.path, chosen, share, zoned, order, us, rival, str(there[0])[:40], score)


def _datelike(values: list[Any]) -> bool:
    texts = [value for value in values if isinstance(value, str)]
    return sum(sum(map(str.isdigit, text)) >= 8 and len(text) <= 40 for text in texts) > len(values) // 2


def _fits(text: str, values: list[Any]) -> bool:
    return bool(_read((text,), values)[1].mean() > 0.3)


def _read(formats: tuple[str, ...], values: list[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    us, _, wrong = TimeColumn("time", formats, "UTC").times(values)
    good = np.ones(len(values), bool)
    good[list(wrong)] = False
    return us, good & (us >= _FIRST_US) & (us < _LAST_US)


def _sum(read: tuple[NDArray[np.int64], NDArray[np.bool_]]) -> int:
    return int(read[1].sum())


def _span(us: NDArray[np.int64]) -> int:
    return int(us.max() - us.min())


def _in_order(us: NDArray[np.int64]) -> float:
    """Spearman's rank correlation with the line numbers, which one wrong clock does not spoil."""
    if len(us) < 2 or not _span(us):
        return 1.0
    ranks = np.argsort(np.argsort(us, kind="stable"), kind="stable")
    return max(0.0, float(np.corrcoef(ranks, np.arange(len(us)))[0, 1]))


def _epochs(values: list[Any]) -> list[str]:
    """Units in which the numbers are of this century."""
    numbers = sorted(float(value) for value in values if _number(value))
    if not numbers:
        return []
    middle = numbers[len(numbers) // 2]
    return [unit for unit, us in _EPOCHS.items() if _FIRST_US <= middle * us < _LAST_US]


def _number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and value.replace(".", "", 1).isdigit())


def _plausible(member: Member, formats: tuple[str, ...], us: NDArray[np.int64]) -> bool:
    if len(us) < 0.5 * member.total:
        return False
    if formats[0] not in _EPOCHS:
        return bool((us % _DAY_US != 0).any())  # a date alone says too little
    # a number of ten digits is a time by its name or by its order, not by its size
    named = bool(set(words(member.path)) & _GOOD)
    ordered = len(us) > 2 and _in_order(us) > 0.7 and _span(us) > 0
    return named or (ordered and _span(us) < 400 * _DAY_US)


def _tells_zone(values: list[Any], formats: tuple[str, ...]) -> bool:
    """Whether times as ISO 8601 end in a zone: reading them in another zone changes nothing."""
    some = [value for value in values[:_SCREENED] if isinstance(value, str)]
    here, good = _read(formats, some)
    there, _, _ = TimeColumn("time", formats, "Asia/Seoul").times(some)
    return bool(good.any() and (here == there)[good].all())


def _named(path: Path) -> float:
    name = set(words(path))
    return 2.0 * bool(name & _GOOD) + 0.5 * bool(name & _BEST) - 1.5 * bool(name & _POOR)
