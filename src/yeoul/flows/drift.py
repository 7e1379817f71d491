"""Schema drift: many rows of a stream are refused for one reason all at once, because what writes them has changed.

Refused rows are in the quarantine anyway, and a few always are. This file tells the few from the many.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from yeoul.events import Rows
from yeoul.ingest.quarantine import plain_reason

__all__ = ["Alarm", "Drift", "Refusals", "blamed"]

_OVER_US = 30_000_000
"""Shares are taken over the rows read in so much wall time."""
_QUIET_US = 30_000_000
"""For so long no more than half of what begins an alarm may be refused until it ends."""
_BUCKET_US = 1_000_000
_FEWEST = 10
_SHARE = 0.01
_SPLIT_SHARE = 0.2
_TIMES_USUAL = 5
_SIGMAS = 3
_HALF_LIFE_US = 600e6
_PRIOR_ROWS = 1000
_REASONS = 64
_OPEN = 8
_BLAMED = re.compile(r"(?:^|; |, )`([^`]+)`")


class Refusals:
    """Rows read since somebody last asked, by split, and the refused among them by split and reason."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.words: dict[str, str] = {}
        """By plain reason the first one as it stood."""

    def note(self, split: str, rows: Rows) -> None:
        """What a block of a split was decoded to."""
        self.rows[split] += len(rows) + len(rows.rejects)
        for reject in rows.rejects:
            plain = plain_reason(reject.reason)
            if plain not in self.words:
                if len(self.words) >= _REASONS:
                    continue
                self.words[plain] = reject.reason
            self.refused[split, plain] += 1

    def take(self, other: Refusals) -> None:
        """Add what another one noted, which is empty then."""
        self.rows.update(other.rows)
        self.refused.update(other.refused)
        self.words = {**other.words, **self.words}
        other.rows.clear()
        other.refused.clear()
        other.words.clear()


@dataclass(slots=True)
class Alarm:
    """Rows of a stream that are refused for one reason."""

    reason: str
    """In the decoder's words, of the first such row."""
    fields: list[str]
    """Declared fields that the reason names; none where the line as a whole is no row."""
    since_us: int
    """Wall time when the first of them was read."""
    rows: int = 0
    """Refused since."""
    share: float = 0.0
    """Of the stream's rows that were read lately."""
    splits: list[str] = field(default_factory=list)
    """Where the refused rows of lately came from, most first."""


@dataclass(slots=True)
class _Bucket:
    at_us: int
    wall_us: int
    rows: Counter[str]
    refused: Counter[tuple[str, str]]


class Drift:
    """The alarms of one stream.

    An alarm begins when, of the rows read in the last 30 s, at least 10 were refused for one reason, and these are 20 %
    of the rows of one split, or (beyond chance) 1 % of the stream's and five times what was usual for that reason. It
    ends when for 30 s less than half of these shares was refused and other rows were good. Silence neither begins nor
    ends one.
    """

    def __init__(self, names: Iterable[str], alarms: dict[str, Alarm], now_us: int) -> None:
        self.alarms = alarms
        """What is going on, by plain reason."""
        self._names = ["event_time", *names]
        self._held_us = dict.fromkeys(alarms, now_us)
        self._buckets: deque[_Bucket] = deque()
        self._usual: dict[str, float] = {}
        self._usual_rows = 0.0
        self._waiting = Refusals()

    def look(self, seen: Refusals, now_us: int, wall_us: int) -> list[tuple[str, Alarm]]:
        """Take what was read since the last look; the alarms that began or ended, with the word `began` or `ended`."""
        for (_, plain), count in seen.refused.items():
            if plain in self.alarms:
                self.alarms[plain].rows += count
        self._waiting.take(seen)
        if self._buckets and now_us - self._buckets[-1].at_us < _BUCKET_US:
            return []
        words = self._waiting.words
        self._buckets.append(_Bucket(now_us, wall_us, self._waiting.rows, self._waiting.refused))
        self._waiting = Refusals()
        while self._buckets[0].at_us <= now_us - _OVER_US:
            self._remember(self._buckets.popleft())
        return self._judge(words, now_us)

    def mended(self, still: Iterable[str]) -> list[tuple[str, Alarm]]:
        """End the alarms of which no line is kept any more: they were redriven. `still`: the reasons of those kept."""
        gone = [plain for plain in self.alarms if plain not in set(still)]
        for bucket in self._buckets:
            bucket.refused = Counter({key: n for key, n in bucket.refused.items() if key[1] not in gone})
        return [("ended", self.alarms.pop(plain)) for plain in gone]

    def _judge(self, words: dict[str, str], now_us: int) -> list[tuple[str, Alarm]]:
        rows: Counter[str] = Counter()
        refused: Counter[tuple[str, str]] = Counter()
        for bucket in self._buckets:
            rows.update(bucket.rows)
            refused.update(bucket.refused)
        total = rows.total()
        changes = []
        by_reason: Counter[str] = Counter()
        for (_, plain), count in refused.items():
            by_reason[plain] += count
        for plain in [*self.alarms, *(plain for plain, _ in by_reason.most_common() if plain not in self.alarms)]:
            bad = by_reason[plain]
            splits = Counter({split: count for (split, reason), count in refused.items() if reason == plain})
            share = bad / total if total else 0.0
            worst = max((count / rows[split] for split, count in splits.items()), default=0.0)
            alarm = self.alarms.get(plain)
            if alarm is None:
                if len(self.alarms) >= _OPEN or not self._begins(plain, bad, total, worst):
                    continue
                alarm = self.alarms[plain] = self._new(plain, words.get(plain, plain))
                alarm.rows = bad
                changes.append(("began", alarm))
            alarm.share = share
            alarm.splits = [split for split, _ in splits.most_common()] or alarm.splits
            if bad and (share >= _SHARE / 2 or worst >= _SPLIT_SHARE / 2):
                self._held_us[plain] = now_us
            elif total - bad >= _FEWEST and now_us - self._held_us[plain] >= _QUIET_US:
                changes.append(("ended", self.alarms.pop(plain)))
        return changes

    def _begins(self, plain: str, bad: int, total: int, worst: float) -> bool:
        if bad < _FEWEST:
            return False
        usual = self._usual.get(plain, 0.0) / (self._usual_rows + _PRIOR_ROWS)
        surely = bad - _SIGMAS * math.sqrt(bad)
        return surely >= total * max(_SHARE, _TIMES_USUAL * usual) or worst >= _SPLIT_SHARE

    def _new(self, plain: str, reason: str) -> Alarm:
        first = next(each for each in self._buckets if any(key[1] == plain for key in each.refused))
        return Alarm(reason, blamed(plain, self._names), first.wall_us)

    def _remember(self, gone: _Bucket) -> None:
        """What leaves the last 30 s becomes part of what is usual, but for what is an alarm."""
        fade = 0.5 ** (_BUCKET_US / _HALF_LIFE_US)
        self._usual_rows = self._usual_rows * fade + gone.rows.total()
        self._usual = {plain: count * fade for plain, count in self._usual.items() if count > 0.01}
        for (_, plain), count in gone.refused.items():
            if plain not in self.alarms and (plain in self._usual or len(self._usual) < _REASONS):
                self._usual[plain] = self._usual.get(plain, 0.0) + count


def blamed(reason: str, names: Iterable[str]) -> list[str]:
    """The declared fields that a reason begins with.

    >>> blamed("`cpk` (params.cpk) is missing; `hit`: got …; legal: an integer of at most 64 bits", ["cpk", "hit"])
    ['cpk', 'hit']
    >>> blamed("the line is not JSON: trailing characters at byte …", ["cpk", "hit"])
    []
    """
    found: list[Any] = _BLAMED.findall(reason)
    return [name for name in names if name in found]
