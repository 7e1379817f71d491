"""The outbox keeps messages until they are heard, in order for each incident, with growing pauses, for a day."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from yeoul.deliver import Outbox
from yeoul.store import State, open_state, scratch_state

S = 1_000_000
NOW = 1_772_449_805 * S


@pytest.fixture
def state(tmp_path: Path) -> State:
    return scratch_state(tmp_path)


@pytest.fixture
def outbox(state: State) -> Outbox:
    return Outbox(state.db)


def _due(outbox: Outbox, now_us: int) -> list[tuple[str, str, str]]:
    return [(one.notifier, one.incident, one.change) for one in outbox.due(now_us)]


def test_a_message_is_due_at_once_and_gone_when_it_is_sent(outbox: Outbox):
    id_ = outbox.add("ops", "i1", "opened", NOW, {"id": "i1", "observed": float("nan"), "name": "제목"})
    (message,) = outbox.due(NOW)
    assert (message.id, message.body, message.tries) == (id_, {"id": "i1", "observed": None, "name": "제목"}, 0)
    outbox.sent(id_)
    assert outbox.due(NOW) == []
    assert outbox.waiting() == 0


def test_the_same_message_twice_is_one(outbox: Outbox):
    first = outbox.add("ops", "i1", "opened", NOW, {"n": 1})
    outbox.failed(first, NOW)
    assert outbox.add("ops", "i1", "opened", NOW, {"n": 1}) == first
    assert outbox.waiting() == 1
    assert outbox.due(NOW) == []  # adding it again did not forget the failure


def test_ids_differ_with_notifier_incident_change_and_time(outbox: Outbox):
    messages = [("ops", "i1", "grown", NOW), ("dev", "i1", "grown", NOW), ("ops", "i2", "grown", NOW)]
    messages += [("ops", "i1", "closed", NOW), ("ops", "i1", "grown", NOW + 1)]
    assert len({outbox.add(*message, {}) for message in messages}) == 5


def test_pauses_double_up_to_five_minutes(outbox: Outbox):
    id_ = outbox.add("ops", "i1", "opened", NOW, {})
    pauses, now = [], NOW
    for _ in range(11):
        assert not outbox.failed(id_, now)
        pause = next(pause for pause in range(1, 301) if outbox.due(now + pause * S))
        assert not outbox.due(now + pause * S - 1)
        pauses.append(pause)
        now += pause * S
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_it_is_given_up_a_day_after_the_change(outbox: Outbox):
    id_ = outbox.add("ops", "i1", "opened", NOW, {})
    assert not outbox.failed(id_, NOW + 86_399 * S)
    assert outbox.failed(id_, NOW + 86_400 * S)
    assert outbox.waiting() == 0


def test_it_is_given_up_after_a_day_of_trying_whatever_the_event_time(outbox: Outbox):
    id_ = outbox.add("ops", "i1", "opened", NOW + 10**15, {})
    now, start = NOW, NOW
    while not outbox.failed(id_, now):
        now += 1 * S
        while not outbox.due(now):
            now += 1 * S
    assert 86_000 * S < now - start < 87_000 * S


def test_booking_what_is_not_there_is_harmless(outbox: Outbox):
    outbox.sent(7)
    assert not outbox.failed(7, NOW)


def test_later_changes_of_an_incident_wait_for_the_earlier_ones(outbox: Outbox):
    first = outbox.add("ops", "i1", "opened", NOW, {})
    outbox.add("ops", "i1", "closed", NOW + 60 * S, {})
    outbox.add("ops", "i2", "opened", NOW + 30 * S, {})
    outbox.add("dev", "i1", "closed", NOW + 60 * S, {})
    later = NOW + 90 * S
    others = [("ops", "i2", "opened"), ("dev", "i1", "closed")]
    assert _due(outbox, later) == [("ops", "i1", "opened"), *others]
    outbox.failed(first, later)
    assert _due(outbox, later) == others
    outbox.sent(first)
    assert ("ops", "i1", "closed") in _due(outbox, later)


def test_messages_go_with_the_transaction_that_made_them(tmp_path: Path):
    state = open_state(tmp_path / "kept")
    with contextlib.suppress(KeyError), state.transaction() as db:
        Outbox(db).add("ops", "i1", "opened", NOW, {})
        raise KeyError
    assert Outbox(state.db).waiting() == 0
    with state.transaction() as db:
        Outbox(db).add("ops", "i1", "opened", NOW, {})
    state.close()
    state = open_state(tmp_path / "kept")
    assert Outbox(state.db).waiting() == 1
    state.close()
