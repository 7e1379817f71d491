"""All checks of a workspace."""

from __future__ import annotations

from yeoul.flows.doctor.check import Check
from yeoul.flows.doctor.inputs import lookup_checks, source_checks
from yeoul.flows.doctor.reach import notifier_checks, port_check
from yeoul.flows.doctor.sinks import sink_checks
from yeoul.flows.doctor.state import engine_runs, folder_checks, state_checks
from yeoul.flows.doctor.workers import worker_checks
from yeoul.flows.plan import Plan

__all__ = ["workspace_checks"]


def workspace_checks(plan: Plan, host: str, port: int) -> list[Check]:
    """What a plan reads, writes and reaches, and whether its console can listen at `host` and `port`."""
    running = engine_runs(plan)
    sinks = sink_checks(plan)
    amiss = frozenset(each.area for each in sinks if each.status == "fail")
    return [
        *folder_checks(plan),
        *state_checks(plan, running=running),
        *source_checks(plan),
        *lookup_checks(plan),
        *notifier_checks(plan),
        *sinks,
        *worker_checks(plan, amiss),
        port_check(host, port, running=running),
    ]
