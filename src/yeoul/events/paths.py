"""Field paths: how a nested member of an event is named, with quoting for odd keys."""

from __future__ import annotations

import re

from yeoul.errors import ConfigError

__all__ = ["format_path", "parse_path"]

_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')
_PLAIN = re.compile(r'[^."\s]+')


def parse_path(text: str) -> tuple[str, ...]:
    r"""Split a path at its dots; a part in double quotes may hold dots, blanks and (after a backslash) quotes.

    Raises:
        ConfigError: an empty path or part, or a quote that does not close.

    >>> parse_path("_source.@fields.params.cpk")
    ('_source', '@fields', 'params', 'cpk')
    >>> parse_path('labels."app.kubernetes.io/name"')
    ('labels', 'app.kubernetes.io/name')
    """
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            message = (
                f"got the field path `{text}`; legal: names joined by dots, odd names in double quotes, "
                'such as `_source.params."my.key"`'
            )
            raise ConfigError(message)
        quoted, plain = match.groups()
        parts.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            message = f"got the field path `{text}`; a dot must stand between parts (at character {at + 1})"
            raise ConfigError(message)
        at += 1


def format_path(parts: tuple[str, ...]) -> str:
    r"""The text that `parse_path` reads back.

    >>> format_path(("labels", "app.name"))
    'labels."app.name"'
    """
    quoted = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return ".".join(
        part if _PLAIN.fullmatch(part) else f'"{escaped}"' for part, escaped in zip(parts, quoted, strict=True)
    )
