"""A checkpoint goes with the declaration that it was begun with, and a folder of results with its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from yeoul.errors import StateError
from yeoul.streams.spark.options import JobOptions
from yeoul.streams.spark.plan import SparkPlan

__all__ = ["check_checkpoint", "note_declaration"]

_DECLARATION = "yeoul.json"
_SINK_LOG = "_spark_metadata"


def check_checkpoint(plan: SparkPlan, options: JobOptions) -> None:
    """See that a job may go on; folders at remote addresses are not looked at.

    Raises:
        StateError: the checkpoint is of another declaration or job, or the folder holds results of another checkpoint.
    """
    if _remote(options.checkpoint):
        return
    checkpoint = Path(options.checkpoint)
    if _begun(checkpoint):
        file = checkpoint / _DECLARATION
        if not file.exists():
            message = f"the checkpoint `{checkpoint}` is of another job; take another --checkpoint"
            raise StateError(message)
        before = json.loads(file.read_text(encoding="utf-8"))
        now = json.loads(_declaration(plan, options))
        if before != now:
            raise StateError(_changed(plan, options, before, now))
        return
    for option, folder in (("out", options.folder), ("quarantine", options.quarantine)):
        # of a folder that has a log, Spark leaves out the batches that are numbered in it, whoever wrote them
        if folder and not _remote(folder) and Path(folder, _SINK_LOG).exists():
            message = f"the folder `{folder}` holds what a job with another checkpoint than `{checkpoint}` wrote"
            raise StateError(message + f"; take another --{option}, or the checkpoint of that job")


def note_declaration(plan: SparkPlan, options: JobOptions) -> None:
    """Write down what a job begins with, before its first batch."""
    checkpoint = Path(options.checkpoint)
    if not _remote(options.checkpoint) and not _begun(checkpoint):
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / _DECLARATION).write_text(_declaration(plan, options), encoding="utf-8")


def _declaration(plan: SparkPlan, options: JobOptions) -> str:
    said = {**plan.declaration, "source.topic": getattr(plan.source, "topic", ""), "--mode": options.mode}
    return json.dumps(said, indent=1)


def _begun(checkpoint: Path) -> bool:
    """Whether a batch was planned: from then on it has positions."""
    offsets = checkpoint / "offsets"
    return offsets.is_dir() and any(each.name.isdigit() for each in offsets.iterdir())


def _remote(path: str) -> bool:
    return ":/" in path


def _changed(plan: SparkPlan, options: JobOptions, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    what = ", ".join(f"`{one}`" for one in sorted(names))
    fresh = "another --checkpoint" + (" and another --out" if options.folder else "")
    return (
        f"stream `{plan.stream}` was changed ({what}), but the open windows in the checkpoint `{options.checkpoint}` "
        f"are of the declaration before; undo the change, or take {fresh}, which reads the topic from its `start`"
    )
