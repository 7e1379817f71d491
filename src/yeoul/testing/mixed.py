"""A workspace of sliding windows whose keys are texts of every kind, integers and truth values, and its log."""

from __future__ import annotations

import json
import random
from pathlib import Path

from yeoul.events import iso
from yeoul.testing.workspaces import plain_workspace

__all__ = ["CUSTOMERS", "mixed_workspace"]

CUSTOMERS = ["ü", "a\x1fb", "\x0b\n", 'say "\\u000b"', "\U0001f3ac", ""]
"""Control characters, quotes, what looks like an escape, beyond the basic plane, nothing."""
_STREAM = {
    "window": '{ size = "30s", slide = "10s" }',
    "fields": (
        '{ customer = "customer", n = { path = "n", type = "int" }, device = { path = "device", type = "int" },'
        ' trial = { path = "trial", type = "bool" } }'
    ),
    "keys": '["customer", "device", "trial"]',
}


def mixed_workspace(folder: Path, *, extra: str = "", start_us: int = 0, span_s: int = 0) -> Path:
    """`plain_workspace` with these keys; returns the folder.

    Args:
        folder: made when it is not there.
        extra: lines of TOML that follow.
        start_us: of the log.
        span_s: of it, 0: none is written; each quarter of an hour the first three customers burst for 20 s.
    """
    plain_workspace(folder, stream=_STREAM, extra=extra)
    rng = random.Random(23)  # noqa: S311  (a simulation, no secret)
    lines = []
    for second in range(span_s):
        at = iso(start_us + second * 1_000_000)
        burst = [rng.randrange(3) for _ in range(60)] if second % 900 in range(500, 520) else []
        for place in [rng.randrange(6) for _ in range(4)] + burst:
            row = {"at": at, "customer": CUSTOMERS[place], "device": 6 + place % 3, "trial": place > 2, "n": 2}
            lines.append(json.dumps(row) + "\n")
    if lines:
        (folder / "logs" / "a.ndjson").write_text("".join(lines))
    return folder
