"""One counter file read: its servers, its slots and its numbers, each mistake told with file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError, SourceError
from yeoul.flows.servers.stamps import LEGAL_STAMP, read_stamps
from yeoul.plugins import nearest

__all__ = ["COUNTERS", "FILES", "CounterFile", "find_files", "read_counter_file"]

FILES = ("INFO", "LOGIN", "MENU", "STREAM")
"""What the four files count: `Media_INFO.csv` and so on."""
COUNTERS = ("Request", "Success", "Fail", "Session")
"""The four columns of each server."""

Told = Callable[[int, int], None]
"""Called with the bytes done and the bytes there are."""

_COLUMN = re.compile(r"(?:(\d+)_)?(Request|Success|Fail|Session)")
_MISSING = {"", "nan", "null", "none", "na", "n/a"}
_BLOCK = 10_000


@dataclass(frozen=True, slots=True)
class CounterFile:
    """The rows of one file as they came."""

    path: Path
    servers: tuple[str, ...]
    """Numbers of the servers in rising order; one empty text where the columns have no prefix."""
    slots: NDArray[np.int64]
    """Shape (n,): see `stamps`."""
    values: NDArray[np.float64]
    """Shape (n, 4 a server): the counters of the first server, of the second, …; NaN for an empty cell."""
    lines: NDArray[np.int64]
    """Shape (n,): the line of the file that each row stands on, from 1."""
    notes: tuple[str, ...] = ()
    """What was passed over, for a person to know."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns as the file has them."""
        return _names(self.servers)


def _names(servers: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{one}_{counter}" if one else counter for one in servers for counter in COUNTERS)


def find_files(folder: Path) -> tuple[Path, ...]:
    """The four files of a folder, in the order of `FILES`; small and capital letters are alike.

    Raises:
        SourceError: no such folder, or a file is missing; all that are missing are named.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is not there"
        message = f"got `{folder}`, which {what}; name the folder that holds Media_INFO.csv and its three siblings"
        raise SourceError(message)
    there = {path.name.lower(): path for path in sorted(folder.iterdir(), reverse=True) if path.is_file()}
    wanted = [f"Media_{name}.csv" for name in FILES]
    # a file of the exact name goes before one that differs in its letters' size
    found = [path if (path := folder / name).is_file() else there.get(name.lower()) for name in wanted]
    if missing := [name for name, path in zip(wanted, found, strict=True) if path is None]:
        have = [path.name for path in found if path is not None]
        tables = sorted(path.name for path in there.values() if path.suffix.lower() == ".csv")
        close = nearest(missing[0], [name for name in tables if name not in have])
        listed = f"it has {', '.join(tables[:8])}" if tables else "it has no CSV file"
        message = (
            f"`{folder}` lacks {', '.join(missing)}; {listed}{close}; all four are needed: "
            f"{', '.join(wanted)} (`--make` writes made-up ones to try with)"
        )
        raise SourceError(message)
    return tuple(path for path in found if path is not None)


def read_counter_file(path: Path, told: Told | None = None) -> CounterFile:
    """Read one file. UTF-8 with or without byte order mark, UTF-16 with one; any line ends; `,`, `;` or tabs between.

    Raises:
        SourceError: it cannot be read, or is no text.
        InputError: empty, a wrong header, a row of another width, a wrong stamp, a cell that is no number.
    """
    lines = _lines(path)
    at = next((number for number, line in enumerate(lines) if line.strip()), None)
    if at is None:
        message = f"`{path}` is empty; it needs a header (Timestamp, 1_Request, 1_Success, …) and rows"
        raise InputError(message)
    separator = next((one for one in ",;\t" if one in lines[at]), ",")
    header = [cell.strip() for cell in next(csv.reader([lines[at]], delimiter=separator))]
    servers, order, notes = _header(path, header)
    reader = _Rows(path, len(header), separator, order)
    values, texts, numbers = [], [], []
    for start in range(at + 1, len(lines), _BLOCK):
        block = lines[start : start + _BLOCK]
        kept = [(number, line) for number, line in enumerate(block, start + 1) if line and not line.isspace()]
        if kept:
            some_numbers, some_texts, some_values = reader.read(kept)
            numbers.append(some_numbers)
            texts += some_texts
            values.append(some_values)
        if told is not None:
            told(min(start + _BLOCK, len(lines)), len(lines))
    if not texts:
        message = f"`{path}` has a header and no rows; give at least one row for five minutes"
        raise InputError(message)
    places = np.concatenate(numbers)
    slots, wrong = read_stamps(texts)
    if wrong is not None:
        row, what = wrong
        message = f"`{path}`, line {places[row]}: got the stamp `{texts[row]}`: {what}; legal: {LEGAL_STAMP}"
        raise InputError(message)
    return CounterFile(path, servers, slots, np.concatenate(values), places, notes)


def _lines(path: Path) -> list[str]:
    data = path.read_bytes()
    coding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(coding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"`{path}`, line {line}: got bytes that are no text; legal: UTF-8, or UTF-16 with a byte order mark"
        raise SourceError(message) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        message = (
            f"`{path}`, line {line}: got a zero byte; legal: a CSV file in UTF-8, or in UTF-16 with a byte order mark "
            "(was the disk full?)"
        )
        raise SourceError(message)
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _header(path: Path, header: list[str]) -> tuple[tuple[str, ...], list[int], tuple[str, ...]]:
    """The servers, the places of their columns without the first, and notes on columns that are passed over."""
    if header[0].lower() != "timestamp":
        what = "it has no header" if read_stamps(header[:1])[1] is None else f"the first column is `{header[0]}`"
        message = f"`{path}`: {what}; legal: `Timestamp`, then 1_Request, 1_Success, …, then the rows"
        raise InputError(message)
    places: dict[str, int] = {}
    passed: list[str] = []
    for place, name in enumerate(header[1:]):
        if not _COLUMN.fullmatch(name):
            passed.append(name)
        elif name in places:
            message = f"`{path}`: the column `{name}` comes twice; take one of them out"
            raise InputError(message)
        else:
            places[name] = place
    servers = sorted({name.rpartition("_")[0] for name in places}, key=lambda one: int(one or -1))
    if not servers:
        listed = ", ".join(f"`{name}`" for name in header[1:6]) or "nothing behind it"
        message = f"`{path}`: got {listed}; legal: {', '.join(f'`1_{each}`' for each in COUNTERS)}, `2_Request`, …"
        raise InputError(message)
    if "" in servers and len(servers) > 1:
        message = (
            f"`{path}`: got columns with and without a server's number (`{servers[1]}_…` beside `Request`); legal: "
            "a number before each of them, or one server without"
        )
        raise InputError(message)
    wanted = _names(servers)
    if missing := [name for name in wanted if name not in places]:
        message = (
            f"`{path}` lacks the column `{missing[0]}`{nearest(missing[0], passed)}; each server has "
            f"{', '.join(COUNTERS)}"
        )
        raise InputError(message)
    notes = (f"`{path.name}`: passed over {', '.join(f'`{one}`' for one in passed)}",) if passed else ()
    return tuple(servers), [places[name] for name in wanted], notes


class _Rows:
    """Makes numbers of lines: all at once where they are as they should be, cell by cell where they are not."""

    def __init__(self, path: Path, width: int, separator: str, order: list[int]) -> None:
        self._path, self._width, self._separator = path, width, separator
        self._order = order
        """Places of the counters behind the stamp; what stands elsewhere is passed over and may be any text."""

    def read(self, kept: list[tuple[int, str]]) -> tuple[NDArray[np.int64], list[str], NDArray[np.float64]]:
        """Line numbers, stamps and numbers of some lines."""
        numbers = np.array([number for number, _ in kept], np.int64)
        parts = [line.partition(self._separator) for _, line in kept]
        try:
            rest = [part[2] for part in parts]
            wide = self._width - 2
            if all(line.count(self._separator) == wide for line in rest):
                values = np.loadtxt(rest, delimiter=self._separator, comments=None, ndmin=2, usecols=self._order)
                if np.isfinite(values).all() and (values >= 0).all():
                    return numbers, [part[0].strip().strip('"') for part in parts], values
        except ValueError:
            pass  # an empty cell, a quote, or a mistake: told below, with its line
        texts: list[str] = []
        values = np.full((len(kept), len(self._order)), np.nan)
        for row, (number, line) in enumerate(kept):
            cells = [cell.strip() for cell in next(csv.reader([line], delimiter=self._separator))]
            if len(cells) != self._width:
                what = "is the file still being written?" if len(cells) < self._width else "mend the line"
                message = (
                    f"`{self._path}`, line {number}: got {len(cells)} cells; legal: {self._width}, "
                    f"as in the header; {what}"
                )
                raise InputError(message)
            texts.append(cells[0])
            for column, place in enumerate(self._order):
                if (cell := cells[place + 1]).lower() not in _MISSING:
                    values[row, column] = self._number(cell, number, place)
        return numbers, texts, values

    def _number(self, cell: str, line: int, place: int) -> float:
        try:
            value = float(cell)
        except ValueError:
            value = np.inf
        if not 0 <= value < np.inf:
            message = (
                f"`{self._path}`, line {line}, column {place + 2}: got `{cell}`; legal: a number from 0 up such as "
                "`1234`, or nothing where none was counted"
            )
            raise InputError(message)
        return value
