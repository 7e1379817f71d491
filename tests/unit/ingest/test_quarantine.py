"""The quarantine keeps what is no row, within its cap, until it is driven again."""

from __future__ import annotations

from pathlib import Path

import pytest

from yeoul.errors import InputError
from yeoul.events import Reject
from yeoul.ingest.quarantine import Quarantine, Tally
from yeoul.store import State, scratch_state


@pytest.fixture
def state(tmp_path: Path):
    state = scratch_state(tmp_path)
    yield state
    state.close()


def reject(
    position: int = 0, reason: str = "the line is not JSON", raw: bytes = b"oops", kind: str = "invalid"
) -> Reject:
    return Reject("a.log", position, reason, raw, kind)


def add(state: State, *rejects: Reject, stream: str = "hits", cap_bytes: int = 1 << 20) -> Quarantine:
    quarantine = Quarantine(state.db, cap_bytes)
    with state.transaction():
        quarantine.add(stream, "a.log", rejects, at_us=7)
    return quarantine


def test_an_item_keeps_everything_a_person_needs_to_mend_it(state: State):
    (item,) = add(state, reject(12, "`hit`: got `x`", b"\xff\x00")).find()
    assert (item.stream, item.split, item.source, item.position) == ("hits", "a.log", "a.log", 12)
    assert (item.kind, item.reason, item.raw, item.size_bytes, item.at_us) == (
        "invalid",
        "`hit`: got `x`",
        b"\xff\x00",
        2,
        7,
    )


def test_items_are_listed_newest_first_up_to_the_limit(state: State):
    quarantine = add(state, *(reject(position) for position in range(5)))
    assert [item.position for item in quarantine.find(limit=2)] == [4, 3]


@pytest.mark.parametrize(
    ("filters", "positions"),
    [
        ({"stream": "hits"}, [2, 1]),
        ({"stream": "other"}, [3]),
        ({"kind": "future"}, [2]),
        ({"reason": "NOT json"}, [3, 1]),
        ({"reason": "%"}, []),
    ],
)
def test_a_list_can_be_narrowed(state: State, filters: dict[str, str], positions: list[int]):
    quarantine = add(state, reject(1), reject(2, "too far ahead", kind="future"))
    add(state, reject(3), stream="other")
    assert [item.position for item in quarantine.find(**filters)] == positions


def test_an_item_that_is_not_there_is_named_in_one_sentence(state: State):
    with pytest.raises(InputError, match="got the quarantine item `9`"):
        Quarantine(state.db).show(9)


def test_reasons_that_differ_only_in_what_was_got_are_counted_together(state: State):
    quarantine = add(
        state,
        reject(reason="`hit`: got the text `a`; legal: an integer"),
        reject(reason="`hit`: got the text `b`; legal: an integer"),
        reject(reason="the line is not JSON: trailing characters at byte 12"),
        reject(reason="the line is not JSON: trailing characters at byte 99"),
        reject(reason="the line ends at byte 5 before its JSON does"),
    )
    assert list(quarantine.reasons("hits").values()) == [2, 2, 1]
    assert "`hit`: got …; legal: an integer" in quarantine.reasons("hits")


def test_a_line_over_one_mebibyte_is_cut_and_cannot_be_driven_again(state: State):
    quarantine = add(state, reject(raw=b"x" * ((1 << 20) + 1)), reject(1), cap_bytes=1 << 22)
    short, long = quarantine.find()
    assert (len(long.raw), long.size_bytes, long.redrivable) == (1 << 20, (1 << 20) + 1, False)
    assert [item.id for item in quarantine.take("hits")] == [short.id]


def test_over_the_cap_the_oldest_go_and_how_many_went_stays_known(state: State):
    quarantine = Quarantine(state.db, cap_bytes=100_000)
    for position in range(300):
        with state.transaction():
            quarantine.add("hits", "a.log", [reject(position, raw=b"x" * 744)], at_us=0)
    kept, dropped = quarantine.tally("hits"), quarantine.dropped("hits")
    assert 90 <= kept.rows <= 100
    assert kept.rows + dropped.rows == 300
    assert dropped.bytes == dropped.rows * 744
    assert quarantine.find(limit=1)[0].position == 299
    assert min(item.position for item in quarantine.find(limit=1000)) == dropped.rows


def test_the_header_of_a_line_weighs_too(state: State):
    wide = [Reject("a.csv", position, "too few columns", b"x", header=b"h" * 744) for position in range(30)]
    quarantine = add(state, *wide, cap_bytes=10_000)
    assert 0 < len(quarantine.find()) <= 10
    with state.transaction():
        quarantine.remove([item.id for item in quarantine.find()])
    assert state.meta("quarantine.bytes") == "0"


def test_a_batch_larger_than_the_cap_leaves_its_newest_items(state: State):
    quarantine = add(state, *(reject(position, raw=b"x" * 744) for position in range(1000)), cap_bytes=10_000)
    positions = [item.position for item in quarantine.find(limit=1000)]
    assert positions == list(range(999, 999 - len(positions), -1))
    assert 5 <= len(positions) <= 10


def test_what_is_dropped_of_one_stream_is_not_booked_on_another(state: State):
    add(state, *(reject(raw=b"x" * 744) for _ in range(9)), stream="old", cap_bytes=10_000)
    quarantine = add(state, *(reject(raw=b"x" * 744) for _ in range(9)), stream="new", cap_bytes=10_000)
    assert quarantine.dropped("old") == Tally(9, 9 * 744)
    assert quarantine.dropped("new") == Tally()


def test_a_transaction_that_fails_keeps_and_drops_nothing(state: State):
    quarantine = add(state, reject(1), cap_bytes=2000)

    def fail() -> None:
        with state.transaction():
            quarantine.add("hits", "a.log", [reject(raw=b"x" * 1500)] * 9, at_us=0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [item.position for item in quarantine.find()] == [1]
    assert quarantine.dropped("hits") == Tally()


def test_taken_lines_come_in_their_order_and_leave_when_removed(state: State):
    quarantine = add(state, reject(1), reject(2), reject(3))
    add(state, reject(4), stream="other")
    first, _, third = quarantine.take("hits")
    assert [item.position for item in quarantine.take("hits", [third.id, first.id])] == [1, 3]
    with state.transaction():
        quarantine.remove([first.id, third.id, 10_000])
    assert [item.position for item in quarantine.take("hits")] == [2]


def test_removing_makes_room_under_the_cap(state: State):
    quarantine = add(state, *(reject(raw=b"x" * 744) for _ in range(9)), cap_bytes=10_000)
    with state.transaction():
        quarantine.remove([item.id for item in quarantine.find()])
        quarantine.add("hits", "a.log", [reject(raw=b"x" * 744)] * 9, at_us=0)
    assert (quarantine.tally("hits").rows, quarantine.dropped("hits").rows) == (9, 0)


def test_of_nothing_nothing_is_written(state: State):
    before = state.db.total_changes
    add(state)
    assert state.db.total_changes == before
