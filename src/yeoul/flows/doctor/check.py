"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["Check", "Status", "Verdicts"]

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, and what to do about it."""

    area: str
    """Where it belongs: `python`, `disk`, `stream hits`, …"""
    status: Status
    found: str
    advice: str = ""
    """What to do; empty when all is well."""

    def as_members(self) -> dict[str, str]:
        """Plain members."""
        return asdict(self)


class Verdicts:
    """Collects the checks of one area.

    >>> verdicts = Verdicts("disk")
    >>> verdicts.ok("plenty")
    >>> verdicts.found
    [Check(area='disk', status='ok', found='plenty', advice='')]
    """

    def __init__(self, area: str) -> None:
        self.area = area
        self.found: list[Check] = []

    def ok(self, found: str) -> None:
        """All is well."""
        self.found.append(Check(self.area, "ok", found))

    def warn(self, found: str, advice: str) -> None:
        """It works, but not as it should."""
        self.found.append(Check(self.area, "warn", found, advice))

    def fail(self, found: str, advice: str) -> None:
        """It does not work."""
        self.found.append(Check(self.area, "fail", found, advice))
