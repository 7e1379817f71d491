"""Topics of Kafka as a place for what goes out: lines as they were written, and results.

A message counts as sent when every replica has acknowledged it. What is not acknowledged is never given up: it waits,
and whoever sends is told when the queue is full.
"""

from yeoul.deliver.kafka.kept import make_beside
from yeoul.deliver.kafka.results import Member, Outbound, ResultsWriter
from yeoul.deliver.kafka.sender import Receipt, Sender

__all__ = ["Member", "Outbound", "Receipt", "ResultsWriter", "Sender", "make_beside"]
