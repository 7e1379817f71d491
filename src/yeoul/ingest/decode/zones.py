"""Local times to UTC for whole columns, with the hours that occur twice and those that do not occur."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import ConfigError

__all__ = ["Zone"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times have no zone yet, that is the point
_MICROSECOND = timedelta(microseconds=1)
_SLOT_US = 900_000_000
_MIXED = -(1 << 62)
"""Marks a quarter of an hour in which the offset changes: each time in it is asked for by itself."""
_FIRST_US = (datetime.min - _EPOCH) // _MICROSECOND  # noqa: DTZ901 - as above
_LAST_US = (datetime.max - _EPOCH) // _MICROSECOND  # noqa: DTZ901 - as above


class Zone:
    """An IANA zone.

    Offsets are asked for once a quarter of an hour (in a quarter where the offset changes, time by time), so a column
    costs one table look-up a row.

    Raises:
        ConfigError: no such zone.

    >>> us, other, gap = Zone("Asia/Seoul").to_utc(np.array([9 * 3_600_000_000]))
    >>> us.tolist(), other, gap
    ([0], None, [])
    """

    def __init__(self, name: str) -> None:
        try:
            self._zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"got the timezone `{name}`; legal: an IANA name such as `UTC` or `Asia/Seoul`"
            raise ConfigError(message) from None
        self.name = name
        self._offset_us: dict[int, int] = {}

    def to_utc(self, local_us: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, list[int]]:
        """UTC of local microseconds; the other reading of those that occur twice, or None; the rows in a gap."""
        if self.name == "UTC" or not len(local_us):
            return local_us, None, []
        slot = local_us // _SLOT_US
        low, high = int(slot.min()), int(slot.max())
        if high - low < 4096:
            table = np.array([self._slot(number) for number in range(low, high + 1)], np.int64)
            offset = table[slot - low]
        else:
            numbers, place = np.unique(slot, return_inverse=True)
            offset = np.array([self._slot(number) for number in numbers.tolist()], np.int64)[place]
        mixed = np.flatnonzero(offset == _MIXED).tolist()
        us = local_us - offset
        if not mixed:
            return us, None, []
        other, gap = us.copy(), []
        for row in mixed:
            first, second = self._offsets(int(local_us[row]))
            if first < second:
                gap.append(row)
            us[row], other[row] = local_us[row] - first, local_us[row] - second
        return us, other, gap

    def one(self, local_us: int) -> tuple[int, int] | None:
        """Both readings of one local time in UTC (the same twice, mostly); None in a gap."""
        first, second = self._offsets(local_us)
        return None if first < second else (local_us - first, local_us - second)

    def _slot(self, number: int) -> int:
        known = self._offset_us.get(number)
        if known is None:
            if len(self._offset_us) > 1 << 16:
                self._offset_us.clear()
            start = max(number * _SLOT_US, _FIRST_US)
            end = min(number * _SLOT_US + _SLOT_US - 1, _LAST_US)
            offsets = {*self._offsets(start), *self._offsets(end)}
            known = self._offset_us[number] = offsets.pop() if len(offsets) == 1 else _MIXED
        return known

    def _offsets(self, local_us: int) -> tuple[int, int]:
        """Offset by the first and by the second reading; the first is larger where a time occurs twice."""
        moment = (_EPOCH + local_us * _MICROSECOND).replace(tzinfo=self._zone)
        first = moment.utcoffset() or timedelta()
        second = moment.replace(fold=1).utcoffset() or timedelta()
        return first // _MICROSECOND, second // _MICROSECOND
