"""What `run --part detect | rank` needs beside its sink: a consumer group, transactions, a topic of what is learnt."""

from __future__ import annotations

from yeoul.errors import ConfigError, MissingExtraError, SinkError, TransientError
from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.flows.plan import Plan
from yeoul.flows.sinking import open_writer
from yeoul.flows.workers.workload import Part, Workload, workloads

__all__ = ["worker_checks"]

_PARTS: tuple[Part, ...] = ("detect", "rank")


def worker_checks(plan: Plan, amiss: frozenset[str]) -> list[Check]:
    """Whether workers can follow the windows of sinks with shards; no group is joined, nothing is sent.

    `amiss`: areas of sinks of which it is known already that they cannot send.
    """
    loads = [load for part in _PARTS for load in _loads(plan, part)]
    return [check for load in loads if f"sink {load.sink.name}" not in amiss for check in _worker(load)]


def _loads(plan: Plan, part: Part) -> list[Workload]:
    try:
        return workloads(plan, part)
    except ConfigError:  # a workspace need not have workers; who starts one is told
        return []


def _worker(load: Workload) -> list[Check]:
    verdicts = Verdicts(f"part {load.part}")
    try:
        from yeoul.flows.doctor.following import kept_checks, right_checks  # noqa: PLC0415  (its library is an extra)

        kept = [load.group] * kept_checks(verdicts, load)
        right_checks(verdicts, load, [load.topic, *kept])
        if all(each.status != "fail" for each in verdicts.found):
            _check_transactions(load, [*load.results, *kept])
        if not verdicts.found:
            made = "" if kept else "; the first worker makes the topic"
            verdicts.ok(f"group and topic `{load.group}` may be used{made}")
    except MissingExtraError:
        pass  # told where libraries are looked at
    except SinkError as error:
        found, _, advice = str(error).rpartition("; ")
        verdicts.fail(found, advice)
    except TransientError as error:
        verdicts.warn(str(error), "look again in a minute, then at the broker's log; workers wait")
    return verdicts.found


def _check_transactions(load: Workload, topics: list[str]) -> None:
    """See that results and what is learnt may be written in transactions: an empty one is begun.

    Raises:
        SinkError: they may not.
        TransientError: a broker does not say now.
    """
    from yeoul.deliver.kafka import Member  # noqa: PLC0415  (its client library is an extra)

    # the names of real ones begin so too: a right by prefix covers both
    member = Member(load.group, load.group, 0, lambda: None)
    writer = open_writer(load.sink, f"{load.group}.check", topics=topics, member=member)
    try:
        writer.check()
        writer.open()
    finally:
        writer.close()
