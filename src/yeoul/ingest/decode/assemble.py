"""Lines to rows: what a reader found becomes typed columns; a line with anything wrong becomes a reject."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.events import Reject, Rows, RowSchema
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode.contract import Reader, slots
from yeoul.ingest.decode.lines import Lines
from yeoul.ingest.decode.times import TimeColumn
from yeoul.ingest.decode.typed import TypedColumn, typed_column
from yeoul.ingest.decode.where import compile_where

__all__ = ["LINE_LIMIT_BYTES", "RAW_LIMIT_BYTES", "UNFORESEEN", "RowDecoder"]

LINE_LIMIT_BYTES = 16 << 20
RAW_LIMIT_BYTES = (1 << 20) + 1
"""Kept of a line that is too long: one byte more than the quarantine keeps, so that it sees the line is not whole."""

UNFORESEEN = "this is a mistake of Yeoul, please report it with the line"
"""How the reason of a line ends that no reason was made for."""


class RowDecoder:
    """A `Decoder` of any line format that has a reader."""

    def __init__(self, schema: RowSchema, reader: Reader, line_limit_bytes: int) -> None:
        self._reader = reader
        self._limit = line_limit_bytes
        time, *rest = slots(schema)
        zone = schema.event_time.timezone
        self._time = TimeColumn(time.label, schema.event_time.formats, zone)
        self._columns: list[TypedColumn] = [
            typed_column(slot.label, field, flat=schema.line_format != "json")
            for slot, field in zip(rest, schema.fields, strict=True)
        ]
        self._names = [field.name for field in schema.fields]
        self._where = compile_where(schema.where, schema.fields) if schema.where else None
        self._redact = frozenset(schema.redact)
        paths = {slot.path for slot in rest if slot.name in self._redact}
        self._hidden = [slot.label if slot.path in paths else "" for slot in (time, *rest)]

    def decode(self, block: LineBlock) -> Rows:
        try:
            return self._decode(block, {})
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - one line that nobody foresaw must not end the engine, at each start again
            return self._decode(block, self._unforeseen(block))

    def _unforeseen(self, block: LineBlock) -> dict[int, str]:
        """The lines that this decoder fails at, by number."""
        found: dict[int, str] = {}
        for number, line in enumerate(Lines(block.data).all()):
            try:
                self._decode(LineBlock(block.source, 0, line + b"\n", block.header), {})
            except Exception as error:  # noqa: BLE001 - as above; its text may hold what is masked
                found[number] = f"the line cannot be decoded ({type(error).__name__}): {UNFORESEEN}"
        return found

    def _decode(self, block: LineBlock, known: dict[int, str]) -> Rows:
        """Rows and rejects; of the lines that are `known` to be none the reason is."""
        lines = Lines(block.data)
        bad = self._unreadable(lines) | known
        members = self._reader.read(lines, frozenset(bad), block.header)
        number = np.arange(len(lines))
        if bad or members.bad:
            number = number[_all_but(len(lines), [*bad, *members.bad])]
            bad.update((i, reason) for i, reason in members.bad.items() if reason)

        at_us, fold_us, wrong = self._time.times(members.values[0])
        wrong = _unsaid(wrong, self._hidden[0])
        columns: dict[str, Any] = {}
        named = zip(self._names, self._columns, members.values[1:], self._hidden[1:], strict=True)
        for name, column, values, hidden in named:
            columns[name], more = column.convert(values)
            for row, reason in _unsaid(more, hidden).items():
                wrong[row] = f"{wrong[row]}; {reason}" if row in wrong else reason
        if wrong:
            bad.update((int(number[row]), reason) for row, reason in wrong.items())
            good = _all_but(len(number), wrong)
            number, at_us = number[good], at_us[good]
            fold_us = None if fold_us is None else fold_us[good]
            columns = {name: _pick(column, good) for name, column in columns.items()}

        masked = self._masker(block.header)
        position = block.positions(lines.start)
        return Rows(
            at_us=at_us,
            columns=columns,
            source=block.source,
            position=position[number],
            raw=lambda row: masked(lines[number[row]]),
            kept=None if self._where is None else self._where(columns, len(number)),
            fold_us=fold_us,
            bytes=len(block.data),
            rejects=[
                Reject(
                    block.source,
                    int(position[i]),
                    bad[i],
                    masked(self._beginning(lines[i])),
                    header=block.header,
                )
                for i in sorted(bad)
            ],
            header=block.header,
        )

    def _unreadable(self, lines: Lines) -> dict[int, str]:
        bad = lines.not_text()
        length = lines.end - lines.start
        if len(lines.data) > self._limit and length.max() > self._limit:
            for number in np.flatnonzero(length > self._limit).tolist():
                bad[number] = f"the line has `{length[number]}` bytes; legal: at most {self._limit}"
        return bad

    def _beginning(self, line: bytes) -> bytes:
        return line if len(line) <= self._limit else line[: min(RAW_LIMIT_BYTES, self._limit)]

    def _masker(self, header: bytes | None) -> Any:
        def masked(line: bytes) -> bytes:
            line = line.removesuffix(b"\r")
            return self._reader.mask(line, self._redact, header) if self._redact else line

        return masked


def _unsaid(reasons: dict[int, str], label: str) -> dict[int, str]:
    """The reasons without what was got, where the member (known by its label) is masked.

    >>> _unsaid({3: "`hit`: got the text `a secret`; legal: an integer"}, "`hit`")
    {3: '`hit`: got `***`; legal: an integer'}
    """
    if not label:
        return reasons
    parts = {row: reason.rpartition("; legal: ") for row, reason in reasons.items()}
    return {row: f"{label}: got `***`{sep}{legal}" if sep else legal for row, (_, sep, legal) in parts.items()}


def _all_but(count: int, unwanted: Iterable[int]) -> NDArray[np.bool_]:
    good = np.ones(count, np.bool_)
    good[list(unwanted)] = False
    return good


def _pick(column: Any, good: NDArray[np.bool_]) -> Any:
    # the bytes of the mask are ones and zeros, which compress reads without making NumPy scalars
    return list(compress(column, good.tobytes())) if isinstance(column, list) else column[good]
