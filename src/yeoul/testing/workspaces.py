"""Workspaces on real files for flow tests: a simulated service's logs and the declaration that reads them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["demo_workspace"]


def demo_workspace(folder: Path, *, changes: dict[str, str] | None = None, extra: str = "") -> Path:
    """Write the demo's `yeoul.toml` to `folder` with texts replaced and lines added; returns the folder.

    Raises:
        KeyError: a text to replace is not in it.
    """
    text = files("yeoul.demo").joinpath("workspace.toml").read_text()
    for old, new in (changes or {}).items():
        if old not in text:
            raise KeyError(old)
        text = text.replace(old, new)
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "yeoul.toml").write_text(text + extra)
    return folder
