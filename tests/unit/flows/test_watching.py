"""From windows to findings: what a block says of windows without rows."""

from __future__ import annotations

import random
from pathlib import Path

from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.results import rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

S = 1_000_000
AT_US = 1_700_000_000_000_000
DETECT = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
"""


def test_when_all_fall_silent_every_title_is_told_as_lost(tmp_path: Path):
    lines = []
    for number in range(10_000):
        made, at_s = random.Random(number), number / 10
        if not 800 <= at_s < 900:
            lines.append(plain_line(AT_US + round(at_s * S), f"c{made.randrange(2)}", f"m{made.randrange(3)}"))
    place = plain_workspace(tmp_path, stream={"window": '"10s"'}, extra=DETECT)
    (place / "logs/a.ndjson").write_bytes(b"".join(lines))
    replay(load_workspace(place).plan(), place / "out")
    silent = [row for row in rows_of(place / "out" / "findings.ndjson") if row["observed"] == 0]
    assert len(silent) > 10
    for row in silent:
        said = {why["code"]: why["params"] for why in row["why"]}
        assert len(said["contributors"]["parts"]) == 3
        assert all(part["observed"] == 0 < part["expected"] for part in said["contributors"]["parts"])
        assert said["spread"]["parts"] == 0
