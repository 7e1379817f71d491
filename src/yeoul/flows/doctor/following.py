"""What the broker says of who follows windows: the group, and the topic that keeps what workers learn."""

from __future__ import annotations

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
    admin, more = _admin(load), {"include_authorized_operations": True, "request_timeout": _ASK_S}
    of_topics = admin.describe_topics(TopicCollection(topics), **more)
    of_group = admin.describe_consumer_groups([load.group], **more)
    for kind, asked in (("topic", of_topics), ("group", of_group)):
        for name, answer in asked.items():
            try:
                rights = answer.result().authorized_operations
            except KafkaException as error:
                if error.args[0].code() not in _REFUSED:
                    message = f"{kind} `{name}` cannot be asked for its rights ({text_of(error)})"
                    raise UnreachableError(message) from error
                rights = []
            if rights is not None and AclOperation.READ not in rights:
                found = f"the broker at `{load.sink.bootstrap}` does not let this user read {kind} `{name}`"
                verdicts.fail(found, "grant the right READ there (an ACL), or mend the sink's `client`")
