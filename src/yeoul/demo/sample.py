"""One file of exactly so many lines, for benchmarks and tests."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from yeoul.demo.catalogue import Catalogue
from yeoul.demo.config import ServiceConfig
from yeoul.demo.rhythm import Rhythm
from yeoul.demo.schedule import schedule
from yeoul.demo.service import Service
from yeoul.errors import InputError

__all__ = ["SAMPLE_START_US", "Sample", "write_sample"]

SAMPLE_START_US = 1_772_449_200_000_000
"""2026-03-02 20:00 in Seoul (11:00 UTC), a Monday evening."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was written."""

    path: Path
    lines: int
    bytes: int
    """Uncompressed."""
    start_us: int
    end_us: int
    """First and last moment of writing, UTC; event times lie up to 8 s before (late rows up to 10 min)."""
    labels: tuple[dict[str, Any], ...]


def write_sample(
    path: Path,
    lines: int,
    seed: int = 1,
    span_s: float = 3600.0,
    customers: int = 200,
    titles: int = 3000,
    *,
    clean: bool = False,
    start_us: int = SAMPLE_START_US,
    kinds: Sequence[str] = (),
    config: ServiceConfig | None = None,
) -> Sample:
    """Write a file of exactly `lines` lines that span about `span_s` seconds; compressed when it is called `*.gz`.

    Args:
        path: the file; an old one is replaced.
        lines: how many, malformed ones and duplicates included.
        seed: same arguments, same bytes.
        span_s: seconds of writing time; met within a few per cent.
        customers: how many.
        titles: how many.
        clean: no dirt at all.
        start_us: where it begins, UTC.
        kinds: incidents to plant, one of each named.
        config: everything else (its rate, seed, customers and titles are not used).

    Raises:
        InputError: fewer than one line or no span.
        ConfigError: the rate that follows is over a million events a second.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_sample(Path(folder) / "a.ndjson", 100, span_s=60).lines
    100
    """
    if lines < 1 or not span_s > 0:
        message = f"got {lines} lines over {span_s} s; legal: at least one line and a span above 0"
        raise InputError(message)
    config = replace(config or ServiceConfig(), seed=seed, customers=customers, titles=titles)
    config = config.clean() if clean else config
    end_us = start_us + round(span_s * 1e6)
    catalogue = Catalogue(config)
    level = Rhythm(config).mean_level(start_us, end_us, catalogue.customer_share)
    config = replace(config, rate_eps=lines / span_s / level)
    service = Service(config, schedule(config, catalogue, start_us, end_us, kinds))
    path.parent.mkdir(parents=True, exist_ok=True)
    written, size, last_us = 0, 0, start_us
    # the draw decides where the last line falls, a little before or after the span ends
    with gzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb") as file:
        at_us = start_us
        while written < lines:
            for plays in service.blocks(at_us, end_us):
                chosen = plays[: lines - written]
                size += file.write(service.lines(chosen))
                written += len(chosen)
                last_us = int(chosen["written_us"][-1]) if len(chosen) else last_us
                if written == lines:
                    break
            at_us, end_us = end_us, end_us + round(span_s * 1e6)
    labels = tuple(one.label(f"{n + 1:04d}-{one.kind}", catalogue) for n, one in enumerate(service.incidents))
    return Sample(path, lines, size, start_us, last_us, labels)
