"""`import yeoul` is cheap: it loads no heavy library and takes no noticeable time."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "confluent_kafka",
    "deltalake",
    "duckdb",
    "fastapi",
    "httpx",
    "jax",
    "keras",
    "numpy",
    "pydantic",
    "pyspark",
    "scipy",
}
HEAVY |= {"rich", "sklearn", "sqlglot", "starlette", "typer", "uvicorn"}
LIMIT_S = 0.150

PROBE = """
import json, sys, time
before = time.perf_counter()
import yeoul
print(json.dumps([time.perf_counter() - before, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def _import_once() -> tuple[float, set[str]]:
    printed = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=True, text=True).stdout
    seconds, names = json.loads(printed)
    return seconds, set(names)


def test_importing_yeoul_loads_no_heavy_library() -> None:
    assert _import_once()[1] & HEAVY == set()


def test_importing_yeoul_takes_no_noticeable_time() -> None:
    # The best of several: a busy machine is no fault of the package.
    assert min(_import_once()[0] for _ in range(5)) < LIMIT_S
