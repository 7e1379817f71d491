"""One declaration and rows of all kinds for two engines, with what must be equal of their results."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yeoul.events import iso
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace

__all__ = ["CLOSED_S", "FLOATS", "PARTITIONS", "WHOLE", "partition_rows", "replayed", "two_engines", "windows_of"]

BASE_S = 1_772_449_800
"""A multiple of every window below, and past by the wall clock."""
SECONDS = 60
CLOSED_S = BASE_S + SECONDS + 30
"""Windows that end by then were closed by the heartbeats."""
PARTITIONS = 3
WHOLE = ("rows", "sum", "low", "high")
FLOATS = ("mean", "watched", "average")

_Windows = dict[tuple[str, str, int], dict[str, Any]]
_WORKSPACE = """
[stream.hits]
event_time = "_source.@timestamp"
keys       = ["customer", "title"]
window     = {window}
delay      = "10s"
event_id   = "id"
where      = "kind <> 'ping'"
source     = {source}

[stream.hits.fields]
customer = "_source.@fields.params.customer"
title    = {{ path = "_source.@fields.params.title", type = "int" }}
kind     = {{ path = "_source.@fields.kind", default = "play" }}
n        = {{ path = "_source.@fields.params.n", type = "int", default = 7 }}
seconds  = {{ path = "_source.@fields.seconds", type = "float" }}
id       = "id"

[stream.hits.aggregates]
rows      = "count()"
sum       = "sum(n)"
low       = "min(n)"
high      = "max(n)"
mean      = "mean(n)"
watched   = "sum(seconds)"
average   = "mean(seconds)"
different = "distinct(id)"
"""


def two_engines(folder: Path, source: str, window: str = '"10s"') -> Path:
    """A workspace that both engines can run; `source` and `window` as TOML; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "yeoul.toml").write_text(_WORKSPACE.format(source=source, window=window), encoding="utf-8")
    return folder


def partition_rows(number: int, count: int) -> list[bytes]:
    """Rows of a minute, out of order by less than the delay, some repeated; some late by an hour; then heartbeats.

    Among them are a line that is no JSON, one with a wrong value, one of the year 2100, and a blank one.
    """
    draw = random.Random(number)  # noqa: S311  (of test rows)
    rows: list[bytes] = []
    for at in range(count):
        rows.append(_row(BASE_S + SECONDS * at / count + draw.uniform(0, 4), draw))
        if draw.random() < 0.05:
            rows.append(rows[-draw.randint(1, min(5, len(rows)))])
    middle = len(rows) // 2
    rows[middle:middle] = [b"no JSON", _row(BASE_S, draw, seconds="long"), _row(4_102_444_800, draw), b"  "]
    rows += [_row(BASE_S - 3600 + at, draw) for at in range(5)]
    return [*rows, *(_row(CLOSED_S + 10, draw, kind="ping") for _ in range(8))]


def _row(at_s: float, draw: random.Random, **members: Any) -> bytes:
    """A nested row with integers as numbers and as texts, and members that are null, absent or there."""
    params = {
        "customer": draw.choice(["여울", "café", "c-1", 'c"2\\', "日本 3"]),
        "title": draw.choice([1, 2, "3", "-4"]),
        "n": draw.choice([0, 5, "12", "-3", None, 9_007_199_254_740_993, 2.0]),
    }
    fields = {"params": params, "seconds": draw.choice([draw.random() * 1e6, 3, "2.5e-3", 0.1])}
    if draw.random() < 0.5:
        fields["kind"] = draw.choice(["play", "seek", None])
    whole = {"_source": {"@timestamp": iso(round(at_s * 1e6)), "@fields": fields}, "id": f"e{draw.getrandbits(60)}"}
    fields |= members
    return json.dumps(whole, ensure_ascii=False).encode()


def windows_of(lines: Iterable[bytes]) -> _Windows:
    """Windows that the heartbeats closed, by start and keys; what was said last of one holds."""
    found = {}
    for each in map(json.loads, lines):
        if each["window_end"] <= iso(CLOSED_S * 1_000_000):
            found[each["window_start"], each["customer"], each["title"]] = each
    return found


def replayed(folder: Path, out: Path) -> tuple[_Windows, dict[str, int]]:
    """What the local engine says of a workspace: its windows and its ledger."""
    replay(load_workspace(folder).plan(), out)
    ledger = json.loads((out / "ledger.json").read_text())["hits"]["total"]
    return windows_of((out / "windows.ndjson").read_bytes().splitlines()), ledger
