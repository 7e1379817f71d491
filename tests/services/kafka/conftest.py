"""One broker for all tests of this folder; a test that kills or settles its broker starts its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from yeoul.testing.broker import Broker

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def _programs() -> None:
    if not (shutil.which("java") and shutil.which("mvn")):
        pytest.skip("no Java or no Maven on this machine: apt-get install default-jre-headless maven")


@pytest.fixture(scope="session")
def broker(_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker that no test disturbs."""
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def brokers(_programs: None, tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Makes brokers, arguments as `Broker` without its folder; those that run at the end are killed."""
    made: list[Broker] = []

    def make(**named: object) -> Broker:
        made.append(Broker(tmp_path / f"broker-{len(made)}", **named))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def topic(broker: Broker) -> Callable[..., str]:
    """Makes topics with names of their own."""

    def make(partitions: int = 1, **config: str) -> str:
        name = f"topic-{next(_NUMBERS)}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(30)
        return name

    return make
