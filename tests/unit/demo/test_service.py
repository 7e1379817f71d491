"""The service as a whole: what follows from the seed, and how counts vary."""

import numpy as np
import pytest

from yeoul.demo import Incident, Service, ServiceConfig
from yeoul.demo.sample import SAMPLE_START_US

MINUTE_US = 60_000_000
END_US = SAMPLE_START_US + 2 * MINUTE_US


def text_of(service: Service, start_us: int = SAMPLE_START_US, end_us: int = END_US):
    return b"".join(service.events(start_us, end_us))


def test_the_seed_says_everything():
    assert text_of(Service(ServiceConfig(seed=5))) == text_of(Service(ServiceConfig(seed=5)))
    assert text_of(Service(ServiceConfig(seed=5))) != text_of(Service(ServiceConfig(seed=6)))


def test_a_range_that_is_empty_has_no_lines():
    assert text_of(Service(ServiceConfig()), END_US, END_US) == b""


def test_planting_changes_no_line_written_before():
    service = Service(ServiceConfig())
    moment_us = SAMPLE_START_US + 63_217_000
    before = text_of(service, end_us=moment_us)
    key = service.catalogue.customer_keys[3]
    service.plant(Incident.aimed(service.catalogue, "burst", key, moment_us, 30))
    assert text_of(service, end_us=moment_us) == before
    assert len(text_of(service)) > len(text_of(Service(ServiceConfig())))


@pytest.mark.parametrize("hour", [0, 9, 21])
def test_the_rate_follows_the_rhythm(hour: int):
    service = Service(ServiceConfig(rate_eps=200, duplicates=0))
    start_us = SAMPLE_START_US + hour * 60 * MINUTE_US
    plays = service.plays(start_us, start_us + 10 * MINUTE_US)
    level = service.rhythm.mean_level(start_us, start_us + 10 * MINUTE_US, service.catalogue.customer_share)
    assert len(plays) / 600 == pytest.approx(200 * level, rel=0.03)


def test_counts_vary_more_than_chance_alone_would():
    config = ServiceConfig(rate_eps=300, rhythm=0, wander=0, dispersion=0.05).clean()
    plays = Service(config).plays(SAMPLE_START_US, SAMPLE_START_US + 40 * MINUTE_US)
    windows = np.bincount((plays["at_us"][plays["customer"] == 0] - SAMPLE_START_US) // 10_000_000)
    mean = windows.mean()
    assert windows.var() == pytest.approx(mean + 0.05 * mean**2, rel=0.35)
    assert windows.var() > 3 * mean


def test_every_host_sees_nearly_every_customer():
    service = Service(ServiceConfig(hosts=3))
    plays = service.plays(SAMPLE_START_US, END_US)
    for host in range(3):
        assert len(np.unique(plays["customer"][plays["host"] == host])) > 180
    by_host = service.lines_by_host(plays)
    assert sorted(b"".join(by_host).splitlines()) == sorted(service.lines(plays).splitlines())
    assert all(b"vod-log-02" in line for line in by_host[1].splitlines() if line.endswith(b"}}}}"))


def test_true_hits_are_those_of_the_plays():
    service = Service(ServiceConfig(rate_eps=100).clean())
    plays = service.plays(SAMPLE_START_US, END_US)
    hits = service.hits(SAMPLE_START_US, END_US)
    assert hits.shape == (12, 200)
    assert np.array_equal(hits.sum(axis=0), np.bincount(plays["customer"], plays["hit"], 200))


def test_true_hits_count_late_rows_where_they_happened():
    service = Service(ServiceConfig(rate_eps=100, late=0.2, duplicates=0))
    plays = service.plays(SAMPLE_START_US - MINUTE_US, END_US + 11 * MINUTE_US)
    inside = (plays["at_us"] >= SAMPLE_START_US) & (plays["at_us"] < END_US)
    assert service.hits(SAMPLE_START_US, END_US).sum() == plays["hit"][inside].sum()
