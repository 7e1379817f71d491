"""What is abnormal in a whole table: one scorer a file, from rows of numbers to scores, each row by its past.

A scorer (`Scorer`) learns from a part of the table and scores the rows that follow. The live tier's detectors judge one
window of all keys; scorers see one series, or vectors without order, and may be heavier. `SCORERS` maps names to
built-in classes; outsiders add theirs by the entry point group `yeoul.scorers`. `detect` scores a data frame.
"""

from yeoul.detect.tables.answer import Answer, Rows, Told, answer
from yeoul.detect.tables.builtin import SCORERS
from yeoul.detect.tables.contract import Scorer, Scores, Table, Traits
from yeoul.detect.tables.frames import detect
from yeoul.detect.tables.scoring import MODES, Scored, ScoringConfig, score_table

__all__ = [
    "MODES",
    "SCORERS",
    "Answer",
    "Rows",
    "Scored",
    "Scorer",
    "Scores",
    "ScoringConfig",
    "Table",
    "Told",
    "Traits",
    "answer",
    "detect",
    "score_table",
]
