"""Counter-free randomness: everything cosmetic about an event follows from its id, so a repeat of it looks the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mixed", "share_of"]

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def mixed(ids: NDArray[np.uint64], salt: int) -> NDArray[np.uint64]:
    """64 well-mixed bits for each id, another draw for each salt.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).

    >>> bits = mixed(np.arange(1000, dtype=np.uint64), salt=1)
    >>> len(np.unique(bits)), bool((bits != mixed(np.arange(1000, dtype=np.uint64), salt=2)).all())
    (1000, True)
    """
    bits = ids + np.uint64((salt + 1) * _GOLDEN & _MASK)
    bits ^= bits >> np.uint64(30)
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    bits ^= bits >> np.uint64(27)
    bits *= np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return bits


def share_of(ids: NDArray[np.uint64], salt: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each id: `share_of(ids, salt) < share` picks that share of them, always the same ones."""
    return (mixed(ids, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
