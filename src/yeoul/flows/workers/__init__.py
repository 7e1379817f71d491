"""The second half of the engine in processes of its own: shards of the windows in a topic, shared out by a group."""

from yeoul.flows.workers.run import run_part
from yeoul.flows.workers.workload import PARTS, Part, counting, workloads

__all__ = ["PARTS", "Part", "counting", "run_part", "workloads"]
