"""The second half apart from the first: detectors or rankings that follow windows in topics, in one process of many."""

from __future__ import annotations

import threading
from collections.abc import Callable

from yeoul.clock import Clock, SystemClock
from yeoul.flows.plan import Plan
from yeoul.flows.workers.worker import Worker
from yeoul.flows.workers.workload import Part, workloads

__all__ = ["run_part"]


def run_part(
    plan: Plan,
    part: Part,
    stop: threading.Event,
    clock: Clock | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Work on `detect` or `rank` until `stop` is set.

    Raises:
        ConfigError: no block of that part, or no sink has the windows that one needs.
        UnreachableError: no broker answers at the start.
        SinkError: a topic is missing, or they do not let us in.
        SourceError: a topic of windows is missing, or of another version or number of shards.
        MissingExtraError: Kafka's client library is not installed.
    """
    ours = [Worker(plan, load, stop, clock or SystemClock(), tell) for load in workloads(plan, part)]
    failed: list[BaseException] = []

    def work(worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001 - it is raised where it can be heard
            failed.append(error)
            stop.set()

    threads = [threading.Thread(target=work, args=(each,), name=f"{part} {at}") for at, each in enumerate(ours)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
