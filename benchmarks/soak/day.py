"""A day of a large service as a backlog, then a burst of ten times the rate, through the real `yeoul run`.

30 GB are 38,300,000 lines of 783 bytes, 440 a second over a day. Nothing of it is stored: a writer stays at most
`--ahead` before the engine, rotates its log as services do and deletes what has been read. Every ten seconds a row is
printed: lines read, memory of the engine, state file with its WAL, entries moved to Parquet, what is still unread. At
the end the ledger must hold every line as counted and the bounds must have been kept. `--check` also compares each
window of the export with what the writer counted (small runs only: it keeps a counter for every window and key).
    python benchmarks/soak/day.py [--gb 30] [--customers 200000] [--titles 20000] [--burst-minutes 10]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from traffic import LINE_BYTES, Traffic

from yeoul.events import iso
from yeoul.testing.consoles import hear, rss_bytes
from yeoul.testing.processes import EngineProcess, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import demo_workspace

MB = 1 << 20
S = 1_000_000
DAY_US = 86_400 * S
FIRST_US = 1_772_377_200 * S
"""2026-03-02 00:00 in Seoul."""
BURST = 10
HEAD = "     s      lines   lines/s   MB/s  RSS MB  state MB  history MB  unread MB  watermark"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=30)
    parser.add_argument("--hours", type=float, default=24, help="of event time that they span")
    parser.add_argument("--burst-minutes", type=float, default=10, help="of event time, at ten times the rate")
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--titles", type=int, default=20_000)
    parser.add_argument("--ahead", type=int, default=1024, help="MB that the writer may be before the engine")
    parser.add_argument("--rotate", type=int, default=256, help="MB of a generation of the log")
    parser.add_argument("--watch", choices=["nothing", "customers", "all"], default="customers")
    parser.add_argument("--every", type=float, default=10, help="seconds between two rows of the table")
    parser.add_argument("--check", action="store_true", help="compare every window with the writer's own count")
    parser.add_argument("--most-rss", type=int, default=1500, help="MB that the engine may hold")
    parser.add_argument("--most-state", type=int, default=3000, help="MB of the state file with its WAL")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yeoul-soak-") as folder:
        found = Soak(Path(folder), options).run()
    print(json.dumps(found))
    sys.exit(1 if found["broken"] else 0)


def workspace(folder: Path, watch: str) -> Path:
    """The demo's workspace without `event_id`, with as much of its detection as is wanted."""
    demo_workspace(folder, changes={'event_id    = "eid"       # a repeated event counts once\n': ""})
    path = folder / "yeoul.toml"
    watched = {"nothing": (), "customers": ("detect.customers", "rank."), "all": ("detect.", "rank.")}[watch]
    head, *blocks = path.read_text().split("\n[")
    path.write_text("\n[".join([head, *(each for each in blocks if each.startswith(("stream.", *watched)))]) + "\n")
    return folder


@dataclass
class Phase:
    """A stretch of event time with its rate."""

    name: str
    first_us: int
    last_us: int
    rows: int


@dataclass
class Soak:
    """One run."""

    folder: Path
    options: argparse.Namespace
    told: dict[str, Any] = field(default_factory=dict)
    """The engine's newest message."""
    done: Event = field(default_factory=Event)
    rows: list[dict[str, float]] = field(default_factory=list)
    generation: int = 0

    def run(self) -> dict[str, Any]:
        options = self.options
        workspace(self.folder, options.watch)
        self.traffic = Traffic(options.customers, options.titles, counted=options.check)
        self.log = self.folder / "logs/player.ndjson"
        self.phases = list(_phases(options.gb, options.hours, options.burst_minutes))
        self.engine = EngineProcess(self.folder)
        wait_for(lambda: not self.engine.running or (self.folder / ".yeoul/live.sock").exists())
        if not self.engine.running:
            raise SystemExit(self.engine.said)
        listening = Thread(target=self._listen, daemon=True)
        listening.start()
        wait_for(lambda: self.told)
        (self.pid,) = self.engine.pids()[:-1]
        self.begun = self.printed = time.monotonic()
        print(HEAD, flush=True)
        took: dict[str, float] = {}
        try:
            for phase in self.phases:
                begun = time.monotonic()
                self._write(phase)
                while self.read < self.traffic.rows:
                    self._look()
                took[phase.name] = time.monotonic() - begun
                self._row(phase.name)
            code = self.engine.stop(120)
        finally:
            self.done.set()
            if self.engine.running:
                self.engine.kill()
        return self._sum_up(took, code)

    @property
    def read(self) -> int:
        return int(self._stream().get("ledger", {}).get("read", 0))

    def _stream(self) -> dict[str, Any]:
        return dict(self.told.get("streams", {}).get("hits", {}))

    def _listen(self) -> None:
        try:
            for told in hear(self.folder, 120):
                self.told = told
                if self.done.is_set():
                    return
        except OSError as error:
            if not self.done.is_set():
                print(f"the engine is not heard any more: {error}")

    def _write(self, phase: Phase) -> None:
        """Write a phase, never further ahead than is allowed."""
        at_once = max(1, min(20_000, phase.rows // 20))
        for first in range(0, phase.rows, at_once):
            rows = min(at_once, phase.rows - first)
            span = phase.last_us - phase.first_us
            begin, end = (phase.first_us + span * part // phase.rows for part in (first, first + rows))
            with self.log.open("ab") as file:
                file.write(self.traffic.lines(begin, end, rows))
            if self.log.stat().st_size >= self.options.rotate * MB:
                # five digits cannot be taken for an hour and minute of the date
                self.generation += 1
                self.log.rename(self.log.with_name(f"{self.log.name}-20260302-{self.generation:05d}"))
                self.log.touch()
            while (self.traffic.rows - self.read) * LINE_BYTES > self.options.ahead * MB:
                self._look()
            self._look(0)

    def _look(self, pause_s: float = 0.05) -> None:
        time.sleep(pause_s)
        if not self.engine.running:
            raise SystemExit(self.engine.said)
        unread = (self.traffic.rows - self.read) * LINE_BYTES
        # what is unread lies in the newest files; one more is kept, as logrotate does
        kept = sorted(self.log.parent.glob("player.ndjson-*"), key=lambda path: int(path.name.rpartition("-")[2]))
        behind = self.log.stat().st_size
        for path in reversed(kept):
            if behind > unread + self.options.rotate * MB:
                path.unlink()
            else:
                behind += path.stat().st_size
        if time.monotonic() - self.printed >= self.options.every:
            self._row()

    def _row(self, name: str = "") -> None:
        now = time.monotonic()
        last = self.rows[-1] if self.rows else {"s": 0.0, "lines": 0}
        state = self.folder / ".yeoul"
        read = self.read
        watermark = self._stream().get("watermark_us")
        row = {
            "s": now - self.begun,
            "lines": read,
            "rss": rss_bytes(self.pid) / MB,
            "state": _weight(state / each for each in ("state.db", "state.db-wal")) / MB,
            "history": _weight(state.glob("history/**/*.parquet")) / MB,
            "unread": (self.traffic.rows - read) * LINE_BYTES / MB,
        }
        rate = (read - last["lines"]) / max(row["s"] - last["s"], 1e-6)
        self.rows.append(row)
        self.printed = now
        print(
            f"{row['s']:6.0f} {read:10,} {rate:9,.0f} {rate * LINE_BYTES / 1e6:6.1f} {row['rss']:7.0f} "
            f"{row['state']:9.1f} {row['history']:11.1f} {row['unread']:10.0f}  "
            f"{iso(watermark) if watermark else '-'} {name}",
            flush=True,
        )

    def _sum_up(self, took: dict[str, float], code: int) -> dict[str, Any]:
        book = self._stream()["ledger"]
        rows, bytes_ = self.phases[0].rows, self.phases[0].rows * LINE_BYTES
        most = {name: max(row[name] for row in self.rows) for name in ("rss", "state", "history")}
        # where nobody had anything to read the writer was measured, not the engine
        waited = sum(row["unread"] < 8 for row in self.rows[1:-2])
        broken = []
        if code or book["read"] != self.traffic.rows or book["counted"] != self.traffic.rows:
            broken.append(f"exit code {code}, {self.traffic.rows:,} lines were written, the ledger says {book}")
        for name, limit in (("rss", self.options.most_rss), ("state", self.options.most_state)):
            if most[name] > limit:
                broken.append(f"{name} came to {most[name]:.0f} MB; the bound is {limit} MB")
        if self.options.check:
            broken += self._compare()
        day_s = took["day"]
        print(f"the day: {rows:,} lines, {bytes_ / 1e9:.1f} GB in {day_s:.0f} s: {rows / day_s:,.0f} lines/s, ", end="")
        print(f"{bytes_ / day_s / 1e6:.0f} MB/s; {waited} of {len(self.rows)} rows waited for the writer")
        if "burst" in took:
            burst = self.phases[-1]
            print(
                f"the burst: {burst.rows:,} lines in {took['burst']:.0f} s: {burst.rows / took['burst']:,.0f} lines/s"
            )
        print(f"at most: {', '.join(f'{name} {mb:.0f} MB' for name, mb in most.items())}")
        print("\n".join(broken) or "every line is counted once, and the bounds were kept")
        return {"broken": broken, "took_s": took, "lines": self.traffic.rows, "most_mb": most, "rows": self.rows}

    def _compare(self) -> list[str]:
        """The windows of the export, which leaves out the last ones, not closed yet, against the writer's count."""
        out = exported(self.folder)
        ledger = checked_ledger(out)
        found = {at: values["plays"] for at, values in final_windows(out, keys=("cpk", "base_mck")).items()}
        last = max(start for start, _, _ in found)
        wanted = {
            (iso(start), f"C{customer:07d}", f"M{title:06d}"): rows
            for (start, customer, title), rows in self.traffic.windows.items()
        }
        wanted = {at: rows for at, rows in wanted.items() if at[0] <= last}
        print(f"compared {len(wanted):,} windows and keys, {sum(wanted.values()):,} of {ledger.read:,} rows")
        return [] if found == wanted else [f"{len(found.items() ^ wanted.items())} windows differ from the count"]


def _phases(gb: float, hours: float, burst_minutes: float) -> Iterator[Phase]:
    rows = int(gb * 1e9 / LINE_BYTES)
    last_us = FIRST_US + int(hours * 3600 * S)
    yield Phase("day", FIRST_US, last_us, rows)
    burst = int(BURST * rows / hours * burst_minutes / 60)
    if burst:
        yield Phase("burst", last_us, last_us + int(burst_minutes * 60 * S), burst)


def _weight(paths: Any) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # it has just gone
    return total


if __name__ == "__main__":
    main()
