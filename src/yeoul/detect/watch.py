"""One watch over one value of many keys: the table of keys, the detectors joined, the alarms that come out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.alarm import Alarm, direction_of, score_of
from yeoul.detect.aside import judge_aside
from yeoul.detect.builtin import DETECTORS
from yeoul.detect.contract import LARGEST_VALUE, Detector, Judgement, Tick
from yeoul.detect.history import History
from yeoul.detect.keys import KeyTable
from yeoul.detect.policy import MOST_PERSIST, RULES, Policy
from yeoul.detect.together import TOGETHER, Together
from yeoul.errors import ConfigError, InputError
from yeoul.plugins import resolve

__all__ = ["Alarm", "Told", "Watch", "WatchConfig"]

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_LEAST_WINDOWS = 8
"""A key is known for at least so many windows, however wide they are."""
_ONE = np.array([TOGETHER])
_SILENT = 1.0, np.nan, np.nan, np.nan, np.nan, 0.0
_NO_KEYS = np.zeros(0, np.int64)
_NO_VALUES = np.zeros(0)
_LISTED = 1e-2


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """What an operator may say of a watch.

    Raises:
        ConfigError: a value that cannot mean anything; all mistakes at once.
    """

    name: str
    detectors: tuple[str, ...] = ("seasonal", "kmeans")
    """The first one's expected value and range are shown."""
    alarms_per_day: float = 1.0
    """The budget: false incidents a day for the whole watch."""
    min_volume: float = 20.0
    """Neither observed nor expected reach this in a window: no alarm."""
    min_effect: float = 0.2
    """Least |observed - expected| / expected."""
    persist: tuple[int, int] = (2, 3)
    """Sustained means alarmed in k of the last n ticks."""
    width_us: int = 10_000_000
    min_confidence: float = 0.2
    """Younger keys are judged but not alarmed; 0.2 is about 20 ticks of history."""
    max_keys: int = 200_000
    silence_ticks: int = 360
    """Of a silence, so many ticks are judged; what follows is taken as missing, so that its cost is bounded."""
    together: bool = field(default=True, repr=False)
    """Judge the keys below `min_volume` by their sum, too."""

    def __post_init__(self) -> None:
        k, n = self.persist
        rules = [
            (bool(self.detectors), f"detectors: got `{self.detectors}`; name at least one"),
            (self.alarms_per_day > 0, f"alarms_per_day: got `{self.alarms_per_day}`; legal: above 0"),
            (self.min_volume >= 0, f"min_volume: got `{self.min_volume}`; legal: 0 or more"),
            (self.min_effect >= 0, f"min_effect: got `{self.min_effect}`; legal: 0 or more"),
            (1 <= k <= n <= MOST_PERSIST, f"persist: got `{k} of {n}`; legal: 1 <= k <= n <= {MOST_PERSIST}"),
            (self.width_us > 0, f"width: got `{self.width_us}` µs; legal: above 0"),
            (0 <= self.min_confidence <= 1, f"min_confidence: got `{self.min_confidence}`; legal: 0 to 1"),
            (self.max_keys > 0, f"max_keys: got `{self.max_keys}`; legal: above 0"),
        ]
        problems = tuple(text for holds, text in rules if not holds)
        if problems:
            raise ConfigError("; ".join(problems), problems)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one key in the last tick."""

    at_us: int
    """Start of that window."""
    rule: str
    """One of `RULES`."""
    observed: float
    expected: float
    lower: float
    upper: float
    p: float


class Watch:
    """Judges the windows of one `[detect.X]` block in order of time.

    A known key absent from a fully covered window is 0; from a partly covered one it is missing (NaN): nothing is
    concluded and nothing learnt. What is present in a partly covered window can only be too low: the detectors take it
    as missing, too, and where it is above what they expect it is judged by the range that they give.
    Probabilities of several detectors are joined by Bonferroni's rule: the smallest, times their number. The keys below
    `min_volume` are judged by their sum as one more key, `TOGETHER`. Keys that are muted count as missing for the
    detectors; their alarms are made from the range, too. A key absent for more than 24 hours, and
    more than eight windows, is forgotten (looked at once an hour of event time); when more than `max_keys` are known,
    those absent longest go first. Deterministic in the ticks given. About 1.7 kB a key with both detectors.

    >>> watch = Watch(WatchConfig("customers", min_confidence=0.5))
    >>> keys = np.arange(5)
    >>> for i in range(200):
    ...     alarms = watch.tick(i * 10_000_000, keys, np.full(5, 40.0) + (i + keys) % 9, full=True)
    >>> burst = np.array([44.0, 44.0, 160.0, 44.0, 44.0])
    >>> [(a.key, a.direction) for a in watch.tick(2_000_000_000, keys, burst, full=True)]
    [(2, 'up')]
    """

    def __init__(self, config: WatchConfig) -> None:
        self._config = config
        self._detectors: list[Detector] = [resolve("yeoul.detectors", DETECTORS, name)() for name in config.detectors]
        self._table = KeyTable()
        self._history = History()
        self._policy = Policy(
            config.alarms_per_day,
            config.min_volume,
            config.min_effect,
            config.min_confidence,
            config.persist,
            _DAY_US / config.width_us,
        )
        self._together = Together(config.min_volume)
        self._p = self._sure = np.zeros(0, np.float32)
        self._last_us = -1
        self._silent = 0

    def tick(
        self, start_us: int, keys: Ids, values: Floats, *, full: bool, muted: Ids | None = _NO_KEYS
    ) -> list[Alarm]:
        """Judge the window that starts at `start_us`, then learn from it.

        Args:
            start_us: start of the window, UTC; later than the last one's.
            keys: ids of the keys present, each once, >= 0.
            values: their values, amounts >= 0, taken as 1e37 where they are beyond; NaN = missing.
            full: whether every split reported.
            muted: keys that the calendar mutes; None: all.

        Returns:
            Alarmed keys, least p first; muted ones are marked.

        Raises:
            InputError: a time not after the last one's, or keys that occur twice or are negative.
        """
        self._check(start_us, keys, values)
        self._silent = 0
        return self._tick(start_us, keys, values, full=full, muted=muted)

    def silence(
        self, start_us: int, end_us: int, *, full: bool, muted: Ids | None = _NO_KEYS
    ) -> list[tuple[int, list[Alarm]]]:
        """Judge a run of windows without any row, from `start_us` until `end_us`.

        When `full`, every known key is 0 in each of them; the first `silence_ticks` of a silence are judged (however
        the silence is cut into runs), the rest is taken as missing. When not `full` nothing is known of any.

        Returns:
            (start of the window, its alarms) of each window that has alarms.
        """
        width_us, found = self._config.width_us, []
        at_us = start_us
        while full and at_us < end_us and self._silent < self._config.silence_ticks:
            self._silent += 1
            if alarms := self._tick(at_us, _NO_KEYS, _NO_VALUES, full=True, muted=muted):
                found.append((at_us, alarms))
            at_us += width_us
        if at_us < end_us:
            self._together.skip()
            self._history.skip(at_us, end_us, width_us)
            self._last_us = end_us - width_us
        return found

    def restart(self, keys: Ids | None) -> None:
        """Let the levels of these keys (None: of all) begin anew with the next tick; until then they raise no alarm."""
        slots = np.flatnonzero(self._table.alive) if keys is None else self._table.find(keys)
        slots = slots[slots >= 0]
        for detector in self._detectors:
            getattr(detector, "restart", detector.forget)(slots)
        self._policy.forget(slots)
        if keys is None:
            self._together = Together(self._config.min_volume)

    def _tick(self, start_us: int, keys: Ids, values: Floats, *, full: bool, muted: Ids | None) -> list[Alarm]:
        if self._last_us >= 0 and start_us // _HOUR_US != self._last_us // _HOUR_US:
            seen, alive = self._table.seen_us, self._table.alive
            absent_us = max(_DAY_US, _LEAST_WINDOWS * self._config.width_us)
            self._forget(np.flatnonzero(alive & (start_us - seen > absent_us)))
        self._last_us = start_us
        slots, fits = self._place(start_us, keys)
        table = self._table
        value: Floats = np.where(table.alive, 0.0 if full else np.nan, np.nan)
        value[slots] = np.minimum(values[fits], LARGEST_VALUE)
        small = int(table.find(_ONE)[0])
        quiet = self._quiet(muted, len(value))
        if small >= 0:
            value[small] = np.nan  # no detector sees it: its sum is judged by itself
        unseen = quiet if full else np.ones(len(value), bool)
        told: Floats = value if unseen is None else np.where(unseen, np.nan, value)
        tick = Tick(start_us, self._config.width_us, told, table.alive.copy(), self._config.min_volume)
        judgements: list[Judgement] = []
        for detector in self._detectors:
            judgements.append(detector.judge(tick))
            first = judgements[0]
            tick = replace(tick, told=np.where(first.confidence > 0, first.expected, np.nan))
        return self._alarms(tick, judgements, value, quiet, unseen, small, full=full)

    def _quiet(self, muted: Ids | None, size: int) -> Mask | None:
        """Where keys are muted; None: nowhere."""
        if muted is not None and not len(muted):
            return None
        quiet = np.zeros(size, bool)
        slots = np.flatnonzero(self._table.alive) if muted is None else self._table.find(muted)
        quiet[slots[slots >= 0]] = True
        return quiet

    def _sum(
        self, tick: Tick, columns: list[Floats], sure: Floats, value: Floats, small: int, *, full: bool
    ) -> tuple[tuple[int, float, float, float], ...]:
        """Judge the small keys together and put that into the slot of them all; their parts, when it is odd."""
        p, expected, lower, upper, confidence = columns
        said: tuple[float, ...] = _SILENT
        # of a partly covered window only what is above expected is known, which is no sum
        if full and self._config.together:
            # what is told by itself is not told again as a part of the sum
            summed = np.isfinite(tick.value) & ~self._policy.by_itself(p, tick.value, expected, confidence)
            said = self._together.judge(tick.value, expected, np.where(summed, sure, 0.0))
        else:
            self._together.skip()
        if small < 0:
            return ()
        p[small], value[small], expected[small], lower[small], upper[small], confidence[small] = said
        return self._together.parts(self._table.ids) if p[small] < _LISTED else ()

    def _place(self, start_us: int, keys: Ids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Slots of the present keys, and which of them fit into the table."""
        table, most = self._table, self._config.max_keys
        if self._together.wanted and self._config.together and table.find(_ONE)[0] < 0:
            table.add(_ONE, start_us)
        small = table.find(_ONE)
        table.seen_us[small[small >= 0]] = start_us
        room = most + int(small[0] >= 0)
        fits = np.ones(len(keys), bool)
        if len(keys) > most:
            # More keys in one window than the table may hold: the lowest ids are kept, the same ones every time.
            fits[np.argsort(keys)[most:]] = False
        slots = table.find(keys[fits])
        table.seen_us[slots[slots >= 0]] = start_us
        new = slots < 0
        if new.any():
            self._forget(table.absent_longest(max(0, len(table) + int(new.sum()) - room)))
            slots[new] = table.add(keys[fits][new], start_us)
        self._history.grow(table.capacity)
        return slots, fits

    def _alarms(
        self,
        tick: Tick,
        judgements: list[Judgement],
        value: Floats,
        quiet: Mask | None,
        unseen: Mask | None,
        small: int,
        *,
        full: bool,
    ) -> list[Alarm]:
        first = judgements[0]
        p, confidence, best = first.p, first.confidence, np.zeros(len(first.p), np.intp)
        expected, lower, upper, p_shown = first.expected, first.lower, first.upper, first.p
        said, sure = first.confidence > 0, first.confidence
        speak = said.astype(np.float64)
        for number, judgement in enumerate(judgements[1:], start=1):
            # of one that says nothing p is 1, which is nothing to be taken before what another says
            less = (judgement.p < p) | ((judgement.p == p) & (confidence <= 0) & (judgement.confidence > 0))
            p, confidence = np.where(less, judgement.p, p), np.where(less, judgement.confidence, confidence)
            best[less] = number
            also = judgement.confidence > 0
            sure = np.maximum(sure, judgement.confidence)
            speak += also
            # what is shown is what the first detector says that says something
            late = np.flatnonzero(also & ~said)
            if len(late):
                said = said | also
                columns = [expected, lower, upper, p_shown] = [
                    each.copy() for each in (expected, lower, upper, p_shown)
                ]
                newer = (judgement.expected, judgement.lower, judgement.upper, judgement.p)
                for column, new in zip(columns, newer, strict=True):
                    column[late] = new[late]
        p = np.minimum(1.0, p * np.maximum(speak, 1.0))
        made = [np.array(each) for each in (p, expected, lower, upper, confidence)]
        parts = self._sum(tick, made, sure, value, small, full=full)
        if len(self._sure) < len(sure):
            self._sure = np.concatenate([self._sure, np.zeros(len(sure) - len(self._sure), np.float32)])
        if unseen is not None:
            taken = judge_aside(unseen, value, judgements, self._sure, made, above=not full)
            best = np.where(taken >= 0, taken, best)
            value = value if full else np.where(taken >= 0, value, np.nan)
        p, expected, lower, upper, confidence = made
        # of what no detector judged, the same p says whether the amount is remarkable
        aside = np.flatnonzero(unseen) if unseen is not None else np.zeros(0, np.intp)
        if small >= 0:
            aside = np.append(aside, small)
        p_shown = np.array(p_shown)
        p_shown[aside] = np.minimum(p_shown[aside], p[aside])
        self._sure = np.where(sure > 0, sure, self._sure).astype(np.float32)
        self._p = p.astype(np.float32)
        alarmed, sustained = self._policy.judge(p, value, expected, confidence, quiet, small)
        band = (np.where(tick.alive, column, np.nan) for column in (expected, lower, upper))
        self._history.push(tick.start_us, value, *band)
        at = np.flatnonzero(alarmed)
        at = at[np.lexsort((self._table.ids[at], p[at]))]
        return [
            Alarm(
                key=int(self._table.ids[i]),
                detector="together" if i == small else self._config.detectors[best[i]],
                observed=float(value[i]),
                expected=float(expected[i]),
                lower=float(lower[i]),
                upper=float(upper[i]),
                p=float(p[i]),
                score=score_of(float(p[i])),
                confidence=float(confidence[i]),
                direction=direction_of(float(value[i]), float(expected[i]), float(p_shown[i])),
                sustained=bool(sustained[i]),
                muted=quiet is not None and bool(quiet[i]),
                parts=parts if i == small else (),
            )
            for i in at
        ]

    def _forget(self, slots: NDArray[np.intp]) -> None:
        if not len(slots):
            return
        for detector in self._detectors:
            detector.forget(slots)
        self._policy.forget(slots)
        self._history.forget(slots)
        self._sure[slots[slots < len(self._sure)]] = 0
        self._table.remove(slots)

    def _check(self, start_us: int, keys: Ids, values: Floats) -> None:
        message = ""
        if start_us <= self._last_us:
            message = f"got a window at `{start_us}` after one at {self._last_us}; windows come in order of time"
        elif len(keys) != len(values):
            message = f"got `{len(keys)}` keys and `{len(values)}` values; give one value a key"
        elif len(keys) and (int(keys.min()) < 0 or len(np.unique(keys)) != len(keys)):
            message = "got keys that occur twice or are negative in one window; give each non-negative id once"
        if message:
            raise InputError(message)

    @property
    def threshold(self) -> float:
        """P at or below which a key is alarmed now, as the budget has it."""
        return self._policy.threshold

    @property
    def scope(self) -> int:
        """Keys large and old enough to be alarmed in the last tick."""
        return self._policy.scope

    @property
    def keys(self) -> Ids:
        """Known keys, ascending."""
        table = self._table
        return np.sort(table.ids[table.alive & (table.ids != TOGETHER)])

    @property
    def small(self) -> Ids:
        """Keys that were judged together in the last tick; none when it was partly covered."""
        return self._table.ids[self._together.members]

    @property
    def counts(self) -> dict[str, int]:
        """Keys of the last tick by what became of them: each of `RULES` that held one back, or alarmed it."""
        return dict(zip(RULES, self._policy.counts.tolist(), strict=True))

    def told(self, key: int) -> Told | None:
        """What became of a key in the last tick; None where it is not known."""
        slot = int(self._table.find(np.array([key], np.int64))[0])
        if slot < 0 or slot >= len(self._p):
            return None
        observed, expected, lower, upper = self.current(np.array([key]))[0].tolist()
        return Told(self._last_us, self._policy.verdict(slot), observed, expected, lower, upper, float(self._p[slot]))

    @property
    def nbytes(self) -> int:
        """Bytes held by all parts that tell theirs."""
        parts = (self._table, self._history, self._policy, *self._detectors)
        return sum(int(getattr(part, "nbytes", 0)) for part in parts)

    def history(self, key: int) -> Floats:
        """The last 60 ticks of a key, oldest first: rows of at_us, observed, expected, lower, upper (as float32).

        Observed is NaN where it was missing; ticks before the key was known are left out; unknown keys give no rows.
        """
        slot = int(self._table.find(np.array([key], np.int64))[0])
        return self._history.of(slot) if slot >= 0 else np.zeros((0, 5))

    def current(self, keys: Ids) -> Floats:
        """The last tick of `keys`: shape (n, 4) of observed, expected, lower, upper; NaN where unknown."""
        return self._history.last(self._table.find(np.asarray(keys, np.int64)))

    def snapshot(self) -> dict[str, Any]:
        """All state as plain members and arrays."""
        return {
            "detectors": [detector.snapshot() for detector in self._detectors],
            "names": list(self._config.detectors),
            "table": self._table.snapshot(),
            "history": self._history.snapshot(),
            "policy": self._policy.snapshot(),
            "together": self._together.snapshot(),
            "p": self._p.copy(),
            "sure": self._sure.copy(),
            "last_us": self._last_us,
            "silent": self._silent,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue exactly where `snapshot` was taken.

        Raises:
            ConfigError: the snapshot is of other detectors.
        """
        if tuple(state["names"]) != self._config.detectors:
            message = f"kept state is of detectors `{state['names']}`, the declaration names {self._config.detectors}"
            raise ConfigError(message)
        for detector, kept in zip(self._detectors, state["detectors"], strict=True):
            detector.restore(kept)
        self._table.restore(state["table"])
        self._history.restore(state["history"])
        self._policy.restore(state["policy"])
        if "together" in state:  # the first release did not have it
            self._together.restore(state["together"])
            self._p, self._sure = np.array(state["p"], np.float32), np.array(state["sure"], np.float32)
        self._last_us, self._silent = int(state["last_us"]), int(state["silent"])
