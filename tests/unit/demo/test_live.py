"""The service in its folder: past, present, wishes, restarts."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from yeoul.clock import ManualClock
from yeoul.demo import Incident, LiveService, Service, ServiceConfig, plant_answer, request_plant, schedule
from yeoul.demo.sample import SAMPLE_START_US
from yeoul.errors import InputError, StateError
from yeoul.events import parse_iso

CONFIG = ServiceConfig(rate_eps=50, hosts=2)
MINUTE_US = 60_000_000


def open_service(folder: Path, clock: ManualClock, config: ServiceConfig = CONFIG):
    return LiveService(folder, config, clock=clock)


def lines_in(folder: Path):
    return sorted(line for path in (folder / "logs").iterdir() for line in path.read_bytes().splitlines())


def labels_in(folder: Path):
    return [json.loads(line) for line in (folder / "labels.ndjson").read_text(encoding="utf-8").splitlines()]


def expected(start_us: int, end_us: int, incidents: Sequence[Incident] = ()):
    return sorted(b"".join(Service(CONFIG, incidents).events(start_us, end_us)).splitlines())


def test_a_backfill_is_the_past_up_to_now(tmp_path: Path):
    live = open_service(tmp_path, ManualClock(SAMPLE_START_US))
    shares = []
    written = live.backfill(0.1, progress=shares.append)
    live.close()
    lines = lines_in(tmp_path)
    assert lines == expected(SAMPLE_START_US - 6 * MINUTE_US, SAMPLE_START_US)
    assert written == live.lines == len(lines)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1, abs=0.01)


def test_time_that_passes_is_written_without_gap_or_repeat(tmp_path: Path):
    clock = ManualClock(SAMPLE_START_US)
    live = open_service(tmp_path, clock)
    live.backfill(0.05)
    live.run(for_s=25, tick_s=0.1)
    clock.advance(40_000_000)
    live.run(for_s=3, tick_s=0.1)
    live.close()
    assert lines_in(tmp_path) == expected(SAMPLE_START_US - 3 * MINUTE_US, clock.now_us())


def test_a_clock_that_steps_back_repeats_nothing(tmp_path: Path):
    clock = ManualClock(SAMPLE_START_US)
    live = open_service(tmp_path, clock)
    live.run(for_s=20)
    clock.step(-10_000_000)
    live.run(for_s=15)
    live.close()
    assert lines_in(tmp_path) == expected(SAMPLE_START_US, clock.now_us())


def test_a_wish_is_planted_labelled_and_answered(tmp_path: Path):
    clock = ManualClock(SAMPLE_START_US)
    live = open_service(tmp_path, clock)
    live.run(for_s=4)
    key = live.service.catalogue.customer_keys[0]
    name = request_plant(tmp_path, "burst", key, duration_s=30, magnitude=6)
    asked_us = clock.now_us()
    live.run(for_s=20)
    live.close()
    (label,) = labels_in(tmp_path)
    assert label == plant_answer(tmp_path, name)
    assert (label["kind"], label["cpk"], label["magnitude"]) == ("burst", [key], 6)
    start_us = parse_iso(label["start"])
    assert 0 <= start_us - asked_us <= 1_000_000
    assert parse_iso(label["end"]) - start_us == 30_000_000
    assert not list((tmp_path / "plants").glob("*.json"))
    planted = Incident.aimed(live.service.catalogue, "burst", key, start_us, 30, 6)
    assert lines_in(tmp_path) == expected(SAMPLE_START_US, clock.now_us(), [planted])


@pytest.mark.parametrize("kind", ["burst", "drop", "scan", "viral", "outage"])
def test_a_wish_without_target_gets_one(tmp_path: Path, kind: str):
    live = open_service(tmp_path, ManualClock(SAMPLE_START_US))
    request_plant(tmp_path, kind)
    live.run(for_s=0.5)
    live.close()
    (label,) = labels_in(tmp_path)
    assert label["kind"] == kind
    assert label["cpk"] or label["base_mck"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{not json", "got a file that is no JSON"),
        ("[]", "legal: an object with `kind`"),
        ('{"kind": "burst", "size": 3}', "legal: an object with `kind`"),
        ('{"kind": "earthquake"}', "kind: got `earthquake`; legal: burst"),
        ('{"kind": "burst", "target": "CP9999"}', "got the customer `CP9999`"),
        ('{"kind": "burst", "target": 7}', "target: got `7`"),
        ('{"kind": "drop", "magnitude": "all"}', "magnitude: got `all`"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_the_reason_and_nothing_stops(tmp_path: Path, text: str, reason: str):
    live = open_service(tmp_path, ManualClock(SAMPLE_START_US))
    (tmp_path / "plants" / "wish.json").write_text(text, encoding="utf-8")
    assert live.run(for_s=2) > 0
    live.close()
    answer = json.loads((tmp_path / "plants" / "refused" / "wish.json").read_text(encoding="utf-8"))
    assert reason in answer["error"]
    assert not (tmp_path / "plants" / "wish.json").exists()
    assert labels_in(tmp_path) == []


def test_an_answer_is_awaited_and_a_refusal_gives_its_reason(tmp_path: Path):
    live = open_service(tmp_path, ManualClock(SAMPLE_START_US))
    name = request_plant(tmp_path, "drop", "CP9999")
    assert plant_answer(tmp_path, name) is None
    live.run(for_s=0.5)
    live.close()
    with pytest.raises(InputError, match="got the customer `CP9999`"):
        plant_answer(tmp_path, name)


def test_a_wish_of_an_unknown_kind_is_refused_before_it_is_sent(tmp_path: Path):
    with pytest.raises(InputError, match="kind: got `brust`"):
        request_plant(tmp_path, "brust")


def test_a_service_goes_on_where_it_ended_with_its_incidents(tmp_path: Path):
    clock = ManualClock(SAMPLE_START_US)
    live = open_service(tmp_path, clock)
    live.backfill(0.05)
    key = live.service.catalogue.customer_keys[2]
    planted = Incident.aimed(live.service.catalogue, "drop", key, clock.now_us(), 120)
    live.plant(planted)
    live.run(for_s=10)
    live.close()
    clock.advance(30_000_000)
    again = open_service(tmp_path, clock)
    again.backfill(1)
    again.run(for_s=10)
    again.close()
    assert lines_in(tmp_path) == expected(SAMPLE_START_US - 3 * MINUTE_US, clock.now_us(), [planted])
    assert len(labels_in(tmp_path)) == 1


def test_another_service_does_not_write_into_the_folder(tmp_path: Path):
    clock = ManualClock(SAMPLE_START_US)
    live = open_service(tmp_path, clock)
    live.run(for_s=1)
    live.close()
    with pytest.raises(StateError, match="which holds"):
        open_service(tmp_path, clock, ServiceConfig(seed=2))


def test_incidents_of_the_past_are_labelled(tmp_path: Path):
    live = open_service(tmp_path, ManualClock(SAMPLE_START_US))
    live.backfill(0.5, lambda start_us, end_us: schedule(CONFIG, live.service.catalogue, start_us, end_us, ["viral"]))
    live.close()
    (label,) = labels_in(tmp_path)
    assert SAMPLE_START_US - 30 * MINUTE_US <= parse_iso(label["start"]) < parse_iso(label["end"]) <= SAMPLE_START_US
    assert (tmp_path / "titles.csv").exists()
