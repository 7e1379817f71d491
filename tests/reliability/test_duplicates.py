"""Lines that are delivered again: once with an event id, each time without; across kills and across files."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.testing.processes import EngineProcess, counts, open_parts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

S = 1_000_000
BASE_US = 1_700_000_000 * S
KEYS = ("customer", "title")

Engines = Callable[..., EngineProcess]


def repeating(seed: int, count: int) -> tuple[dict[str, list[bytes]], int]:
    """Lines of two files, 5 % of them repeats from up to two seconds before, of either file; how many repeats."""
    chance = random.Random(seed)
    files: dict[str, list[bytes]] = {"a": [], "b": []}
    before: list[tuple[float, bytes]] = []
    repeats = 0
    for number in range(count):
        at_s = number / 50
        if number > 100 and chance.random() < 0.05:
            line = chance.choice([line for at, line in before if at_s - at <= 2])
            repeats += 1
        else:
            at_us = BASE_US + round(at_s * S)
            line = plain_line(
                at_us, f"c{chance.randrange(9)}", f"m{chance.randrange(9)}", chance.randrange(9), f"e{number}"
            )
            before = [*before[-200:], (at_s, line)]
        files[chance.choice("ab")].append(line)
    return files, repeats


@pytest.mark.parametrize(
    ("seed", "count", "kills"),
    [
        (1, 5000, 2),
        *(
            pytest.param(seed, 60_000, 20, marks=[pytest.mark.soak, pytest.mark.timeout(900)], id=f"long {seed}")
            for seed in range(2, 5)
        ),
    ],
)
def test_repeats_count_once_with_an_event_id_and_each_time_without(
    tmp_path: Path, engines: Engines, batch_count: Callable[..., Any], seed: int, count: int, kills: int
):
    plain_workspace(tmp_path, stream={"event_id": '"id"'})
    text = (tmp_path / "yeoul.toml").read_text()
    every = text.replace("[stream.hits]", "[stream.every]").replace('event_id = "id"\n', "")
    (tmp_path / "yeoul.toml").write_text(text + every)
    files, repeats = repeating(seed, count)
    assert repeats > count // 30
    written = dict.fromkeys(files, 0)

    def write(share: float) -> int:
        for name, lines in files.items():
            until = round(len(lines) * share)
            with (tmp_path / f"logs/{name}.ndjson").open("ab") as file:
                file.write(b"".join(lines[written[name] : until]))
            written[name] = until
        return sum(written.values())

    rows = write(1 / (kills + 1))
    engine = engines(tmp_path)
    for kill in range(1, kills + 1):
        wait_for(lambda rows=rows: counts(tmp_path).read == rows == counts(tmp_path, "every").read)
        engine.kill()
        rows = write((kill + 1) / (kills + 1))
        engine.start()
    wait_for(lambda: counts(tmp_path).read == rows == counts(tmp_path, "every").read and not open_parts(tmp_path))
    out = exported(tmp_path)
    paths = sorted(tmp_path.glob("logs/*"))
    once, every_time = checked_ledger(out), checked_ledger(out, "every")
    assert (once.counted, once.duplicate, once.late) == (count - repeats, repeats, 0)
    assert (every_time.counted, every_time.duplicate) == (count, 0)
    assert final_windows(out, keys=KEYS) == batch_count(paths, once=True)
    assert final_windows(out, stream="every", keys=KEYS) == batch_count(paths)
