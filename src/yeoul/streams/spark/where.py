"""The `where` of a stream as a condition of Spark SQL, with the meaning that it has on the local engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yeoul.errors import ConfigError
from yeoul.events import Field, parse_iso
from yeoul.streams.spark.sql import name, refuse, text

__all__ = ["condition"]

_COMPARE = {"eq": "=", "neq": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_LEGAL = "=, <>, <, <=, >, >=, IN, BETWEEN, LIKE, AND, OR, NOT over declared fields and constants"


def condition(stream: str, where: str, fields: Sequence[Field]) -> str:
    """The condition that `where` writes; that it can be read was checked with the workspace.

    Raises:
        ConfigError: a part of it that Spark has no words for.

    >>> condition("s", "hit > 1 AND cpk LIKE 'a%'", (Field("hit", ("h",), "int"), Field("cpk", ("c",))))
    "(`hit` > 1 AND `cpk` LIKE 'a%')"
    """
    import sqlglot  # noqa: PLC0415 - needed by few streams and slow to load

    return _Condition(stream, where, fields).of(sqlglot.parse_one(where))


class _Condition:
    def __init__(self, stream: str, where: str, fields: Sequence[Field]) -> None:
        self._stream, self._where = stream, where
        self._types = {field.name: field.type for field in fields}

    def of(self, node: Any) -> str:
        """A node that is true or false."""
        plain = self._plain(node)
        return f"NOT {plain}" if node.args.get("negate") else plain  # sqlglot's way of saying NOT LIKE

    def _plain(self, node: Any) -> str:
        kind = node.key
        if kind == "paren":
            return f"({self.of(node.this)})"
        if kind == "not":
            return f"NOT ({self.of(node.this)})"
        if kind in {"and", "or"}:
            return f"({self.of(node.this)} {kind.upper()} {self.of(node.expression)})"
        if kind in _COMPARE:
            left, right = self._alike(node.this, node.expression)
            return f"{left} {_COMPARE[kind]} {right}"
        if kind == "between":
            value, low = self._alike(node.this, node.args["low"])
            return f"({value} BETWEEN {low} AND {self._alike(node.this, node.args['high'])[1]})"
        if kind == "in" and node.expressions:
            options = ", ".join(self._alike(node.this, each)[1] for each in node.expressions)
            return f"{self._operand(node.this)} IN ({options})"
        if kind == "like":
            # a backslash is no escape here
            return f"{self._operand(node.this)} LIKE {text(node.expression.this.replace(chr(92), chr(92) * 2))}"
        if kind in {"column", "boolean"}:
            return self._operand(node)
        raise self._refused(node)

    def _alike(self, left: Any, right: Any) -> tuple[str, str]:
        """Both sides; a text beside a timestamp is a time."""
        timed = any(each.key == "column" and self._types.get(each.name) == "timestamp" for each in (left, right))
        return self._operand(left, timed=timed), self._operand(right, timed=timed)

    def _operand(self, node: Any, *, timed: bool = False) -> str:
        if node.key == "paren":
            return self._operand(node.this, timed=timed)
        if node.key == "column":
            return name(node.name)
        if node.key == "literal":
            if timed and node.is_string:
                return f"{parse_iso(node.this)}L"
            return text(node.this) if node.is_string else str(node.this)
        if node.key == "neg":
            return f"-{node.this.this}"
        if node.key == "boolean":
            return "true" if node.this else "false"
        raise self._refused(node)

    def _refused(self, node: Any) -> ConfigError:
        return refuse(self._stream, "where", f"`{node.sql()}`", _LEGAL)
