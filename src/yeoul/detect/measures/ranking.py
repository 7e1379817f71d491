"""How well scores order rows by their labels: area under precision-recall and under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yeoul.errors import InputError

__all__ = ["auc_pr", "auroc"]

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


def auc_pr(labels: Labels, scores: Floats) -> float:
    """Average precision, in (0, 1]: precision at each threshold weighted by the recall it adds.

    A random score has the share of abnormal rows.

    Args:
        labels: which rows are abnormal, shape (n,); at least one is, at least one is not.
        scores: the higher, the odder, shape (n,).

    Raises:
        InputError: labels of one kind only, or of another length.

    >>> auc_pr(np.array([False, True, False, True]), np.array([0.1, 0.9, 0.8, 0.7])).__round__(3)
    0.833
    """
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - heavy, needed on use only

    return float(average_precision_score(_checked(labels, scores), scores))


def auroc(labels: Labels, scores: Floats) -> float:
    """Chance that an abnormal row scores above a normal one, ties half, in [0, 1]; a random score has 0.5.

    Arguments and errors as of `auc_pr`.

    >>> auroc(np.array([False, True, False, True]), np.array([0.1, 0.9, 0.8, 0.7]))
    0.75
    """
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - as above

    return float(roc_auc_score(_checked(labels, scores), scores))


def _checked(labels: Labels, scores: Floats) -> Labels:
    if len(labels) != len(scores):
        message = f"got `{len(labels)}` labels and `{len(scores)}` scores; give one label a score"
        raise InputError(message)
    if not labels.any() or labels.all():
        message = "got labels of one kind only; at least one row must be abnormal and one must not"
        raise InputError(message)
    return labels
