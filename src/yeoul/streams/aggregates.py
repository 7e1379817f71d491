"""The closed vocabulary of aggregates: what each keeps of a group (its partial columns) and how the result follows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from yeoul.errors import ConfigError
from yeoul.plugins import nearest

__all__ = ["FUNCTIONS", "Aggregate", "Combine", "parse_aggregate"]

Combine = Literal["sum", "exact", "min", "max"]
"""How a partial column of two parts becomes one: integer sum, compensated float sum, smaller, larger."""

FUNCTIONS: dict[str, str] = {
    "count": "rows",
    "sum": "sum of a numeric field",
    "min": "smallest value of a numeric field",
    "max": "largest value of a numeric field",
    "mean": "arithmetic mean of a numeric field",
    "distinct": "number of different values of a field (estimated above 1,023: standard error 3.1 %)",
}
"""Every aggregate function and what it gives."""

_CALL = re.compile(r"\s*(\w+)\s*\(\s*(\w*)\s*\)\s*")


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One named aggregate of a stream, such as `hits = sum(hit)`."""

    name: str
    function: str
    field: str | None = None
    """The declared field it is taken over; none for `count`."""

    @property
    def additive(self) -> bool:
        """Whether the value of a union of groups is the sum of their values."""
        return self.function in {"count", "sum"}


def parse_aggregate(name: str, text: str) -> Aggregate:
    """The aggregate that `text` writes.

    Raises:
        ConfigError: not a call of a known function, or an argument too many or too few.

    >>> parse_aggregate("hits", "sum(hit)")
    Aggregate(name='hits', function='sum', field='hit')
    """
    match = _CALL.fullmatch(text) if isinstance(text, str) else None
    function = match[1] if match else ""
    if match is None or function not in FUNCTIONS:
        legal = ", ".join(f"{word}({'' if word == 'count' else 'field'})" for word in FUNCTIONS)
        message = f"got `{text}`; legal: {legal}{nearest(function, FUNCTIONS)}"
        raise ConfigError(message)
    field = match[2] or None
    if (field is None) != (function == "count"):
        wanted = (
            "count() takes no field" if function == "count" else f"{function} takes one field, as in {function}(hit)"
        )
        message = f"got `{text}`; {wanted}"
        raise ConfigError(message)
    return Aggregate(name, function, field)
