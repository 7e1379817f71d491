"""Everything that goes wrong, at the share that was asked for."""

import json
from dataclasses import replace

import numpy as np
import pytest

from yeoul.demo import Service, ServiceConfig
from yeoul.demo.sample import SAMPLE_START_US

MINUTE_US = 60_000_000
CLEAN = ServiceConfig(rate_eps=500, rhythm=0).clean()


def plays_of(**dirt: float):
    service = Service(replace(CLEAN, **dirt))
    return service.plays(SAMPLE_START_US, SAMPLE_START_US + 3 * MINUTE_US)


def lines_of(**dirt: float):
    service = Service(replace(CLEAN, **dirt))
    return b"".join(service.events(SAMPLE_START_US, SAMPLE_START_US + 3 * MINUTE_US)).split(b"\n")[:-1]


def is_row(line: bytes):
    try:
        source = json.loads(line)["_source"]
        params = source["@fields"]["params"]
        int(params["hit"])
        return bool(params["cpk"]) and source["logdate"][4] == "-" and source["logdate"][5:7] <= "12"
    except (ValueError, KeyError, TypeError, IndexError):
        return False


def test_a_clean_service_is_in_order_on_time_and_once():
    plays = plays_of()
    assert (np.diff(plays["written_us"]) >= 0).all()
    assert np.array_equal(plays["written_us"], plays["at_us"])
    assert np.array_equal(plays["logged_us"], plays["at_us"])
    assert len(np.unique(plays["eid"])) == len(plays)


def test_every_line_of_a_clean_service_is_a_row_with_an_integer():
    lines = lines_of()
    assert all(is_row(line) for line in lines)
    assert all(isinstance(json.loads(line)["_source"]["@fields"]["params"]["hit"], int) for line in lines[:2000])


def test_disorder_stays_within_eight_seconds():
    plays = plays_of(disorder_s=1.0)
    lag_s = (plays["written_us"] - plays["at_us"]) / 1e6
    assert lag_s.min() >= 0
    assert 6 < lag_s.max() <= 8
    assert lag_s.mean() == pytest.approx(1.0, rel=0.05)
    assert (np.diff(plays["at_us"]) < 0).mean() > 0.3


def test_late_rows_come_half_a_minute_to_ten_minutes_late():
    plays = plays_of(late=0.02)
    lag_s = (plays["written_us"] - plays["at_us"]) / 1e6
    late = lag_s[lag_s > 0]
    assert len(late) / len(plays) == pytest.approx(0.02, rel=0.15)
    assert 30 <= late.min() < 60
    assert 300 < late.max() <= 600


def test_a_duplicate_repeats_its_line_a_little_later():
    plays = plays_of(duplicates=0.05)
    ids, first, count = np.unique(plays["eid"], return_index=True, return_counts=True)
    assert (count == 2).sum() / len(ids) == pytest.approx(0.05, rel=0.15)
    assert count.max() == 2
    twice = plays[np.isin(plays["eid"], ids[count == 2])]
    twice = np.sort(twice, order=["eid", "written_us"])
    gap_us = twice["written_us"][1::2] - twice["written_us"][::2]
    assert gap_us.max() > 1_000_000
    lines = lines_of(duplicates=0.05)
    assert len(lines) - len(set(lines)) == (count == 2).sum()
    assert (first >= 0).all()


def test_some_device_clocks_are_four_minutes_a_day_or_a_year_ahead():
    plays = plays_of(future=0.03)
    ahead_s = (plays["logged_us"] - plays["at_us"]) // 1_000_000
    values, counts = np.unique(ahead_s, return_counts=True)
    assert values.tolist() == [0, 240, 86_400, 365 * 86_400]
    assert counts[1:].sum() / len(plays) == pytest.approx(0.03, rel=0.15)
    assert counts[1:].min() > 0.2 * counts[1:].sum()


def test_malformed_lines_have_their_share_and_spoil_no_neighbour():
    clean, dirty = lines_of(), lines_of(malformed=0.02)
    assert len(clean) == len(dirty)
    changed = [(before, after) for before, after in zip(clean, dirty, strict=True) if before != after]
    assert len(changed) / len(clean) == pytest.approx(0.02, rel=0.15)
    assert not any(is_row(after) for _, after in changed)
    truncated = [after for before, after in changed if before.startswith(after)]
    assert len(truncated) > 0.1 * len(changed)


def test_some_hits_are_integers_written_as_strings():
    hits = [json.loads(line)["_source"]["@fields"]["params"]["hit"] for line in lines_of(text_hits=0.1)]
    texts = [hit for hit in hits if isinstance(hit, str)]
    assert len(texts) / len(hits) == pytest.approx(0.1, rel=0.15)
    assert all(text.isdecimal() for text in texts)
