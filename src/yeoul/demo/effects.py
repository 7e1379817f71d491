"""What an incident does to the plays of a cell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from yeoul.demo.catalogue import Catalogue
from yeoul.demo.config import ServiceConfig
from yeoul.demo.incident import KINDS, Incident
from yeoul.demo.rhythm import Rhythm
from yeoul.demo.traffic import CELL_US, Plays

__all__ = ["Effects"]

_RISE_US = 120_000_000
_JITTER_US = 1_000_000
_SLOWEST_WALK_EPS = 0.5
_DISORDER_MAX_S = 8.0

_Effect = Callable[[Plays, int, Incident, np.random.Generator], Plays]


class Effects:
    """Applies incidents cell by cell; a cell comes out alike whatever else is asked, and in whatever order planted."""

    def __init__(self, config: ServiceConfig, catalogue: Catalogue, rhythm: Rhythm) -> None:
        self._config = config
        self._catalogue = catalogue
        self._rhythm = rhythm
        self._by_key = np.argsort(np.array(catalogue.title_keys), kind="stable")
        self._effect: dict[str, _Effect] = {
            "burst": self._burst,
            "drop": self._lose,
            "scan": self._scan,
            "viral": self._viral,
            "outage": self._lose,
        }

    def apply(self, plays: Plays, cell: int, incident: Incident) -> Plays:
        """The plays of a cell as the incident leaves them."""
        victim = (*incident.customers, *incident.titles, 0)[0]
        kind = list(KINDS).index(incident.kind)
        rng = np.random.default_rng([self._config.seed, 6, cell, kind, incident.start_us, victim])
        return self._effect[incident.kind](plays, cell, incident, rng)

    def _burst(self, plays: Plays, cell: int, incident: Incident, rng: np.random.Generator) -> Plays:
        hit = plays[_during(plays, incident) & (plays["customer"] == incident.customers[0])]
        extra = np.repeat(hit, rng.poisson(incident.magnitude - 1, len(hit)))
        extra["title"] = rng.permutation(extra["title"])
        return np.concatenate([plays, _spread(extra, cell, incident, rng)])

    def _lose(self, plays: Plays, cell: int, incident: Incident, rng: np.random.Generator) -> Plays:
        hit = _during(plays, incident) & np.isin(plays["customer"], incident.customers)
        return plays[~(hit & (rng.random(len(plays)) < incident.magnitude))]

    def _viral(self, plays: Plays, cell: int, incident: Incident, rng: np.random.Generator) -> Plays:
        hit = plays[_during(plays, incident)]
        rise_us = min(_RISE_US, (incident.end_us - incident.start_us) // 4)
        risen = np.minimum((hit["at_us"] - incident.start_us) / rise_us, 1.0)
        share = (incident.magnitude - 1) * float(self._catalogue.title_share[incident.titles[0]])
        extra = np.repeat(hit, rng.poisson(share * risen))
        extra["title"] = incident.titles[0]
        return np.concatenate([plays, _spread(extra, cell, incident, rng)])

    def _scan(self, plays: Plays, cell: int, incident: Incident, rng: np.random.Generator) -> Plays:
        """The customer asks for title after title in the order of their keys, a few hits each."""
        customer = incident.customers[0]
        usual_eps = self._config.rate_eps * float(
            self._catalogue.customer_share[customer] * self._rhythm.level(incident.start_us)[customer]
        )
        step_us = int(1e6 / max(incident.magnitude * usual_eps, _SLOWEST_WALK_EPS))
        first = max(0, -((incident.start_us - cell * CELL_US) // step_us))
        until_us = min(incident.end_us, (cell + 1) * CELL_US)
        written = np.arange(incident.start_us + first * step_us, until_us, step_us, dtype=np.int64)
        extra = np.zeros(len(written), plays.dtype)
        lag_s = np.minimum(rng.standard_exponential(len(written)) * self._config.disorder_s, _DISORDER_MAX_S)
        extra["written_us"] = written
        extra["at_us"] = np.maximum(written - (lag_s * 1e6).astype(np.int64), incident.start_us)
        extra["customer"] = customer
        place = incident.start_us // CELL_US + first + np.arange(len(written))
        extra["title"] = self._by_key[place % self._config.titles]
        extra["hit"] = rng.integers(1, 4, len(written))
        extra["eid"] = rng.integers(0, 2**64, len(written), dtype=np.uint64)
        return np.concatenate([plays, extra])


def _during(plays: Plays, incident: Incident) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    at_us = plays["at_us"]
    return np.asarray((at_us >= incident.start_us) & (at_us < incident.end_us))


def _spread(extra: Plays, cell: int, incident: Incident, rng: np.random.Generator) -> Plays:
    """Give copies ids and moments of their own, within the cell and the incident."""
    room_us = np.minimum((cell + 1) * CELL_US - 1 - extra["written_us"], _JITTER_US)
    shift_us = (rng.random(len(extra)) * room_us).astype(np.int64)
    extra["written_us"] += shift_us
    extra["at_us"] += shift_us
    extra["eid"] = rng.integers(0, 2**64, len(extra), dtype=np.uint64)
    return extra[extra["at_us"] < incident.end_us]
