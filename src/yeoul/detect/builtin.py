"""The detectors that come with the package, by name; loaded on use."""

from __future__ import annotations

__all__ = ["DETECTORS"]

DETECTORS: dict[str, str] = {
    "kmeans": "yeoul.detect.kmeans:StreamingKMeans",
    "novelty": "yeoul.detect.novelty:Novelty",
    "polynomial": "yeoul.detect.polynomial:LocalPolynomial",
    "seasonal": "yeoul.detect.seasonal:Seasonal",
    "spectral": "yeoul.detect.spectral:SpectralResidual",
}
"""Name to `"module:Name"`; others come by the entry point group `yeoul.detectors`."""
