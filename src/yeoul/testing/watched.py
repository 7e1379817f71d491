"""A small watched service on `plain_workspace`: detection, a ranking, a notifier, and logs that end just now."""

from __future__ import annotations

import random
from pathlib import Path

from yeoul.testing.workspaces import plain_line, plain_workspace

__all__ = ["DELAY_S", "WINDOW_S", "watched_logs", "watched_workspace"]

_S = 1_000_000
WINDOW_S = 5
DELAY_S = 3
_CUSTOMERS = 6
_TITLES = 8
_BURSTS = ((2, -300, -200), (4, -2900, -2800))
"""(customer, from, to) in seconds from the end: its hits are eight times as many. The first is young enough to tell."""

_RULES = """
[detect.customers]
stream = "hits"
by = ["customer"]
value = "hits"
alarms_per_day = 1

[detect.titles]
stream = "hits"
by = ["title"]
value = "hits"
alarms_per_day = 1

[rank.hot]
stream = "hits"
by = ["title"]
within = ["customer"]
value = "plays"
half_life = "10m"
top = 5
"""


def watched_workspace(folder: Path, url: str, *, lateness_s: int = 0) -> Path:
    """Write the workspace; returns the folder.

    Silence closes nothing in it, so that what stands at the end is a function of the lines alone.

    Args:
        folder: made when it is not there.
        url: where messages go.
        lateness_s: how long closed windows take revisions.
    """
    stream = {
        "window": f'"{WINDOW_S}s"',
        "delay": f'"{DELAY_S}s"',
        "idle_timeout": '"1h"',
        "event_id": '"id"',
        "allowed_lateness": f'"{lateness_s}s"',
    }
    notify = f'\n[notify.ops]\nkind = "webhook"\nurl = "{url}"\n'
    return plain_workspace(folder, stream=stream, extra=_RULES + notify)


def watched_logs(folder: Path, end_us: int, *, seed: int = 1, span_s: int = 4500) -> int:
    """Write `a.ndjson` and `b.ndjson` into a folder; how many lines.

    Two rows a second and file are steady and in order, so that no front ever has to jump; the others come up to 2 s
    after their event. One in a hundred is late by 10 s to 10 min, one is repeated, one line is no row. Two customers
    have a burst, one long ago and one a few minutes before the end.

    Args:
        folder: made when it is not there.
        end_us: the time of the last rows.
        seed: same arguments, same bytes.
        span_s: how many seconds the logs cover.
    """
    rng = random.Random(seed)  # noqa: S311 - a test's input
    folder.mkdir(parents=True, exist_ok=True)
    lines = 0
    for host in "ab":
        written: list[tuple[float, int, bytes]] = []
        for half in range(2 * span_s):
            at_s = half / 2
            written.append((at_s, len(written), _line(rng, end_us, at_s - span_s, 0, f"{host}{half}")))
            for customer in range(1, _CUSTOMERS):
                if rng.random() < 0.25:
                    event_s = at_s + rng.random() / 2
                    written += _one(rng, end_us, event_s, span_s, customer, f"{host}{half}-{customer}")
        written.sort()
        (folder / f"{host}.ndjson").write_bytes(b"".join(line for *_, line in written))
        lines += len(written)
    return lines


def _one(
    rng: random.Random, end_us: int, event_s: float, span_s: int, customer: int, event_id: str
) -> list[tuple[float, int, bytes]]:
    """What one event becomes: (when it is written, a tie-breaker, the line)."""
    written_s = event_s + 2 * rng.random()
    line = _line(rng, end_us, event_s - span_s, customer, event_id)
    tie = rng.randrange(1 << 30)
    dirt = rng.random()
    if written_s > span_s - 0.5:  # the last rows of a file are the steady ones
        return []
    if dirt < 0.01 and event_s > 60:
        late_s = event_s + rng.choice((10, 60, 600))
        return [(late_s, tie, line)] if late_s < span_s - 0.5 else []
    if dirt < 0.02:
        again_s = min(written_s + 3 * rng.random(), span_s - 0.5)
        return [(written_s, tie, line), (again_s, tie, line)]
    if dirt < 0.03:
        spoilt = rng.choice((line[: len(line) // 2] + b"\n", line.replace(b'"n":', b'"n":"many","m":'), b"{}\n"))
        return [(written_s, tie, spoilt)]
    return [(written_s, tie, line)]


def _line(rng: random.Random, end_us: int, from_end_s: float, customer: int, event_id: str) -> bytes:
    burst = any(who == customer and begin <= from_end_s < until for who, begin, until in _BURSTS)
    n = rng.randrange(10, 20) * (8 if burst else 1)
    title = min(rng.randrange(_TITLES), rng.randrange(_TITLES))
    return plain_line(end_us + round(from_end_s * _S), f"c{customer}", f"m{title}", n, event_id)
