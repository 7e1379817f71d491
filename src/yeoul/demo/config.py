"""What the simulated service is like: its size, its rhythm, and the share of everything that goes wrong in logs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from yeoul.errors import ConfigError

__all__ = ["MAX_LATE_US", "ServiceConfig"]

MAX_LATE_US = 600_000_000
"""No row is written later than this after its event."""

_SHARES = ("duplicates", "malformed", "late", "future", "text_hits")
_MAX_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """A service and its dirt. All shares are of written lines, in [0, 0.5].

    Raises:
        ConfigError: values that cannot mean anything, all of them at once.

    >>> ServiceConfig(rate_eps=50.0).clean().late
    0.0
    """

    seed: int = 1
    customers: int = 200
    """Customers (`cpk`), ranked by size; customer 0 is the largest."""
    titles: int = 3000
    """Titles (`base_mck`), ranked by popularity."""
    customer_exponent: float = 0.9
    """Zipf: the share of rank r goes with r to the power of minus this."""
    title_exponent: float = 0.9
    rate_eps: float = 200.0
    """Events a second, the mean over a week."""
    rhythm: float = 1.0
    """Depth of the daily and weekly rhythm: 0 is a constant rate, 1 a VOD service (about 0.4 to 2 times the mean)."""
    dispersion: float = 0.02
    """Counts of a customer over 10 s are negative binomial: variance = mean + dispersion x mean squared."""
    wander: float = 0.05
    """Standard deviation of each customer's slow (minutes) relative wandering."""
    disorder_s: float = 1.0
    """Mean delay between an event and its line, exponential, at most 8 s; 0 writes in order of event time."""
    late: float = 0.002
    """Share of rows written 30 s to 10 min after their event."""
    duplicates: float = 0.002
    """Share of rows written twice, the second a few seconds after the first."""
    malformed: float = 0.0005
    """Share of lines that are no rows: truncated JSON, wrong types, missing keys, garbage."""
    future: float = 0.0005
    """Share of rows whose device's clock is 4 minutes, a day or a year ahead."""
    text_hits: float = 0.02
    """Share of rows whose `hit` is an integer written as a string."""
    hosts: int = 2
    """Log servers; each writes one file, and every customer's events are spread over all of them."""

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            message = "; ".join(problems)
            raise ConfigError(message, problems)

    def _problems(self) -> list[str]:
        found = [
            f"{name}: got `{getattr(self, name)}`; legal: a share in [0, {_MAX_SHARE}]"
            for name in _SHARES
            if not 0 <= getattr(self, name) <= _MAX_SHARE
        ]
        found += [
            f"{name}: got `{getattr(self, name)}`; legal: a whole number from {low} to {high:,}"
            for name, low, high in (
                ("seed", 0, 2**63),
                ("customers", 1, 200_000),
                ("titles", 1, 1_000_000),
                ("hosts", 1, 99),
            )
            if not low <= getattr(self, name) <= high
        ]
        found += [
            f"{name}: got `{getattr(self, name)}`; legal: {low} to {high}"
            for name, low, high in (
                ("rate_eps", 1e-9, 1e6),
                ("rhythm", 0, 1),
                ("dispersion", 0, 10),
                ("wander", 0, 1),
                ("disorder_s", 0, 8),
                ("customer_exponent", 0, 5),
                ("title_exponent", 0, 5),
            )
            if not low <= getattr(self, name) <= high
        ]
        return found

    def clean(self) -> ServiceConfig:
        """The same service without any dirt: in order, on time, once, well-formed, every clock right."""
        return replace(self, disorder_s=0.0, late=0.0, duplicates=0.0, malformed=0.0, future=0.0, text_hits=0.0)
