"""How good a detector is on labelled data: the measures of its field, each by its published rule.

Point-adjusted F1 is not among them: a random score reaches 0.6 to 0.8 with it (Kim et al., AAAI 2022).
"""

from yeoul.detect.measures.ranking import auc_pr, auroc
from yeoul.detect.measures.vus import vus_pr, vus_roc

__all__ = ["auc_pr", "auroc", "vus_pr", "vus_roc"]
