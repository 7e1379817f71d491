"""A line at which the decoder itself fails is set aside alone; it does not end the engine."""

from __future__ import annotations

from typing import Any

import pytest

from yeoul.events import EventTime, Field, RowSchema
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder
from yeoul.ingest.decode.assemble import UNFORESEEN

SCHEMA = RowSchema(EventTime(("at",), ("us",)), (Field("n", ("n",), "float"),))
LINES = [b'{"at":1,"n":1}', b'{"at":2,"n":"odd"}', b"", b"no JSON", b'{"at":3,"n":3}']


@pytest.fixture(autouse=True)
def _fails_at_some_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def mend(_self: Any, value: Any, _row: int, _wrong: dict[int, str]) -> Any:
        if value == "odd":
            raise ZeroDivisionError(value)
        return value

    monkeypatch.setattr("yeoul.ingest.decode.typed._Column._mend", mend)


def test_only_that_line_is_set_aside_and_the_reason_says_whose_mistake_it_is():
    rows = build_decoder(SCHEMA).decode(LineBlock("a.log", 100, b"\n".join(LINES)))
    assert rows.at_us.tolist() == [1, 3]
    assert [(one.position, one.raw) for one in rows.rejects] == [(115, LINES[1]), (135, LINES[3])]
    assert rows.rejects[0].reason == f"the line cannot be decoded (ZeroDivisionError): {UNFORESEEN}"
