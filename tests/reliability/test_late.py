"""Rows that come too late, under every policy: what is revised, what is set aside, judged as the semantics say."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from yeoul.events import iso
from yeoul.flows.replay import replay
from yeoul.flows.summary import summary
from yeoul.settings import load_workspace
from yeoul.store import read_state
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows, rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

S = 1_000_000
BASE_US = 1_700_000_000 * S
DELAY_S = 3
SIZE_S, SLIDE_S = {"tumbling": 20, "sliding": 60}, 20
ALLOWED_S = (0, 5, 45, 7200)
AFTER_S = 100
STREAMS = {f"{kind}{allowed}": (SIZE_S[kind], allowed) for kind in SIZE_S for allowed in ALLOWED_S}
KEYS = ("customer", "title")

Engines = Callable[..., EngineProcess]


def declared(folder: Path) -> Path:
    """Every policy, on tumbling and on sliding windows, as streams on the same log."""
    plain_workspace(folder)
    text = (folder / "yeoul.toml").read_text()
    blocks = []
    for name, (size_s, allowed_s) in STREAMS.items():
        window = f'"{size_s}s"' if size_s == SLIDE_S else f'{{ size = "{size_s}s", slide = "{SLIDE_S}s" }}'
        block = text.replace("[stream.hits]", f"[stream.{name}]").replace('window = "4s"', f"window = {window}")
        blocks.append(f'{block}\nallowed_lateness = "{allowed_s}s"\n')
    (folder / "yeoul.toml").write_text("\n".join(blocks))
    return folder


def rows_with_late_ones(seed: int, count: int) -> list[tuple[float, str, int]]:
    """Time in seconds, customer, value; one in twenty comes 1 s, 30 s or an hour behind the watermark."""
    chance = random.Random(seed)
    rows, now, front = [], 0.0, 0.0
    for number in range(count):
        if number > 20 and chance.random() < 0.05:
            at = round(max(front - DELAY_S - chance.choice((1, 4, 30, 3600)), -5), 3)
        else:
            at = now = round(now + chance.choice((0.5, 1.0, 1.5)), 3)
        front = max(front, at)
        rows.append((at, f"c{chance.randrange(4)}", chance.randrange(100)))
    # time goes on, so that every window before closes by its rows
    return rows + [(now + AFTER_S + tenth / 10, f"c{tenth % 4}", 1) for tenth in range(20)]


def read_by_all(folder: Path) -> int:
    if not counts(folder, "tumbling0").read:
        return 0
    books = summary(load_workspace(folder).plan()).ledgers
    return min(books[name]["total"]["read"] if name in books else 0 for name in STREAMS)


class Oracle:
    """The text of the semantics, a row at a time: watermark = front - delay; a window is over when its end is past."""

    def __init__(self, rows: list[tuple[float, str, int]], size_s: int, allowed_s: int) -> None:
        self.first: Counter[tuple[str, str]] = Counter()
        self.plays: Counter[tuple[str, str]] = Counter()
        self.hits: Counter[tuple[str, str]] = Counter()
        self.late: list[tuple[str, int]] = []
        front = min(at for at, _, _ in rows[:16])
        for at, customer, value in rows:
            watermark = front - DELAY_S
            front = max(front, at)
            start = at // SLIDE_S * SLIDE_S
            ends = [start + SLIDE_S + back for back in range(0, size_s, SLIDE_S)]
            takes = [end for end in ends if end + allowed_s > watermark]
            if not takes:
                self.late.append((iso(BASE_US + round(at * S)), value))
            for end in takes:
                key = iso(BASE_US + round((end - size_s) * S)), customer
                self.plays[key] += 1
                self.hits[key] += value
                self.first[key] += end > watermark
        self.counted = len(rows) - len(self.late)


def check(out: Path, rows: list[tuple[float, str, int]]) -> None:
    aside: dict[str, list[tuple[str, int]]] = {}
    for row in rows_of(out / "late.ndjson"):
        assert "s behind the watermark" in row["reason"]
        assert json.loads(plain_line(0).decode()).keys() - {"at"} == row["row"].keys()
        aside.setdefault(row["stream"], []).append((row["event_time"], row["row"]["n"]))
    windows = rows_of(out / "windows.ndjson")
    over = iso(BASE_US + round((rows[-1][0] - AFTER_S + 20) * S))
    for name, (size_s, allowed_s) in STREAMS.items():
        oracle = Oracle(rows, size_s, allowed_s)
        book = checked_ledger(out, name)
        assert (book.counted, book.late) == (oracle.counted, len(oracle.late)), name
        assert sorted(aside.get(name, [])) == sorted(oracle.late), name
        last = final_windows(out, stream=name, keys=KEYS)
        assert {key[:2]: values for key, values in last.items() if key[0] < over} == {
            key: {"plays": plays, "hits": oracle.hits[key]} for key, plays in oracle.plays.items() if key[0] < over
        }, name
        first, revised = {}, set()
        for row in windows:
            if row["stream"] == name and row["window_start"] < over:
                key = row["window_start"], row["customer"]
                if row["revision"]:
                    revised.add(key)
                else:
                    first[key] = row["plays"]
        assert first == {key: plays for key, plays in oracle.first.items() if plays and key[0] < over}, name
        # only what late rows touched is published again, and all of that
        assert revised == {key for key, plays in oracle.plays.items() if plays != oracle.first[key]}, name
        assert bool(revised) == bool(allowed_s), name


@pytest.mark.parametrize(
    ("seed", "count", "kills"),
    [
        (1, 4500, 1),
        *(pytest.param(seed, 40_000, 6, marks=[pytest.mark.soak, pytest.mark.timeout(900)]) for seed in range(2, 7)),
    ],
)
def test_late_rows_revise_or_are_set_aside_as_the_policy_says(
    tmp_path: Path, engines: Engines, seed: int, count: int, kills: int
):
    rows = rows_with_late_ones(seed, count)
    count = len(rows)
    lines = [plain_line(BASE_US + round(at * S), customer, "m", value, "") for at, customer, value in rows]
    folder = declared(tmp_path / "w")
    log = folder / "logs/a.ndjson"
    parts = kills + 2
    log.write_bytes(b"".join(lines[: count // parts]))
    engine = engines(folder)
    for part in range(1, parts):
        seen = count * part // parts
        wait_for(lambda seen=seen: read_by_all(folder) >= seen, every_s=0.3)
        if part <= kills:
            engine.kill()
        with log.open("ab") as file:
            file.write(b"".join(lines[seen : count * (part + 1) // parts]))
        if part <= kills:
            engine.start()

    def last_window_closed() -> bool:
        if read_by_all(folder) < count:
            return False
        state = read_state(folder / ".yeoul")
        ends = dict(state.db.execute("SELECT stream, max(end_us) FROM log WHERE kind = 'window' GROUP BY stream"))
        state.close()
        newest = BASE_US + round((rows[-1][0] - AFTER_S - 2) * S)
        return all(ends[name] >= newest + (size_s - SLIDE_S) * S for name, (size_s, _) in STREAMS.items())

    wait_for(last_window_closed, within_s=90, every_s=0.5)
    check(exported(folder), rows)
    replay(load_workspace(folder).plan(), tmp_path / "replayed")
    check(tmp_path / "replayed", rows)
