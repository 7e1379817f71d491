"""What each kind of incident does to the counts."""

from functools import cache

import numpy as np
import pytest

from yeoul.demo import Incident, Service, ServiceConfig
from yeoul.demo.sample import SAMPLE_START_US

MINUTE_US = 60_000_000
CONFIG = ServiceConfig(seed=3, rate_eps=200, rhythm=0, duplicates=0)
ORDINARY = Service(CONFIG)
START_US, END_US = SAMPLE_START_US + 5 * MINUTE_US, SAMPLE_START_US + 15 * MINUTE_US


@cache
def all_plays(service: Service):
    return service.plays(SAMPLE_START_US, SAMPLE_START_US + 20 * MINUTE_US)


def plays_during(service: Service, start_us: int = START_US, end_us: int = END_US):
    plays = all_plays(service)
    return plays[(plays["at_us"] >= start_us) & (plays["at_us"] < end_us)]


@cache
def with_incident(kind: str, rank: int = 8, magnitude: float | None = None):
    service = Service(CONFIG)
    keys = service.catalogue.title_keys if kind == "viral" else service.catalogue.customer_keys
    target = "icn1" if kind == "outage" else keys[rank]
    service.plant(Incident.aimed(service.catalogue, kind, target, START_US, 600, magnitude))
    return service


@pytest.mark.parametrize(
    ("kind", "magnitude", "ratio"),
    [("burst", 5.0, 5.0), ("burst", 1.5, 1.5), ("drop", 1.0, 0.0), ("drop", 0.5, 0.5), ("scan", 1.0, 2.0)],
)
def test_the_customers_plays_change_by_the_magnitude(kind: str, magnitude: float | None, ratio: float):
    before, after = plays_during(ORDINARY), plays_during(with_incident(kind, 8, magnitude))
    assert (after["customer"] == 8).sum() / (before["customer"] == 8).sum() == pytest.approx(ratio, rel=0.06)


@pytest.mark.parametrize("kind", ["burst", "drop", "scan"])
def test_other_customers_do_not_change(kind: str):
    before, after = plays_during(ORDINARY), plays_during(with_incident(kind))
    assert np.array_equal(before[before["customer"] != 8], after[after["customer"] != 8])


@pytest.mark.parametrize("kind", ["burst", "drop", "scan", "viral", "outage"])
def test_nothing_changes_before_and_after(kind: str):
    before, after = ORDINARY, with_incident(kind)
    for range_us in ((SAMPLE_START_US, START_US), (END_US, END_US + 4 * MINUTE_US)):
        assert np.array_equal(plays_during(before, *range_us), plays_during(after, *range_us))


def test_a_scan_walks_the_catalogue_a_few_hits_a_title():
    before, after = plays_during(ORDINARY), plays_during(with_incident("scan"))
    extra = after[~np.isin(after["eid"], before["eid"])]
    titles, plays = np.unique(extra["title"], return_counts=True)
    assert len(titles) > 290
    assert plays.max() == 1
    assert set(extra["hit"].tolist()) == {1, 2, 3}


def test_a_viral_title_rises_to_the_top_over_many_customers():
    plays = plays_during(with_incident("viral", rank=100))
    assert np.bincount(plays["title"]).argmax() == 100
    viral = plays[plays["title"] == 100]
    assert len(np.unique(viral["customer"])) > 150
    assert np.bincount(viral["customer"]).max() < 0.3 * len(viral)
    first = (viral["at_us"] < START_US + MINUTE_US).sum()
    last = (viral["at_us"] >= END_US - MINUTE_US).sum()
    assert first < last / 2


def test_an_outage_takes_most_traffic_from_everybody_behind_the_origin():
    service = with_incident("outage")
    before, after = plays_during(ORDINARY), plays_during(service)
    behind = np.isin(np.arange(CONFIG.customers), service.incidents[0].customers)
    counts = [np.bincount(plays["customer"], minlength=CONFIG.customers) for plays in (before, after)]
    assert counts[1][behind].sum() / counts[0][behind].sum() == pytest.approx(0.1, abs=0.02)
    assert np.array_equal(counts[0][~behind], counts[1][~behind])


def test_incidents_on_one_customer_add_up_in_any_order_of_planting():
    service = Service(CONFIG)
    key = service.catalogue.customer_keys[8]
    pair = [
        Incident.aimed(service.catalogue, "burst", key, START_US, 600, 4.0),
        Incident.aimed(service.catalogue, "drop", key, START_US + MINUTE_US, 60, 1.0),
    ]
    assert np.array_equal(plays_during(Service(CONFIG, pair)), plays_during(Service(CONFIG, pair[::-1])))
    silent = plays_during(Service(CONFIG, pair), START_US + MINUTE_US, START_US + 2 * MINUTE_US)
    assert not (silent["customer"] == 8).any()
