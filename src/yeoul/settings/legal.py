"""What may stand at a key, in words: made from the models, for messages and for the reference page."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from yeoul.settings.values import Legal

__all__ = ["by_name", "choices", "legal_text", "marks"]

_PLAIN = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}
_LIMITS = {"gt": "above {:g}", "ge": "at least {:g}", "le": "at most {:g}"}


def by_name(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the names that people write.

    >>> from yeoul.settings.models import CalendarKeys
    >>> list(by_name(CalendarKeys))[:2]
    ['from', 'until']
    """
    return {field.alias or name: field for name, field in model.model_fields.items()}


def marks(field: FieldInfo) -> list[Any]:
    """Everything annotated to a field, inside of `X | None` too."""
    found = list(field.metadata)
    for part in get_args(field.annotation):
        if get_origin(part) is Annotated:
            found += get_args(part)[1:]
    return found


def choices(field: FieldInfo) -> list[str]:
    """The words that may stand at a key; empty when there is no such list."""
    return [str(one) for one in get_args(field.annotation)] if get_origin(field.annotation) is Literal else []


def legal_text(field: FieldInfo) -> str:
    """What may stand at a key.

    >>> from yeoul.settings.models import DetectKeys, StreamKeys
    >>> legal_text(StreamKeys.model_fields["delay"]), legal_text(DetectKeys.model_fields["alarms_per_day"])
    ('a duration above zero, such as `10s`', 'a number above 0')
    """
    found = marks(field)
    told = next((mark.text for mark in found if isinstance(mark, Legal)), None)
    if told is not None:
        return told
    if choices(field):
        return ", ".join(f"`{one}`" for one in choices(field))
    kind: Any = get_origin(field.annotation) or field.annotation
    limits = [text.format(getattr(mark, key)) for key, text in _LIMITS.items() for mark in found if hasattr(mark, key)]
    return f"{_PLAIN.get(kind, 'a value')} {' and '.join(limits)}".strip()
