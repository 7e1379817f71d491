import numpy as np
import pytest

from yeoul.events import Reject
from yeoul.streams import parse_aggregate
from yeoul.testing.streams import BASE, Row, Run, S, rows, spec, steady


def counts(run: Run) -> dict[tuple[float, int], int]:
    found: dict[tuple[float, int], int] = {}
    for start, revision, _, _, count, *_ in run.results():
        found[start, revision] = found.get((start, revision), 0) + count
    return found


def test_a_window_closes_when_the_watermark_reaches_its_end():
    run = Run()
    run.give("a", steady(19))
    assert counts(run) == {}
    run.give("a", [Row(at_s=20.0)])
    assert counts(run) == {(0.0, 0): 20}


def test_every_aggregate_of_a_group():
    run = Run()
    run.give("a", [Row(0, h=3, f=0.5, id="x"), Row(1, h=1, f=1.5, id="y"), Row(2, h=2, f=1.0, id="x")])
    run.finish()
    assert run.results() == [(0.0, 0, "c1", "m1", 3, 6, 1, 1.5, 1.0, 2)]


def test_a_row_is_late_when_its_window_ended_at_or_before_its_splits_watermark():
    run = Run()
    run.give("a", steady(20))
    run.give("a", [Row(20.0), Row(10.0), Row(9.999)])
    assert run.ledger.late == 1
    assert [row.event_us for row in run.late] == [BASE + 9_999_000]
    assert run.late[0].row["c"] == "c1"


def test_late_is_judged_by_the_rows_own_split_even_while_the_window_is_open():
    run = Run()
    run.stream.open("slow", joined=True)
    run.give("slow", steady(16))
    run.give("fast", steady(40))
    run.give("fast", [Row(5.0)])
    assert counts(run) == {}
    assert run.ledger.late == 1


def test_windows_wait_for_the_slowest_joined_split():
    run = Run()
    run.give("slow", steady(16))
    run.give("fast", steady(60))
    assert counts(run) == {}
    run.give("slow", [Row(float(at)) for at in range(16, 21)])
    assert counts(run) == {(0.0, 0): 40}


def test_a_split_that_never_started_holds_the_windows_open():
    run = Run()
    run.stream.open("new", joined=True)
    run.give("a", steady(100))
    assert counts(run) == {}


def test_an_old_file_that_appears_late_holds_nobody_back_and_its_rows_are_late():
    run = Run()
    run.give("a", steady(60))
    closed = counts(run)
    run.stream.open("old", joined=False)
    run.stream.add("old", rows(steady(10)))
    run.stream.advance()
    run.take()
    assert run.stream.ledger["old"].late == 20
    assert counts(run) == closed
    assert not run.stream.clocks.splits["old"].joined


def test_a_new_file_that_has_caught_up_joins_the_minimum():
    run = Run()
    run.give("a", steady(60))
    run.stream.open("new", joined=False)
    run.stream.add("new", rows([Row(55 + i / 4) for i in range(20)]))
    run.stream.advance()
    run.take()
    assert [entry.note for entry in run.entries if entry.kind == "join"] == ["new"]
    run.give("a", [Row(float(at)) for at in range(60, 80)])
    assert run.stream.clocks.combined_us == BASE + round((59.75 - 10) * S)


def test_a_silent_split_leaves_and_the_others_go_on():
    run = Run()
    run.give("quiet", steady(16))
    run.give("busy", steady(60))
    run.stream.idle("quiet", wall_us=BASE + 60 * S)
    run.stream.advance()
    run.take()
    assert (0.0, 0) in counts(run)
    assert [entry.note for entry in run.entries if entry.kind == "leave"] == ["quiet"]
    window = next(entry for entry in run.entries if entry.kind == "window")
    assert window.coverage.missing == ("quiet",)
    assert not window.coverage.full


def test_when_all_are_silent_time_itself_closes_the_last_window():
    run = Run()
    run.give("a", steady(16))
    run.stream.idle("a", wall_us=BASE + 60 * S)
    run.stream.advance(silent_us=3 * S)
    run.take()
    assert counts(run) == {}
    run.stream.advance(silent_us=30 * S)
    run.take()
    assert counts(run) == {(0.0, 0): 20, (10.0, 0): 12}
    assert not any(entry.coverage.full for entry in run.entries if entry.kind == "window")


def test_what_the_wall_clock_and_silence_decide_is_in_the_log():
    run = Run()
    run.give("a", steady(16))
    run.give("a", [Row(60.0)], wall_us=BASE + 60 * S)
    run.stream.idle("a", wall_us=BASE + 90 * S)
    for silent_s in (1, 2, 21, 22):
        run.stream.advance(silent_us=silent_s * S)
    run.take()
    notes = [(entry.kind, entry.note) for entry in run.entries if entry.kind not in {"window", "empty"}]
    assert notes == [("believe", "a"), ("leave", "a"), ("idle", "")]


def test_a_returning_split_with_old_data_meets_the_late_rule():
    run = Run()
    run.give("a", steady(16))
    run.stream.idle("a", wall_us=BASE + 60 * S)
    run.stream.advance(silent_us=30 * S)
    run.give("a", [Row(16.0), Row(45.0)])
    assert run.ledger.late == 1
    assert run.ledger.counted == 33


def lags(run: Run, *now_s: int, comes_nearer_by: int = 0) -> list[str]:
    """Who was left behind after looks at these times, where "lag" is 400 s behind and has read what there is."""
    run.give("lag", steady(16))
    run.stream.clocks.splits["lag"].caught_up = True
    run.give("a", [Row(float(at)) for at in range(416)])
    for number, at in enumerate(now_s):
        run.stream.add("lag", rows([Row(16.0 + number * comes_nearer_by)]))
        run.stream.advance(now_us=at * S)
    run.take()
    return [entry.note for entry in run.entries if entry.kind == "leave"]


def test_a_split_that_has_caught_up_and_stays_far_behind_is_left_behind():
    assert lags(Run(), 1000, 1029) == []
    assert lags(Run(), 1000, 1030) == ["lag"]
    assert lags(Run(), 1000, 1010, 1020, 1030, comes_nearer_by=9) == ["lag"]


def test_a_split_that_comes_nearer_is_waited_for():
    run = Run()
    assert lags(run, 1000, 1010, 1020, 1030, comes_nearer_by=10) == []
    run.stream.add("lag", rows([Row(50.0)]))
    run.stream.advance(now_us=1059 * S)
    run.stream.advance(now_us=1060 * S)
    run.take()
    assert [entry.note for entry in run.entries if entry.kind == "leave"] == []
    for at in (1090, 1120):
        run.stream.advance(now_us=at * S)
    run.take()
    assert [entry.note for entry in run.entries if entry.kind == "leave"] == ["lag"]
    assert run.ledger.late == 0


def test_in_replay_nobody_is_left_behind():
    run = Run()
    run.give("lag", steady(16))
    run.stream.clocks.splits["lag"].caught_up = True
    run.give("a", [Row(float(at)) for at in range(1000)])
    assert [entry.note for entry in run.entries if entry.kind == "leave"] == []


def test_a_late_row_within_allowed_lateness_publishes_the_full_new_total():
    run = Run(spec(allowed_lateness_us=60 * S))
    run.give("a", steady(40))
    run.give("a", [Row(5.0, c="c1", h=100)])
    run.give("a", [Row(float(at)) for at in range(40, 60)])
    found = [row for row in run.results() if row[0] == 0.0 and row[2] == "c1"]
    assert [(row[1], row[4], row[5]) for row in found] == [(0, 10, 10), (1, 11, 110)]
    assert [row[2] for row in run.results() if row[1] == 1] == ["c1"]


@pytest.mark.parametrize("size", [200, 7, 1])
def test_a_revision_stands_before_the_windows_that_end_past_its_allowed_lateness(size: int):
    run = Run(spec(allowed_lateness_us=20 * S))
    run.stream.open("a", joined=True)
    given = [*(Row(float(at)) for at in range(35)), Row(12.0, c="late"), *(Row(float(at)) for at in range(35, 100))]
    for first in range(0, len(given), size):
        run.stream.add("a", rows(given[first : first + size]))
        run.stream.advance()
        run.take()
    ends = [((entry.end_us - BASE) / S, entry.revision) for entry in run.entries if entry.kind == "window"]
    assert ends.index((20.0, 0)) < ends.index((20.0, 1)) < ends.index((50.0, 0))


def test_beyond_allowed_lateness_the_side_output_has_the_row_and_the_reason():
    run = Run(spec(allowed_lateness_us=20 * S))
    run.give("a", steady(60))
    run.give("a", [Row(5.0)])
    assert run.ledger.late == 1
    assert "behind the watermark" in run.late[0].reason


def test_a_repeat_of_an_event_id_is_a_duplicate_while_its_window_can_change():
    run = Run(spec(event_id="id"))
    run.give("a", [Row(at / 2, id=f"e{at}") for at in range(40)])
    run.give("a", [Row(15.0, id="e39"), Row(15.0, id="fresh")])
    assert (run.ledger.duplicate, run.ledger.counted) == (1, 41)


@pytest.mark.parametrize("size", [1, 7, 200], ids="batches of {}".format)
def test_an_id_counts_again_from_the_row_on_before_which_its_window_could_not_change_any_more(size: int):
    run = Run(spec(event_id="id"))
    given = [Row(float(at), id=f"e{at}") for at in range(41)]
    given += [Row(40.0, id="e30"), Row(40.0, id="e19"), Row(41.0, id="e19")]
    for first in range(0, len(given), size):
        run.give("a", given[first : first + size])
    run.finish()
    assert (run.ledger.duplicate, run.ledger.counted) == (2, 42)


def test_without_an_event_id_repeats_are_counted():
    run = Run()
    run.give("a", [*steady(16), Row(15.0), Row(15.0)])
    run.finish()
    assert run.ledger.counted == 34


def test_a_filtered_row_is_neither_counted_nor_late_and_still_tells_the_time():
    run = Run()
    run.give("a", [*steady(16), *(Row(16.0 + at, kept=False) for at in range(10))])
    assert run.ledger.filtered == 10
    assert counts(run) == {(0.0, 0): 20}


@pytest.mark.parametrize(
    ("first", "published"),
    [
        ([], {(0.0, 1): 1}),
        ([Row(float(at)) for at in range(16)], {(0.0, 0): 10, (0.0, 1): 11, (10.0, 0): 6}),
    ],
    ids=["no window had closed", "all windows with rows had closed"],
)
def test_a_late_row_that_counted_is_published_at_the_end_though_no_window_closes_any_more(
    first: list[Row], published: dict[tuple[float, int], int]
):
    run = Run(spec(allowed_lateness_us=300 * S))
    if first:
        run.give("a", first)
    run.give("a", [Row(16.0 + at, c=f"x{at % 4}", kept=False) for at in range(60)])
    run.give("a", [Row(5.0)])
    run.finish()
    assert counts(run) == published


def test_rows_before_the_start_time_are_filtered():
    run = Run(spec(start=BASE + 10 * S))
    run.give("a", steady(20))
    run.finish()
    assert (run.ledger.filtered, run.ledger.counted) == (20, 20)


def test_rejected_lines_are_invalid_and_handed_on():
    run = Run()
    run.stream.open("a", joined=True)
    run.stream.add("a", rows([Row(0)], rejects=[Reject("a.log", 7, "no", b"{")]))
    run.finish()
    assert run.ledger.as_dict() | {"bytes": 0} == {
        "read": 2,
        "counted": 1,
        "late": 0,
        "future": 0,
        "invalid": 1,
        "duplicate": 0,
        "filtered": 0,
        "bytes": 0,
    }
    assert [(split, reject.position) for split, reject in run.rejects] == [("a", 7)]


def test_a_row_of_an_unconfirmed_future_is_set_aside_with_its_bytes():
    run = Run()
    run.give("a", [*steady(16), Row(86_400.0), Row(16.0)])
    assert run.ledger.future == 1
    assert run.rejects[0][1].kind == "future"
    assert run.rejects[0][1].raw == b"raw 32"


def test_undecided_rows_enter_the_ledger_when_they_are_decided():
    run = Run()
    run.give("a", [*steady(16), Row(86_400.0)])
    assert run.ledger.read == 32
    run.give("a", [Row(16.0)])
    assert run.ledger.read == 34
    assert run.ledger.balanced()


@pytest.mark.parametrize("size", [1, 60])
def test_rows_keep_their_keys_when_one_is_decided_after_newer_ones(size: int):
    run = Run()
    # the first one waits undecided while those after it, less far ahead, count at once; then they confirm a jump
    ahead = [Row(420, c="far"), *(Row(220 + at, c=f"near{at % 2}") for at in range(8))]
    given = [*steady(20), *ahead]
    for first in range(0, len(given), size):
        run.give("a", given[first : first + size])
    run.finish()
    found = {(row[0], row[2]): row[4] for row in run.results() if row[0] > 100}
    assert found == {(220.0, "near0"): 4, (220.0, "near1"): 4, (420.0, "far"): 1}


def test_a_long_silence_is_one_entry_for_the_whole_run():
    run = Run()
    run.give("a", [*steady(16), *(Row(7200 + at, c=f"c{at}") for at in range(12))])
    run.finish()
    runs = [(entry.start_us - BASE, entry.end_us - BASE) for entry in run.entries if entry.kind == "empty"]
    assert runs == [(20 * S, 7200 * S)]


def test_a_window_cut_by_the_end_of_the_input_is_partly_covered():
    run = Run()
    run.give("a", steady(25))
    run.finish()
    covered = {(entry.start_us - BASE) // S: entry.coverage.full for entry in run.entries if entry.kind == "window"}
    assert covered == {0: True, 10: False, 20: False}


def test_sliding_windows_overlap_and_count_a_row_in_each():
    run = Run(spec(size_us=30 * S, slide_us=10 * S))
    run.give("a", steady(60))
    run.finish()
    found = counts(run)
    assert [found[start, 0] for start in (-20.0, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0, 50.0)] == [
        20,
        40,
        60,
        60,
        60,
        60,
        40,
        20,
    ]


def test_a_row_late_for_some_sliding_windows_counts_in_the_others():
    run = Run(spec(size_us=30 * S, slide_us=10 * S))
    run.give("a", [Row(float(at), c="c1") for at in range(41)])
    run.give("a", [Row(25.0, c="odd")])
    run.finish()
    assert [row[0] for row in run.results() if row[2] == "odd"] == [10.0, 20.0]
    assert run.ledger.late == 0


def test_redriven_rows_move_from_invalid_to_counted_and_revise_their_window():
    run = Run()
    run.stream.open("a", joined=True)
    run.stream.add("a", rows(steady(40), rejects=[Reject("a.log", 7, "no", b"{")]))
    run.stream.advance()
    run.take()
    assert run.stream.redrive("a", rows([Row(5.0, c="mended")])) == (1, 0)
    run.stream.publish_revisions()
    run.take()
    assert [row[:3] for row in run.results() if row[2] == "mended"] == [(0.0, 1, "mended")]
    assert (run.ledger.invalid, run.ledger.counted) == (0, 81)
    assert run.ledger.balanced()


def test_redrive_refuses_what_is_past_retention():
    run = Run(spec(retention_us=20 * S))
    run.stream.open("a", joined=True)
    run.stream.add("a", rows(steady(60), rejects=[Reject("a.log", 7, "no", b"{")]))
    run.stream.advance()
    assert run.stream.redrive("a", rows([Row(5.0)])) == (0, 1)
    assert run.ledger.invalid == 1
    assert run.ledger.balanced()


def test_of_two_readings_of_a_local_time_the_one_nearest_the_front_is_taken():
    run = Run()
    run.give("a", steady(16))
    given = rows([Row(3616.0)])
    given.fold_us = np.array([BASE + 16 * S], np.int64)
    run.stream.add("a", given)
    assert run.stream.clocks.splits["a"].front.at_us == BASE + 16 * S


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_the_order_in_which_splits_are_read_changes_nothing(order: tuple[str, str]):
    run = Run()
    for name in order:
        run.stream.open(name, joined=True)
    for name in order:
        run.give(name, steady(45) if name == "a" else [Row(at, c="b") for at in range(40)])
    run.finish()
    assert counts(run) == {(0.0, 0): 30, (10.0, 0): 30, (20.0, 0): 30, (30.0, 0): 30, (40.0, 0): 10}


@pytest.mark.parametrize(
    ("numbers", "total"),
    [
        ([2**62, 2**62 - 1], 2**63 - 1),
        ([2**62, 2**62], 2**63 - 1),
        ([2**63 - 1, 5, -5], 2**63 - 1),
        ([-(2**62), -(2**62), -1], -(2**63)),
    ],
)
def test_an_integer_sum_beyond_64_bits_stays_at_the_limit(numbers: list[int], total: int):
    run = Run()
    run.give("a", [Row(float(at), h=number) for at, number in enumerate(numbers)])
    run.finish()
    assert [row[5] for row in run.results()] == [total]


def test_zero_and_minus_zero_are_one_value():
    run = Run(spec(aggregates=(parse_aggregate("different", "distinct(f)"),)))
    run.give("a", [Row(0, f=0.0), Row(1, f=-0.0), Row(2, f=1.0)])
    run.finish()
    assert [row[4:] for row in run.results()] == [(2,)]
