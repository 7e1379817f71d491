"""What a reader of one line format must do: take the declared members out of whole lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from yeoul.events import RowSchema, format_path
from yeoul.ingest.decode.lines import Lines

__all__ = ["Members", "Reader", "Slot", "slots"]


@dataclass(frozen=True, slots=True)
class Slot:
    """One declared member: where it stands in a line and how people know it."""

    name: str
    path: tuple[str, ...]

    @property
    def label(self) -> str:
        """How a reason begins.

        >>> Slot("cpk", ("_source", "params", "cpk")).label
        '`cpk` (_source.params.cpk)'
        """
        path = format_path(self.path)
        return f"`{self.name}`" if path == self.name else f"`{self.name}` ({path})"


def slots(schema: RowSchema) -> tuple[Slot, ...]:
    """The members that a schema takes: the event time first, then the fields as declared."""
    return (Slot("event_time", schema.event_time.path), *(Slot(one.name, one.path) for one in schema.fields))


@dataclass(slots=True)
class Members:
    """What a reader found in n lines."""

    values: list[list[Any]]
    """For each slot the values of all good lines, in order: `str, int, float, bool`, None where there is none, or a
    list or dict where the line holds one (which no type accepts)."""
    bad: dict[int, str] = field(default_factory=dict)
    """Why a line is not a row, by its number; such a line has no values. An empty reason means that the
    line is no row and no mistake either: it is blank, or a header."""


class Reader(Protocol):
    """One line format. Stateless; what it reads is known to be UTF-8, what it masks is not."""

    def read(self, lines: Lines, skip: frozenset[int], header: bytes | None) -> Members:
        """Members of the lines, but for those with the numbers in `skip`, about which all is said already."""

    def mask(self, raw: bytes, names: frozenset[str], header: bytes | None) -> bytes:
        """The line with the values of the slots called `names` replaced by `***`, as well as they can be found."""
