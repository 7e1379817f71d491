"""Incidents that the service places itself."""

from itertools import pairwise

import numpy as np
import pytest

from yeoul.demo import KINDS, Catalogue, Incident, ServiceConfig, schedule
from yeoul.demo.sample import SAMPLE_START_US
from yeoul.demo.schedule import pick_target, steady_customers
from yeoul.errors import InputError

CONFIG = ServiceConfig()
CATALOGUE = Catalogue(CONFIG)
END_US = SAMPLE_START_US + 6 * 3_600_000_000


def test_each_kind_is_planted_once_and_none_meets_another():
    planned = schedule(CONFIG, CATALOGUE, SAMPLE_START_US, END_US)
    assert sorted(one.kind for one in planned) == sorted(KINDS)
    assert planned[0].start_us >= SAMPLE_START_US
    assert planned[-1].end_us <= END_US
    gaps_s = [(after.start_us - before.end_us) / 1e6 for before, after in pairwise(planned)]
    assert min(gaps_s) >= 600


def test_the_seed_decides_what_is_planted():
    assert schedule(CONFIG, CATALOGUE, 0, END_US, seed=1) == schedule(CONFIG, CATALOGUE, 0, END_US, seed=1)
    assert schedule(CONFIG, CATALOGUE, 0, END_US, seed=1) != schedule(CONFIG, CATALOGUE, 0, END_US, seed=2)


def test_a_range_too_short_to_tell_incidents_apart_is_refused():
    with pytest.raises(InputError, match="got 5 incidents in 300 s; legal: at least 120 s for each"):
        schedule(CONFIG, CATALOGUE, 0, 300_000_000)


def test_customers_are_chosen_with_enough_plays_to_be_found():
    rng = np.random.default_rng(1)
    keys = {pick_target("drop", CONFIG, CATALOGUE, rng) for _ in range(50)}
    plays = [CATALOGUE.customer_share[CATALOGUE.customer_rank(key)] * CONFIG.rate_eps * 10 for key in keys]
    assert len(keys) > 5
    assert min(plays) >= 20


def test_a_small_service_still_has_a_target():
    config = ServiceConfig(customers=5, titles=3, rate_eps=1)
    catalogue = Catalogue(config)
    assert len(steady_customers(config, catalogue)) == 1
    rng = np.random.default_rng(1)
    assert pick_target("viral", config, catalogue, rng) in catalogue.title_keys


def test_what_is_busy_is_left_alone_until_nothing_is_free():
    rng = np.random.default_rng(1)
    busy = []
    for _ in steady_customers(CONFIG, CATALOGUE):
        target = pick_target("burst", CONFIG, CATALOGUE, rng, busy)
        assert target not in {one.target for one in busy}
        busy.append(Incident.aimed(CATALOGUE, "burst", target, 0))
    with pytest.raises(InputError, match="every suitable customer has an incident"):
        pick_target("burst", CONFIG, CATALOGUE, rng, busy)
