"""Workspaces on real files for flow tests: a simulated service's logs and the declaration that reads them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from yeoul.events import iso

__all__ = ["QUICK", "demo_workspace", "plain_line", "plain_workspace"]

QUICK = {
    'window      = "10s"\n': 'window = "4s"\n',
    'delay       = "10s"\n': 'delay = "3s"\nidle_timeout = "1s"\n',
}
"""Changes to the demo's workspace that let its windows close within seconds."""


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


def plain_workspace(folder: Path, *, stream: dict[str, str] | None = None, extra: str = "") -> Path:
    """A workspace on `logs/*.ndjson` whose lines are what `plain_line` makes; returns the folder.

    Args:
        folder: made when it is not there.
        stream: TOML values by key of the stream, over those below: windows of 4 s, a delay of 3 s, idle after 1 s.
        extra: lines of TOML that follow.
    """
    members = {
        "source": '{ kind = "files", path = "logs/*.ndjson" }',
        "event_time": '"at"',
        "fields": '{ customer = "customer", title = "title", n = { path = "n", type = "int" }, id = "id" }',
        "keys": '["customer", "title"]',
        "window": '"4s"',
        "delay": '"3s"',
        "idle_timeout": '"1s"',
        "aggregates": '{ plays = "count()", hits = "sum(n)" }',
    }
    lines = [f"{key} = {value}" for key, value in (members | (stream or {})).items()]
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "yeoul.toml").write_text("\n".join(["[stream.hits]", *lines, "", extra]))
    return folder


def plain_line(at_us: int, customer: str = "c1", title: str = "m1", n: int = 1, event_id: str = "") -> bytes:
    r"""One line for `plain_workspace`, its end included.

    >>> plain_line(1_700_000_000_000_000, "acme", "t7", 3, "e1")
    b'{"at":"2023-11-14T22:13:20Z","customer":"acme","title":"t7","n":3,"id":"e1"}\n'
    """
    return f'{{"at":"{iso(at_us)}","customer":"{customer}","title":"{title}","n":{n},"id":"{event_id}"}}\n'.encode()
