"""What time it is: the system's clock and one that a test moves by hand. All times are UTC integer microseconds."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Wall time says what people's clocks show and may step; monotonic time only measures how long."""

    def now_us(self) -> int:
        """Wall time, microseconds since 1970-01-01 UTC."""

    def monotonic_us(self) -> int:
        """Microseconds since some fixed moment; never steps."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clocks."""

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is moved; sleeping moves it.

    >>> clock = ManualClock(now_us=1_000_000)
    >>> clock.sleep(0.5)
    >>> clock.now_us()
    1500000
    """

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us
        self._monotonic_us = 0

    def now_us(self) -> int:
        return self._now_us

    def monotonic_us(self) -> int:
        return self._monotonic_us

    def sleep(self, seconds: float) -> None:
        self.advance(round(seconds * 1_000_000))

    def advance(self, us: int) -> None:
        """Let `us` microseconds pass on both clocks."""
        self._now_us += us
        self._monotonic_us += us

    def step(self, us: int) -> None:
        """Step the wall clock alone, as an operator or NTP does."""
        self._now_us += us
