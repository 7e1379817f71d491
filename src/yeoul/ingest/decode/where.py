"""The `where` of a stream: a small closed part of SQL over declared fields, checked early, run on whole columns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import ConfigError
from yeoul.events import Field, parse_iso
from yeoul.plugins import nearest

__all__ = ["Where", "compile_where"]

Where = Callable[[dict[str, Any], int], NDArray[np.bool_]]
"""From columns and their length to which rows are wanted."""

_KINDS = {"str": "text", "int": "number", "float": "number", "bool": "bool", "timestamp": "time"}
_LEGAL = "=, <>, <, <=, >, >=, IN, BETWEEN, LIKE, AND, OR, NOT over declared fields, numbers, 'texts', TRUE and FALSE"


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a comparison: a column or a constant."""

    kind: str
    shown: str
    column: str | None = None
    value: Any = None

    def of(self, columns: dict[str, Any]) -> Any:
        if self.column is None:
            return self.value
        column = columns[self.column]
        return np.array(column, object) if isinstance(column, list) else column


def compile_where(text: str, fields: Sequence[Field]) -> Where:
    """What keeps the rows for which `text` is true.

    Fields of type timestamp are compared with ISO 8601 texts. There is no NULL: a row that lacks a field without
    default is invalid before it comes here.

    Raises:
        ConfigError: not such an expression, or an unknown field (with the nearest name), or sides of unlike types; all
            mistakes at once.

    >>> from yeoul.events import Field
    >>> keep = compile_where("hit > 1 AND cpk IN ('a', 'b')", (Field("hit", ("hit",), "int"), Field("cpk", ("cpk",))))
    >>> keep({"hit": np.array([1, 2, 3]), "cpk": ["a", "b", "c"]}, 3).tolist()
    [False, True, False]
    """
    import sqlglot  # noqa: PLC0415 - needed by few streams and slow to load
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - as above

    try:
        tree = sqlglot.parse_one(text)
    except (SqlglotError, RecursionError) as error:
        first = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines()[0].rstrip(". ")
        message = f"`where`: got `{text}`, which cannot be read ({first}); legal: {_LEGAL}"
        raise ConfigError(message) from None
    compiler = _Compiler(fields)
    keep = compiler.condition(tree)
    if compiler.problems:
        problems = tuple(dict.fromkeys(compiler.problems))
        raise ConfigError("\n".join(problems), problems)
    return keep


class _Compiler:
    """Walks the tree once; mistakes gather in `problems`, and what they would have meant is then never run."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._kinds = {field.name: _KINDS[field.type] for field in fields}
        self.problems: list[str] = []

    def condition(self, node: Any) -> Where:
        """A node that is true or false."""
        strange = [name for name, value in node.args.items() if value and name not in _PARTS]
        if strange:
            return self._mistake(f"got `{node.sql()}`; legal: {_LEGAL}")
        keep = self._plain(node)
        if node.args.get("negate"):  # sqlglot's way of saying NOT LIKE
            return lambda columns, rows: ~keep(columns, rows)
        return keep

    def _plain(self, node: Any) -> Where:
        kind = node.key
        if kind == "paren":
            return self.condition(node.this)
        if kind == "not":
            inner = self.condition(node.this)
            return lambda columns, rows: ~inner(columns, rows)
        if kind in {"and", "or"}:
            left, right = self.condition(node.this), self.condition(node.expression)
            join = np.logical_and if kind == "and" else np.logical_or
            return lambda columns, rows: join(left(columns, rows), right(columns, rows))
        if kind in _COMPARE:
            return self._compare(kind, self._operand(node.this), self._operand(node.expression))
        if kind == "between":
            low = self._compare("gte", self._operand(node.this), self._operand(node.args["low"]))
            high = self._compare("lte", self._operand(node.this), self._operand(node.args["high"]))
            return lambda columns, rows: low(columns, rows) & high(columns, rows)
        if kind == "in" and node.expressions:
            return self._among(self._operand(node.this), [self._operand(each) for each in node.expressions])
        if kind == "like":
            return self._like(self._operand(node.this), self._operand(node.expression))
        if kind in {"column", "boolean"}:
            return self._compare("eq", self._operand(node), _Operand("bool", "TRUE", value=True))
        return self._mistake(f"got `{node.sql()}`; legal: {_LEGAL}")

    def _mistake(self, message: str) -> Where:
        self.problems.append(f"`where`: {message}")
        return _everything

    def _operand(self, node: Any) -> _Operand:
        kind, shown = node.key, node.sql()
        if kind == "paren":
            return self._operand(node.this)
        if kind == "column" and not node.table:
            if node.name in self._kinds:
                return _Operand(self._kinds[node.name], shown, column=node.name)
            hint = nearest(node.name, self._kinds)
            self._mistake(f"got `{node.name}`, which is no declared field; legal: {', '.join(self._kinds)}{hint}")
            return _Operand("unknown", shown)
        if kind == "literal":
            if node.is_string:
                return _Operand("text", shown, value=node.this)
            return _Operand("number", shown, value=_constant(node.this))
        if kind == "neg" and node.this.key == "literal" and not node.this.is_string:
            return _Operand("number", shown, value=-_constant(node.this.this))
        if kind == "boolean":
            return _Operand("bool", shown, value=bool(node.this))
        self._mistake(f"got `{shown}` as a value; legal: a declared field, a number, a 'text', TRUE or FALSE")
        return _Operand("unknown", shown)

    def _alike(self, left: _Operand, right: _Operand) -> tuple[_Operand, _Operand]:
        """Both sides in one kind, texts beside times being times."""
        if left.kind == "time" and right.kind == "text" and right.column is None:
            return left, self._time(right)
        if right.kind == "time" and left.kind == "text" and left.column is None:
            return self._time(left), right
        if left.kind != right.kind and "unknown" not in {left.kind, right.kind}:
            self._mistake(
                f"got `{left.shown}` ({left.kind}) beside `{right.shown}` ({right.kind}); "
                "legal: both of one kind (a text stands in single quotes, a number does not)"
            )
        return left, right

    def _time(self, text: _Operand) -> _Operand:
        try:
            return _Operand("time", text.shown, value=parse_iso(text.value))
        except ConfigError as error:
            self._mistake(str(error))
            return _Operand("unknown", text.shown)

    def _compare(self, kind: str, left: _Operand, right: _Operand) -> Where:
        left, right = self._alike(left, right)
        if "bool" in {left.kind, right.kind} and kind not in {"eq", "neq"}:
            self._mistake(f"got `{left.shown}` and `{right.shown}` by order; legal for truth values: = and <>")
        compare = _COMPARE[kind]

        def keep(columns: dict[str, Any], rows: int) -> NDArray[np.bool_]:
            found = compare(left.of(columns), right.of(columns))
            return np.broadcast_to(np.asarray(found, np.bool_), rows)

        return keep

    def _among(self, left: _Operand, options: list[_Operand]) -> Where:
        if any(option.column for option in options):
            return self._mistake(f"got a field in the list behind `{left.shown} IN`; legal: constants")
        values = frozenset(self._alike(left, option)[1].value for option in options)

        def keep(columns: dict[str, Any], rows: int) -> NDArray[np.bool_]:
            if left.column is None:
                return np.full(rows, left.value in values)
            column = columns[left.column]
            return np.fromiter(
                map(values.__contains__, column if isinstance(column, list) else column.tolist()), np.bool_, rows
            )

        return keep

    def _like(self, left: _Operand, right: _Operand) -> Where:
        if left.kind != "text" or left.column is None or right.kind != "text" or right.column is not None:
            return self._mistake(
                f"got `{left.shown} LIKE {right.shown}`; legal: a text field LIKE 'a text with % and _'"
            )
        wild = {"%": ".*", "_": "."}
        match = re.compile("".join(wild.get(char, re.escape(char)) for char in right.value), re.DOTALL).fullmatch
        name = left.column
        return lambda columns, rows: np.fromiter((match(each) is not None for each in columns[name]), np.bool_, rows)


_PARTS = {"this", "expression", "expressions", "low", "high", "negate"}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "neq": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _everything(_: dict[str, Any], rows: int) -> NDArray[np.bool_]:
    return np.ones(rows, np.bool_)


def _constant(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:
        return float(digits)
