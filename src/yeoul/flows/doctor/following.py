"""What the broker says of who follows windows: the group, and the topic that keeps what workers learn."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from yeoul.errors import UnreachableError
from yeoul.flows.doctor.check import Verdicts
from yeoul.flows.workers.workload import Workload
from yeoul.kafka_client import (
    LOG,
    AclOperation,
    AdminClient,
    ConfigResource,
    KafkaError,
    KafkaException,
    NewTopic,
    ResourceType,
    TopicCollection,
    text_of,
)

__all__ = ["kept_checks", "right_checks"]

_ASK_S = 10.0
_AGAIN_S = 0.3
# what a broker answers that has not looked for the group's coordinator before
_NOT_YET = frozenset(
    {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_NOT_AVAILABLE, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}
)
_REFUSED = frozenset({KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED})


def _admin(load: Workload) -> AdminClient:
    return AdminClient({"bootstrap.servers": load.sink.bootstrap, **dict(load.sink.client)}, logger=LOG)


def kept_checks(verdicts: Verdicts, load: Workload) -> bool:
    """See that what is learnt has a topic, large enough and compacted, or that it can be made; whether it is there.

    Raises:
        UnreachableError: no broker answers.
    """
    admin = _admin(load)
    try:
        topics = admin.list_topics(timeout=_ASK_S).topics
        needs = len(topics[load.topic].partitions)
    except (KafkaException, KeyError) as error:
        message = f"the broker at `{load.sink.bootstrap}` does not say what topics it has ({text_of(error)})"
        raise UnreachableError(message) from error
    what = f"topic `{load.group}`, which keeps what workers learn,"
    make = f"make it with `cleanup.policy=compact` and {needs} partitions, as many as `{load.topic}` has"
    if load.group not in topics:
        asked = admin.create_topics([NewTopic(load.group, needs)], request_timeout=_ASK_S, validate_only=True)
        try:
            asked[load.group].result()
        except KafkaException as error:
            verdicts.fail(f"{what} is not there and workers may not make it ({text_of(error)})", f"{make}; or an ACL")
        return False
    has = len(topics[load.group].partitions)
    if has < needs:
        verdicts.fail(f"{what} has {has} of the {needs} partitions that it needs", f"delete it, and {make}")
    policy = _policy(admin, load.group)
    if policy not in {"compact", None}:
        advice = "set `cleanup.policy=compact` there (kafka-configs --alter)"
        verdicts.warn(f"{what} has `cleanup.policy={policy}`: what is past its retention is lost", advice)
    return True


def _policy(admin: AdminClient, topic: str) -> str | None:
    """How a topic is cleaned; None when the broker does not tell us."""
    place = ConfigResource(ResourceType.TOPIC, topic)
    try:
        return str(admin.describe_configs([place], request_timeout=_ASK_S)[place].result()["cleanup.policy"].value)
    except KafkaException:
        return None


def right_checks(verdicts: Verdicts, load: Workload, topics: list[str]) -> None:
    """See that these topics and the group may be read, where the broker says so; the group is not joined.

    Raises:
        UnreachableError: it does not answer.
    """
    admin = _admin(load)
    more: dict[str, Any] = {"include_authorized_operations": True, "request_timeout": _ASK_S}
    asks = [("topic", each, partial(admin.describe_topics, TopicCollection([each]), **more)) for each in topics]
    asks.append(("group", load.group, partial(admin.describe_consumer_groups, [load.group], **more)))
    for kind, name, ask in asks:
        try:
            rights = _rights(name, ask)
        except KafkaException as error:
            message = f"{kind} `{name}` cannot be asked for its rights ({text_of(error)})"
            raise UnreachableError(message) from error
        if rights is not None and AclOperation.READ not in rights:
            found = f"the broker at `{load.sink.bootstrap}` does not let this user read {kind} `{name}`"
            verdicts.fail(found, "grant the right READ there (an ACL), or mend the sink's `client`")


def _rights(name: str, ask: Callable[[], dict[str, Future[Any]]]) -> list[AclOperation] | None:
    """What this user may do there; None when the broker does not tell.

    Raises:
        KafkaException: it cannot say now.
    """
    until_s = time.monotonic() + _ASK_S
    while True:
        try:
            rights: list[AclOperation] | None = ask()[name].result().authorized_operations
        except KafkaException as error:
            code = error.args[0].code()
            if code in _REFUSED:
                return []
            if code not in _NOT_YET or time.monotonic() > until_s:
                raise
            time.sleep(_AGAIN_S)
        else:
            return rights
