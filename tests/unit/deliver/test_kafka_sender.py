"""A sender to a broker that is away."""

from __future__ import annotations

import time

from yeoul.deliver.kafka import Sender


def test_what_is_said_of_a_broker_that_is_away_is_no_message_that_waits() -> None:
    sender = Sender("127.0.0.1:1", "any", {"log_level": "0"})
    until = time.monotonic() + 30
    while not len(sender._producer):  # noqa: SLF001 - it says that nobody answers
        assert time.monotonic() < until
        time.sleep(0.01)
    assert (len(sender), sender.silent_s) == (0, 0.0)
    sender.close()
