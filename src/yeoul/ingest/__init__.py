"""How events get in: a source yields splits, a split yields blocks of whole lines, a decoder makes columns of them.

`contract.py` says what each must do; `files/` tails files on this machine, `kafka/` reads topics, and `decode/` turns
lines into rows.
"""

__all__ = ["SOURCES"]

SOURCES = ("yeoul.ingest.files:FileSource", "yeoul.ingest.kafka:KafkaSource")
