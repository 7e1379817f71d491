"""Times of one fixed layout, many at once: digits at known places become microseconds by arithmetic on bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "iso_layout", "pattern_layout"]

_WIDTH = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "b": 3}
_MONTHS = np.array(
    [name[0] << 16 | name[1] << 8 | name[2] for name in re.findall(rb"...", b"JanFebMarAprMayJunJulAugSepOctNovDec")]
)
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ])\d{2}:\d{2}:\d{2}(?:([.,])(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each part of a time stands in texts of one width; everything else must be the same bytes."""

    width: int
    parts: tuple[tuple[str, int, int], ...]
    """Directive letter, first byte, width."""
    literals: tuple[tuple[int, int], ...]
    """Place and byte."""
    offset_us: int | None = None
    """What a zone written in the literals means; None when the time is local."""

    def parse(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Microseconds as written (less the layout's own offset), and which texts fit; others hold nonsense."""
        cells = self._cells(texts)
        if cells is None:
            whole = [text if len(text) == self.width else "\n" * self.width for text in texts]
            cells = self._cells(whole)
        if cells is None:
            return np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
        fits = np.ones(len(texts), np.bool_)
        for place, byte in self.literals:
            fits &= cells[place] == byte
        value: dict[str, NDArray[np.int64]] = {}
        for letter, start, width in self.parts:
            if letter == "b":
                name = cells[start].astype(np.int64) << 16 | cells[start + 1].astype(np.int64) << 8 | cells[start + 2]
                value["m"] = np.zeros(len(texts), np.int64)
                for at, month in enumerate(_MONTHS, 1):
                    value["m"][name == month] = at
                continue
            number: NDArray[np.int64] = np.zeros(len(texts), np.int64)
            for digit in cells[start : start + width] - np.uint8(48):
                fits &= digit < 10
                number *= 10
                number += digit
            value[letter] = number
            if letter == "f":
                value["f"] = number * 10 ** (6 - width) if width <= 6 else number // 10 ** (width - 6)
        return _microseconds(value, fits) - (self.offset_us or 0), fits

    def _cells(self, texts: list[str]) -> NDArray[np.uint8] | None:
        """Bytes by place and row; None when a text has another width."""
        # the line feed behind each text shows where one of them is longer and its neighbour shorter
        joined = "\n".join(texts).encode("ascii", "replace") + b"\n"
        if len(joined) != len(texts) * (self.width + 1):
            return None
        cells = np.frombuffer(joined, np.uint8).reshape(len(texts), self.width + 1)
        if not (cells[:, self.width] == 10).all():
            return None
        return np.ascontiguousarray(cells.T)


def _microseconds(value: dict[str, NDArray[np.int64]], fits: NDArray[np.bool_]) -> NDArray[np.int64]:
    year, month, day = value["Y"], value["m"], value["d"]
    # the first and the last year are left to the slow way, for a zone may push them over the edge
    fits &= (year >= 2) & (year <= 9998) & (month >= 1) & (month <= 12) & (day >= 1)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    fits &= day <= _DAYS[np.clip(month, 1, 12) - 1] + (leap & (month == 2))
    # days since 1970 with the year begun in March, so that the leap day is its last (Howard Hinnant, days_from_civil)
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    seconds = days * 86_400
    for letter, limit, unit in (("H", 24, 3600), ("M", 60, 60), ("S", 60, 1)):
        if letter in value:
            fits &= value[letter] < limit
            seconds += value[letter] * unit
    us: NDArray[np.int64] = seconds * 1_000_000
    return us + value["f"] if "f" in value else us


def iso_layout(text: str) -> Layout | None:
    """The layout of an ISO 8601 time with seconds; None for rarer forms."""
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    pattern = "%Y-%m-%d" + match[1] + "%H:%M:%S" + (f"{match[2]}%N" if match[2] else "") + "%z" * bool(match[4])
    return pattern_layout(pattern, text)


def pattern_layout(pattern: str, text: str) -> Layout | None:
    """The layout that a strptime pattern has in `text`; None when it is not of fixed width or does not fit.

    >>> pattern_layout("%d/%b/%Y:%H:%M:%S %z", "02/Mar/2026:20:10:05 +0900").offset_us
    32400000000
    """
    parts: list[tuple[str, int, int]] = []
    literals: list[tuple[int, int]] = []
    offset_us = None
    place = at = 0
    while at < len(pattern):
        letter = pattern[at + 1 : at + 2] if pattern[at] == "%" else ""
        at += 2 if letter else 1
        if letter == "z":
            zone = re.match(r"Z|[+-]\d{2}:?\d{2}", text[place:], re.ASCII)
            offset_us = _offset_us(zone[0]) if zone else None
            if zone is None or offset_us is None:
                return None
            literals += [(place + i, ord(char)) for i, char in enumerate(zone[0])]
            place += len(zone[0])
        elif letter in {"f", "N"}:  # strptime's fraction has up to six digits, that of ISO times (our %N) up to nine
            digits = re.match(r"\d{1,6}" if letter == "f" else r"\d{1,9}", text[place:], re.ASCII)
            if digits is None:
                return None
            parts.append(("f", place, len(digits[0])))
            place += len(digits[0])
        elif letter in _WIDTH:
            parts.append((letter, place, _WIDTH[letter]))
            place += _WIDTH[letter]
        elif letter and letter != "%":
            return None
        else:
            literals.append((place, ord(letter or pattern[at - 1])))
            place += 1
    letters = [letter for letter, _, _ in parts]
    known = len(letters) == len(set(letters)) and {"Y", "d"} <= set(letters) and ("m" in letters) != ("b" in letters)
    if not known or place != len(text) or any(byte > 127 for _, byte in literals):
        return None
    return Layout(place, tuple(parts), tuple(literals), offset_us)


def _offset_us(zone: str) -> int | None:
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return 0  # `Z`
    hours, minutes = int(match[2]), int(match[3])
    if hours > 23 or minutes > 59:
        return None
    return (hours * 3600 + minutes * 60) * (1_000_000 if match[1] == "+" else -1_000_000)
