"""The doctor: what is installed, reachable and writable, and what to do about what is not. It changes nothing.

A check is a plain value; `machine_checks` need no workspace, `workspace_checks` look at what a plan uses.
"""

from yeoul.flows.doctor.check import Check, Status, Verdicts
from yeoul.flows.doctor.machine import machine_checks
from yeoul.flows.doctor.reach import can_connect, port_check
from yeoul.flows.doctor.spark import spark_checks
from yeoul.flows.doctor.workspace import workspace_checks

__all__ = [
    "Check",
    "Status",
    "Verdicts",
    "can_connect",
    "machine_checks",
    "port_check",
    "spark_checks",
    "workspace_checks",
]
