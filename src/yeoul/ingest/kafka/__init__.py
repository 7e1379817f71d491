"""Topics of Kafka: a partition is a split, a message is a line, and where reading goes on is kept with what was read.

No consumer group decides who reads what: the engine that holds the state reads all partitions, so there is no
rebalance. Offsets are committed to a group for monitoring only.
"""

from yeoul.ingest.kafka.source import KafkaSource

__all__ = ["KafkaSource"]
