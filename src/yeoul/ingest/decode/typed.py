"""Typed columns: members as they stand in lines become numbers, truth values and texts, or a reason why they cannot.

Each type has a way for whole columns, taken when all members are as expected, and a way for one member, which is the
definition. The first is never laxer than the second.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import chain
from typing import Any, Protocol

import numpy as np

from yeoul.errors import ConfigError, InputError
from yeoul.events import Field
from yeoul.ingest.decode.times import TimeColumn

__all__ = ["TypedColumn", "typed_column"]

_INT = re.compile(r"-?[0-9]+", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_FLOAT_LETTERS = re.compile(r"[0-9.eE+-]+", re.ASCII)
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_MANY, _FEW = 64, 8
_MAX = (1 << 63) - 1
_EXACT = 1 << 53


class TypedColumn(Protocol):
    """Turns the members of one slot into a column."""

    def convert(self, values: list[Any]) -> tuple[Any, dict[int, str]]:
        """The column, and reasons by row; rows with a reason hold some filler."""


def typed_column(label: str, field: Field, *, flat: bool) -> TypedColumn:
    """The column of a declared field. In `flat` formats, where all is text, an empty text is a missing number.

    Raises:
        ConfigError: an unknown type, or a default that is not of it.
    """
    if field.type == "timestamp":
        return _Times(label, field, flat=flat)
    if field.type not in _KINDS:
        message = f"{label}: got the type `{field.type}`; legal: {', '.join([*_KINDS, 'timestamp'])}"
        raise ConfigError(message)
    return _Column(label, field, flat=flat)


class _Column:
    def __init__(self, label: str, field: Field, *, flat: bool) -> None:
        self._label = label
        self._whole, self._one, self._filler = _KINDS[field.type]
        self._empty = flat and field.type != "str"
        self._default = _default(label, field, self._one)

    def convert(self, values: list[Any]) -> tuple[Any, dict[int, str]]:
        wrong: dict[int, str] = {}
        column = self._whole(values)
        if column is None and self._default is not None:
            values = [self._default if value is None else value for value in values]
            column = self._whole(values)
        if column is None:
            column = self._by_few(values, 0, _MANY, wrong)
        return column, wrong

    def _by_few(self, values: list[Any], before: int, size: int, wrong: dict[int, str]) -> Any:
        """A column (behind `before` rows) with a wrong value: only its neighbours are looked at one by one."""
        parts = []
        for first in range(0, len(values), size):
            some = values[first : first + size]
            part = self._whole(some)
            if part is None and size > _FEW:
                part = self._by_few(some, before + first, _FEW, wrong)
            elif part is None:
                part = self._whole([self._mend(value, row, wrong) for row, value in enumerate(some, before + first)])
            parts.append(part)
        return list(chain.from_iterable(parts)) if isinstance(self._filler, str) else np.concatenate(parts)

    def _mend(self, value: Any, row: int, wrong: dict[int, str]) -> Any:
        if value is None or (self._empty and value == ""):
            if self._default is None:
                wrong[row] = f"{self._label} is missing"
                return self._filler
            return self._default
        try:
            return self._one(value)
        except InputError as error:
            wrong[row] = f"{self._label}: {error}"
            return self._filler


def _default(label: str, field: Field, one: Callable[[Any], Any]) -> Any:
    if field.default is None:
        return None
    try:
        return one(field.default)
    except InputError as error:
        message = f"{label}, its default: {error}"
        raise ConfigError(message) from None


def _got(value: Any) -> str:
    """What a person sees of a value that is not legal."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"the text `{value if len(value) <= 60 else value[:57] + '…'}`"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list" if len(value) != 1 or isinstance(value[0], list | dict) else "no single value"
    return f"`{value}`" if not isinstance(value, int) or abs(value) < 1 << 80 else "a number of many digits"


def _not(value: Any, legal: str) -> InputError:
    return InputError(f"got {_got(value)}; legal: {legal}")


# --- text: JSON integers become their digits, for keys may be numbers


def _text(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise _not(value, "a text or an integer")


def _texts(values: list[Any]) -> list[str] | None:
    kinds = set(map(type, values))
    if kinds <= {str}:
        return values
    return [value if type(value) is str else str(value) for value in values] if kinds <= {str, int} else None


# --- int: 64 bits; digits in a text; 2.0 is 2 (JSON knows one kind of number), as far as a float is exact


def _integer(value: Any) -> int:
    if type(value) is int:
        number = value
    elif type(value) is str:
        # stripped for the conversion too: it knows other blanks than `strip`
        digits = value.strip() if len(value) < 64 else ""
        number = int(digits) if _INT.fullmatch(digits) else _MAX + 1
    else:
        number = int(value) if type(value) is float and value.is_integer() and abs(value) <= _EXACT else _MAX + 1
    if not -_MAX - 1 <= number <= _MAX:
        raise _not(value, "an integer of at most 64 bits")
    return number


def _integers(values: list[Any]) -> Any:
    kinds = set(map(type, values))
    try:
        if kinds == {str}:
            digits = "".join(values)
            if digits.isascii() and digits.replace("-", "0").isdigit():
                return np.fromiter(map(int, values), np.int64, len(values))
        elif kinds <= {int}:
            return np.fromiter(values, np.int64, len(values))
    except (ValueError, OverflowError):
        pass
    return None


# --- float: finite


def _number(value: Any) -> float:
    if type(value) in {int, float}:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
    elif type(value) is str and _FLOAT.fullmatch(digits := value.strip()):
        number = float(digits)
    else:
        number = math.nan
    if not math.isfinite(number):
        raise _not(value, "a finite number")
    return number


def _numbers(values: list[Any]) -> Any:
    kinds = set(map(type, values))
    try:
        if kinds == {str}:
            if not _FLOAT_LETTERS.fullmatch("".join(values)):
                return None
            column = np.fromiter(map(float, values), np.float64, len(values))
        elif kinds <= {int, float}:
            column = np.fromiter(values, np.float64, len(values))
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return column if np.isfinite(column).all() else None


# --- bool


def _truth(value: Any) -> bool:
    if type(value) is bool:
        return value
    if type(value) is int and value in {0, 1}:
        return value == 1
    if type(value) is str and (truth := _TRUTH.get(value.strip().lower())) is not None:
        return truth
    raise _not(value, "true, false, 1 or 0")


def _truths(values: list[Any]) -> Any:
    return np.array(values, np.bool_) if set(map(type, values)) <= {bool} else None


_KINDS: dict[str, tuple[Callable[[list[Any]], Any], Callable[[Any], Any], Any]] = {
    "str": (_texts, _text, ""),
    "int": (_integers, _integer, 0),
    "float": (_numbers, _number, 0.0),
    "bool": (_truths, _truth, False),
}
"""For each type: the whole column, or None if not all is as expected; one member; what stands in for a wrong one."""


class _Times:
    """A timestamp column, in microseconds; where a local time occurs twice, its first reading."""

    def __init__(self, label: str, field: Field, *, flat: bool) -> None:
        self._times = TimeColumn(label, field.format, field.timezone)
        self._flat = flat
        self._default: Any = None
        if field.default is not None:
            default, _, wrong = self._times.times([field.default])
            if wrong:
                message = f"{label}, its default: {wrong[0].removeprefix(label + ': ')}"
                raise ConfigError(message)
            self._default = int(default[0])

    def convert(self, values: list[Any]) -> tuple[Any, dict[int, str]]:
        if self._default is None:
            column, _, wrong = self._times.times(values)
            return column, wrong
        absent = [row for row, value in enumerate(values) if value is None or (self._flat and value == "")]
        column, _, wrong = self._times.times(values)
        for row in absent:
            column[row] = self._default
            wrong.pop(row, None)
        return column, wrong
