"""A planted incident: what happens to whom, when and how strongly; and its label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yeoul.demo.catalogue import ORIGINS, Catalogue
from yeoul.errors import InputError
from yeoul.events import iso
from yeoul.plugins import nearest

__all__ = ["KINDS", "Incident", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of incident does, and what is legal for it."""

    target: str
    """What it hits: `customer`, `title` or `origin`."""
    magnitude: float
    """The usual one."""
    lowest: float
    highest: float
    duration_s: int
    """The usual one."""
    meaning: str
    """What the magnitude says."""


KINDS: dict[str, Kind] = {
    "burst": Kind("customer", 5.0, 1.1, 1000.0, 180, "factor by which the customer's hits multiply"),
    "drop": Kind("customer", 1.0, 0.05, 1.0, 240, "share of the customer's hits that is lost; 1 is all"),
    "scan": Kind("customer", 0.6, 0.05, 100.0, 600, "plays of the walk over the customer's usual plays"),
    "viral": Kind("title", 80.0, 1.1, 10_000.0, 600, "factor by which the title's plays multiply, after a rise"),
    "outage": Kind("origin", 0.9, 0.05, 1.0, 240, "share of the hits of all its customers that is lost"),
}
"""The kinds of incident by name."""

_LONGEST_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident over [start, end) of event time, UTC microseconds. Make it with `aimed`, which checks it."""

    kind: str
    start_us: int
    end_us: int
    magnitude: float
    target: str
    """Key of the customer or title, or name of the origin server."""
    customers: tuple[int, ...]
    """Ranks of the customers whose counts change; empty for `viral`, which many customers share."""
    titles: tuple[int, ...]
    """Ranks of the titles whose counts change; empty where all do."""

    @classmethod
    def aimed(
        cls,
        catalogue: Catalogue,
        kind: str,
        target: str,
        start_us: int,
        duration_s: float | None = None,
        magnitude: float | None = None,
    ) -> Incident:
        """An incident on a named customer, title or origin server; start and end are whole milliseconds.

        Raises:
            InputError: an unknown kind or target, or a duration or magnitude that is not legal for the kind.

        >>> from yeoul.demo import ServiceConfig
        >>> catalogue = Catalogue(ServiceConfig())
        >>> burst = Incident.aimed(catalogue, "burst", catalogue.customer_keys[5], start_us=0, duration_s=60)
        >>> burst.end_us, burst.magnitude, burst.customers
        (60000000, 5.0, (5,))
        """
        what = known_kind(kind)
        duration_s = what.duration_s if duration_s is None else duration_s
        magnitude = what.magnitude if magnitude is None else magnitude
        _within("duration_s", duration_s, 1, _LONGEST_S)
        _within("magnitude", magnitude, what.lowest, what.highest, f" ({what.meaning})")
        customers: tuple[int, ...] = ()
        titles: tuple[int, ...] = ()
        if what.target == "customer":
            customers = (catalogue.customer_rank(target),)
        elif what.target == "title":
            titles = (catalogue.title_rank(target),)
        else:
            customers = _behind(catalogue, target)
        # logs have milliseconds: a start between two of them would be logged as before it
        start_us = -(-start_us // 1000) * 1000
        end_us = start_us + round(duration_s * 1000) * 1000
        return cls(kind, start_us, end_us, float(magnitude), target, customers, titles)

    def label(self, id_: str, catalogue: Catalogue) -> dict[str, Any]:
        """The line of `labels.ndjson`: id, kind, target, cpk and base_mck (lists), start, end (ISO, UTC), magnitude."""
        return {
            "id": id_,
            "kind": self.kind,
            "target": self.target,
            "cpk": [catalogue.customer_keys[rank] for rank in self.customers],
            "base_mck": [catalogue.title_keys[rank] for rank in self.titles],
            "start": iso(self.start_us),
            "end": iso(self.end_us),
            "magnitude": self.magnitude,
        }


def known_kind(kind: str) -> Kind:
    """The kind of that name, or an InputError that lists the legal ones."""
    if not isinstance(kind, str) or kind not in KINDS:
        message = f"kind: got `{kind}`; legal: {', '.join(KINDS)}{nearest(str(kind), KINDS)}"
        raise InputError(message)
    return KINDS[kind]


def _behind(catalogue: Catalogue, origin: str) -> tuple[int, ...]:
    if origin not in ORIGINS:
        message = f"got the origin `{origin}`; legal: {', '.join(ORIGINS)}{nearest(origin, ORIGINS)}"
        raise InputError(message)
    behind = catalogue.origin == ORIGINS.index(origin)
    return tuple(behind.nonzero()[0].tolist())


def _within(name: str, got: float, low: float, high: float, meaning: str = "") -> None:
    if isinstance(got, bool) or not isinstance(got, (int, float)) or not low <= got <= high:
        message = f"{name}: got `{got}`; legal: a number from {low:g} to {high:g}{meaning}"
        raise InputError(message)
