"""The alarm policy, all of it and in one place: what stands between a judged key and an alarm, rule by rule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.slots import SlotArrays
from yeoul.detect.tails import LEAST_P

__all__ = ["MOST_PERSIST", "RULES", "Policy"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

RULES = ("usual", "volume", "history", "effect", "chance", "muted", "single", "sustained")
"""What became of a judged key, in the order of the rules: not odd at all; odd and held back by the volume floor, the
least history, the minimum effect, the false-discovery control, the calendar; alarmed once, or in k of n ticks."""

MOST_PERSIST = 8
"""`persist` looks back at most so many ticks (one bit each)."""

_LEVELS = np.array([1e-2, 1e-3, 1e-4, 1e-5])
"""Where false incidents are counted: often enough there to be measured within hours."""
_APART_TICKS = 30
"""Bouts of one key nearer than this are one incident, as the incidents' own hysteresis would have it."""
_PRIOR_STARTS = 3.0
_PRIOR_SHARE = 0.3
_PRIOR_DECADE = 3.0
"""Before anything is measured: a decade of p divides incidents by three, much less than independent ticks would."""
_FLATTEST = 0.7
"""Beyond what was counted, incidents fall with p to the power of 0.7 to 1: as in the last counted decade."""
_SAFETY = 0.5
"""Share of the budget that is aimed at: what is counted is a noisy estimate, and nights are quieter than evenings."""
_MOST_AT_ONCE = 0.02
"""Share of the keys that may start at once by chance: beyond it, it is one common cause."""
_LEAST_MEMORY = 60.0
"""Starts are counted with a memory of a day, and of so many ticks where they are that wide."""
_NO_CHANCE = 1e-9
"""What starts beyond this is a true incident and says nothing of false ones..."""
_HABIT = 4.0
"""...unless the same key does so again and again: five times within half a day are its habit."""
_BEYOND_HABIT = 3.0
"""So many decades a p is to be below those of the habit to be an alarm."""
_ODD = 1e-3
"""From here on a key counts as odd, and is told to have been held back where it was."""
_OF_A_SUM = 0.5
"""A tenth of a sum may be all of many of its keys, and a sum is known better than they are."""
_HOLD_FACTOR = 100.0
_HOLD_MOST = 1e-2
_BITS = np.array([value.bit_count() for value in range(256)], np.uint8)

_FIELDS: dict[str, tuple[str, float, int]] = {
    "beyond": ("u1", 0, len(_LEVELS)),  # last 8 observed ticks, one bit each, at each level
    "started": ("i4", -_APART_TICKS, len(_LEVELS)),  # tick number of the last bout
    "alarmed": ("u1", 0, 0),
    "held": ("i4", -_APART_TICKS, 0),  # tick number of the last sustained alarm
    "habit": ("f4", 0.0, 0),  # discounted bouts that began beyond `_NO_CHANCE`
    "habit_p": ("f4", 0.0, 0),  # least log10 p in them, which fades
}


class Policy:
    """Which of the judged keys are alarmed: a chain of rules, each of which can hold a key back (`RULES`).

    1. *Volume floor*: max(observed, expected) >= `min_volume`. 2. *History*: confidence >= `min_confidence`.
    3. *Minimum effect*: |observed - expected| >= `min_effect` x expected. A key that passes *qualifies*.
    4. *False-discovery control*: p <= `cut`. 5. *Calendar*: not muted. 6. *Persistence*: alarmed in k of the last n
    observed ticks is sustained, which is what opens an incident; grouping and refractory are the incidents' own.

    **The threshold** comes from the budget by counting, not by a formula that supposes independent ticks: residuals of
    neighbouring ticks depend on each other (detectors smooth, customers drift), and by how much differs from service
    to service. At p = 1e-2, 1e-3, 1e-4 and 1e-5 the policy counts how many incidents a day *would* start among
    qualifying keys (k of n ticks, apart from the key's last bout by 30 ticks), with a memory of a day. It reads the p
    that meets half the budget off the line through these points, and beyond the last follows the slope of the last
    decade. Before there are counts, a prior of keys in scope x p x 0.3 stands in. Not counted as chance: a
    start beyond one in a billion; more than 2 % of the keys starting at once count as one.

    **Habits**: a true incident is rare for one key. A key that starts beyond one in a billion five times within half a
    day has a wrong tail: from then on its p has to be 1,000 times smaller than those of the habit, until that is out of
    memory. The other keys are judged as before, and what many keys begin at once is nobody's habit.

    **The cut** is Benjamini and Hochberg's step-up over the keys in scope (1995), at the level that makes its first
    step the threshold: of the keys that no incident holds yet, the k-th least p is compared with k x threshold. While
    nothing is wrong this is the threshold itself, so the budget is met as before; when many keys fail at once, those
    with a p that would be chance alone are alarmed with them, and the share of false ones among them stays below
    threshold x keys in scope. Keys that are held do not count: a long incident makes nobody else likelier.

    **Refractory**: a key whose alarm is sustained is held to a milder threshold (100 x, at most 0.01) until it is
    quiet for n ticks, so that one incident is not told in pieces.
    """

    def __init__(
        self,
        alarms_per_day: float,
        min_volume: float,
        min_effect: float,
        min_confidence: float,
        persist: tuple[int, int],
        ticks_per_day: float,
    ) -> None:
        self._budget = _SAFETY * alarms_per_day / ticks_per_day
        self._min_volume, self._min_effect, self._min_confidence = min_volume, min_effect, min_confidence
        self._needed, self._window = persist
        self._mask = np.uint8((1 << self._window) - 1)
        self._keep = 1.0 - 1.0 / max(ticks_per_day, _LEAST_MEMORY)
        self._slots = SlotArrays(_FIELDS)
        self._starts = np.zeros(len(_LEVELS))
        self._ticks = 0.0
        self._number = 0
        self._verdict = np.zeros(0, np.uint8)
        self.counts = np.zeros(len(RULES), np.int64)
        """Keys of the last tick by what became of them, in the order of `RULES`; those without a value are left out."""
        self.scope = 0
        """Keys that could have been alarmed in the last tick: trusted, and large enough."""
        self.threshold = 0.0
        """p at or below which a single qualifying key is alarmed."""
        self.cut = 0.0
        """The same in this tick, with what is alarmed beside it."""

    def judge(
        self,
        p: Floats,
        observed: Floats,
        expected: Floats,
        confidence: Floats,
        muted: Mask | None = None,
        summed: int = -1,
    ) -> tuple[Mask, Mask]:
        """Alarmed and sustained slots. Missing values have confidence 0.

        Args:
            p: tail probability by slot.
            observed: value by slot, NaN where missing.
            expected: by slot.
            confidence: by slot.
            muted: slots that the calendar mutes; they are alarmed as others are, never sustained, and teach nothing.
            summed: the slot of the small keys together; half the minimum effect is enough there. -1: none.
        """
        slots = self._slots
        slots.grow(len(p))
        self._number += 1
        quiet = np.zeros(len(p), bool) if muted is None else muted
        known = confidence > 0
        trusted, large, apart = self._passed(observed, expected, confidence)
        if summed >= 0:
            gap = abs(observed[summed] - expected[summed])
            apart[summed] = gap >= _OF_A_SUM * self._min_effect * expected[summed]
        qualifies = trusted & large & apart
        counted = qualifies & ~quiet
        self.scope = int((trusted & large & ~quiet).sum())
        self.threshold = self._threshold()
        held = self._number - slots["held"] <= self._window
        own = self._own_bar()
        self.cut = self._step_up(p[counted & ~held & (p <= own)])
        bar = np.where(held, self._held_bar, np.minimum(self.cut, own))
        unlikely = p <= bar
        alarmed = qualifies & unlikely
        bits = self._push(slots["alarmed"], alarmed, known & ~quiet)
        sustained = alarmed & (_BITS[bits] >= self._needed) & ~quiet
        slots["held"][sustained] = self._number
        self._count(p, counted, known & ~quiet)
        self._note(known & (unlikely | (p <= _ODD)), known, (large, trusted, apart, unlikely, ~quiet, sustained))
        return alarmed, sustained

    def by_itself(self, p: Floats, observed: Floats, expected: Floats, confidence: Floats) -> Mask:
        """Slots that are told by themselves, or would be held: nothing of them belongs into a sum. As for `judge`."""
        trusted, large, apart = self._passed(observed, expected, confidence)
        return trusted & large & apart & (p <= self._held_bar)

    def _passed(self, observed: Floats, expected: Floats, confidence: Floats) -> tuple[Mask, Mask, Mask]:
        """Where there is history enough, where volume, where effect."""
        trusted = (confidence >= self._min_confidence) & (confidence > 0)
        with np.errstate(invalid="ignore"):
            large = np.maximum(observed, expected) >= self._min_volume
            apart = np.abs(observed - expected) >= self._min_effect * expected
        return trusted, large, apart

    @property
    def _held_bar(self) -> float:
        """What p has to be below for a key whose alarm is sustained; by the last tick until the next one is judged."""
        return max(self.cut, min(_HOLD_MOST, _HOLD_FACTOR * self.threshold))

    def _own_bar(self) -> Floats:
        """By slot: 1, or what the p of a key that starts time and again has to be below."""
        bar = np.ones(self._slots.size)
        at = np.flatnonzero(self._slots["habit"] >= _HABIT)
        bar[at] = 10.0 ** (self._slots["habit_p"][at].astype(np.float64) - _BEYOND_HABIT)
        return bar

    def _step_up(self, p: Floats) -> float:
        """The largest k x threshold that k of these p do not exceed; at least the threshold, at most 0.01."""
        most = min(_HOLD_MOST, self.threshold * max(len(p), 1))
        ordered = np.sort(p[p <= most])
        steps = self.threshold * np.arange(1, len(ordered) + 1)
        rejected = np.flatnonzero(ordered <= steps)
        return min(_HOLD_MOST, float(steps[rejected[-1]])) if len(rejected) else self.threshold

    def _note(self, odd: Mask, known: Mask, passed: tuple[Mask, ...]) -> None:
        """The first rule that each odd key does not pass; the last two are alarms."""
        self._verdict = np.zeros(len(odd), np.uint8)
        at = np.flatnonzero(odd)
        said = np.full(len(at), len(passed) + 1, np.uint8)
        for rule in range(len(passed), 0, -1):
            said[~passed[rule - 1][at]] = rule
        self._verdict[at] = said
        self.counts = np.bincount(self._verdict[known], minlength=len(RULES)).astype(np.int64)

    def verdict(self, slot: int) -> str:
        """What became of a slot in the last tick, one of `RULES`."""
        return RULES[self._verdict[slot]] if slot < len(self._verdict) else RULES[0]

    def _push(self, bits: NDArray[np.uint8], now: Mask, known: Mask) -> NDArray[np.uint8]:
        """Shift this tick's bit into each observed slot's last n."""
        shifted = ((bits << np.uint8(1)) | now.astype(np.uint8)) & self._mask
        bits[:] = np.where(known, shifted, bits)
        return bits

    def _count(self, p: Floats, qualifies: Mask, known: Mask) -> None:
        if not known.any():
            return
        slots = self._slots
        self._ticks = self._keep * self._ticks + 1.0
        most = max(1.0, _MOST_AT_ONCE * self.scope)
        within = starts = np.zeros(len(p), bool)
        for i, level in enumerate(_LEVELS):
            now = qualifies & (p <= level)
            bits = self._push(slots["beyond"][i], now, known)
            within = now & (_BITS[bits] >= self._needed)
            starts = within & (self._number - slots["started"][i] > _APART_TICKS)
            slots["started"][i][within] = self._number
            chance = int((starts & (p > _NO_CHANCE)).sum())
            self._starts[i] = self._keep * self._starts[i] + (chance if chance <= most else 1.0)
        # of the last level, the strictest
        sure = within & (p <= _NO_CHANCE)
        alone = int((starts & sure).sum()) <= most
        slots["habit"][:] = self._keep * slots["habit"] + (starts & sure & alone)
        faded = self._keep * slots["habit_p"]
        # once it is a habit it grows slowly: what is far beyond it is not to hide itself
        least = np.where(slots["habit"] >= _HABIT, faded - 1.0, np.log10(LEAST_P))
        slots["habit_p"][:] = np.where(sure, np.maximum(np.minimum(faded, np.log10(p)), least), faded)

    def _threshold(self) -> float:
        expected = max(self.scope, 1) * _LEVELS[0] * _PRIOR_SHARE
        rates: list[float] = []
        for starts in self._starts:
            rate = (starts + _PRIOR_STARTS) / (self._ticks + _PRIOR_STARTS / expected)
            rate = min(rate, rates[-1]) if rates else rate
            rates.append(rate)
            expected = rate / _PRIOR_DECADE
        if self._budget <= rates[-1]:
            slope = float(np.clip(np.log10(rates[-2] / rates[-1]), _FLATTEST, 1.0))
            return float(_LEVELS[-1] * (self._budget / rates[-1]) ** (1.0 / slope))
        x = np.log(np.array(rates[::-1]))
        return float(np.exp(np.interp(np.log(self._budget), x, np.log(_LEVELS[::-1]))))

    def forget(self, slots: NDArray[np.intp]) -> None:
        """Drop what is kept of these slots."""
        self._slots.forget(slots)
        self._verdict[slots[slots < len(self._verdict)]] = 0

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._slots.nbytes + self._verdict.nbytes

    def snapshot(self) -> dict[str, Any]:
        """All state."""
        return {
            "slots": self._slots.snapshot(),
            "starts": self._starts.copy(),
            "ticks": self._ticks,
            "number": self._number,
            "scope": self.scope,
            "threshold": self.threshold,
            "cut": self.cut,
            "verdict": self._verdict.copy(),
            "counts": self.counts.copy(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `snapshot` gave."""
        slots = dict(state["slots"])
        for name in ("habit", "habit_p"):  # the first release knew no habits
            slots.setdefault(name, np.zeros(len(slots["held"])))
        self._slots.restore(slots)
        self._starts = np.array(state["starts"], np.float64)
        self._ticks, self._number = float(state["ticks"]), int(state["number"])
        self.scope, self.threshold = int(state["scope"]), float(state["threshold"])
        # the first release kept no verdicts
        self.cut = float(state.get("cut", self.threshold))
        self._verdict = np.array(state.get("verdict", ()), np.uint8)
        self.counts = np.array(state.get("counts", np.zeros(len(RULES))), np.int64)
