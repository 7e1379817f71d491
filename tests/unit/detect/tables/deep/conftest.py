"""A made-up series on which a small network learns something in seconds."""

from __future__ import annotations

import numpy as np
import pytest

from yeoul.detect.tables import Table

COLUMNS = ("wave", "follower", "constant")


@pytest.fixture(scope="session")
def series() -> Table:
    """900 rows: a wave, a column that follows it, and a constant; row 800 to 804 leave the pattern."""
    rng, at = np.random.default_rng(3), np.arange(900)
    wave = 50 + 20 * np.sin(at / 15) + rng.normal(size=900)
    values = np.column_stack([wave, 3 * wave + rng.normal(size=900), np.full(900, 7.0)])
    values[800:805, 1] -= 200
    return Table(values, COLUMNS, at * 300_000_000)
