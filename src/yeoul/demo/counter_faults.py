"""What goes wrong on made-up servers: when, on which of them, and what it does to their load."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAULTS", "FILES", "Fault", "plan_faults"]

Floats = NDArray[np.float64]

FILES = ("INFO", "LOGIN", "MENU", "STREAM")

FAULTS = {
    "dead": "a server serves nothing; its load shifts to the others",
    "drop": "all servers lose a third to two thirds of their requests",
    "fail spike": "a part of the requests of some servers fails in one file",
    "freeze": "the counters of a server repeat their last value",
    "login storm": "logins of all servers rise two- to fivefold, and more of them fail",
    "partial outage": "streams fail on half of the servers, and some viewers give up",
    "session leak": "sessions of a server are not closed: they rise for hours until it is started again",
    "slow": "a server serves a half, and more of it fails; the others take over",
}
"""Kind of a fault and what it is."""

_SLOTS_A_DAY = 288
_LENGTHS = {
    "dead": (4, 48),
    "drop": (4, 18),
    "fail spike": (3, 24),
    "freeze": (12, 60),
    "login storm": (3, 12),
    "partial outage": (4, 24),
    "session leak": (48, 144),
    "slow": (12, 60),
}
_CLEAR_SLOTS = 72


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the rows from `start` until `end`."""

    kind: str
    start: int
    end: int
    servers: tuple[int, ...]
    """Counted from 0."""
    files: tuple[str, ...]
    strength: float
    """0 to 1: from just visible to severe."""

    def shape_load(
        self, name: str, weights: Floats, volume: Floats, fails: Floats, lost: Floats, extra: Floats
    ) -> None:
        """Change the factors of the file `name`, in place; each of shape (rows, servers), `volume` (rows, 1)."""
        if name not in self.files:
            return
        rows, cells = slice(self.start, self.end), np.ix_(np.arange(self.start, self.end), np.array(self.servers))
        hard = self.strength
        if self.kind == "dead":
            weights[cells] *= 0.001
        elif self.kind == "drop":
            volume[rows] *= 1 - (0.3 + 0.35 * hard)
        elif self.kind == "fail spike":
            fails[cells] *= 6 + 40 * hard
        elif self.kind == "login storm":
            volume[rows] *= 2 + 3 * hard
            fails[rows] *= 2 + 4 * hard
        elif self.kind == "partial outage":
            fails[cells] *= 20 + 50 * hard
            lost[cells] *= 1 - 0.3 * hard
        elif self.kind == "session leak":
            # what is below a tenth is not called a fault: the rise begins there
            extra[cells] *= (1.1 + (0.5 + 1.5 * hard) * np.linspace(0, 1, self.end - self.start))[:, None]
        elif self.kind == "slow":
            weights[cells] *= 0.65 - 0.35 * hard
            fails[cells] *= 3 + 6 * hard


def plan_faults(rows: int, servers: int, per_week: float, rng: np.random.Generator) -> tuple[Fault, ...]:
    """Faults in order of time that do not touch each other; all kinds come about equally often."""
    wanted = round(per_week * rows / (7 * _SLOTS_A_DAY))
    kinds = [kind for kind in FAULTS if servers > 1 or kind != "dead"]
    order = [kinds[int(one)] for start in range(0, wanted, len(kinds)) for one in rng.permutation(len(kinds))][:wanted]
    taken = np.zeros(rows, np.bool_)
    found = []
    for kind in order:
        size = int(rng.integers(_LENGTHS[kind][0], _LENGTHS[kind][1] + 1))
        for _ in range(50):
            start = int(rng.integers(_CLEAR_SLOTS, max(_CLEAR_SLOTS + 1, rows - size)))
            around = slice(max(0, start - _CLEAR_SLOTS), start + size + _CLEAR_SLOTS)
            if start + size < rows and not taken[around].any():
                taken[start : start + size] = True
                which, files = _where(kind, servers, rng)
                found.append(Fault(kind, start, start + size, which, files, float(rng.random())))
                break
    return tuple(sorted(found, key=lambda fault: fault.start))


def _where(kind: str, servers: int, rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Servers and files of a fault of this kind."""
    files: tuple[str, ...] = FILES
    count = 1
    if kind in {"drop", "login storm"}:
        count = servers
    elif kind == "fail spike":
        count = int(rng.integers(1, min(3, servers) + 1))
    elif kind == "partial outage":
        count = max(1, servers // 2)
    if kind == "login storm":
        files = ("LOGIN",)
    elif kind == "partial outage":
        files = ("STREAM",)
    elif kind in {"fail spike", "session leak"}:
        files = (FILES[int(rng.integers(len(FILES)))],)
    return tuple(sorted(int(one) for one in rng.choice(servers, count, replace=False))), files
