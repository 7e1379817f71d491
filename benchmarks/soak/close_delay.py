"""How soon after its time a window is closed and kept, at a steady rate with many keys, as the engine itself tells.

A writer writes lines of the present evenly, fifty times a second. A window may close when a line `delay` after its end
is there; the figure is from the writing of that line to the engine's word that the window is closed and in the state.
    python benchmarks/soak/close_delay.py [--rate 6000] [--seconds 180] [--customers 200000] [--titles 20000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

import numpy as np
from day import MB, workspace
from traffic import Traffic

from yeoul.testing.consoles import hear, rss_bytes
from yeoul.testing.processes import EngineProcess, wait_for

WINDOW_US = DELAY_US = 10_000_000
TICK_S = 0.02


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=6000)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--titles", type=int, default=20_000)
    parser.add_argument("--watch", choices=["nothing", "customers", "all"], default="customers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yeoul-soak-") as name:
        folder = workspace(Path(name), options.watch)
        traffic = Traffic(options.customers, options.titles, disorder_us=0)
        engine = EngineProcess(folder)
        wait_for((folder / ".yeoul/live.sock").exists)
        stop = Event()
        writer = Thread(target=_write, args=(folder / "logs/player.ndjson", traffic, options.rate, stop), daemon=True)
        writer.start()
        try:
            delays = _delays(folder, options.seconds)
            (pid,) = engine.pids()[:-1]
            print(f"engine: {rss_bytes(pid) / MB:.0f} MB, {traffic.rows:,} lines written")
        finally:
            stop.set()
            writer.join()
            engine.stop(60)
    p50, p99 = np.percentile(delays, [50, 99])
    print(
        f"line that lets a window close -> closed: p50 {p50:.3f} s, p99 {p99:.3f} s, most {max(delays):.3f} s", end=""
    )
    print(f" ({len(delays)} windows)")


def _write(path: Path, traffic: Traffic, rate: float, stop: Event) -> None:
    last_us = time.time_ns() // 1000
    with path.open("ab", buffering=0) as file:
        while not stop.wait(TICK_S):
            now_us = time.time_ns() // 1000
            rows = int(rate * (now_us - last_us) / 1e6)
            if rows:
                file.write(traffic.lines(last_us, now_us, rows))
                last_us = now_us


def _delays(folder: Path, seconds: float) -> list[float]:
    """For each window from the third on: its first line past the delay to the message that tells its end."""
    until = time.monotonic() + seconds
    closed: int | None = None
    delays: list[float] = []
    for told in hear(folder):
        now_us = time.time_ns() // 1000
        watermark = told["streams"].get("hits", {}).get("watermark_us")
        if watermark is None:
            continue
        newest = watermark // WINDOW_US
        for window in range(closed or newest, newest):
            # the window ends at (window + 1); a line of that time plus the delay lets it close
            delays.append((now_us - (window + 1) * WINDOW_US - DELAY_US) / 1e6)
            print(f"{delays[-1]:.3f} s, {told['streams']['hits']['ledger']['read']:,} lines read", flush=True)
        closed = newest
        if time.monotonic() > until:
            break
    return delays


if __name__ == "__main__":
    main()
