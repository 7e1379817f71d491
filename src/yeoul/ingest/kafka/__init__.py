"""Topics of Kafka: a partition is a split, a message is a line, and where reading goes on is kept with what was read.

No consumer group decides what a source reads: the engine that holds the state reads all partitions, so there is no
rebalance. Offsets are committed to a group for monitoring only. Workers that follow results share partitions out by a
`Group`.
"""

from yeoul.ingest.kafka.client import Topic
from yeoul.ingest.kafka.group import Committed, Group, Read, Reader, read_whole
from yeoul.ingest.kafka.source import KafkaSource

__all__ = ["Committed", "Group", "KafkaSource", "Read", "Reader", "Topic", "read_whole"]
