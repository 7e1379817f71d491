"""Which lines are text, wherever in the block the bytes stand that are not ASCII."""

from __future__ import annotations

import pytest

from yeoul.ingest.decode.lines import Lines

HALVES = [b"\xea\xb0", b"\xea", b"\xf0\x9f\x98"]
RESTS = [b"\x80", b"\xb0\x80", b"\x80"]


@pytest.mark.parametrize("before", range(9))
@pytest.mark.parametrize("between", range(1, 18))
def test_a_character_is_not_whole_by_what_stands_further_behind(before: int, between: int) -> None:
    for half, rest in zip(HALVES, RESTS, strict=True):
        line = b"a" * before + half + b"b" * between + rest
        assert list(Lines(b"fine\n" + line + b"\nfine \xea\xb0\x80\n").not_text()) == [1]


@pytest.mark.parametrize("before", range(9))
@pytest.mark.parametrize("behind", range(9))
def test_whole_characters_are_text_wherever_they_stand(before: int, behind: int) -> None:
    for text in ("é", "가", "가나다", "😀", "é😀가"):
        data = b"a" * before + text.encode() + b"b" * behind
        assert Lines(data).not_text() == {}
        assert list(Lines(data[: before + 1] + b"\n" + data).not_text()) == [0]
        assert list(Lines(data + b"\n" + data[: before + 1]).not_text()) == [1]
