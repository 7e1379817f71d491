"""Measures of counters: who was not read says nothing, and changes nothing for the others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from yeoul.flows.servers.measures import Measures

DAY = 288


def counters(rows: int, servers: int) -> np.ndarray:
    """Requests of Poisson counts around 1000 times the server's number; nothing fails, as many sessions."""
    rng = np.random.default_rng(1)
    requests = rng.poisson(1000.0 * np.arange(1, servers + 1), (rows, 4, servers)).astype(float)
    return np.stack([requests, requests, 0 * requests, requests], axis=3).reshape(rows, -1)


@pytest.mark.parametrize(("leaves", "joins"), [(0, 10 * DAY), (10 * DAY, 20 * DAY)], ids=["joins", "leaves"])
def test_the_others_look_as_usual_when_a_server_joins_or_leaves(leaves: int, joins: int):
    values, known = counters(20 * DAY, 3), np.ones((20 * DAY, 12), bool)
    known[leaves:joins, 2::3] = False
    values.reshape(-1, 4, 3, 4)[leaves:joins, :, 2] = 500_000.0  # what it was filled with is no matter
    found = Measures(3).fit(values, known).of(values, known)
    requests = found[DAY:, :12]
    assert np.nanquantile(np.abs(requests[:, [0, 1]]), 0.999) < 4
    assert np.isnan(found[leaves:joins, 2]).all()


def test_a_server_that_was_seldom_read_is_not_judged():
    values, known = counters(10 * DAY, 3), np.ones((10 * DAY, 12), bool)
    known[: 6 * DAY, 2::3] = False
    measures = Measures(3).fit(values, known)
    assert measures.judged.all(axis=0).tolist() == [True, True, False]
    assert np.isnan(measures.of(values, known)[:, 2:48:3]).all()


def test_counters_that_were_never_read_warn_of_nothing():
    values, known = counters(3 * DAY, 2), np.ones((3 * DAY, 8), bool)
    known[:, 0] = False
    measures = Measures(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measures.fit(values, known).of(values, known)
        odd = measures.odd(found)
    assert odd.mean() <= 0.05
    assert np.isnan(found[:, 0]).all()
