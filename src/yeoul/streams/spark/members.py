"""Members of nested JSON: the schema that `from_json` reads a line by, and where each member stands in the result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from yeoul.errors import ConfigError
from yeoul.streams.spark.sql import name, refuse, text

__all__ = ["BROKEN", "JSON", "Member", "Members", "parse_line"]

JSON = "#json"
"""The column that holds what was read of a line."""
BROKEN = "#broken"
"""The member that Spark fills where a line is no JSON, or has something else where an object should be."""

_OPTIONS = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": BROKEN,
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
}
_Tree = dict[str, "_Tree | None"]
"""Members by name; None is a value that is wanted, a dict goes deeper."""


@dataclass(frozen=True, slots=True)
class Member:
    """A value of a line, in three columns: itself, its kind and its text."""

    number: int
    path: tuple[str, ...]

    @property
    def value(self) -> str:
        """The column of the value, a VARIANT: it still knows `5` from `"5"`."""
        return name(f"#{self.number}")

    @property
    def kind(self) -> str:
        """The column of its kind: STRING, BIGINT, DECIMAL(…), DOUBLE, BOOLEAN, OBJECT<…>, ARRAY<…>, VOID."""
        return name(f"#{self.number}.kind")

    @property
    def text(self) -> str:
        """The column of its text."""
        return name(f"#{self.number}.text")

    @property
    def told(self) -> dict[str, str]:
        """The columns of kind and text with their expressions."""
        return {self.kind: f"schema_of_variant({self.value})", self.text: self.as_("string")}

    def as_(self, type_: str) -> str:
        """The value as a type of SQL, NULL where it cannot be."""
        return f"try_variant_get({self.value}, '$', '{type_}')"

    @property
    def absent(self) -> str:
        """Whether it is missing or null."""
        return f"({self.kind} IS NULL OR {self.kind} = 'VOID')"

    @property
    def fraction(self) -> str:
        """Whether it is a number written with a point or an exponent, or of more than 64 bits."""
        return f"({self.kind} LIKE 'DECIMAL%' OR {self.kind} = 'DOUBLE')"

    @property
    def found(self) -> str:
        """Where it stands in what `from_json` read."""
        return ".".join([name(JSON), *map(name, self.path)])


class Members:
    """The members that a stream takes, each path once.

    Raises:
        ConfigError: a path goes on behind a member that is a value itself.
    """

    def __init__(self, stream: str, paths: Iterable[tuple[str, ...]]) -> None:
        self.by_path: dict[tuple[str, ...], Member] = {}
        self._tree: _Tree = {}
        for path in paths:
            if path not in self.by_path:
                self.by_path[path] = Member(len(self.by_path), path)
                self._plant(stream, path)

    def _plant(self, stream: str, path: tuple[str, ...]) -> None:
        here = self._tree
        for part in path[:-1]:
            below = here.setdefault(part, {})
            if below is None:
                raise _both(stream, path)
            here = below
        if path[-1] in here:
            raise _both(stream, path)
        here[path[-1]] = None

    @property
    def schema(self) -> str:
        """As DDL: objects are structs, values are variants.

        >>> Members("s", [("@f", "a"), ("@f", "b")]).schema
        '`@f` STRUCT<`a`: VARIANT, `b`: VARIANT>, `#broken` STRING'
        """
        members = [f"{name(part)} {_type(below)}" for part, below in self._tree.items()]
        return ", ".join([*members, f"{name(BROKEN)} STRING"])


def parse_line(members: Members, line: str) -> str:
    """The expression that reads the column `line`."""
    options = ", ".join(f"{text(key)}, {text(value)}" for key, value in _OPTIONS.items())
    return f"from_json({line}, {text(members.schema)}, map({options}))"


def _type(tree: _Tree | None) -> str:
    if tree is None:
        return "VARIANT"
    return f"STRUCT<{', '.join(f'{name(part)}: {_type(below)}' for part, below in tree.items())}>"


def _both(stream: str, path: tuple[str, ...]) -> ConfigError:
    what = f"`{'.'.join(path)}`, which is both a value and an object of other members"
    return refuse(stream, "fields", what, "paths that end in values")
