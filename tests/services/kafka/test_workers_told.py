"""What `doctor` says of workers before one is started; it makes nothing and joins no group."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from yeoul.flows.doctor import workspace_checks
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker
from yeoul.testing.workspaces import plain_workspace

pytestmark = [pytest.mark.services]

BLOCK = """[detect.customers]
stream = "hits"
by = ["customer"]
value = "plays"
"""


def said_of_workers(folder: Path) -> list[tuple[str, str]]:
    checks = workspace_checks(load_workspace(folder).plan(), "127.0.0.1", 0)
    return [(each.status, each.found) for each in checks if each.area == "part detect"]


def test_the_topic_that_keeps_what_workers_learn_is_there_large_enough_and_compacted(
    broker: Broker, topics: Callable[..., Any], tmp_path: Path
):
    windows, findings = topics(broker, 2), topics(broker)
    sink = f"""[sink.out]
kind = "kafka"
bootstrap = "{broker.bootstrap}"
topics = {{ windows = "{windows.name}", findings = "{findings.name}" }}
"""
    name = f"yeoul.detect.{windows.name}"
    what = f"topic `{name}`, which keeps what workers learn,"
    assert not said_of_workers(plain_workspace(tmp_path / "without", extra=BLOCK + sink))
    folder = plain_workspace(tmp_path / "with", extra=BLOCK + sink + 'shard_by = ["customer"]\n')
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    may = [("ok", f"group and topic `{name}` may be used; the first worker makes the topic")]
    assert said_of_workers(folder) == may
    assert name not in admin.list_topics(timeout=30).topics

    kept = type(windows)(broker, name)
    policy = f"{what} has `cleanup.policy=delete`: what is past its retention is lost"
    few = f"{what} has 1 of the 2 partitions that it needs"
    assert said_of_workers(folder) == [("fail", few), ("warn", policy)]
    kept.grow(2)
    assert said_of_workers(folder) == [("warn", policy)]
    entry = ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)
    place = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
    admin.incremental_alter_configs([place])[place].result(30)
    assert said_of_workers(folder) == [("ok", f"group and topic `{name}` may be used")]
