"""What carries a deviation: the parts of a key now against its parts in the windows before."""

from __future__ import annotations

import numpy as np

from yeoul.flows.contributors import Breakdown, Piece
from yeoul.store.pack import pack, unpack
from yeoul.streams.keys import KeyTable

KEY = 0
BOTH = {"a": 50.0, "b": 50.0}


def titles(*names: str) -> Breakdown:
    table = KeyTable()
    table.encode(list(names))
    return Breakdown(["title"], {"title": table})


def push(it: Breakdown, start_us: int, parts: dict[str, float], *, full: bool = True) -> None:
    codes = np.array(["ab".index(name) for name in parts], np.int32)
    owner = np.full(len(parts), KEY, np.int64)
    it.push(start_us, owner, it.ids.of([codes]), np.array(list(parts.values())), full=full)


def shortly(pieces: list[Piece]) -> list[tuple[str, float, float, float]]:
    return [(piece.key["title"], piece.observed, piece.expected, piece.share) for piece in pieces]


def test_what_is_new_carries_the_deviation():
    it = titles("a", "b")
    for at in range(10):
        push(it, at, BOTH)
    push(it, 10, {"a": 150.0, "b": 50.0})
    pieces, now, usual = it.pieces(KEY, 10)
    assert (shortly(pieces)[0], now, usual) == (("a", 150.0, 50.0, 1.0), 2, 2.0)


def test_in_a_window_without_rows_every_part_is_missing():
    it = titles("a", "b")
    for at in range(10):
        push(it, at, {"a": 30.0, "b": 10.0})
    pieces, now, usual = it.pieces(KEY, 10)
    assert shortly(pieces) == [("a", 0.0, 30.0, 0.75), ("b", 0.0, 10.0, 0.25)]
    assert (now, usual) == (0, 2.0)
    assert shortly(it.shared(np.array([KEY]), KEY, 10)) == shortly(pieces)


def test_a_window_in_which_a_split_was_missing_is_no_measure_of_what_is_usual():
    it = titles("a", "b")
    for at in range(50):
        push(it, at, BOTH if at < 10 else {"a": 50.0}, full=at < 10)
    push(it, 50, {"a": 150.0, "b": 50.0})
    assert shortly(it.pieces(KEY, 50)[0])[0] == ("a", 150.0, 50.0, 1.0)


def test_what_is_above_in_a_partly_covered_window_is_told_of_it():
    it = titles("a", "b")
    for at in range(10):
        push(it, at, BOTH)
    push(it, 10, {"a": 150.0}, full=False)
    restored = titles("a", "b")
    restored.restore(unpack(pack(it.snapshot())))
    for each in (it, restored):
        assert ("a", 150.0, 50.0) in [piece[:3] for piece in shortly(each.pieces(KEY, 10)[0])]


def test_windows_in_which_the_key_was_alarmed_are_no_measure_either():
    it = titles("a", "b")
    for at in range(9):
        push(it, at, BOTH if at < 8 else {"a": 900.0})
    it.mark(KEY, 8)
    push(it, 10, {"a": 900.0, "b": 50.0})
    assert shortly(it.pieces(KEY, 10)[0])[0] == ("a", 900.0, 50.0, 1.0)


def test_absurd_values_have_shares_too():
    it = titles("a", "b")
    push(it, 0, BOTH)
    push(it, 1, {"a": 1e308, "b": 1e308})
    assert shortly(it.pieces(KEY, 1)[0]) == [("a", 1e37, 50.0, 0.5), ("b", 1e37, 50.0, 0.5)]


def test_without_any_window_nothing_is_said():
    assert titles().pieces(KEY, 0) == ([], 0, 0.0)
