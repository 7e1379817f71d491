"""The format of a line."""

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from yeoul.demo import Service, ServiceConfig
from yeoul.demo.sample import SAMPLE_START_US

SERVICE = Service(ServiceConfig(rate_eps=500).clean())
PLAYS = SERVICE.plays(SAMPLE_START_US, SAMPLE_START_US + 10_000_000)
LINES = SERVICE.lines(PLAYS).splitlines()
ROWS = [json.loads(line) for line in LINES]


def test_a_line_is_nested_as_the_services_logs_are():
    row = ROWS[0]
    assert set(row) == {"_index", "_type", "_source"}
    assert {"logdate", "host", "@fields"} <= set(row["_source"])
    params = row["_source"]["@fields"]["params"]
    declared = {"cpk", "hit", "base_mck", "pfkey", "year", "eid"}
    others = {"ua", "ip", "device", "bitrate", "sid", "app", "uid", "os"}
    assert declared | others <= set(params)
    assert isinstance(params["hit"], int)
    assert isinstance(params["year"], int)


def test_each_line_says_what_its_play_was():
    for play, row in zip(PLAYS, ROWS, strict=True):
        params = row["_source"]["@fields"]["params"]
        assert params["cpk"] == SERVICE.catalogue.customer_keys[play["customer"]]
        assert params["base_mck"] == SERVICE.catalogue.title_keys[play["title"]]
        assert params["hit"] == play["hit"]
        assert params["eid"] == f"{play['eid']:016x}"
        assert row["_source"]["host"] == f"vod-log-{play['host'] + 1:02d}"


def test_logdate_is_seoul_time_with_milliseconds():
    for play, row in zip(PLAYS, ROWS, strict=True):
        text = row["_source"]["logdate"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", text)
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=ZoneInfo("Asia/Seoul"))
        assert round(moment.timestamp() * 1000) == play["logged_us"] // 1000
        assert row["_index"] == f"player-{text[:10].replace('-', '.')}"


def test_lines_have_the_size_of_real_ones():
    sizes = np.array([len(line) + 1 for line in LINES])
    assert sizes.min() >= 690
    assert sizes.max() <= 1000
    assert 720 <= sizes.mean() <= 800


def test_a_day_that_ends_within_a_chunk_is_written_on_both_sides():
    midnight_us = SAMPLE_START_US + 4 * 3_600_000_000
    lines = b"".join(SERVICE.events(midnight_us - 5_000_000, midnight_us + 5_000_000)).splitlines()
    days = [json.loads(line)["_source"]["logdate"][:10] for line in lines]
    assert sorted(set(days)) == ["2026-03-02", "2026-03-03"]
    assert days == sorted(days)
