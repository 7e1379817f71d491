"""From a line being written to the page, and from the close of a window to its incident on the page.

The real thing: the simulated service writes at a steady rate, `yeoul run` reads, a WebSocket client listens as a page
does. Two figures, p50 and p99:
- seen: a line's own time (its `logdate` is the moment of writing) to the first message whose newest time reaches it;
- told: the close of the window that satisfies `persist` (its end plus `delay`) to the message with the incident.
    python benchmarks/latency/file_to_page.py [--rate 6000] [--seconds 120] [--plants 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import numpy as np
from websockets.sync.client import connect

from yeoul.demo import LiveService, ServiceConfig, request_plant
from yeoul.testing.workspaces import demo_workspace

WINDOW_US = DELAY_US = 10_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=6000)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--plants", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = demo_workspace(Path(folder))
        config = ServiceConfig(rate_eps=options.rate, rhythm=0).clean()
        live = LiveService(place, config)
        # a short past at a lower rate, so that a baseline exists
        live.backfill(0.1)
        stop = Event()
        writer = Thread(target=lambda: live.run(stop, tick_s=0.05), daemon=True)
        run = subprocess.Popen(
            [sys.executable, "-m", "yeoul.cli", "run", str(place), "--port", "0"], stderr=subprocess.PIPE, text=True
        )
        try:
            writer.start()
            url = next(line for line in run.stderr or [] if line.startswith("console:")).split()[1]
            _measure(url, place, options)
        finally:
            stop.set()
            writer.join()
            run.terminate()
            run.wait()
            live.close()


def _measure(url: str, place: Path, options: argparse.Namespace) -> None:
    seen: list[tuple[float, int]] = []
    told: dict[str, tuple[float, int]] = {}
    with connect(f"{url.replace('http', 'ws')}/api/live", origin=url) as socket:
        socket.send(json.dumps({"subscribe": ["now"]}))
        _wait_until_current(socket)
        until = time.time() + options.seconds
        plants = [
            time.time() + 5 + index * (options.seconds - 10) / max(1, options.plants) for index in range(options.plants)
        ]
        while time.time() < until:
            if plants and time.time() >= plants[0]:
                plants.pop(0)
                request_plant(place, "burst", None, 30, 8)
            message = json.loads(socket.recv())
            now = time.time() * 1e6
            data = message.get("data") or {}
            newest = ((data.get("streams") or {}).get("hits") or {}).get("newest_us")
            if newest:
                seen.append((now, newest))
            for id_, incident in (data.get("incidents") or {}).items():
                if incident and "opened_us" in incident and id_ not in told:
                    told[id_] = (now, incident["opened_us"] + WINDOW_US + DELAY_US)
    _report("seen: written -> on the page", _per_line(seen))
    fresh = [(now - close) / 1e6 for now, close in told.values() if now - close < 60e6]
    _report(f"told: close of the window -> incident on the page ({len(fresh)} incidents)", np.array(fresh))


def _per_line(seen: list[tuple[float, int]]) -> np.ndarray:
    """Delays of lines written evenly: each is first seen with the first message that has reached its time."""
    delays = []
    for (_, before), (now, newest) in pairwise(seen):
        if newest > before:
            delays.append((now - np.linspace(before, newest, 50)[1:]) / 1e6)
    return np.concatenate(delays)


def _report(what: str, seconds: np.ndarray) -> None:
    if not len(seconds):
        print(f"{what}: nothing to measure")
        return
    p50, p99 = np.percentile(seconds, [50, 99])
    print(f"{what}: p50 {p50:.3f} s, p99 {p99:.3f} s, most {seconds.max():.3f} s ({len(seconds)} samples)")


def _wait_until_current(socket: object) -> None:
    while True:
        data = json.loads(socket.recv()).get("data") or {}  # type: ignore[attr-defined]
        newest = ((data.get("streams") or {}).get("hits") or {}).get("newest_us")
        if newest and time.time() * 1e6 - newest < 2e6:
            return


if __name__ == "__main__":
    main()
