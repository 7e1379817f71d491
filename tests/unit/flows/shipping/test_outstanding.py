"""A position moves behind what is acknowledged, and never over a line that is not."""

from __future__ import annotations

from yeoul.flows.shipping.outstanding import Block, Outstanding
from yeoul.ingest.contract import LineBlock


def block(number: int, lines: int = 2) -> Block:
    made = Block(LineBlock("a.log", 100 * number, b"line\n" * lines), {"at": number})
    for _ in made.lines():
        made.expect()
    made.seal()
    return made


def test_a_block_waits_for_those_before_it():
    first, second = block(1), block(2)
    way = Outstanding()
    way.add("a.log", first)
    way.add("a.log", second)
    for each in (second, second, first):
        each.acknowledged()
    assert way.settle() == {}
    assert way.held_bytes == 20
    first.acknowledged()
    assert way.settle() == {"a.log": [first, second]}
    assert (len(way), way.held_bytes) == (0, 0)


def test_files_do_not_wait_for_each_other():
    first, other = block(1), block(1)
    way = Outstanding()
    way.add("a.log", first)
    way.add("b.log", other)
    other.acknowledged()
    other.acknowledged()
    assert way.settle() == {"b.log": [other]}
    assert (way.waits("a.log"), way.waits("b.log")) == (True, False)


def test_a_block_that_is_still_being_offered_is_not_done():
    made = Block(LineBlock("a.log", 0, b"one\ntwo\n"), {})
    made.expect()
    made.acknowledged()
    assert not made.settled


def test_a_refused_line_is_kept_with_its_place_and_bytes():
    made = block(3)
    made.acknowledged()
    made.refused(5, "too large")
    [reject] = made.rejects
    assert made.settled
    assert (reject.source, reject.position, reject.reason, reject.raw) == ("a.log", 305, "too large", b"line")


def test_blank_lines_are_no_messages():
    made = Block(LineBlock("a.log", 0, b"\none\r\n\r\n \nlast"), {})
    assert list(made.lines()) == [(1, b"one\r"), (8, b" "), (10, b"last")]
