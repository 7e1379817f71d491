"""CSV lines: columns by declared names or by the header that a file begins with."""

from __future__ import annotations

import csv
from functools import lru_cache
from operator import itemgetter

from yeoul.errors import ConfigError
from yeoul.events import RowSchema
from yeoul.ingest.decode.contract import Members
from yeoul.ingest.decode.flat import flat_slots, known_slots
from yeoul.ingest.decode.lines import Lines

__all__ = ["CsvReader"]


class CsvReader:
    """Takes members out of lines of separated values; a value may stand in double quotes, a quote in it is doubled.

    Without declared columns the line that is (or repeats) the header is no row. One row is one line: a quoted value
    cannot run over a line's end, for then one broken line would swallow its neighbours.

    Raises:
        ConfigError: a delimiter that is not one character, or a declared member that is no column.
    """

    def __init__(self, schema: RowSchema) -> None:
        self._slots = flat_slots(schema)
        if len(schema.delimiter) != 1 or schema.delimiter in '"\r\n':
            message = f"`delimiter`: got `{schema.delimiter}`; legal: one character, such as `,` or `;`"
            raise ConfigError(message)
        self._delimiter = schema.delimiter
        self._columns = schema.columns
        if schema.columns is not None:
            known_slots(self._slots, schema.columns, "one of the columns")
        self._named = lru_cache(maxsize=64)(self._names)

    def read(self, lines: Lines, skip: frozenset[int], header: bytes | None) -> Members:
        names, trouble = self._named(header)
        bad: dict[int, str] = {}
        found: list[list[str]] = []
        first = b"" if header is None or self._columns is not None else header.strip()
        for number, line in enumerate(lines.all()):
            if number in skip:
                continue
            if not line.strip() or line.strip() == first:
                bad[number] = ""
                continue
            cells = self._cells(line.decode())
            if cells is None:
                bad[number] = "the line is not CSV: a quoted value does not end where it should"
            elif trouble:
                bad[number] = trouble
            elif len(cells) != len(names):
                bad[number] = f"the line has `{len(cells)}` values; legal: {len(names)} ({', '.join(names)})"
            else:
                found.append(cells)
        places = [] if trouble else [names.index(slot.path[0]) for slot in self._slots]
        return Members([list(map(itemgetter(place), found)) for place in places] or [[] for _ in self._slots], bad)

    def mask(self, raw: bytes, names: frozenset[str], header: bytes | None) -> bytes:
        columns, trouble = self._named(header)
        cells = self._cells(raw.decode(errors="surrogateescape"))
        if cells is None or trouble or len(cells) != len(columns):
            return b"***"  # which value is which cannot be told, so nothing is shown
        hidden = {slot.path[0] for slot in self._slots if slot.name in names}
        shown = ["***" if name in hidden else self._quoted(cell) for name, cell in zip(columns, cells, strict=True)]
        return self._delimiter.join(shown).encode(errors="surrogateescape")

    def _names(self, header: bytes | None) -> tuple[tuple[str, ...], str]:
        """The columns, and why there are none that can be used."""
        if self._columns is not None:
            return self._columns, ""
        if header is None:
            return (), "the file's header is not known; legal: a first line with names, or `columns` in the workspace"
        cells = self._cells(header.decode(errors="replace").removeprefix("\ufeff"))
        names = tuple(cell.strip() for cell in cells or ())
        try:
            known_slots(self._slots, names, "in the file's header")
        except ConfigError as error:
            return names, str(error)
        return names, ""

    def _cells(self, text: str) -> list[str] | None:
        text = text.rstrip("\r\n")
        if '"' not in text:
            return text.split(self._delimiter)
        try:
            return next(csv.reader((text,), delimiter=self._delimiter, strict=True))
        except (csv.Error, StopIteration):
            return None

    def _quoted(self, cell: str) -> str:
        odd = self._delimiter in cell or '"' in cell
        return '"{}"'.format(cell.replace('"', '""')) if odd else cell
