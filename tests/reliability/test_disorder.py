"""Rows out of order up to `delay`: none is late, and how fast they are read changes nothing."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from yeoul.demo import write_sample
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.processes import EngineProcess, counts, open_parts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import QUICK, demo_workspace

pytestmark = pytest.mark.slow

DELAY_S = 3.0
BEHIND_S = 8.0
HOSTS = ("a", "b", "behind")
RESULTS = ("windows.ndjson", "late.ndjson", "findings.ndjson", "incidents.ndjson", "ledger.json")

# files are written one after the other: a test that has to wait for its disk in between is not a silent split
PATIENT = {old: new.replace('idle_timeout = "1s"', 'idle_timeout = "5s"') for old, new in QUICK.items()}

Engines = Callable[..., EngineProcess]
Timed = list[tuple[float, bytes]]


def at_s(line: bytes) -> float:
    text = json.loads(line)["_source"]["logdate"]
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()


def again(line: bytes, seconds: float, name: str) -> bytes:
    """The same as an event of its own, so much later."""
    source = json.loads(line)["_source"]
    text, event_id = source["logdate"], source["@fields"]["params"]["eid"]
    moved = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC) + timedelta(seconds=seconds)
    return line.replace(event_id.encode(), f"{event_id}{name}".encode()).replace(
        text.encode(), f"{moved:%Y-%m-%d %H:%M:%S.%f}"[:-3].encode()
    )


def shuffled(folder: Path, seed: int, lines: int, span_s: int) -> dict[str, Timed]:
    """By host its lines with the second at which each is written: up to `delay` late, one host always 8 s behind.

    Whole lines are dealt to the hosts at random, so that no host has an order of its own. At the end time goes on for a
    minute, so that every window closes by its rows and not by silence.
    """
    chance = random.Random(seed)
    write_sample(folder / "sample", lines, seed=seed, span_s=span_s, clean=True)
    files: dict[str, Timed] = {host: [] for host in HOSTS}
    written = (folder / "sample").read_bytes().splitlines(keepends=True)
    begin = at_s(written[0])
    for customer in ("CP0000", "CP0001", "CP0002"):  # who suddenly asks much more: there is something to find
        chosen = [line for line in written if f'"{customer}"'.encode() in line]
        burst = [line for line in chosen if 0.5 < (at_s(line) - begin) / span_s < 0.6]
        written += [again(line, 0, f"{number}") for line in burst for number in range(12)]
    for line in written:
        host = chance.choice(HOSTS)
        files[host].append((at_s(line) + chance.uniform(0, DELAY_S) + BEHIND_S * (host == "behind"), line))
    end = max(at for timed in files.values() for at, _ in timed)
    for index, host in enumerate(HOSTS):
        files[host].sort()
        last = written[lines - 48 : lines][index::3]
        files[host] += [(end + 60, again(line, 60, "last")) for line in last]
    return files


def run(folder: Path, files: dict[str, Timed], engines: Engines, slices: int) -> Path:
    """What a live engine makes of the files, written in so many slices while it runs."""
    demo_workspace(folder, changes=PATIENT)
    begin = min(timed[0][0] for timed in files.values())
    end = max(timed[-1][0] for timed in files.values())
    done = dict.fromkeys(files, 0)
    engine = None
    for number in range(1, slices + 1):
        # the first slice is longer: every split is there from the beginning
        until = begin + 20 + (end - begin - 20) * (number / slices if slices > 1 else 1)
        for host, timed in files.items():
            upto = next((place for place in range(done[host], len(timed)) if timed[place][0] > until), len(timed))
            with (folder / f"logs/{host}.ndjson").open("ab") as file:
                file.write(b"".join(line for _, line in timed[done[host] : upto]))
            done[host] = upto
        rows = sum(done.values())
        if engine is None:
            engine = engines(folder)
            wait_for(lambda rows=rows: counts(folder).read >= rows, 600)
        time.sleep(0.1)
    rows = sum(map(len, files.values()))
    wait_for(lambda: counts(folder).read == rows and not open_parts(folder), 600)
    assert engine is not None
    engine.stop()
    return exported(folder)


@pytest.mark.parametrize(
    ("seed", "lines", "span_s", "slices"),
    [
        (1, 8000, 600, 16),
        *(
            pytest.param(
                seed, 400_000, 7200, 600, marks=[pytest.mark.soak, pytest.mark.timeout(1800)], id=f"long {seed}"
            )
            for seed in range(2, 5)
        ),
    ],
)
def test_disorder_up_to_the_delay_makes_nothing_late_at_any_speed(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., Any], seed: int, lines: int, span_s: int, slices: int
):
    files = shuffled(tmp_path, seed, lines, span_s)
    paced = run(tmp_path / "paced", files, engines, slices)
    book = checked_ledger(paced)
    assert (book.late, book.future, book.counted) == (0, 0, sum(map(len, files.values())))
    assert final_windows(paced) == batch_count(sorted((tmp_path / "paced").glob("logs/*")), demo=True)
    assert (paced / "findings.ndjson").read_bytes()
    at_once = run(tmp_path / "at once", files, engines, 1)
    folder = demo_workspace(tmp_path / "replayed", changes=PATIENT)
    for path in (tmp_path / "paced").glob("logs/*"):
        os.link(path, folder / "logs" / path.name)
    replay(load_workspace(folder).plan(), folder / "out")
    for name in RESULTS:
        expected = (folder / "out" / name).read_bytes()
        assert (paced / name).read_bytes() == expected, name
        assert (at_once / name).read_bytes() == expected, name
