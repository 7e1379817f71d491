"""Which columns of a file are meant, and what they hold: the rows to judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yeoul.detect.tables import Rows
from yeoul.errors import InputError
from yeoul.lake import TableFile

__all__ = ["TableRequest"]


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
    """Column that is not 0 where a row is known to be abnormal."""
    time_layout: str = ""
    """How times are written (strptime); none: ISO 8601, or numbers since 1970."""

    def rows(self, table: TableFile) -> Rows:
        """Read them.

        Raises:
            InputError: a column that is missing or holds other things than it should.
        """
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
            np.nan_to_num(table.numbers(self.label)) != 0 if self.label else None,
        )
