"""What of a stream's declaration may change beside a kept state, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import StateError
from yeoul.flows.declaration import check_declaration, keep_declaration
from yeoul.settings import load_workspace
from yeoul.store import State, scratch_state
from yeoul.streams import StreamSpec
from yeoul.testing.workspaces import plain_workspace

WITH_IDS = {"event_id": '"id"', "allowed_lateness": '"4s"'}
FIELDS = (
    '{ customer = "customer", title = "title", n = { path = "n", type = "TYPE" }, id = { path = "id", type = "ID" } }'
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = scratch_state(tmp_path / "state")
    keep_declaration(made, spec(tmp_path, WITH_IDS), 1)
    return made


def spec(folder: Path, members: dict[str, str]) -> StreamSpec:
    return load_workspace(plain_workspace(folder / "w", stream=members)).plan().streams[0].spec


def notices(state: State) -> list[str]:
    return [detail for (detail,) in state.db.execute("SELECT detail FROM notice WHERE kind = 'changed' ORDER BY id")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"window": '"8s"'}, "window from"),
        ({"keys": '["customer"]'}, "keys from"),
        ({"aggregates": '{ plays = "count()", hits = "max(n)" }'}, "aggregates from"),
        ({"fields": FIELDS.replace("TYPE", "float").replace("ID", "str")}, "fields from"),
        ({"fields": FIELDS.replace("TYPE", "int").replace("ID", "int")}, "event_id from"),
        ({"event_id": '"title"'}, "event_id from"),
        ({"allowed_lateness": '"5s"'}, "allowed_lateness from"),
    ],
)
def test_what_would_mix_two_ways_of_counting_is_refused(
    tmp_path: Path, state: State, change: dict[str, str], said: str
):
    with pytest.raises(StateError, match=said):
        keep_declaration(state, spec(tmp_path, WITH_IDS | change), 2)
    keep_declaration(state, spec(tmp_path, WITH_IDS), 3)
    assert notices(state) == []


def test_event_ids_may_come_and_not_go(tmp_path: Path, state: State):
    with pytest.raises(StateError, match="event_id"):
        check_declaration(state, spec(tmp_path, {"allowed_lateness": '"4s"'}))
    other = scratch_state(tmp_path / "other")
    keep_declaration(other, spec(tmp_path, {}), 1)
    keep_declaration(other, spec(tmp_path, WITH_IDS), 2)
    assert notices(other) == [
        "allowed_lateness from 0s to 4s; it counts from here on",
        "event_id from none to `id`; it counts from here on",
    ]
    with pytest.raises(StateError, match="event_id"):
        check_declaration(other, spec(tmp_path, {}))


def test_what_may_change_is_told_once(tmp_path: Path, state: State):
    fewer = spec(tmp_path, WITH_IDS | {"allowed_lateness": '"3s"', "where": '"n >= 1"'})
    for now_us in (2, 3):
        keep_declaration(state, fewer, now_us)
    assert notices(state) == [
        "allowed_lateness from 4s to 3s; it counts from here on",
        "where from none to `n >= 1`; it counts from here on",
    ]
    with pytest.raises(StateError, match="allowed_lateness"):  # ids were kept for the shorter time since
        check_declaration(state, spec(tmp_path, WITH_IDS))


def test_without_event_ids_lateness_may_grow(tmp_path: Path):
    state = scratch_state(tmp_path / "state")
    keep_declaration(state, spec(tmp_path, {}), 1)
    keep_declaration(state, spec(tmp_path, {"allowed_lateness": '"1h"'}), 2)
    assert notices(state) == ["allowed_lateness from 0s to 1h; it counts from here on"]


def test_a_state_of_a_release_that_kept_less_goes_on(tmp_path: Path, state: State):
    kept: dict[str, Any] = json.loads(state.meta("stream:hits") or "")
    for name in ("event_id", "allowed_lateness"):
        del kept[name]
    with state.transaction() as db:
        state.set_meta("stream:hits", json.dumps(kept))
        db.execute("DELETE FROM meta WHERE key = 'lesser:hits'")
    now = replace(spec(tmp_path, WITH_IDS), allowed_lateness_us=9_000_000)
    keep_declaration(state, now, 2)
    assert notices(state) == []
    with pytest.raises(StateError, match="event_id"):
        check_declaration(state, spec(tmp_path, {}))
