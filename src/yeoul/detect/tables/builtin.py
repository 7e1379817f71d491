"""The scorers of tables that come with the package, by name; loaded on use."""

from __future__ import annotations

__all__ = ["SCORERS"]

SCORERS: dict[str, str] = {
    "avgknn": "yeoul.detect.tables.outliers:Avgknn",
    "cblof": "yeoul.detect.tables.outliers:Cblof",
    "ensemble": "yeoul.detect.tables.ensemble:Ensemble",
    "gru": "yeoul.detect.tables.deep.recurrent:Gru",
    "hbos": "yeoul.detect.tables.outliers:Hbos",
    "iforest": "yeoul.detect.tables.outliers:Iforest",
    "kmeans": "yeoul.detect.tables.ticking:TickingKMeans",
    "knn": "yeoul.detect.tables.outliers:Knn",
    "lof": "yeoul.detect.tables.outliers:Lof",
    "lstm": "yeoul.detect.tables.deep.recurrent:Lstm",
    "novelty": "yeoul.detect.tables.ticking:TickingNovelty",
    "ocsvm": "yeoul.detect.tables.outliers:Ocsvm",
    "pca": "yeoul.detect.tables.components:Components",
    "polynomial": "yeoul.detect.tables.ticking:TickingPolynomial",
    "prophet": "yeoul.detect.tables.prophet:ProphetForecast",
    "rnn": "yeoul.detect.tables.deep.recurrent:Rnn",
    "rrcf": "yeoul.detect.tables.cut_forest:CutForest",
    "seasonal": "yeoul.detect.tables.ticking:TickingSeasonal",
    "seq2seq": "yeoul.detect.tables.deep.seq2seq:Seq2Seq",
    "spectral": "yeoul.detect.tables.ticking:TickingSpectral",
    "two-stage-lstm": "yeoul.detect.tables.deep.two_stage:TwoStage",
    "univariate": "yeoul.detect.tables.ticking:Univariate",
    "windows": "yeoul.detect.tables.windows:Windows",
    "xgbod": "yeoul.detect.tables.outliers:Xgbod",
}
"""Name to `"module:Name"`; others come by the entry point group `yeoul.scorers`."""
