"""Words of Spark SQL: names, texts, intervals and times as they stand in an expression."""

from __future__ import annotations

from yeoul.errors import ConfigError

__all__ = ["choice", "interval", "name", "refuse", "text"]


def name(word: str) -> str:
    """A column or member by its name, whatever letters it has.

    >>> name("@fields"), name("a`b")
    ('`@fields`', '`a``b`')
    """
    return "`" + word.replace("`", "``") + "`"


def text(value: str) -> str:
    r"""A text as a literal.

    >>> print(text("it's 5\\6"))
    'it\'s 5\\6'
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def interval(us: int) -> str:
    """A duration as windows and watermarks take it.

    >>> interval(10_000_000), interval(1_500_000)
    ('10 seconds', '1500000 microseconds')
    """
    return f"{us // 1_000_000} seconds" if us % 1_000_000 == 0 else f"{us} microseconds"


def choice(*cases: tuple[str, str], otherwise: str | None = None) -> str:
    """The value behind the first condition that holds.

    >>> choice(("a > 1", "'many'"), otherwise="'few'")
    "CASE WHEN a > 1 THEN 'many' ELSE 'few' END"
    """
    whens = " ".join(f"WHEN {condition} THEN {value}" for condition, value in cases)
    return f"CASE {whens} ELSE {otherwise} END" if otherwise is not None else f"CASE {whens} END"


def refuse(stream: str, key: str, got: str, legal: str) -> ConfigError:
    """The error for a part of a declaration that this engine has nothing for."""
    return ConfigError(f"`stream.{stream}.{key}`: got {got}, which the Spark engine cannot do; legal with it: {legal}")
