"""A topic of our own beside another: as many partitions, compacted, so that what was kept last stays."""

from __future__ import annotations

from collections.abc import Mapping

from yeoul.errors import SinkError, UnreachableError
from yeoul.kafka_client import LOG, AdminClient, KafkaError, KafkaException, NewTopic, text_of

__all__ = ["make_beside"]

_ASK_S = 10.0


def make_beside(bootstrap: str, name: str, beside: str, settings: Mapping[str, str]) -> None:
    """Make the topic `name` with as many partitions and replicas as `beside` has, if it is not there.

    Raises:
        SinkError: it may not be made, or has fewer partitions.
        UnreachableError: no broker answers.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, **settings}, logger=LOG)
    try:
        topics = admin.list_topics(timeout=_ASK_S).topics
        partitions = topics[beside].partitions
        if name in topics:
            _check(len(topics[name].partitions), len(partitions), name, beside)
            return
        replicas = min(len(each.replicas) for each in partitions.values())
        new = NewTopic(name, len(partitions), replicas, config={"cleanup.policy": "compact"})
        admin.create_topics([new], request_timeout=_ASK_S)[name].result()
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.TOPIC_ALREADY_EXISTS:  # another worker was faster
            return
        if code in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
            message = (
                f"topic `{name}` keeps what workers learn and is not there, and we may not make it; make it with "
                f"`cleanup.policy=compact` and as many partitions as `{beside}`, or mend the ACL"
            )
            raise SinkError(message) from error
        message = (
            f"no Kafka broker at `{bootstrap}` makes topic `{name}` ({text_of(error)}); start it or mend `bootstrap`"
        )
        raise UnreachableError(message) from error


def _check(has: int, needs: int, name: str, beside: str) -> None:
    if has < needs:
        message = (
            f"topic `{name}` keeps what workers learn and has {has} of the {needs} partitions that it needs, as "
            f"many as `{beside}` has; delete it, and it is made as it has to be; where `{beside}` has grown since it "
            "got windows, name a new topic in `topics.windows`"
        )
        raise SinkError(message)
