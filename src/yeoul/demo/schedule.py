"""Where incidents are planted when nobody says: targets large enough to be noticed, each alone in its time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.catalogue import ORIGINS, Catalogue
from yeoul.demo.config import ServiceConfig
from yeoul.demo.incident import KINDS, Incident, known_kind
from yeoul.errors import InputError

__all__ = ["LEAST_SLOT_US", "pick_target", "schedule", "steady_customers"]

LEAST_SLOT_US = 120_000_000
"""The least time an incident needs for itself in a schedule."""

_WINDOW_S = 10
_GAP_S = 600
# places from which a title gone viral comes to the top without having been there
_TITLE_RANKS = (40, 200)
_LEAST_BEHIND = 0.08


def steady_customers(config: ServiceConfig, catalogue: Catalogue, plays_per_window: float = 35.0) -> NDArray[np.intp]:
    """Ranks of the customers with at least so many plays in a mean 10-second window; not the largest, if others do.

    >>> config = ServiceConfig()
    >>> len(steady_customers(config, Catalogue(config)))
    8
    """
    plays = catalogue.customer_share * config.rate_eps * _WINDOW_S
    enough = np.flatnonzero(plays >= plays_per_window)
    if not len(enough):
        # a small service: its upper tenth is the best there is
        enough = np.arange(max(1, config.customers // 10))
    return enough[1:] if len(enough) > 1 else enough


def pick_target(
    kind: str, config: ServiceConfig, catalogue: Catalogue, rng: np.random.Generator, busy: Sequence[Incident] = ()
) -> str:
    """A target whose incident can be found in principle, and which none of the `busy` incidents touches.

    Raises:
        InputError: unknown kind, or everything suitable is busy.
    """
    taken = {one.target for one in busy}
    hurt = {rank for one in busy for rank in one.customers}
    what = known_kind(kind).target
    if what == "customer":
        ranks = steady_customers(config, catalogue).tolist()
        free = [catalogue.customer_keys[rank] for rank in ranks if rank not in hurt]
    elif what == "title":
        low, high = (min(rank, config.titles - 1) for rank in _TITLE_RANKS)
        free = [key for key in catalogue.title_keys[low : high + 1] if key not in taken]
    else:
        weight = np.bincount(catalogue.origin, catalogue.customer_share, len(ORIGINS))
        free = [
            name for name, share in zip(ORIGINS, weight, strict=True) if share >= _LEAST_BEHIND and name not in taken
        ]
    if not free:
        message = f"got a `{kind}` without target, and every suitable {what} has an incident; name a target, or wait"
        raise InputError(message)
    return str(free[int(rng.integers(len(free)))])


def schedule(
    config: ServiceConfig,
    catalogue: Catalogue,
    start_us: int,
    end_us: int,
    kinds: Sequence[str] = tuple(KINDS),
    seed: int = 0,
) -> list[Incident]:
    """One incident of each of `kinds` (repeat a kind for more) in [start, end), in random order, never two at once.

    Each has a slot of equal length and lies in it at random, with 10 minutes (or a third of the slot) free around it.

    Raises:
        InputError: an unknown kind, or a range in which they cannot be told apart (less than 2 minutes each).
    """
    if not kinds:
        return []
    slot_us = (end_us - start_us) // len(kinds)
    if slot_us < LEAST_SLOT_US:
        message = (
            f"got {len(kinds)} incidents in {(end_us - start_us) / 1e6:.0f} s; legal: at least 120 s for each: "
            "fewer incidents, or a longer range"
        )
        raise InputError(message)
    rng = np.random.default_rng([config.seed, 8, seed])
    planned = []
    for place, kind in enumerate(rng.permutation(list(kinds)).tolist()):
        what = known_kind(kind)
        gap_us = min(_GAP_S * 1_000_000, slot_us // 3)
        length_us = min(what.duration_s * 1_000_000, slot_us - gap_us)
        slack_us = slot_us - gap_us - length_us
        at_us = start_us + place * slot_us + gap_us // 2 + int(rng.integers(0, slack_us + 1))
        target = pick_target(kind, config, catalogue, rng)
        planned.append(Incident.aimed(catalogue, kind, target, at_us, length_us / 1e6))
    return planned
