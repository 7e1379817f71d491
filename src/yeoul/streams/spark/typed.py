"""Declared fields as expressions: the typed value of a member, and the reason where it has none."""

from __future__ import annotations

from dataclasses import dataclass

from yeoul.errors import ConfigError
from yeoul.events import Field, format_path, parse_iso
from yeoul.streams.spark.members import Member
from yeoul.streams.spark.sql import choice, text
from yeoul.streams.spark.times import time_us

__all__ = ["Column", "event_time", "typed"]

_INT = r"^\s*-?[0-9]+\s*$"
_FLOAT = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_EXACT = 1 << 53
_INFINITY = "double('Infinity')"
_LEGAL = {
    "str": "a text or an integer",
    "int": "an integer of at most 64 bits",
    "float": "a finite number",
    "bool": "true, false, 1 or 0",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column made of one member."""

    name: str
    value: str
    """Its expression, NULL where the row is invalid for it."""
    reason: str
    """Why it is NULL, as a text."""


def typed(stream: str, field: Field, member: Member, *, masked: bool) -> Column:
    """The column of a declared field: a default where the member is absent, NULL where it is not of the type.

    Raises:
        ConfigError: a time format that Spark cannot read.
    """
    if field.type == "timestamp":
        value = time_us(stream, f"fields.{field.name}.format", member, field.format, field.timezone)
        legal = _times(field.format)
    else:
        value, legal = _VALUES[field.type](member), _LEGAL[field.type]
    if field.default is not None:
        value = choice((member.absent, _default(stream, field)), otherwise=value)
    return Column(field.name, value, _reason(field.name, member, legal, masked=masked))


def event_time(stream: str, member: Member, formats: tuple[str, ...], zone: str, *, masked: bool) -> Column:
    """The event time in microseconds.

    Raises:
        ConfigError: a time format that Spark cannot read.
    """
    value = time_us(stream, "event_time.format", member, formats, zone)
    return Column("event_time", value, _reason("event_time", member, _times(formats), masked=masked))


def _times(formats: tuple[str, ...]) -> str:
    return f"a time as {' or '.join(f'`{one}`' for one in formats)}"


def _reason(name: str, member: Member, legal: str, *, masked: bool) -> str:
    path = format_path(member.path)
    label = f"`{name}`" if path == name else f"`{name}` ({path})"
    got = "'***'" if masked else f"coalesce(left({member.text}, 60), {member.kind})"
    wrong = f"concat({text(label + ': got `')}, {got}, {text('`; legal: ' + legal)})"
    return choice((member.absent, text(f"{label} is missing")), otherwise=wrong)


def _str(member: Member) -> str:
    # of more than 64 bits a number is a DECIMAL of no fraction, as 1.0 is
    large = f"{member.kind} LIKE 'DECIMAL(%,0)' AND try_cast({member.text} AS BIGINT) IS NULL"
    return choice((f"{member.kind} IN ('STRING', 'BIGINT') OR ({large})", member.text))


def _int(member: Member) -> str:
    said, number = member.text, member.as_("double")
    whole = f"{number} = floor({number}) AND abs({number}) <= {_EXACT}"
    return choice(
        (f"{member.kind} = 'BIGINT'", member.as_("bigint")),
        (
            f"{member.kind} = 'STRING'",
            choice((f"length({said}) < 64 AND {said} RLIKE {text(_INT)}", f"try_cast({said} AS BIGINT)")),
        ),
        (member.fraction, choice((whole, f"CAST({number} AS BIGINT)"))),
    )


def _float(member: Member) -> str:
    said = member.text
    read = choice(
        (f"{member.kind} = 'BIGINT' OR {member.fraction}", member.as_("double")),
        (f"{member.kind} = 'STRING' AND {said} RLIKE {text(_FLOAT)}", f"try_cast({said} AS DOUBLE)"),
    )
    return f"nullif(nullif({read}, {_INFINITY}), -{_INFINITY})"


def _bool(member: Member) -> str:
    said = f"lower(trim({member.text}))"
    words = f"{said} IN ('true', '1')", f"{said} IN ('false', '0')"
    read = choice((words[0], "true"), (words[1], "false"))
    return choice((f"{member.kind} IN ('BOOLEAN', 'BIGINT', 'STRING')", read))


_VALUES = {"str": _str, "int": _int, "float": _float, "bool": _bool}


def _default(stream: str, field: Field) -> str:
    """The default as a literal of the field's type; what it may be was checked with the workspace."""
    default = field.default
    if field.type == "str":
        return text(str(default))
    if field.type == "timestamp":
        try:
            return f"{parse_iso(str(default))}L"
        except ConfigError:
            message = f"`stream.{stream}.fields.{field.name}.default`: got `{default}`; legal with Spark: ISO 8601"
            raise ConfigError(message) from None
    if field.type == "bool":
        return "true" if str(default).strip().lower() in {"true", "1"} else "false"
    return f"{int(str(default).removesuffix('.0'))}L" if field.type == "int" else f"double('{float(str(default))!r}')"
