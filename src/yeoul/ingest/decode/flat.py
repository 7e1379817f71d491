"""What the flat formats share: members are texts, and what is masked is replaced where it stands."""

from __future__ import annotations

from yeoul.errors import ConfigError
from yeoul.events import RowSchema, format_path
from yeoul.ingest.decode.contract import Slot, slots
from yeoul.plugins import nearest

__all__ = ["cut_out", "flat_slots", "known_slots"]


def flat_slots(schema: RowSchema) -> tuple[Slot, ...]:
    """The members that a schema takes, where nothing is nested.

    Raises:
        ConfigError: a path with more than one part.
    """
    taken = slots(schema)
    for slot in taken:
        if len(slot.path) != 1:
            message = (
                f"{slot.label}: got the path `{format_path(slot.path)}`; legal in {schema.line_format} lines, "
                'which are flat: one name (a name with dots stands in double quotes, `"a.b"`)'
            )
            raise ConfigError(message)
    return taken


def known_slots(taken: tuple[Slot, ...], names: tuple[str, ...], where: str) -> None:
    """Check that all members exist.

    Raises:
        ConfigError: one does not; the message lists those that do, and the nearest.
    """
    for slot in taken:
        if slot.path[0] not in names:
            message = (
                f"`{slot.name}`: got `{slot.path[0]}`, which is not {where}; "
                f"legal: {', '.join(names)}{nearest(slot.path[0], names)}"
            )
            raise ConfigError(message)


def cut_out(text: str, spans: list[tuple[int, int]]) -> bytes:
    """The text with the spans replaced by `***`; spans of no length and of members that are absent stay.

    >>> cut_out("a=1 b=2", [(6, 7), (2, 3)])
    b'a=*** b=***'
    """
    for start, end in sorted(spans, reverse=True):
        if 0 <= start < end:
            text = f"{text[:start]}***{text[end:]}"
    return text.encode(errors="surrogateescape")
