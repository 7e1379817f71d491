"""One sentence a row: what was seen, what was expected, and which columns carry the difference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["why"]

Floats = NDArray[np.float64]

_MOST_COLUMNS = 3
_LEAST_SHARE = 0.05


def why(
    columns: tuple[str, ...],
    observed: Floats,
    expected: Floats,
    lower: Floats,
    upper: Floats,
    odd: NDArray[np.bool_],
    leading: NDArray[np.intp],
    shares: Floats,
) -> NDArray[np.object_]:
    """A sentence for each odd row, shape (n,); the empty text for the others.

    Args:
        columns: names of the d columns.
        observed: of the leading column, shape (n,); likewise `expected`, `lower`, `upper`, NaN where not known.
        expected: see `observed`.
        lower: see `observed`.
        upper: see `observed`.
        odd: rows to explain.
        leading: number of the column that carries most.
        shares: shape (n, d), what each column carries; NaN where not known.

    >>> one = np.ones(1)
    >>> why(("hits",), 40 * one, 12 * one, 6 * one, 19 * one, one > 0, np.zeros(1, int), one[:, None])[0]
    'hits 40 is above 12 (6 to 19)'
    """
    texts = np.full(len(odd), "", np.object_)
    for row in map(int, np.flatnonzero(odd)):
        name, parts = columns[leading[row]], []
        if not np.isnan(observed[row]):
            parts.append(f"{name} {_number(observed[row])}{_against(observed, expected, lower, upper, row)}")
        if len(columns) > 1 and not np.isnan(shares[row]).all():
            order = np.argsort(-np.nan_to_num(shares[row]), kind="stable")[:_MOST_COLUMNS]
            listed = [f"{columns[i]} {shares[row, i]:.0%}" for i in order if shares[row, i] >= _LEAST_SHARE]
            if listed:
                parts.append("carried by " + ", ".join(listed))
        texts[row] = "; ".join(parts)
    return texts


def _against(observed: Floats, expected: Floats, lower: Floats, upper: Floats, row: int) -> str:
    if np.isnan(expected[row]):
        return ""
    usual = f" ({_number(lower[row])} to {_number(upper[row])})" if not np.isnan(lower[row]) else ""
    if observed[row] > upper[row] or observed[row] < lower[row]:
        side = "above" if observed[row] > expected[row] else "below"
        return f" is {side} {_number(expected[row])}{usual}"
    return f" is within its usual range{usual}, but unlike what came before"


def _number(value: float) -> str:
    """At most four figures that mean something.

    >>> _number(1234.5678), _number(0.000123456), _number(7.0)
    ('1,235', '0.0001235', '7')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
