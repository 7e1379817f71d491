"""How shipping goes, as a line now and then: rate, what waits, a broker that is away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from yeoul.clock import Clock
from yeoul.flows.shipping.shipping import Shipping

__all__ = ["Telling"]

_EVERY_US = 10_000_000
_AWAY_S = 5.0


class Telling:
    """Says every ten seconds what was sent, and at once when a broker goes or comes back."""

    def __init__(self, shippings: Sequence[Shipping], clock: Clock, tell: Callable[[str], None]) -> None:
        self._shippings = shippings
        self._clock = clock
        self._tell = tell
        self._away: dict[str, float] = {}
        self._said: dict[str, tuple[int, int]] = {}
        self._told_us = clock.monotonic_us()

    def look(self) -> None:
        """Say what is due."""
        for each in self._shippings:
            self._look_away(each)
        now = self._clock.monotonic_us()
        if now - self._told_us < _EVERY_US:
            return
        seconds, self._told_us = (now - self._told_us) / 1e6, now
        for each in self._shippings:
            name = each.sink.name
            before = self._said.get(name, (0, 0))
            self._said[name] = (each.sent, each.set_aside)
            if self._said[name] != before or each.waiting:
                aside = f", {each.set_aside:,} set aside" if each.set_aside else ""
                self._tell(
                    f"{name}: {(each.sent - before[0]) / seconds:,.0f} lines/s, {each.sent:,} sent{aside}, "
                    f"{each.waiting:,} wait to be acknowledged, {each.unread_bytes / 1e6:,.1f} MB not read yet"
                )

    def _look_away(self, each: Shipping) -> None:
        name, (silent_s, said) = each.sink.name, each.away
        known = name in self._away
        if silent_s >= _AWAY_S:
            self._away[name] = silent_s
            if not known:
                why = f" ({said})" if said else ""
                self._tell(f"{name}: the broker acknowledges nothing{why}; {each.waiting:,} lines wait, none is lost")
        elif known:
            self._tell(f"{name}: the broker is back after {self._away.pop(name):.0f} s")
