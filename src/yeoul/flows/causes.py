"""What abnormal keys have in common: a part (a title, say) that most of them lost or gained against expectation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from yeoul.incidents import Contributor, Incident, Sighting

__all__ = ["Abnormal", "Cause", "Causes", "shared_causes"]

_LEAST_KEYS = 3
_LEAST_OF = 0.5
"""A cause holds for at least so much of the keys that became abnormal together..."""
_LEAST_EXPLAINED = 0.25
"""...and explains so much of their whole deviation."""
_OWN_SHARE = 0.3
"""Of one key's deviation a part must make up so much..."""
_LIFT = 1.25
"""...and this many times its share of what was expected: who loses everything did not lose one title."""
_MOST_CAUSES = 3
_APART_TICKS = 6
"""Keys whose first alarms are farther apart have nothing to do with each other."""
_MOST_KEYS = 5000


@dataclass(frozen=True, slots=True)
class Abnormal:
    """One abnormal key in its worst window."""

    key: str
    """Canonical JSON."""
    since_us: int
    """Start of its first alarmed window."""
    observed: float
    expected: float
    parts: tuple[Contributor, ...]
    """What carries its deviation, largest share first."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A part that abnormal keys share."""

    part: str
    """Canonical JSON of the part's key."""
    direction: str
    """`lost` or `gained`, relative to what was expected."""
    keys: int
    """So many abnormal keys..."""
    of: int
    """...of so many that became abnormal about the same time."""
    share: float
    """Of the deviation of all of them, in [0, 1]."""
    since_us: int
    """Start of the first alarmed window of any of the keys."""
    members: frozenset[str] = frozenset()
    """The keys."""


def shared_causes(abnormal: Sequence[Abnormal]) -> list[Cause]:
    """What keys that became abnormal together share, the cause of most keys first; at most three.

    Only the contrast of these keys against their own expectation is looked at. O(keys x parts of each).

    >>> lost = [Contributor('{"title":"X"}', 2.0, 40.0, 0.95)]
    >>> keys = [Abnormal(f'{{"cpk":"C{i}"}}', 1_200_000_000, 62.0, 100.0, tuple(lost)) for i in range(4)]
    >>> [(cause.part, cause.direction, cause.keys, cause.of, cause.share) for cause in shared_causes(keys)]
    [('{"title":"X"}', 'lost', 4, 4, 1.0)]
    """
    if len(abnormal) < _LEAST_KEYS:
        return []
    whole = sum(abs(each.observed - each.expected) for each in abnormal) or 1.0
    holders: dict[tuple[str, str], list[tuple[Abnormal, float]]] = {}
    for each in abnormal:
        for part in each.parts:
            if _stands_out(part, each):
                direction = "gained" if part.observed > part.expected else "lost"
                holders.setdefault((part.key, direction), []).append((each, abs(part.observed - part.expected)))
    found = []
    for (part_key, direction), held in holders.items():
        share = min(1.0, sum(deviation for _, deviation in held) / whole)
        if len(held) >= max(_LEAST_KEYS, _LEAST_OF * len(abnormal)) and share >= _LEAST_EXPLAINED:
            since_us = min(each.since_us for each, _ in held)
            members = frozenset(each.key for each, _ in held)
            found.append(Cause(part_key, direction, len(held), len(abnormal), share, since_us, members))
    return sorted(found, key=lambda cause: (-cause.keys, -cause.share, cause.part))[:_MOST_CAUSES]


def _stands_out(part: Contributor, of: Abnormal) -> bool:
    usual = part.expected / of.expected if of.expected > 0 else 0.0
    return part.share >= max(_OWN_SHARE, min(1.0, _LIFT * usual))


class Causes:
    """Remembers the worst window of each abnormal key of one block, as long as its incident is open."""

    def __init__(self, width_us: int) -> None:
        self._width_us = width_us
        self._held: dict[str, tuple[Abnormal, int]] = {}
        """By key, with the start of its last alarmed window."""

    def see(self, start_us: int, sightings: Iterable[Sighting], incidents: Sequence[Incident], window: int) -> None:
        """Take the alarmed keys of a tick; keys without an open incident are forgotten after `window` ticks."""
        for each in sightings:
            known = self._held.get(each.key)
            if known is None and len(self._held) >= _MOST_KEYS:
                continue
            now = Abnormal(each.key, start_us, each.observed, each.expected, each.contributors)
            if known is not None:
                before = known[0]
                worse = abs(now.observed - now.expected) > abs(before.observed - before.expected)
                kept = now if worse else before
                now = Abnormal(each.key, before.since_us, kept.observed, kept.expected, kept.parts)
            self._held[each.key] = now, start_us
        open_keys = {key for incident in incidents for key in incident.keys}
        oldest = start_us - window * self._width_us
        gone = [key for key, (_, last_us) in self._held.items() if last_us < oldest and key not in open_keys]
        for key in gone:
            del self._held[key]

    def of(self, incidents: Sequence[Incident]) -> dict[str, list[Cause]]:
        """The causes that hold for keys of each open incident; keys of all of them count."""
        owner = {key: incident.id for incident in incidents for key in incident.keys}
        abnormal = [self._held[key][0] for key in owner if key in self._held]
        abnormal.sort(key=lambda each: (each.since_us, each.key))
        found: dict[str, list[Cause]] = {}
        for group in self._at_once(abnormal):
            for cause in shared_causes(group):
                for id_ in {owner[key] for key in cause.members}:
                    found.setdefault(id_, []).append(cause)
        return found

    def _at_once(self, abnormal: list[Abnormal]) -> Iterable[list[Abnormal]]:
        group: list[Abnormal] = []
        for each in abnormal:
            if group and each.since_us - group[-1].since_us > _APART_TICKS * self._width_us:
                yield group
                group = []
            group.append(each)
        if group:
            yield group

    def snapshot(self) -> list[dict[str, Any]]:
        """All that is remembered, as plain members."""
        return [{**asdict(each), "last_us": last_us} for each, last_us in self._held.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Go on where `snapshot` was taken."""
        self._held = {}
        for kept in state:
            parts = tuple(Contributor(**part) for part in kept["parts"])
            plain = {name: kept[name] for name in ("key", "since_us", "observed", "expected")}
            self._held[kept["key"]] = Abnormal(**plain, parts=parts), kept["last_us"]
