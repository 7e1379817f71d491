"""What a workspace's engine has come to, as its exported files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from yeoul.events import Ledger
from yeoul.flows.results.export import export
from yeoul.settings import load_workspace

__all__ = ["checked_ledger", "exported", "final_windows", "rows_of"]


def exported(folder: Path) -> Path:
    """Export a workspace's results to its folder `out`, which is returned."""
    export(load_workspace(folder).plan(), folder / "out")
    return folder / "out"


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The objects of an NDJSON file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def final_windows(out: Path, *, stream: str = "hits", keys: tuple[str, ...] = ("cpk", "base_mck")) -> dict[Any, Any]:
    """`(window start, *keys)` to what its last revision says of it."""
    names = {"stream", "window_start", "window_end", "revision", *keys}
    found: dict[Any, tuple[int, dict[str, Any]]] = {}
    for row in rows_of(out / "windows.ndjson"):
        if row["stream"] != stream:
            continue
        at = (row["window_start"], *(row[key] for key in keys))
        values = {name: value for name, value in row.items() if name not in names}
        if at not in found or found[at][0] < row["revision"]:
            found[at] = (row["revision"], values)
    return {at: values for at, (_, values) in found.items()}


def checked_ledger(out: Path, stream: str = "hits") -> Ledger:
    """The ledger of an export, where the equation of the classes holds for every split and in total.

    Raises:
        AssertionError: it does not.
    """
    books = json.loads((out / "ledger.json").read_text())[stream]
    for split, members in books.items():
        if not Ledger(**members).balanced():
            message = f"the ledger of `{split}` does not balance: {members}"
            raise AssertionError(message)
    return Ledger(**books["total"])
