"""Replay of 1,000,000 simulated events on one core, against the bare group-by of the same file by other tools.

Every job is a process of its own, pinned to one processor; the time is from the first byte to the last result, process
start left out, best of `--runs`. Peers that are not installed are left out and said so.
    python benchmarks/throughput/replay.py [--events 1000000] [--runs 3]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

PREPARE = """
import json, os, resource, sys, time
from pathlib import Path
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
path = Path(sys.argv[1]); folder = path.parent.parent
def done(groups, started):
    print(json.dumps({{"s": time.perf_counter() - started, "groups": groups,
                      "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
{body}
"""

YEOUL = """
import tempfile
from dataclasses import replace
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
plan = load_workspace(folder).plan()
plan = replace(
    plan,
    detects=tuple(block for block in plan.detects if block.name in {watched}),
    ranks=plan.ranks if {watched} else (),
)
with tempfile.TemporaryDirectory() as out:
    result = replay(plan, Path(out))
    groups = sum(1 for line in open(Path(out) / "windows.ndjson", "rb"))
done(groups, time.perf_counter() - result.seconds)
"""

JOBS = {
    "yeoul replay: windows, ledger, checkpoints": YEOUL.format(watched=()),
    "yeoul replay: customers watched, titles ranked": YEOUL.format(watched=("customers",)),
    "yeoul replay: 3,000 titles watched too": YEOUL.format(watched=("customers", "titles")),
    "duckdb read_json, threads=1": """
import duckdb
db = duckdb.connect(config={"threads": 1})
db.execute("SET enable_progress_bar = false")
started = time.perf_counter()
found = db.execute('''
    SELECT floor(epoch(strptime(_source.logdate, '%Y-%m-%d %H:%M:%S.%f')) / 10) AS w, _source."@fields".params.cpk AS c,
           _source."@fields".params.base_mck AS m, count(*), sum(_source."@fields".params.hit)
    FROM read_json(?, format = 'newline_delimited', columns = {_source:
        'STRUCT(logdate VARCHAR, "@fields" STRUCT(params STRUCT(cpk VARCHAR, base_mck VARCHAR, hit BIGINT)))'})
    GROUP BY 1, 2, 3''', [str(path)]).fetchnumpy()
done(len(found["w"]), started)
""",
    "polars scan_ndjson": """
os.environ["POLARS_MAX_THREADS"] = "1"
import polars as pl
params = pl.Struct({"cpk": pl.String, "base_mck": pl.String, "hit": pl.Int64})
schema = {"_source": pl.Struct({"logdate": pl.String, "@fields": pl.Struct({"params": params})})}
started = time.perf_counter()
p = pl.col("_source").struct.field("@fields").struct.field("params")
at = pl.col("_source").struct.field("logdate").str.to_datetime("%Y-%m-%d %H:%M:%S%.f").dt.truncate("10s")
found = (pl.scan_ndjson(path, schema=schema)
    .select(at.alias("w"), p.struct.field("cpk"), p.struct.field("base_mck"), p.struct.field("hit"))
    .group_by("w", "cpk", "base_mck").agg(pl.len(), pl.col("hit").sum()).collect())
done(found.height, started)
""",
    "pyarrow.json and group_by": """
import pyarrow as pa, pyarrow.compute as pc, pyarrow.json as pj
pa.set_cpu_count(1); pa.set_io_thread_count(1)
params = pa.struct([("cpk", pa.string()), ("base_mck", pa.string()), ("hit", pa.int64())])
schema = pa.schema([("_source", pa.struct([("logdate", pa.string()), ("@fields", pa.struct([("params", params)]))]))])
started = time.perf_counter()
table = pj.read_json(path, read_options=pj.ReadOptions(use_threads=False, block_size=8 << 20),
    parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"))
source = table.column("_source").combine_chunks()
p = source.field("@fields").field("params")
# strptime has no fraction here: whole seconds suffice for windows of ten
at = pc.strptime(pc.utf8_slice_codeunits(source.field("logdate"), 0, 19), "%Y-%m-%d %H:%M:%S", "s")
w = pc.divide(at.cast(pa.int64()), 10)
flat = pa.table({"w": w, "c": p.field("cpk"), "m": p.field("base_mck"), "h": p.field("hit")})
found = flat.group_by(["w", "c", "m"], use_threads=False).aggregate([("h", "sum"), ("h", "count")])
done(found.num_rows, started)
""",
    "msgspec loop and two counters": """
import msgspec
from collections import Counter
Params = msgspec.defstruct("Params", [("cpk", str), ("base_mck", str), ("hit", int)], gc=False)
Fields = msgspec.defstruct("Fields", [("params", Params)], gc=False)
Source = msgspec.defstruct("Source", [("logdate", str), ("fields", Fields)], rename={"fields": "@fields"}, gc=False)
Line = msgspec.defstruct("Line", [("source", Source)], rename={"source": "_source"}, gc=False)
decode = msgspec.json.Decoder(Line).decode
started = time.perf_counter()
rows, hits = Counter(), Counter()
with open(path, "rb") as file:
    for line in file:
        source = decode(line).source
        params = source.fields.params
        key = (source.logdate[:18], params.cpk, params.base_mck)
        rows[key] += 1
        hits[key] += params.hit
done(len(rows), started)
""",
}
NEEDS = {"polars scan_ndjson": "polars", "pyarrow.json and group_by": "pyarrow"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = _input(Path(folder), options.events)
        print(f"{options.events:,} events, {path.stat().st_size / options.events:.0f} bytes each, one core")
        best: dict[str, dict[str, float]] = {}
        for number in range(options.runs):
            for name, body in JOBS.items():
                if number == 0 and name in NEEDS and find_spec(NEEDS[name]) is None:
                    print(f"  left out: {name} ({NEEDS[name]} is not installed)")
                elif name in best or number == 0:
                    found = _run(body, path)
                    best[name] = min(best.get(name, found), found, key=lambda each: each["s"])
    peer = best["duckdb read_json, threads=1"]["s"]
    print(f"{'job':46} {'s':>6} {'events/s':>9} {'MB':>6} {'x DuckDB':>8} {'groups':>8}")
    for name, found in best.items():
        rate, ratio = options.events / found["s"], peer / found["s"]
        print(f"{name:46} {found['s']:6.2f} {rate:9,.0f} {found['mb']:6.0f} {ratio:8.2f} {found['groups']:8,}")


def _input(folder: Path, events: int) -> Path:
    from yeoul.demo import ServiceConfig, write_sample  # noqa: PLC0415  (only this process makes it)
    from yeoul.testing.workspaces import demo_workspace  # noqa: PLC0415

    demo_workspace(folder, changes={'event_id    = "eid"       # a repeated event counts once\n': ""})
    config = ServiceConfig(text_hits=0).clean()
    write_sample(folder / "logs/a.ndjson", events, span_s=3600, customers=60, titles=3000, config=config)
    return folder / "logs/a.ndjson"


def _run(body: str, path: Path) -> dict[str, float]:
    # the braces of PREPARE are doubled for format
    code = PREPARE.format(body=body)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
