"""Ways from nested JSON lines to columns, in one run: seconds for a million lines, ratios to the product's decoder.

`taskset -c 0 python benchmarks/decode/parsers.py [LINES]`. Every way yields event time, customer, title and hits; only
the product's also parses times, knows positions and rejects single lines.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from yeoul.events import EventTime, Field, RowSchema
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder

BLOCK_BYTES = 1 << 20
PARAMS = ("_source", "@fields", "params")
SCHEMA = RowSchema(
    EventTime(("_source", "logdate"), ("%Y-%m-%d %H:%M:%S.%f",), "Asia/Seoul"),
    (
        Field("cpk", (*PARAMS, "cpk")),
        Field("base_mck", (*PARAMS, "base_mck")),
        Field("hit", (*PARAMS, "hit"), "int"),
    ),
)


def events(count: int) -> bytes:
    """Lines of about 0.75 kB, like those of a player's log."""
    rng = random.Random(1)
    start = datetime(2026, 3, 2, 20)  # noqa: DTZ001 - the log writes local times
    lines = []
    for number in range(count):
        at = start + timedelta(milliseconds=number * 3 + rng.randrange(-4000, 4000))
        params = {
            "cpk": f"c{min(int(rng.paretovariate(0.7)), 60):04d}",
            "uid": f"u{rng.randrange(10**7):07d}",
            "hit": str(rng.randrange(1, 5)),
            "base_mck": f"M{min(int(rng.paretovariate(0.5)), 3000):06d}",
            "pfkey": rng.choice(["ios", "android", "web", "tv"]),
            "year": 2026,
            "position": rng.random() * 3600,
            "agent": "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko)",
            "session": f"{rng.getrandbits(128):032x}",
        }
        source = {
            "@version": "1",
            "logdate": at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
            "host": f"edge-{number % 17:02d}.vod.example",
            "path": "/var/log/player/action.log",
            "tags": ["player", "action"],
            "@fields": {"level": "INFO", "thread": f"http-nio-{number % 200}", "logger": "ActionLog", "params": params},
            "note": "x" * 120,
        }
        event = {"_index": "player-2026.03.02", "_type": "log", "_id": f"{rng.getrandbits(80):020x}", "_source": source}
        lines.append(json.dumps(event, separators=(",", ":")))
    return ("\n".join(lines) + "\n").encode()


def blocks(data: bytes) -> list[LineBlock]:
    found, at = [], 0
    while at < len(data):
        end = data.rfind(b"\n", at, at + BLOCK_BYTES) + 1
        found.append(LineBlock("a.log", at, data[at:end]))
        at = end
    return found


def product(cut: list[LineBlock]) -> Callable[[], int]:
    decoder = build_decoder(SCHEMA)
    return lambda: sum(len(decoder.decode(block)) for block in cut)


def _structs() -> Any:
    params = msgspec.defstruct("P", [("cpk", Any), ("base_mck", Any), ("hit", Any)], gc=False)
    fields = msgspec.defstruct("F", [("params", params)], gc=False)
    source = msgspec.defstruct("S", [("logdate", Any), ("f", fields)], rename={"f": "@fields"}, gc=False)
    return msgspec.defstruct("R", [("s", source)], rename={"s": "_source"}, gc=False)


def _columns(found: list[Any]) -> int:
    sources = [one.s for one in found]
    params = [one.f.params for one in sources]
    columns = [
        [one.logdate for one in sources],
        [one.cpk for one in params],
        [one.base_mck for one in params],
        [int(one.hit) for one in params],
    ]
    return len(columns[0])


def msgspec_lines(cut: list[LineBlock]) -> Callable[[], int]:
    decode = msgspec.json.Decoder(_structs()).decode
    return lambda: sum(_columns(list(map(decode, block.data.splitlines()))) for block in cut)


def msgspec_blocks(cut: list[LineBlock]) -> Callable[[], int]:
    decode = msgspec.json.Decoder(_structs()).decode_lines
    return lambda: sum(_columns(decode(block.data)) for block in cut)


def _dict_columns(load: Callable[[bytes], Any], cut: list[LineBlock]) -> Callable[[], int]:
    def run() -> int:
        rows = 0
        for block in cut:
            found = []
            for line in block.data.splitlines():
                source = load(line)["_source"]
                params = source["@fields"]["params"]
                found.append((source["logdate"], params["cpk"], params["base_mck"], int(params["hit"])))
            rows += len(next(zip(*found, strict=True)))
        return rows

    return run


def standard_json(cut: list[LineBlock]) -> Callable[[], int]:
    return _dict_columns(json.loads, cut)


def orjson_lines(cut: list[LineBlock]) -> Callable[[], int]:
    import orjson  # noqa: PLC0415 - optional here

    return _dict_columns(orjson.loads, cut)


def simdjson_lines(cut: list[LineBlock]) -> Callable[[], int]:
    import simdjson  # noqa: PLC0415 - optional here

    parser = simdjson.Parser()
    base = "/_source/@fields/params"

    def load(line: bytes) -> tuple[Any, ...]:
        found = parser.parse(line)
        at = found.at_pointer
        return at("/_source/logdate"), at(f"{base}/cpk"), at(f"{base}/base_mck"), int(at(f"{base}/hit"))

    return lambda: sum(len(next(zip(*map(load, block.data.splitlines()), strict=True))) for block in cut)


def duckdb_from_json(cut: list[LineBlock]) -> Callable[[], int]:
    import duckdb  # noqa: PLC0415 - optional here
    import pyarrow as pa  # noqa: PLC0415 - optional here

    db = duckdb.connect()
    db.execute("SET threads = 1")
    shape = json.dumps(
        {
            "_source": {
                "logdate": "VARCHAR",
                "@fields": {"params": {"cpk": "VARCHAR", "base_mck": "VARCHAR", "hit": "BIGINT"}},
            }
        }
    )

    params = 'j._source."@fields".params'
    query = (
        f"SELECT j._source.logdate, {params}.cpk, {params}.base_mck, {params}.hit "
        f"FROM (SELECT from_json(line, '{shape}') AS j FROM lines)"
    )

    def run() -> int:
        rows = 0
        for block in cut:
            raw = np.frombuffer(block.data, np.uint8)
            ends = np.flatnonzero(raw == 10).astype(np.int32)
            offsets = np.concatenate([np.zeros(1, np.int32), ends + 1])
            column = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block.data))
            lines = pa.table({"line": column})  # noqa: F841 - DuckDB finds it by name
            found = db.sql(query).to_arrow_table()
            rows += found.num_rows
        return rows

    return run


def duckdb_group_by(path: Path) -> int:
    """The bare job for scale: DuckDB reads the file and counts by ten seconds, customer and title."""
    import duckdb  # noqa: PLC0415 - optional here

    db = duckdb.connect()
    db.execute("SET threads = 1")
    params = "params STRUCT(cpk VARCHAR, base_mck VARCHAR, hit BIGINT)"
    columns = f"{{_source: 'STRUCT(logdate TIMESTAMP, \"@fields\" STRUCT({params}))'}}"
    (groups,) = db.execute(
        "SELECT count(*) FROM (SELECT time_bucket(INTERVAL 10 SECONDS, _source.logdate), "
        '_source."@fields".params.cpk, _source."@fields".params.base_mck, count(*), '
        'sum(_source."@fields".params.hit) '
        f"FROM read_json('{path}', format = 'newline_delimited', columns = {columns}) GROUP BY 1, 2, 3)"
    ).fetchall()[0]
    return int(groups)


WAYS = [product, msgspec_lines, msgspec_blocks, duckdb_from_json, simdjson_lines, orjson_lines, standard_json]


def poisoned(data: bytes, share: float) -> bytes:
    rng = random.Random(2)
    harms: list[Callable[[bytes], bytes]] = [
        lambda line: line[: rng.randrange(1, len(line))],
        lambda line: line.replace(b'"hit":"', b'"hit":"x'),
        lambda line: line.replace(b'"INFO"', b"NaN"),
        lambda line: line.replace(b"INFO", b"\xff"),
        lambda line: line.replace(b"2026-03-02 2", b"2026-13-02 2"),
        lambda line: line.replace(b'"cpk"', b'"cpq"'),
        lambda line: line.replace(b'"params":{', b'"params":"a","x":{'),
        lambda line: b"garbage" + line,
    ]
    lines = data.splitlines()
    return b"\n".join(rng.choice(harms)(line) if rng.random() < share else line for line in lines) + b"\n"


def jobs(data: bytes) -> dict[str, Callable[[], int]]:
    found: dict[str, Callable[[], int]] = {}
    for way in WAYS:
        try:
            found[way.__name__] = way(blocks(data))
        except ImportError as error:
            print(f"  {way.__name__:20} not installed ({error.name})")
    for share in (0.01, 1.0):
        found[f"product, {share:.0%} bad"] = product(blocks(poisoned(data, share)))
    return found


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    data = events(count)
    taken: dict[str, float] = {}
    found = jobs(data)
    path = Path(tempfile.mkdtemp()) / "events.ndjson"
    path.write_bytes(data)
    found["DuckDB, read + group"] = lambda: duckdb_group_by(path)
    # all ways take turns, and processor time is counted, so that a busy machine favours none
    for _ in range(rounds):
        for name, run in found.items():
            start = time.process_time()
            run()
            taken[name] = min(taken.get(name, 1e9), time.process_time() - start)
    path.unlink()
    path.parent.rmdir()
    print(f"{count} lines of {len(data) / count:.0f} bytes; processor seconds for a million lines, best of {rounds}")
    for name, seconds in taken.items():
        print(f"  {name:20} {seconds * 1_000_000 / count:6.2f} s   {seconds / taken['product']:5.2f} x the product's")


if __name__ == "__main__":
    main()
