"""The simulated service as a process: `python -m yeoul.demo --folder DIR`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from yeoul.demo.config import ServiceConfig
from yeoul.demo.incident import KINDS, Incident
from yeoul.demo.live import LiveService
from yeoul.demo.sample import write_sample
from yeoul.demo.schedule import LEAST_SLOT_US, schedule
from yeoul.demo.writer import Rotation
from yeoul.errors import SourceError, YeoulError
from yeoul.events import parse_duration
from yeoul.stopping import set_on_signals

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the service until Ctrl-C, SIGTERM or the end of `--for`; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _sample(options) if options.lines is not None else _live(options)
    except YeoulError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        problem = SourceError(f"got `{options.folder}`; legal: a folder that can be written: {error}")
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code


def _live(options: argparse.Namespace) -> int:
    config = _config(options)
    for_s = None if options.for_ is None else parse_duration(options.for_) / 1e6
    backfill_us = parse_duration(options.backfill)
    rotation = Rotation(options.rotate_bytes, options.keep, copytruncate=options.copytruncate, compress=options.gzip)
    stop = Event()
    set_on_signals(stop)
    live = LiveService(options.folder, config, rotation=rotation, torn=options.torn)

    def past(start_us: int, end_us: int) -> list[Incident]:
        # the first third stays quiet, so that a baseline exists
        start_us += (end_us - start_us) // 3
        room = (end_us - start_us) // LEAST_SLOT_US
        kinds = [list(KINDS)[n % len(KINDS)] for n in range(min(options.incidents, room))]
        return schedule(config, live.service.catalogue, start_us, end_us, kinds)

    try:
        begun = time.monotonic()
        lines = live.backfill(backfill_us / 3.6e9, past if options.incidents else None)
        _say(f"backfilled {options.backfill}: {lines} lines in {time.monotonic() - begun:.1f} s")
        lines = live.run(stop, for_s)
        _say(f"wrote {lines} lines live")
    finally:
        live.close()
    return 0


def _sample(options: argparse.Namespace) -> int:
    span_s = parse_duration(options.backfill) / 1e6 or 3600.0
    config = _config(options)
    path = options.folder / "sample.ndjson"
    begun = time.monotonic()
    sample = write_sample(
        path, options.lines, config.seed, span_s, config.customers, config.titles, clean=options.clean, config=config
    )
    _say(f"wrote {sample.lines} lines, {sample.bytes} bytes to {path} in {time.monotonic() - begun:.1f} s")
    return 0


def _config(options: argparse.Namespace) -> ServiceConfig:
    config = ServiceConfig(
        seed=options.seed,
        customers=options.customers,
        titles=options.titles,
        rate_eps=options.rate,
        rhythm=options.rhythm,
        hosts=options.hosts,
    )
    return config.clean() if options.clean else config


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    usual, rotation = ServiceConfig(), Rotation()
    parser = argparse.ArgumentParser(
        prog="python -m yeoul.demo", description="A simulated VOD service: it writes logs."
    )
    add = parser.add_argument
    add("--folder", type=Path, required=True, help="where logs/, labels.ndjson and the lookup tables go")
    add("--rate", type=float, default=usual.rate_eps, help="events a second, the mean over a week")
    add("--rhythm", type=float, default=usual.rhythm, help="depth of the daily rhythm, 0 (constant) to 1")
    add("--backfill", default="0s", help="past to write first, such as 3h; with --lines: the span of the file")
    add("--for", dest="for_", help="end after this long, such as 30s")
    add("--lines", type=int, help="write one file sample.ndjson of so many lines, and end")
    add("--seed", type=int, default=usual.seed)
    add("--customers", type=int, default=usual.customers)
    add("--titles", type=int, default=usual.titles)
    add("--hosts", type=int, default=usual.hosts, help="log servers, one file each")
    add("--clean", action="store_true", help="no disorder, late, duplicate, malformed or future rows")
    add("--incidents", type=int, default=0, help="how many to plant in the backfilled past")
    add("--rotate-bytes", type=int, default=rotation.max_bytes)
    add("--keep", type=int, default=rotation.keep, help="rotated files kept for each host")
    add("--copytruncate", action="store_true", help="rotate by copying and truncating")
    add("--gzip", action="store_true", help="compress rotated files from .2 on")
    add("--torn", action="store_true", help="end every write in the middle of a line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
