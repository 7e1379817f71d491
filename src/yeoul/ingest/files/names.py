"""What rotation does to a name, and the order that it gives: `app.log.2.gz`, `app.log.1`, `app.log`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["RotatedName", "parse_name"]

_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz|zst)$", re.IGNORECASE)
_DATE = r"(?P<date>(?:19|20)\d\d(?P<by>[-_.]?)\d\d(?P=by)\d\d(?:[-_.T]?\d\d(?:[-_.:]?\d\d){0,2})?|\d{10})"
_COUNT = r"(?:[-._](?P<count>\d{1,5}))?"
_AFTER = (
    re.compile(rf"^(?P<base>.+?)[-._]{_DATE}{_COUNT}$"),
    re.compile(r"^(?P<base>.+)[-._](?P<number>\d{1,5})$"),
    re.compile(r"^(?P<base>.+?)(?:[-._](?:old|bak|backup|prev|previous|orig|copy|save)\d*|~)$", re.IGNORECASE),
)
_WITHIN = (
    re.compile(rf"^(?P<stem>.+?)[-._]{_DATE}{_COUNT}(?P<extension>\.[A-Za-z]\w*)$"),
    re.compile(r"^(?P<stem>.+)\.(?P<number>\d{1,5})(?P<extension>\.[A-Za-z]\w*)$"),
)
_EXTENSION = re.compile(r"\.[A-Za-z]\w*$")


@dataclass(frozen=True, slots=True)
class RotatedName:
    """A name read as one of rotation's products."""

    base: str
    """The name that the writer writes to."""
    kind: str
    """`date`, `number` or `other`: names of one kind have an order of their own."""
    order: tuple[int, int]
    """Ascending from the oldest within the kind."""
    sure: bool
    """False where the base must be known to exist before this reading is believed (`part.1.ndjson`, `10.0.0.1`)."""


@lru_cache(maxsize=65536)
def parse_name(name: str) -> RotatedName | None:
    """How rotation may have made this name; None for a name that it leaves alone.

    >>> parse_name("app.log.2.gz")
    RotatedName(base='app.log', kind='number', order=(-2, 0), sure=True)
    >>> parse_name("app-20260302.log")
    RotatedName(base='app.log', kind='date', order=(20260302000000, 0), sure=False)
    >>> parse_name("app.log") is None
    True
    """
    plain = _COMPRESSED.sub("", name)
    for pattern in _AFTER:
        if found := pattern.match(plain):
            base = found["base"]
            return RotatedName(base, *_order(found.groupdict()), sure=bool(_EXTENSION.search(base)))
    for pattern in _WITHIN:
        if found := pattern.match(plain):
            return RotatedName(found["stem"] + found["extension"], *_order(found.groupdict()), sure=False)
    return RotatedName(plain, "other", (0, 0), sure=True) if plain != name else None


def _order(parts: dict[str, str | None]) -> tuple[str, tuple[int, int]]:
    if date := parts.get("date"):
        digits = re.sub(r"\D", "", date)
        return "date", (int(digits.ljust(14, "0")), int(parts.get("count") or 0))
    if number := parts.get("number"):
        return "number", (-int(number), 0)
    return "other", (0, 0)
