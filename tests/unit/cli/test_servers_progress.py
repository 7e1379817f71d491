"""What `yeoul servers` tells of long work where there is no terminal."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest

from yeoul.cli import servers
from yeoul.flows.servers.model import Step


def told(steps: list[tuple[float, Step]], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of steps told at these seconds."""
    lines: list[str] = []
    clock = MagicMock(return_value=0.0)
    monkeypatch.setattr(servers, "aside", lines.append)
    monkeypatch.setattr(servers.time, "monotonic", clock)
    teller = servers.Teller(MagicMock())
    for clock.return_value, step in steps:
        teller.tell(step)
    return lines


def test_each_epoch_has_a_line_with_loss_and_what_is_left(monkeypatch: pytest.MonkeyPatch):
    epochs = [(float(one), Step("training stage 1", one, 4, f"loss {one}", weighty=True)) for one in (1, 2, 3, 4)]
    assert told([(0.0, Step("preparing", 0, 0)), *epochs], monkeypatch) == [
        "training stage 1: 25%, loss 1, about 3 s left",
        "training stage 1: 50%, loss 2, about 2 s left",
        "training stage 1: 75%, loss 3, about 1 s left",
        "training stage 1: 100%, loss 4",
    ]


def test_other_steps_have_a_line_every_ten_seconds_and_are_not_charged_for_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
):
    steps = [(0.0, Step("fitting", 0, 0)), (60.0, Step("judging", 0, 4)), (65.0, Step("judging", 1, 4))]
    lines = told([*steps, (70.0, Step("judging", 2, 4))], monkeypatch)
    assert lines == ["judging: 0%", "judging: 50%, about 10 s left"]
