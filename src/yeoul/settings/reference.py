"""The reference of all keys of a workspace file, made from the models that check it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from yeoul.events import format_duration
from yeoul.settings.legal import by_name, legal_text
from yeoul.settings.models import SECTIONS, EventTimeKeys, FieldKeys, FilesKeys, KafkaKeys, WindowKeys

__all__ = ["Key", "describe"]

_INNER: dict[str, tuple[tuple[str, type[BaseModel]], ...]] = {
    "stream.NAME.source": (('source (kind = "files")', FilesKeys), ('source (kind = "kafka")', KafkaKeys)),
    "stream.NAME.event_time": (("event_time", EventTimeKeys),),
    "stream.NAME.fields": (("fields.FIELD", FieldKeys),),
    "stream.NAME.window": (("window", WindowKeys),),
}


class Key(NamedTuple):
    """One key of the workspace file."""

    key: str
    """Where it stands, such as `stream.NAME.delay`."""
    type: str
    """What may stand there."""
    default: str
    """As it would be written; `required`, or `unset`."""
    meaning: str


def describe() -> list[Key]:
    """Every key, section by section, in the order in which people write them.

    >>> [key for key in describe() if key.key == "stream.NAME.delay"][0][1:3]
    ('a duration above zero, such as `10s`', '"10s"')
    """
    found: list[Key] = []
    for section, (model, named) in SECTIONS.items():
        found += _keys(model, f"{section}.NAME" if named else section)
    return found


def _keys(model: type[BaseModel], prefix: str) -> list[Key]:
    found: list[Key] = []
    for name, field in sorted(by_name(model).items(), key=lambda one: not one[1].is_required()):
        place = f"{prefix}.{name}"
        found.append(Key(place, legal_text(field), _default(field), field.description or ""))
        for inner, table in _INNER.get(place, ()):
            found += _keys(table, f"{prefix}.{inner}")
    return found


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None:
        return "unset"
    legal = legal_text(field)
    if isinstance(value, int) and legal.startswith("a duration"):
        return f'"{format_duration(value)}"'
    if isinstance(value, int) and legal.startswith("a size"):
        return f'"{value // 10**6}MB"'
    if isinstance(value, tuple):
        return f'"{value[0]} of {value[1]}"'
    return _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(one)}' for name, one in value.items())} }}" if value else "{}"
    if isinstance(value, list) and len(value) == 1:
        return _toml(value[0])
    return json.dumps(value)
