"""Headers of a message, by which who reads it knows what it is and what is a repeat, as the local sink writes."""

from __future__ import annotations

from yeoul.streams.spark.sql import text

__all__ = ["headers"]


def headers(schema: str, *parts: str) -> str:
    """The expression of the headers `schema` and `id`; the id is made of `parts`, expressions of texts.

    >>> headers("yeoul.live/1", "'live'", "value").count("struct(")
    2
    """
    digits = f"left(sha2(concat_ws(char(31), {', '.join(parts)}), 256), 16)"
    said = {"schema": text(schema), "id": digits}
    each = (f"struct('{key}' AS key, CAST({of} AS BINARY) AS value)" for key, of in said.items())
    return f"array({', '.join(each)})"
