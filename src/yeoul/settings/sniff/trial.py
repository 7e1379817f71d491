"""A proposed workspace tried on the lines of its sample: checked as any workspace is, then counted in memory."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yeoul.events import Ledger
from yeoul.flows.plan import Plan
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder
from yeoul.settings.sniff.proposal import DELAYS_S, Proposal
from yeoul.settings.sniff.render import render
from yeoul.settings.sniff.sample import SampleFile
from yeoul.settings.workspace import FILE_NAME, load_workspace
from yeoul.streams import LocalStream

__all__ = ["Trial", "fit", "try_out"]

_LOST = 0.02
"""A larger share of rows that are late or future calls for a longer delay."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the sample's lines."""

    ledger: Ledger
    reasons: tuple[tuple[str, int], ...]
    """Why lines are invalid, the most frequent first."""
    plan: Plan

    @property
    def lost_share(self) -> float:
        """Share of the lines that are rows and do not count because of their time."""
        return (self.ledger.late + self.ledger.future) / max(self.ledger.read, 1)

    @property
    def counted_share(self) -> float:
        """Share of the lines that count; repeats of an event are as good as counted."""
        return (self.ledger.counted + self.ledger.duplicate) / max(self.ledger.read, 1)


def fit(proposal: Proposal, samples: Sequence[SampleFile]) -> tuple[str, Trial]:
    """The proposal's text and what became of the lines; its delay is made longer where rows would be lost otherwise.

    A log with long gaps needs that: a row alone, far ahead of all before, is not believed.
    """
    text = render(proposal)
    trial = try_out(text, samples)
    first = trial.lost_share
    for delay_s in [longer for longer in DELAYS_S if longer > proposal.delay_s]:
        if trial.lost_share <= _LOST:
            break
        longer = replace(proposal, delay_s=delay_s, lost_share=first)
        found = try_out(render(longer), samples)
        if found.lost_share < trial.lost_share:
            proposal.delay_s, proposal.lost_share = delay_s, first
            text, trial = render(proposal), found
    return text, trial


def try_out(text: str, samples: Sequence[SampleFile]) -> Trial:
    """Read the samples as the workspace `text` says.

    Raises:
        ConfigError: the text is no workspace, which would be a mistake of ours.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE_NAME).write_text(text, encoding="utf-8")
        plan = load_workspace(folder, environ={}).plan()
    spec = plan.streams[0].spec
    stream = LocalStream(spec, lambda _start, _end: [])
    decoder = build_decoder(spec.schema)
    reasons: Counter[str] = Counter()
    names = [str(sample.path) for sample in samples]
    for name in names:
        stream.open(name, joined=True)
    for name, sample in zip(names, samples, strict=True):
        header = next((line for line in sample.lines if line.strip()), b"")
        rows = decoder.decode(LineBlock(name, 0, b"\n".join(sample.lines) + b"\n", header))
        reasons.update(reject.reason for reject in rows.rejects)
        stream.add(name, rows)
        stream.end(name)
    total = Ledger()
    for book in stream.ledger.values():
        total.add(book)
    return Trial(total, tuple(reasons.most_common(3)), plan)
