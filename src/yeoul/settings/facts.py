"""What other blocks may refer to in a stream, read leniently: a stream with a mistake still has its names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yeoul.errors import ConfigError
from yeoul.streams import parse_aggregate

__all__ = ["StreamFacts", "stream_facts", "text_at", "texts_at"]


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """Names of a stream."""

    keys: tuple[str, ...]
    aggregates: dict[str, str]
    """Function by name; an empty text where it cannot be read."""


def stream_facts(raw: Any, *, sure: bool = True) -> StreamFacts:
    """What can be told of a stream's block, whatever it holds; every field may be a key unless the keys are `sure`.

    >>> stream_facts({"keys": ["cpk", 3], "aggregates": {"hits": "sum(hit)", "odd": "om(hit)"}})
    StreamFacts(keys=('cpk',), aggregates={'hits': 'sum', 'odd': ''})
    """
    raw = raw if isinstance(raw, dict) else {}
    fields = raw.get("fields")
    keys = raw.get("keys") if sure or not isinstance(fields, dict) else list(fields)
    aggregates = raw.get("aggregates", {"count": "count()"})
    return StreamFacts(
        tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else (),
        {name: _function(name, text) for name, text in aggregates.items()} if isinstance(aggregates, dict) else {},
    )


def text_at(raw: Any, key: str) -> str | None:
    """The text at a key of a table; None where there is none."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return value if isinstance(value, str) else None


def texts_at(raw: Any, key: str) -> list[str] | None:
    """The texts at a key of a table; None where there is no list."""
    value = raw.get(key) if isinstance(raw, dict) else None
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else None


def _function(name: str, text: Any) -> str:
    try:
        return parse_aggregate(name, text).function
    except ConfigError:
        return ""
