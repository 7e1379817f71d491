"""Which slots are asked for: a year, a month, a day, a range of them, or all that there are."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from yeoul.errors import InputError
from yeoul.flows.servers.stamps import SLOTS_A_DAY

__all__ = ["Period", "read_period"]

_LEGAL = (
    "a year `2018`, a month `2018-03`, a day `2018-03-05`, a range `2018-01-01..2018-06-30` (its last day counts), "
    "or `all`"
)
_PART = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


@dataclass(frozen=True, slots=True)
class Period:
    """The slots from `start` until `end`; `name` is how a person calls them."""

    name: str
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def read_period(text: str | None, first: int, last: int) -> Period:
    """The period that a person asked for, given the first and the last slot of the data.

    Without a text it is the calendar year of the last slot.

    Raises:
        InputError: no period, or one that the data has no slot of.

    >>> first, last = 4_996_224, 5_154_335  # 2017-07-01 00:00 until 2018-12-31 23:55
    >>> len(read_period("2018", first, last)), len(read_period("2018-02", first, last))
    (105120, 8064)
    >>> read_period(None, first, last).name
    '2018'
    """
    if text is None:
        text = str(np.datetime64(last // SLOTS_A_DAY, "D"))[:4]
    text = text.strip()
    if text.lower() == "all":
        return Period("all", first, last + 1)
    parts = text.split("..")
    days = [_days(part.strip()) for part in parts]
    if len(parts) > 2 or None in days:
        message = f"got the period `{text}`; legal: {_LEGAL}"
        raise InputError(message)
    known = [each for each in days if each is not None]
    start, end = known[0][0] * SLOTS_A_DAY, known[-1][1] * SLOTS_A_DAY
    if end <= start:
        message = f"got the period `{text}`, which ends before it begins; legal: {_LEGAL}"
        raise InputError(message)
    if end <= first or start > last:
        there = f"{np.datetime64(first // SLOTS_A_DAY, 'D')} to {np.datetime64(last // SLOTS_A_DAY, 'D')}"
        message = f"got the period `{text}`, of which the files have no row; they have {there}: ask for a part of that"
        raise InputError(message)
    return Period(text, start, end)


def _days(text: str) -> tuple[int, int] | None:
    """First day and the day after the last one, counted from 1970-01-01."""
    match = _PART.fullmatch(text)
    if match is None or int(match[1]) < 1:
        return None
    try:
        first = np.datetime64(text)
    except ValueError:
        return None
    next_one = (first + 1).astype("datetime64[D]")
    return int(first.astype("datetime64[D]").astype(np.int64)), int(next_one.astype(np.int64))
