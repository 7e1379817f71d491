"""Wishes for incidents, dropped into a folder by anyone (the console's demo page, a test) and answered there."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yeoul.demo.incident import known_kind
from yeoul.errors import InputError

__all__ = ["PlantBox", "Wish", "plant_answer", "request_plant", "write_json"]

_MEMBERS = ("kind", "target", "duration_s", "magnitude")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants planted; None leaves the choice to the service."""

    kind: str
    target: str | None = None
    duration_s: float | None = None
    magnitude: float | None = None


def request_plant(
    folder: Path,
    kind: str,
    target: str | None = None,
    duration_s: float | None = None,
    magnitude: float | None = None,
) -> str:
    """Ask the service that runs in `folder` for an incident; it starts within about half a second.

    Returns:
        The wish's name, for `plant_answer`: the answer appears as `plants/accepted/NAME.json` (the label) or
        `plants/refused/NAME.json` (an `error`).

    Raises:
        InputError: unknown kind. Everything else is judged by the service.
    """
    known_kind(kind)
    name = f"{kind}-{uuid.uuid4().hex[:12]}"
    wish = {"kind": kind, "target": target, "duration_s": duration_s, "magnitude": magnitude}
    box = folder / "plants"
    box.mkdir(parents=True, exist_ok=True)
    write_json(box / f"{name}.json", {key: value for key, value in wish.items() if value is not None})
    return name


def plant_answer(folder: Path, name: str) -> dict[str, Any] | None:
    """The label that answers a wish; None while it waits.

    Raises:
        InputError: the service refused it; the message is the reason.
    """
    box = folder / "plants"
    accepted, refused = (box / how / f"{name}.json" for how in ("accepted", "refused"))
    if refused.exists():
        raise InputError(json.loads(refused.read_bytes())["error"])
    if not accepted.exists():
        return None
    label: dict[str, Any] = json.loads(accepted.read_bytes())
    return label


class PlantBox:
    """The folder `plants/`: JSON files with `kind`, and optionally `target`, `duration_s`, `magnitude`."""

    def __init__(self, folder: Path) -> None:
        self._box = folder / "plants"
        for answers in ("accepted", "refused"):
            (self._box / answers).mkdir(parents=True, exist_ok=True)

    def take(self) -> list[tuple[str, Wish]]:
        """The wishes that wait, by name; unreadable ones are refused at once. Answer each before the next call."""
        wishes = []
        for path in sorted(self._box.glob("*.json")):
            try:
                wishes.append((path.stem, _read(path)))
            except InputError as error:
                self.refuse(path.stem, str(error))
        return wishes

    def accept(self, name: str, label: dict[str, Any]) -> None:
        """Answer a wish with the label of what was planted."""
        self._answer(name, "accepted", label)

    def refuse(self, name: str, error: str) -> None:
        """Answer a wish with the reason why not."""
        self._answer(name, "refused", {"error": error})

    def _answer(self, name: str, how: str, answer: dict[str, Any]) -> None:
        write_json(self._box / how / f"{name}.json", answer)
        (self._box / f"{name}.json").unlink(missing_ok=True)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a JSON object so that it appears whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> Wish:
    try:
        got = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"got a file that is no JSON ({error}); legal: an object with {', '.join(_MEMBERS)}"
        raise InputError(message) from None
    if not isinstance(got, dict) or "kind" not in got or not set(got) <= set(_MEMBERS):
        optional = ", ".join(_MEMBERS[1:])
        message = f"got `{json.dumps(got)[:200]}`; legal: an object with `kind` and, if wanted, {optional}"
        raise InputError(message)
    known_kind(got["kind"])
    target = got.get("target")
    if target is not None and not isinstance(target, str):
        message = f"target: got `{target}`; legal: the key of a customer or title, or the name of an origin server"
        raise InputError(message)
    return Wish(**got)
