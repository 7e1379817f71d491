"""The stamps of counter files, `20180101_2355-0000`: five minutes of local time, their start and their end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEGAL_STAMP", "SLOTS_A_DAY", "SLOT_US", "read_stamps", "stamp", "stamps"]

Slots = NDArray[np.int64]
"""Numbers of five-minute slots since 1970-01-01 00:00 of the servers' own clock; zones are not looked at."""

SLOT_US = 300_000_000
SLOTS_A_DAY = 288
LEGAL_STAMP = "`YYYYMMDD_HHmm-HHmm`, five minutes from a full five minutes on, such as `20180101_0005-0010`"

_LENGTH = 18
_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def read_stamps(texts: Sequence[str]) -> tuple[Slots, tuple[int, str] | None]:
    """The slots of n stamps, shape (n,), and the first text that is none with what is wrong with it.

    >>> slots, wrong = read_stamps(["20180101_2355-0000", "20180102_0000-0005"])
    >>> slots.tolist(), wrong
    ([5049503, 5049504], None)
    >>> read_stamps(["20180101_0000-0005", "20180230_0000-0005"])[1]
    (1, 'there is no such day')
    """
    count = len(texts)
    if not count:
        return np.zeros(0, np.int64), None
    # a longer text is cut here, so its length is looked at first; what is not ASCII becomes `?` and is refused below
    long = np.fromiter((len(text) for text in texts), np.int64, count) != _LENGTH
    codes = np.array([text.encode("ascii", "replace") for text in texts], f"S{_LENGTH}").view(np.uint8)
    codes = codes.reshape(count, _LENGTH)
    digits = codes.astype(np.int64) - ord("0")
    places = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17]
    shape = long | (codes[:, 8] != ord("_")) | (codes[:, 13] != ord("-"))
    shape |= ((digits[:, places] < 0) | (digits[:, places] > 9)).any(axis=1)

    def number(start: int, size: int) -> Slots:
        return np.asarray(digits[:, start : start + size] @ 10 ** np.arange(size - 1, -1, -1), np.int64)

    year, month, day = number(0, 4), number(4, 2), number(6, 2)
    start, end = number(9, 2) * 60 + number(11, 2), number(14, 2) * 60 + number(16, 2)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = _DAYS[np.clip(month - 1, 0, 11)] - ((month == 2) & ~leap)
    rules = [
        (shape, "it has another form"),
        ((month < 1) | (month > 12) | (day < 1) | (day > last) | (year < 1), "there is no such day"),
        ((number(9, 2) > 23) | (number(11, 2) > 59), "there is no such time of day"),
        (start % 5 != 0, "it does not begin at a full five minutes"),
        (
            (number(14, 2) > 23) | (number(16, 2) > 59) | (end != (start + 5) % 1440),
            "its end is not five minutes later",
        ),
    ]
    wrong: tuple[int, str] | None = None
    for broken, what in rules:
        if broken.any() and (wrong is None or int(np.argmax(broken)) < wrong[0]):
            wrong = int(np.argmax(broken)), what
    return _days(year, month, day) * SLOTS_A_DAY + start // 5, wrong


def _days(year: Slots, month: Slots, day: Slots) -> Slots:
    """Days since 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms")."""
    year = year - (month <= 2)
    era, of_year = year // 400, (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    of_era = year % 400 * 365 + year % 400 // 4 - year % 400 // 100 + of_year
    return np.asarray(era * 146_097 + of_era - 719_468, np.int64)


def stamps(slots: Slots) -> list[str]:
    """The stamps of slots.

    >>> stamps(np.array([5049503]))
    ['20180101_2355-0000']
    """
    day, inside = np.divmod(slots, SLOTS_A_DAY)
    dates = {int(one): str(np.datetime64(int(one), "D")).replace("-", "") for one in np.unique(day)}
    ends = [f"{at // 12:02d}{at % 12 * 5:02d}" for at in range(SLOTS_A_DAY)]
    spans = [f"_{ends[at]}-{ends[(at + 1) % SLOTS_A_DAY]}" for at in range(SLOTS_A_DAY)]
    return [dates[one] + spans[at] for one, at in zip(day.tolist(), inside.tolist(), strict=True)]


def stamp(slot: int) -> str:
    """The stamp of one slot."""
    return stamps(np.array([slot]))[0]
