"""Which columns of a file are meant, and what they hold: the rows to judge."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yeoul.detect.tables import Rows
from yeoul.errors import InputError
from yeoul.lake import TableFile

__all__ = ["TableRequest"]

_DIRECTIVE = re.compile(r"%-?(?:.|$)")
_KNOWN = tuple("%aAbBcdfgGHIjmMnpSuUVwWxXyYzZ")
"""Letters of strptime that the reader of tables knows."""


@dataclass(frozen=True, slots=True)
class TableRequest:
    """The columns of a table, by name."""

    values: tuple[str, ...] = ()
    """Columns of numbers to judge together; none: every column of numbers that has no other part."""
    time: str = ""
    """Column of times; none: the rows have no order."""
    by: str = ""
    """Column of keys, each of them a series of its own."""
    label: str = ""
    """Column that is above 0, or true, where a row is known to be abnormal."""
    time_layout: str = ""
    """How times are written (strptime); none: ISO 8601, or numbers since 1970."""

    def rows(self, table: TableFile) -> Rows:
        """Read them.

        Raises:
            InputError: a column that is missing or holds other things than it should.
        """
        if unknown := [
            part for part in _DIRECTIVE.findall(self.time_layout) if part[1:].removeprefix("-") not in _KNOWN
        ]:
            message = (
                f"got `{unknown[0]}` in the layout of times `{self.time_layout}`; legal: %Y %m %d %H %M %S %f %z …"
            )
            raise InputError(message)
        parts = {self.time, self.by, self.label}
        names = self.values or tuple(name for name in table.numeric() if name not in parts)
        if not names:
            message = f"got `{table.path}`, which has no column of numbers; name the columns to judge by --values A,B"
            raise InputError(message)
        if twice := {name for name in names if names.count(name) > 1 or name in parts}:
            message = f"got the column `{min(twice)}` for two purposes; name each column once"
            raise InputError(message)
        return Rows(
            np.column_stack([table.numbers(name) for name in names]) if table.rows else np.zeros((0, len(names))),
            names,
            table.times_us(self.time, self.time_layout) if self.time else None,
            table.texts(self.by) if self.by else None,
            self._labels(table) if self.label else None,
        )

    def _labels(self, table: TableFile) -> NDArray[np.bool_]:
        """Which rows are known to be abnormal.

        Fractions and numbers below 0 are refused: they are scores, or the sign of a convention that has 1 for normal.
        """
        words = np.char.lower(np.char.strip(table.texts(self.label).astype(str)))
        abnormal = words == "true"
        for row in np.flatnonzero(~np.isin(words, ("", "true", "false", "0", "1"))).tolist():
            try:
                number = float(words[row])
            except ValueError:
                number = -1.0
            if number < 0 or number % 1:
                message = (
                    f"got `{words[row]}` in row {row + 1} of the labels `{self.label}`; legal: 0, false or nothing for "
                    "a normal row, a whole number above 0 or true for an abnormal one"
                )
                raise InputError(message)
            abnormal[row] = number > 0
        return np.asarray(abnormal | (words == "1"), np.bool_)
