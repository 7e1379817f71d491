"""The declaration of a stream: everything that its results depend on, apart from the rows."""

from __future__ import annotations

from dataclasses import dataclass

from yeoul.events import RowSchema
from yeoul.streams.aggregates import Aggregate

__all__ = ["StreamSpec"]

_S = 1_000_000


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A stream's declaration; durations in microseconds. See the semantics page for what each one decides."""

    name: str
    schema: RowSchema
    keys: tuple[str, ...]
    """Declared fields that rows are grouped by; the first one also tells one device's clock from many."""
    aggregates: tuple[Aggregate, ...]
    size_us: int = 10 * _S
    """Length of a window."""
    slide_us: int = 10 * _S
    """Distance between window starts: equal to the size for tumbling windows, a divisor of it for sliding ones."""
    delay_us: int = 10 * _S
    """How far out of order rows may come and still be on time."""
    idle_timeout_us: int = 30 * _S
    max_future_skew_us: int = 300 * _S
    max_split_lag_us: int = 300 * _S
    allowed_lateness_us: int = 0
    retention_us: int = 7 * 86_400 * _S
    start: str | int = "earliest"
    """`earliest`, `latest`, or a time: rows before it are filtered."""
