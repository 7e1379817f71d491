"""Names for keys, from lookup files; a file that changed is read again, one that is unreadable leaves the old names."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yeoul.flows.plan import Lookup

__all__ = ["Names"]

_MOST_BYTES = 256 << 20
_SHOWN_LENGTH = 300


class Names:
    """Display names by key field and text.

    >>> Names(()).parts({"cpk": "C1"})
    [{'field': 'cpk', 'value': 'C1', 'name': None}]
    """

    def __init__(self, lookups: Sequence[Lookup]) -> None:
        self._lookups = lookups
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._names: dict[str, dict[str, str]] = {}
        self._problems: dict[str, str] = {}

    def refresh(self) -> bool:
        """Read the files that changed since the last call; whether there were any."""
        changed = False
        for lookup in self._lookups:
            stamp = _stamp(lookup.path)
            if self._seen.get(lookup.name) == stamp:
                continue
            self._seen[lookup.name] = stamp
            changed = True
            try:
                self._names[lookup.name] = _read(lookup)
                self._problems.pop(lookup.name, None)
            except (OSError, ValueError, csv.Error) as error:
                self._problems[lookup.name] = f"{lookup.path.name}: {error}"
        return changed

    def problems(self) -> list[dict[str, Any]]:
        """Files that could not be read, as causes of yellow health."""
        return [
            {"code": "lookup_unreadable", "params": {"lookup": name, "detail": detail}}
            for name, detail in sorted(self._problems.items())
        ]

    def name(self, field: str, text: str) -> str | None:
        """The name of a key's text."""
        for lookup in self._lookups:
            if lookup.key == field and (found := self._names.get(lookup.name, {}).get(text)) is not None:
                return found
        return None

    def parts(self, key: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A key as a list of its fields, each with its text and name."""
        return [
            {"field": field, "value": str(value), "name": self.name(field, str(value))} for field, value in key.items()
        ]

    def parse(self, text: str) -> list[dict[str, Any]]:
        """As `parts`, of a key's JSON text."""
        key = json.loads(text)
        return self.parts(key if isinstance(key, dict) else {"key": key})

    def find(self, field: str, part: str, limit: int) -> list[str]:
        """Key texts whose name holds `part`, in any case of letters."""
        wanted = part.casefold()
        found: list[str] = []
        for lookup in self._lookups:
            if lookup.key == field:
                held = self._names.get(lookup.name, {}).items()
                found += [text for text, name in held if wanted in name.casefold()][: limit - len(found)]
        return found


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        facts = path.stat()
    except OSError:
        return (0, 0, 0)
    return (facts.st_mtime_ns, facts.st_size, facts.st_ino)


def _read(lookup: Lookup) -> dict[str, str]:
    if lookup.path.stat().st_size > _MOST_BYTES:
        message = f"larger than {_MOST_BYTES} bytes"
        raise ValueError(message)
    with lookup.path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        lacking = {lookup.key, lookup.column} - set(rows.fieldnames or ())
        if lacking:
            message = f"no column `{min(lacking)}` in its header"
            raise ValueError(message)
        return {
            row[lookup.key]: row[lookup.column][:_SHOWN_LENGTH]
            for row in rows
            if row[lookup.key] is not None and row[lookup.column]
        }
