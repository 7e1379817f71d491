"""Mistakes in a workspace file: where, what was got, what is legal; gathered so that all are told at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from yeoul.errors import ConfigError
from yeoul.events import format_path
from yeoul.plugins import nearest
from yeoul.settings.legal import by_name, choices, legal_text

__all__ = ["Place", "Problems", "shown"]

Place = tuple[str, ...]
"""The keys that lead to a value, such as `("stream", "hits", "window")`."""

_Model = TypeVar("_Model", bound=BaseModel)
_Value = TypeVar("_Value")


class Problems:
    """Gathers the mistakes of one file."""

    def __init__(self, lines: Mapping[Place, int]) -> None:
        self._lines = lines
        self._found: list[tuple[int, str]] = []
        self._places: list[Place] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, text: str) -> None:
        """Note a mistake."""
        line = self._line(place)
        where = f"`{format_path(place)}`{f' (line {line})' if line else ''}"
        self._found.append((line, f"{where}: {text}"))
        self._places.append(place)

    def under(self, place: Place) -> bool:
        """Whether anything at or below this place is wrong."""
        return any(one[: len(place)] == place for one in self._places)

    def texts(self) -> tuple[str, ...]:
        """All mistakes, in the order of the file."""
        return tuple(text for _, text in sorted(self._found, key=lambda one: one[0]))

    def attempt(self, place: Place, make: Callable[[], _Value]) -> _Value | None:
        """What `make` gives; None when it raises a ConfigError, whose mistakes are noted at this place."""
        try:
            return make()
        except ConfigError as error:
            for text in error.problems:
                self.add(place, text)
            return None

    def validate(self, model: type[_Model], raw: Any, place: Place) -> _Model | None:
        """The model of a table; None when it has mistakes, which are noted."""
        if not isinstance(raw, dict):
            self.add(place, f"got `{shown(raw)}`; legal: a table with {_listed(list(by_name(model)))}")
            return None
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                where, text = _sentence(model, one)
                self.add((*place, *where), text)
            return None

    def member(self, place: Place, got: str, legal: list[str], what: str) -> bool:
        """Whether `got` is one of `legal`; otherwise a mistake is noted."""
        if got in legal:
            return True
        self.add(place, f"got `{got}`; legal: {what}{f' ({_listed(legal)})' if legal else ''}{nearest(got, legal)}")
        return False

    def _line(self, place: Place) -> int:
        """The line of the place, or of the nearest thing around it."""
        for length in range(len(place), 0, -1):
            if place[:length] in self._lines:
                return self._lines[place[:length]]
        return 0


def shown(value: Any) -> str:
    """A value as a person would write it in TOML, cut when it is long."""
    if isinstance(value, datetime | date | time):
        text = value.isoformat()
    elif isinstance(value, str):
        text = value
    elif isinstance(value, dict):
        return "a table"
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _sentence(model: type[BaseModel], error: Any) -> tuple[Place, str]:
    """Place below the model, and what is to be said, of one error of pydantic's."""
    where = tuple(str(part) for part in error["loc"])
    kind, got = error["type"], shown(error["input"])
    name = where[0] if where else ""
    if kind == "extra_forbidden":
        names = list(by_name(model))
        return where, f"unknown key; legal: {_listed(names)}{nearest(name, names)}"
    field = by_name(model)[name]
    if kind == "missing":
        return where[:-1], f"`{name}` is missing; legal: {legal_text(field)}"
    told = error.get("ctx", {}).get("error")
    if isinstance(told, ConfigError):
        return where, str(told)
    return where, f"got `{got}`; legal: {legal_text(field)}{nearest(got, choices(field))}"
