"""Planted incidents as the demo page lists them: what was asked, what happens, what was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yeoul.demo import LiveService, ServiceConfig, request_plant
from yeoul.errors import InputError
from yeoul.events import iso
from yeoul.flows.views import Names, PlantedView, planted_label
from yeoul.store import State, scratch_state

S = 1_000_000
T0 = 1_772_449_800 * S
NAMES = Names(())


@pytest.fixture
def state(tmp_path: Path) -> State:
    return scratch_state(tmp_path / "state")


def label(folder: Path, id_: str, start_us: int, end_us: int, **members: object) -> None:
    line = {"id": id_, "kind": "burst", "start": iso(start_us), "end": iso(end_us), "magnitude": 5.0, **members}
    with (folder / "labels.ndjson").open("a") as file:
        file.write(json.dumps(line) + "\n")


def incident(state: State, id_: str, opened_us: int, keys: str) -> None:
    with state.transaction() as db:
        db.execute(
            "INSERT INTO incident VALUES (?, 'b', ?, '[]', ?, 0, NULL, 1, 1, 'up', 1, 1, '[]', 1, '[]')",
            (id_, keys, opened_us),
        )


@pytest.mark.parametrize(("now_us", "status"), [(T0 - 1, "planned"), (T0, "running"), (T0 + 60 * S, "over")])
def test_the_time_says_whether_it_is_over(tmp_path: Path, now_us: int, status: str) -> None:
    label(tmp_path, "1", T0, T0 + 60 * S, cpk=["C1"])
    assert PlantedView(tmp_path).rows(None, NAMES, now_us)[0]["status"] == status


def test_it_was_found_by_incidents_of_its_keys_in_its_time(tmp_path: Path, state: State) -> None:
    label(tmp_path, "1", T0, T0 + 60 * S, cpk=["C1"], base_mck=["M1"])
    incident(state, "late", T0 + 61 * S, '[{"cpk":"C1"}]')
    incident(state, "hit", T0 + 12 * S, '[{"cpk":"C2"},{"cpk":"C1"}]')
    incident(state, "title", T0 + 13 * S, '[{"base_mck":"M1"}]')
    incident(state, "other", T0 + 12 * S, '[{"cpk":"C2"}]')
    incident(state, "before", T0 - S, '[{"cpk":"C1"}]')
    incident(state, "long after", T0 + 3600 * S, '[{"cpk":"C1"}]')
    (shown,) = PlantedView(tmp_path).rows(state.db, NAMES, T0)
    assert shown["incidents"] == ["hit", "title", "late"]
    assert shown["delay_s"] == 12.0


def test_what_it_took_to_find_it_ends_with_the_window_that_told(tmp_path: Path, state: State) -> None:
    label(tmp_path, "1", T0, T0 + 60 * S, cpk=["C1"])
    incident(state, "hit", T0 + 12 * S, '[{"cpk":"C1"}]')
    with state.transaction() as db:
        db.execute("INSERT INTO stream VALUES ('hits', '{}')")
        state.set_meta("stream:hits", json.dumps({"window": [10 * S, 10 * S]}))
    (shown,) = PlantedView(tmp_path).rows(state.db, NAMES, T0)
    assert shown["delay_s"] == 22.0


def test_newest_come_first_and_a_half_written_line_waits(tmp_path: Path) -> None:
    view = PlantedView(tmp_path)
    label(tmp_path, "1", T0, T0 + S)
    label(tmp_path, "2", T0 + S, T0 + 2 * S)
    with (tmp_path / "labels.ndjson").open("a") as file:
        file.write('{"id": "3", "ki')
    assert [each["id"] for each in view.rows(None, NAMES, T0)] == ["2", "1"]


def test_wishes_are_shown_until_the_service_answers_and_refusals_with_their_reason(tmp_path: Path) -> None:
    view = PlantedView(tmp_path)
    asked = request_plant(tmp_path, "burst", target="nobody")
    assert [(each["id"], each["status"]) for each in view.rows(None, NAMES, T0)] == [(asked, "asked")]
    service = LiveService(tmp_path, ServiceConfig(customers=5, titles=10, rate_eps=1))
    service.run(for_s=0.3)
    service.close()
    (shown,) = view.rows(None, NAMES, T0)
    assert (shown["status"], shown["kind"]) == ("refused", "burst")
    assert "nobody" in shown["reason"]


def test_the_service_s_own_label_can_be_shown_at_once() -> None:
    shown = planted_label({"id": "1", "kind": "burst", "start": iso(T0), "end": iso(T0 + S), "cpk": ["C1"]}, NAMES, T0)
    assert (shown["status"], shown["keys"][0][0]["value"]) == ("running", "C1")
    with pytest.raises(InputError, match="no times"):
        planted_label({"id": "1"}, NAMES, T0)
