"""Columns of times: strptime patterns, ISO 8601 and numbers since 1970, in any zone, as UTC microseconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import ConfigError, InputError
from yeoul.ingest.decode.layout import Layout, iso_layout, pattern_layout
from yeoul.ingest.decode.zones import Zone

__all__ = ["TimeColumn"]

_UNITS_US = {"s": 1_000_000, "ms": 1_000, "us": 1}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times without a zone are counted from here before the zone is applied
_MICROSECOND = timedelta(microseconds=1)
_FIRST_US = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST_US = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+]?[0-9]{1,2})?", re.ASCII)
_ROUNDS = 8
_FEW = 8
"""Fewer left-over texts than this are read one by one."""
_CACHE = 4096

_Moment = tuple[int, int]
"""UTC microseconds by the first and by the second reading."""
_Us = NDArray[np.int64]


class TimeColumn:
    """The times of one slot.

    Whole columns are read by the layout that their first text has, then what did not fit by the layout of the first of
    those, and so on; what no fixed layout fits is read one by one. Numbers outside the years 1 to 9999 are no times.

    Raises:
        ConfigError: no format, an unknown one, or an unknown zone.

    >>> column = TimeColumn("`at`", ("%Y-%m-%d %H:%M:%S.%f", "ms"), "Asia/Seoul")
    >>> us, other, wrong = column.times(["2026-03-02 20:10:05.123", 1772449805123, "soon"])
    >>> us.tolist()[:2], other, list(wrong)
    ([1772449805123000, 1772449805123000], None, [2])
    """

    def __init__(self, label: str, formats: tuple[str, ...], timezone: str) -> None:
        if not formats:
            message = f"{label}: got no time format; legal: `iso`, `s`, `ms`, `us` or a strptime pattern"
            raise ConfigError(message)
        for text in formats:
            _check_format(label, text)
        self._label = label
        self._formats = formats
        self._zone = Zone(timezone)
        self._legal = f"a time as {' or '.join(f'`{text}`' for text in formats)}"
        self._epoch_only = _UNITS_US[formats[0]] if len(formats) == 1 and formats[0] in _UNITS_US else None
        self._readers = [self._reader(text) for text in formats]
        # a pure memo: what stays in it changes no result
        self._known: dict[Any, _Moment] = {}

    def times(self, values: list[Any]) -> tuple[_Us, _Us | None, dict[int, str]]:
        """UTC microseconds; the other reading of local times that occur twice, or None; reasons by row."""
        kinds = set(map(type, values))
        if kinds == {str}:
            us, other, odd = self._by_layout(values)
        elif kinds in ({int}, {float}) and self._epoch_only:
            us, other, odd = _by_number(values, self._epoch_only)
        else:
            us, other, odd = np.zeros(len(values), np.int64), None, list(range(len(values)))
            texts = [row for row, value in enumerate(values) if type(value) is str]
            if len(texts) > len(values) // 2:
                us[texts], fold, odd_texts = self._by_layout([values[row] for row in texts])
                if fold is not None:
                    other = us.copy()
                    other[texts] = fold
                read = {*texts} - {texts[row] for row in odd_texts}
                odd = [row for row in odd if row not in read]
        wrong: dict[int, str] = {}
        for row in odd:
            try:
                us[row], second = self._one(values[row])
            except InputError as error:
                wrong[row] = str(error)
                continue
            if other is None and second != us[row]:
                other = us.copy()
            if other is not None:
                other[row] = second
        if other is not None and np.array_equal(us, other):
            other = None
        return us, other, wrong

    def _by_layout(self, texts: list[str]) -> tuple[_Us, _Us | None, list[int]]:
        """Read whole columns of texts; the rows that are left over."""
        if self._epoch_only:
            joined = "".join(texts)
            if joined.isascii() and joined.isdigit() and max(map(len, texts)) < 19:
                try:
                    return _by_number(list(map(int, texts)), self._epoch_only)
                except ValueError:  # an empty text
                    pass
            return np.zeros(len(texts), np.int64), None, list(range(len(texts)))
        us = np.zeros(len(texts), np.int64)
        folds: list[tuple[_Us, _Us]] = []
        todo: _Us = np.arange(len(texts))
        odd: list[int] = []
        for _ in range(_ROUNDS):
            if len(todo) < _FEW and len(todo) < len(texts):
                break
            some = texts if len(todo) == len(texts) else [texts[row] for row in todo]
            layout = self._layout(some[0])
            if layout is None:
                odd.append(int(todo[0]))
                todo = todo[1:]
                continue
            read, fits = layout.parse(some)
            rows, read = (todo, read) if fits.all() else (todo[fits], read[fits])
            if layout.offset_us is None:
                read, second, gap = self._zone.to_utc(read)
                odd += [int(rows[row]) for row in gap]
                if second is not None:
                    folds.append((rows, second))
            us[rows] = read
            todo = todo[~fits]
            if not fits[0]:  # it looks like a time and is none, such as the 30th of February
                odd.append(int(todo[0]))
                todo = todo[1:]
        other = us.copy() if folds else None
        for rows, second in folds:
            assert other is not None
            other[rows] = second
        return us, other, sorted({*odd, *todo.tolist()})

    def _layout(self, text: str) -> Layout | None:
        """The layout of the first format that reads this text, if that one has any."""
        for one, read in zip(self._formats, self._readers, strict=True):
            layout = None
            if one not in _UNITS_US:
                layout = iso_layout(text) if one == "iso" else pattern_layout(one, text)
            if layout is not None:
                return layout
            if self._reads(read, text):  # an earlier format goes first, even where it is the slow one
                return None
        return None

    @staticmethod
    def _reads(read: Callable[[Any], _Moment | None], text: str) -> bool:
        try:
            return read(text) is not None
        except InputError:
            return True

    def _one(self, value: Any) -> _Moment:
        """One time, by the formats in order.

        Raises:
            InputError: why it is none.
        """
        kind = type(value)
        if value is None or (kind is str and not value):
            message = f"{self._label} is missing"
            raise InputError(message)
        if kind not in {str, int, float}:
            shown = str(value).lower() if kind is bool else "an object" if kind is dict else "a list"
            message = f"{self._label}: got {shown}; legal: {self._legal}"
            raise InputError(message)
        known = self._known.get((kind, value))
        if known is not None:
            return known
        for read in self._readers:
            moment = read(value)
            if moment is not None:
                if len(self._known) >= _CACHE:
                    self._known.clear()
                self._known[kind, value] = moment
                return moment
        shown = str(value)
        message = f"{self._label}: got `{shown if len(shown) <= 60 else shown[:57] + '…'}`; legal: {self._legal}"
        raise InputError(message)

    def _reader(self, text: str) -> Callable[[Any], _Moment | None]:
        if text in _UNITS_US:
            unit_us = _UNITS_US[text]
            return lambda value: _number(value, unit_us)
        if text == "iso":
            return lambda value: self._moment(datetime.fromisoformat, value)
        return lambda value: self._moment(lambda one: datetime.strptime(one, text), value)  # noqa: DTZ007 - zone follows

    def _moment(self, parse: Callable[[str], datetime], value: Any) -> _Moment | None:
        if type(value) is not str:
            return None
        try:
            moment = parse(value)
            if moment.tzinfo is not None:
                us = (moment - _EPOCH) // _MICROSECOND
                return (us, us) if _FIRST_US <= us <= _LAST_US else None
            both = self._zone.one((moment - _LOCAL_EPOCH) // _MICROSECOND)
        except (ValueError, OverflowError):
            return None
        if both is None:
            message = (
                f"{self._label}: got `{value}`, which does not exist in {self._zone.name} (clocks went forward); "
                "legal: a local time that occurs"
            )
            raise InputError(message)
        return both


def _check_format(label: str, text: str) -> None:
    if text in _UNITS_US or text == "iso":
        return
    if "%" not in text:
        message = f"{label}: got the time format `{text}`; legal: `iso`, `s`, `ms`, `us` or a strptime pattern"
        raise ConfigError(message)
    try:
        sample = datetime(2026, 3, 2, 20, 10, 5, tzinfo=UTC).strftime(text)
        datetime.strptime(sample, text)  # noqa: DTZ007 - only tried
    except ValueError as error:
        message = f"{label}: got the time format `{text}`, which cannot be read ({error}); legal: a strptime pattern"
        raise ConfigError(message) from None


def _by_number(values: list[Any], unit_us: int) -> tuple[_Us, None, list[int]]:
    try:
        number = np.array(values)
        odd = np.flatnonzero((number < _FIRST_US / unit_us) | (number > _LAST_US / unit_us)).tolist()
        number[odd] = 0
        if number.dtype.kind in "iu":  # a float would be too coarse for the microseconds of far years
            return number.astype(np.int64) * unit_us, None, odd
        return np.rint(number * unit_us).astype(np.int64), None, odd
    except (OverflowError, TypeError):  # integers beyond 64 bits
        return np.zeros(len(values), np.int64), None, list(range(len(values)))


def _number(value: Any, unit_us: int) -> _Moment | None:
    """A number since 1970, also written as text; fractions are rounded to the nearest microsecond, halves to even."""
    if type(value) is str:
        if not _NUMBER.fullmatch(value):
            return None
        value = Decimal(value)
    if not _FIRST_US / unit_us <= value <= _LAST_US / unit_us:
        return None
    us = round(value * unit_us)
    return us, us
