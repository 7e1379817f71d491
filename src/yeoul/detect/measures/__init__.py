"""How good a detector is on labelled data: the measures of its field, each by its published rule.

Point-adjusted F1 is not among them: a random score reaches 0.6 to 0.8 with it (Kim et al., AAAI 2022).
"""

from yeoul.detect.measures.calibration import Calibrated, calibration
from yeoul.detect.measures.events import EventResult, event_recall, label_runs
from yeoul.detect.measures.nab import LOW_FN, LOW_FP, PROFILES, STANDARD, Labelled, NabResult, nab_at, nab_best
from yeoul.detect.measures.ranking import auc_pr, auroc
from yeoul.detect.measures.vus import vus_pr, vus_roc

__all__ = [
    "LOW_FN",
    "LOW_FP",
    "PROFILES",
    "STANDARD",
    "Calibrated",
    "EventResult",
    "Labelled",
    "NabResult",
    "auc_pr",
    "auroc",
    "calibration",
    "event_recall",
    "label_runs",
    "nab_at",
    "nab_best",
    "vus_pr",
    "vus_roc",
]
