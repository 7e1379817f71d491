"""The words of incidents: what is sighted, who contributes, what an incident is and how it changes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

__all__ = ["Change", "Contributor", "Incident", "Link", "Sighting", "incident_id"]


@dataclass(frozen=True, slots=True)
class Contributor:
    """A part of a key's value (a title of a customer, say) and how much of the deviation is its."""

    key: str
    observed: float
    expected: float
    share: float
    """Of |observed - expected| of the whole, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One alarmed key in one window."""

    key: str
    """The key object as canonical JSON text."""
    block: str
    detectors: tuple[str, ...]
    direction: str
    """`up`, `down` or `odd`."""
    p: float
    score: float
    confidence: float
    observed: float
    expected: float
    contributors: tuple[Contributor, ...] = ()
    """Largest share first."""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Sighting:
        """What `to_state` gave."""
        contributors = tuple(Contributor(**each) for each in state["contributors"])
        return cls(**{**state, "detectors": tuple(state["detectors"]), "contributors": contributors})

    def to_state(self) -> dict[str, Any]:
        """Plain members."""
        return {**asdict(self), "detectors": list(self.detectors)}


@dataclass(frozen=True, slots=True)
class Incident:
    """What belongs together; times are starts of windows, UTC microseconds."""

    id: str
    block: str
    keys: tuple[str, ...]
    """In the order in which they joined."""
    detectors: tuple[str, ...]
    since_us: int
    """First window of the first key that was alarmed."""
    opened_us: int
    """The window that satisfied k of n."""
    updated_us: int
    """The last window with an alarm."""
    closed_us: int | None
    """The window in which it was called over; None while open."""
    score: float
    """The highest so far, with its confidence."""
    confidence: float
    direction: str
    observed: float
    """Totals over the keys alarmed in the worst window so far (largest |observed - expected|)."""
    expected: float
    contributors: tuple[Contributor, ...]
    """Of the worst window."""
    findings: int
    cause: str = ""
    """Why several keys are one incident: `shared` (many keys at once) or the contributor they share; empty for one."""

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Incident:
        """What `to_state` gave."""
        contributors = tuple(Contributor(**each) for each in state["contributors"])
        plain = {**state, "keys": tuple(state["keys"]), "detectors": tuple(state["detectors"])}
        return cls(**{**plain, "contributors": contributors})

    def to_state(self) -> dict[str, Any]:
        """Plain members."""
        state = asdict(self)
        return {**state, "keys": list(self.keys), "detectors": list(self.detectors)}

    def seen(self, start_us: int, sightings: list[Sighting], worst: float) -> Incident:
        """With a window's sightings of its keys added; `worst` is the largest deviation before."""
        top = max(sightings, key=lambda each: (each.score, each.confidence, each.key))
        keys = self.keys + tuple(sorted({each.key for each in sightings} - set(self.keys)))
        detectors = tuple(sorted({*self.detectors, *(name for each in sightings for name in each.detectors)}))
        changed = replace(
            self, keys=keys, detectors=detectors, updated_us=start_us, findings=self.findings + len(sightings)
        )
        if (top.score, top.confidence) > (self.score, self.confidence):
            changed = replace(changed, score=top.score, confidence=top.confidence)
        observed, expected = sum(each.observed for each in sightings), sum(each.expected for each in sightings)
        if abs(observed - expected) > worst:
            changed = replace(changed, observed=observed, expected=expected, contributors=_joined(sightings))
        return changed


@dataclass(frozen=True, slots=True)
class Link:
    """A sighting (key and window) that belongs to an incident from now on."""

    key: str
    start_us: int
    incident: str


@dataclass(frozen=True, slots=True)
class Change:
    """Something to tell people."""

    kind: str
    """`opened`, `grown` (its meaning changed: more keys, a higher notch), `closed`, `merged` (into another)."""
    incident: Incident
    into: str = ""
    """The incident that took over, when merged: findings of this one belong to it from now on."""


def incident_id(block: str, key: str, opened_us: int) -> str:
    """Twelve hexadecimal digits, the same for the same block, first key and opening window.

    >>> incident_id("customers", '{"cpk":"C1"}', 0)
    '9df2e4346ccf'
    """
    return sha256(f"{block}\n{key}\n{opened_us}".encode()).hexdigest()[:12]


_MOST_CONTRIBUTORS = 10


def _joined(sightings: list[Sighting]) -> tuple[Contributor, ...]:
    """Contributors of all sightings added up by key, shares taken of the whole deviation."""
    whole = sum(abs(each.observed - each.expected) for each in sightings) or 1.0
    parts: dict[str, list[float]] = {}
    for each in sightings:
        deviation = abs(each.observed - each.expected)
        for part in each.contributors:
            held = parts.setdefault(part.key, [0.0, 0.0, 0.0])
            held[0] += part.observed
            held[1] += part.expected
            held[2] += part.share * deviation
    made = [Contributor(key, held[0], held[1], min(1.0, held[2] / whole)) for key, held in parts.items()]
    return tuple(sorted(made, key=lambda part: (-part.share, part.key))[:_MOST_CONTRIBUTORS])
