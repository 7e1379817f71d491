"""Lines by a pattern, such as access logs: the members are the named groups of a regular expression."""

from __future__ import annotations

import re

from yeoul.errors import ConfigError
from yeoul.events import RowSchema
from yeoul.ingest.decode.contract import Members
from yeoul.ingest.decode.flat import cut_out, flat_slots, known_slots
from yeoul.ingest.decode.lines import Lines

__all__ = ["PatternReader"]


class PatternReader:
    """Takes members out of lines that match a regular expression as a whole.

    A group that took no part is missing; so is one that holds `-` alone, as access logs write where there is nothing.

    Raises:
        ConfigError: no pattern, one that does not compile, or one without a group that is declared.
    """

    def __init__(self, schema: RowSchema) -> None:
        self._slots = flat_slots(schema)
        if not schema.pattern:
            message = "got the line format `pattern` without `pattern`; legal: a regular expression with named groups"
            raise ConfigError(message)
        try:
            self._pattern = re.compile(schema.pattern)
        except re.error as error:
            message = f"`pattern`: got `{schema.pattern}`, which is no regular expression ({error}); mend it there"
            raise ConfigError(message) from None
        known_slots(self._slots, tuple(self._pattern.groupindex), "a named group of the pattern")
        self._shown = not schema.redact
        self._groups = [self._pattern.groupindex[slot.path[0]] for slot in self._slots]

    def read(self, lines: Lines, skip: frozenset[int], header: bytes | None) -> Members:
        match = self._pattern.fullmatch
        bad: dict[int, str] = {}
        found: list[tuple[str | None, ...]] = []
        groups = self._groups
        for number, line in enumerate(lines.all()):
            if number in skip:
                continue
            text = line.decode().removesuffix("\r")
            hit = match(text)
            if not text.strip():
                bad[number] = ""
            elif hit is None:
                got = f"{text[:60]}{'…' if len(text) > 60 else ''}" if self._shown else "***"
                bad[number] = f"the line does not match the pattern: got `{got}`"
            else:
                found.append(hit.group(*groups, 0))
        values = [list(column) for column in zip(*found, strict=True)] if found else [[] for _ in [*groups, 0]]
        return Members([[None if each == "-" else each for each in column] for column in values[:-1]], bad)

    def mask(self, raw: bytes, names: frozenset[str], header: bytes | None) -> bytes:
        text = raw.decode(errors="surrogateescape")
        hit = self._pattern.fullmatch(text)
        if hit is None:
            return b"***"  # where the members are cannot be told, so nothing is shown
        return cut_out(text, [hit.span(slot.path[0]) for slot in self._slots if slot.name in names])
