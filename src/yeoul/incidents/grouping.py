"""When several keys are one incident: a contributor they share, or too many keys at once for chance."""

from __future__ import annotations

from collections import Counter

from yeoul.incidents.model import Sighting

__all__ = ["SHARED", "agree", "leading", "shared_directions"]

SHARED = "shared"

_LEADING_SHARE = 0.5


def leading(sighting: Sighting) -> str:
    """The contributor that makes up at least half of the deviation, or nothing."""
    if sighting.contributors and sighting.contributors[0].share >= _LEADING_SHARE:
        return sighting.contributors[0].key
    return ""


def agree(one: str, other: str) -> bool:
    """Whether two directions can be one cause; `odd` goes with either."""
    return one == other or "odd" in {one, other}


def shared_directions(sightings: list[Sighting], scope: int, least_keys: int, least_share: float) -> set[str]:
    """Directions in which so many of `scope` keys are alarmed at once that the cause must be one."""
    counted = Counter(each.direction for each in sightings)
    needed = max(least_keys, least_share * scope)
    return {direction for direction, keys in counted.items() if keys >= needed}
