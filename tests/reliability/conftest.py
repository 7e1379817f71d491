"""The oracle of every test here: an independent count of the same lines, by DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from yeoul.events import iso

BatchCount = Callable[..., dict[Any, Any]]

_PLAIN = """
    SELECT epoch_us(CAST("at" AS TIMESTAMPTZ)) AS at_us, customer, title, CAST(n AS BIGINT) AS n, id
    FROM read_json({paths}, format = 'newline_delimited', maximum_object_size = 33554432, columns = {{
        "at": 'VARCHAR', customer: 'VARCHAR', title: 'VARCHAR', n: 'BIGINT', id: 'VARCHAR'}})
"""
_DEMO = """
    SELECT epoch_us(CAST(_source->>'$.logdate' AS TIMESTAMP) - INTERVAL 9 HOUR) AS at_us,
        params->>'$.cpk' AS customer, params->>'$.base_mck' AS title, CAST(params->>'$.hit' AS BIGINT) AS n,
        params->>'$.eid' AS id
    FROM (SELECT _source, _source->'@fields'->'params' AS params
        FROM read_json({paths}, format = 'newline_delimited', columns = {{_source: 'JSON'}}))
"""


@pytest.fixture(scope="session")
def batch_count() -> BatchCount:
    """`batch_count(files, window_s=4, demo=False, once=False)`: windows as `final_windows` gives them.

    `demo`: lines of the simulated service instead of `plain_line`. `once`: rows of an id count once. Lines that are no
    rows, and rows that are late or of the future, must not be in the files.
    """

    def count(files: Iterable[Path], window_s: int = 4, *, demo: bool = False, once: bool = False) -> dict[Any, Any]:
        paths = str([str(path) for path in files])
        rows = (_DEMO if demo else _PLAIN).format(paths=paths)
        if once:
            rows = f"SELECT DISTINCT ON (id) * FROM ({rows})"
        size_us = window_s * 1_000_000
        found = duckdb.sql(f"""
            SELECT at_us // {size_us} * {size_us}, customer, title, count(*), CAST(sum(n) AS BIGINT)
            FROM ({rows}) GROUP BY ALL
        """).fetchall()
        return {
            (iso(at), customer, title): {"plays": plays, "hits": hits} for at, customer, title, plays, hits in found
        }

    return count
