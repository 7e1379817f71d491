"""The calendar of one watch, for its keys."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from yeoul.detect.calendar import CalendarEntry
from yeoul.flows.calendar_keys import CalendarKeys
from yeoul.flows.ids import KeyIds
from yeoul.streams.keys import KeyTable

AT_US = 1_700_000_000_000_000
ALWAYS = CalendarEntry("always", ((datetime(2020, 1, 1), datetime(2040, 1, 1)),), keys="C*")  # noqa: DTZ001 - an entry's times have none


def test_keys_that_are_forgotten_are_muted_no_longer_and_take_no_room():
    table = KeyTable()
    ids = KeyIds(("cpk",), {"cpk": table})
    calendar = CalendarKeys((ALWAYS,), ids, 10_000_000)
    for day in range(20):
        numbers = ids.of([table.encode([f"{kind}{day}_{i}" for i in range(5) for kind in "CX"])])
        ids.forget_all_but(numbers)
        calendar.forget()
        muted = calendar.muted(AT_US)
        assert muted is not None
        assert [ids.texts(int(key))[0] for key in muted] == [f"C{day}_{i}" for i in range(5)]
    assert np.isin(calendar.muted(AT_US), numbers).all()
