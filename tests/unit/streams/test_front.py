from collections.abc import Sequence

import numpy as np
import pytest

from yeoul.streams.front import NEVER, Decision, Front

S = 1_000_000
DELAY = 10 * S
SKEW = 300 * S
DAY = 86_400 * S


def started_at(at_us: int) -> Front:
    return Front(DELAY, SKEW, at_us)


def feed(front: Front, times: Sequence[int], keys: Sequence[str] | None = None) -> list[Decision]:
    keys = keys or [f"c{i % 5}" for i in range(len(times))]
    return [
        decision
        for index, (at, key) in enumerate(zip(times, keys, strict=True))
        for decision in front.step(at, key, index)
    ]


def test_it_starts_at_the_smallest_of_the_first_sixteen_rows():
    front = Front(DELAY, SKEW)
    times = [100 * S + i * S for i in range(15)]
    assert feed(front, times) == []
    assert front.at_us == NEVER
    decisions = front.step(99 * S, "c", 15)
    assert len(decisions) == 16
    assert decisions[0].front_us == 99 * S
    assert front.at_us == 114 * S


def test_a_first_row_a_year_ahead_moves_nothing():
    front = Front(DELAY, SKEW)
    decisions = feed(front, [365 * DAY, *range(0, 20 * S, S)])
    assert front.at_us == 19 * S
    assert [decision.future for decision in decisions if decision.row == 0] == [True]
    assert not any(decision.future for decision in decisions if decision.row != 0)


@pytest.mark.parametrize("place", range(1, 16))
def test_a_device_far_behind_among_the_first_rows_moves_nothing(place: int):
    times = [20 * DAY + at * S for at in range(20)]
    front = Front(DELAY, SKEW)
    decisions = feed(front, [*times[:place], 0, *times[place:]])
    assert front.at_us == times[-1]
    assert len(decisions) == 21
    assert not any(decision.future for decision in decisions)
    odd = next(decision for decision in decisions if decision.row == place)
    assert odd.at_us < odd.front_us - DELAY


def test_a_first_row_long_before_the_others_is_believed():
    front = Front(DELAY, SKEW)
    decisions = feed(front, [0, *(DAY + at * S for at in range(15))])
    assert [decision.front_us for decision in decisions if decision.row == 0] == [0]
    assert not any(decision.future for decision in decisions)
    assert front.at_us == DAY + 14 * S


@pytest.mark.parametrize(
    ("ahead", "front_after", "counted"),
    [
        (0, 0, True),
        (DELAY, DELAY, True),
        (DELAY + 1, 0, True),
        (SKEW, 0, True),
        (SKEW + 1, 0, None),
        (DAY, 0, None),
    ],
)
def test_how_far_ahead_decides_what_a_row_does(ahead: int, front_after: int, counted: bool | None):
    front = started_at(0)
    decisions = front.step(ahead, "c", "row")
    assert front.at_us == front_after
    assert [not decision.future for decision in decisions] == ([] if counted is None else [counted])


def test_a_normal_row_ends_the_run_and_the_undecided_are_future():
    front = started_at(0)
    feed(front, [DAY, DAY + S])
    decisions = front.step(S, "c", 2)
    assert [(decision.row, decision.future) for decision in decisions] == [(0, True), (1, True), (2, False)]


def test_a_row_that_is_late_ends_no_run():
    front = started_at(DAY)
    morning = [DAY + 28_800 * S + at * S for at in range(8)]
    decisions = feed(front, [*morning[:4], 0, DAY - 3600 * S, *morning[4:]])
    assert not any(decision.future for decision in decisions)
    assert (len(decisions), front.at_us) == (10, morning[-1])


def test_eight_rows_of_several_keys_confirm_a_jump():
    front = started_at(0)
    decisions = feed(front, [DAY + i * S for i in range(8)])
    assert front.at_us == DAY + 7 * S
    assert sorted(decision.row for decision in decisions) == list(range(8))
    assert not any(decision.future for decision in decisions)


def test_eight_rows_of_one_key_confirm_nothing_but_sixty_four_do():
    front = started_at(0)
    assert feed(front, [DAY + i for i in range(63)], ["c"] * 63) == []
    assert front.at_us == 0
    decisions = front.step(DAY + 63, "c", 63)
    assert len(decisions) == 64
    assert front.at_us == DAY + 63


def test_a_row_far_ahead_of_a_jump_stays_behind_it():
    front = started_at(0)
    times = [DAY, DAY + S, 400 * DAY, *(DAY + i * S for i in range(2, 7))]
    decisions = feed(front, times)
    assert front.at_us == DAY + 6 * S
    assert [decision.row for decision in decisions if decision.future] == [2]


def test_a_customer_always_four_minutes_ahead_counts_and_moves_nothing():
    front = started_at(0)
    times = [at for i in range(100) for at in (i * S // 10, i * S // 10 + 240 * S)]
    decisions = feed(front, times, ["steady", "ahead"] * 100)
    assert len(decisions) == 200
    assert not any(decision.future for decision in decisions)
    assert front.at_us == 99 * S // 10


def test_at_the_end_any_number_of_rows_confirms_unless_one_key_has_more_than_half():
    front = started_at(0)
    feed(front, [DAY, DAY + S], ["a", "b"])
    assert [decision.future for decision in front.finish()] == [False, False]
    lone = started_at(0)
    feed(lone, [DAY], ["a"])
    assert [decision.future for decision in lone.finish()] == [True]


def test_the_wall_clock_vouches_for_a_row_that_is_not_ahead_of_it():
    front = started_at(0)
    decisions = front.step(6 * 3600 * S, "c", "morning", wall_us=6 * 3600 * S)
    assert [decision.row for decision in decisions] == ["morning"]
    assert front.at_us == 6 * 3600 * S


def test_with_a_row_that_the_wall_clock_vouches_for_come_those_that_waited():
    front = started_at(0)
    feed(front, [3600 * S, 3 * DAY], ["c", "odd"])
    decisions = front.step(3660 * S, "c", "later", wall_us=3660 * S)
    assert [(decision.row, decision.future) for decision in decisions] == [(0, False), (1, True), ("later", False)]
    assert front.at_us == 3660 * S


def test_when_it_goes_idle_the_wall_clock_settles_what_is_undecided():
    front = started_at(0)
    feed(front, [DAY, 3 * DAY], ["a", "b"])
    settled = front.settle(wall_us=DAY - S)
    assert [decision.future for decision in settled] == [False, True]
    assert front.held == []


def test_an_idle_split_starts_from_rows_that_the_wall_clock_allows():
    front = Front(DELAY, SKEW)
    feed(front, [365 * DAY, 5 * S, 6 * S])
    settled = front.settle(wall_us=10 * S)
    assert front.at_us == 6 * S
    assert sorted((decision.front_us // S, decision.future) for decision in settled) == [
        (5, False),
        (5, False),
        (6, True),
    ]


def test_an_idle_split_of_few_rows_far_apart_believes_the_newest_that_is_not_ahead_of_the_wall_clock():
    front = Front(DELAY, SKEW)
    feed(front, [0, 60 * S, 130 * S, 120 * S])
    settled = front.settle(wall_us=125 * S)
    assert front.at_us == 120 * S
    assert sorted((decision.at_us // S, decision.future) for decision in settled) == [
        (0, False),
        (60, False),
        (120, False),
        (130, False),
    ]


def test_the_quick_way_says_the_same_as_row_by_row():
    times = np.array([5, 1, 8, 8, 3, 17, 12], np.int64) * S
    slow, quick = started_at(4 * S), started_at(4 * S)
    before = quick.before(times)
    assert before is not None
    assert before.tolist() == [decision.front_us for decision in feed(slow, times.tolist())]
    assert quick.at_us == slow.at_us


def test_the_quick_way_declines_when_a_row_would_be_held():
    front = started_at(0)
    assert front.before(np.array([S, 11 * S + 1], np.int64)) is None
    assert front.at_us == 0
