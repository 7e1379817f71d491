"""Who the customers are and what the titles are: keys, invented names, shares, and the lookup tables people read."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.config import ServiceConfig
from yeoul.errors import InputError
from yeoul.plugins import nearest

__all__ = ["ORIGINS", "Catalogue"]

ORIGINS = ("icn1", "icn2", "pus1", "dae1")
"""Origin servers. A customer's traffic comes from one of them; an outage takes down one."""

_ORIGIN_SHARES = (0.35, 0.3, 0.2, 0.15)
_PLACES = (
    "여울", "달빛", "푸른", "고요한", "느린", "마지막", "은빛", "먼", "젖은", "새벽", "유리", "종이",
    "붉은", "숨은", "낮은", "겨울", "바람의", "안개", "두번째", "소금",
)  # fmt: skip
_THINGS = (
    "항구", "편지", "정원", "계단", "우체국", "기차", "등대", "수영장", "지도", "약국", "온실", "교실",
    "저녁", "사진관", "섬", "골목", "시계", "극장", "언덕", "국수집",
)  # fmt: skip
_WORDS = (
    "Amber", "Cobalt", "Thistle", "Hollow", "Velvet", "Northern", "Paper", "Copper", "Quiet", "Salt",
    "Marble", "Winter", "Lantern", "Sable", "Distant", "Brass", "Willow", "Granite", "Paler", "Tin",
)  # fmt: skip
_NOUNS = (
    "Heron", "Ferry", "Orchard", "Ledger", "Causeway", "Signal", "Kettle", "Meridian", "Almanac",
    "Lighthouse", "Quarry", "Compass", "Estuary", "Radio", "Carousel", "Atlas", "Bakery", "Turnstile",
    "Observatory", "Switchboard",
)  # fmt: skip
_FIRMS = (
    "한여울", "미르", "가온", "누리", "솔빛", "Bluefin", "Nordwind", "Parallax",
    "Tidewell", "Okra", "Sonnet", "Halfmoon", "다온", "아라", "Kestrel",
)  # fmt: skip
_TRADES = (
    "미디어", "방송", "픽처스", "Networks", "Play", "TV", "스튜디오", "Stream", "채널",
    "Studios",
)  # fmt: skip


class Catalogue:
    """Customers and titles by rank (0 is the largest); keys are shuffled, so that a key does not tell its rank.

    >>> catalogue = Catalogue(ServiceConfig(customers=3, titles=5))
    >>> sorted(catalogue.customer_keys), catalogue.customer_rank(catalogue.customer_keys[2])
    (['CP0001', 'CP0002', 'CP0003'], 2)
    """

    def __init__(self, config: ServiceConfig) -> None:
        rng = np.random.default_rng([config.seed, 0])
        self.customer_share = _zipf(config.customers, config.customer_exponent)
        """Share of all events by customer rank, sums to 1."""
        self.title_share = _zipf(config.titles, config.title_exponent)
        """Share of all events by title rank, sums to 1; each title drifts around it."""
        self.customer_keys = [f"CP{n + 1:04d}" for n in rng.permutation(config.customers).tolist()]
        self.title_keys = [f"M{n + 1:07d}" for n in rng.permutation(config.titles).tolist()]
        self.origin: NDArray[np.int64] = rng.choice(len(ORIGINS), config.customers, p=_ORIGIN_SHARES)
        """Index into `ORIGINS` by customer rank."""
        self.year: NDArray[np.int64] = 2026 - np.minimum(rng.geometric(0.15, config.titles), 40)
        self._name_start = int(rng.integers(0, 800))

    def customer_rank(self, key: str) -> int:
        """The rank of a customer.

        Raises:
            InputError: no such customer.
        """
        return _rank(self.customer_keys, key, "customer")

    def title_rank(self, key: str) -> int:
        """The rank of a title.

        Raises:
            InputError: no such title.
        """
        return _rank(self.title_keys, key, "title")

    def title_name(self, rank: int) -> str:
        """An invented name, Korean or English; each once."""
        pairs = len(_PLACES) * len(_THINGS)
        season, place = divmod(rank, 2 * pairs)
        # 7 shares no factor with 400, so the walk meets every pair once before any comes again
        pair = (place // 2 * 7 + self._name_start) % pairs
        first, second = divmod(pair, len(_THINGS))
        if place % 2:
            return f"{_WORDS[first]} {_NOUNS[second]}" + (f" {season + 1}" if season else "")
        return f"{_PLACES[first]} {_THINGS[second]}" + (f" 시즌 {season + 1}" if season else "")

    def customer_name(self, rank: int) -> str:
        """An invented company name; each once."""
        round_, place = divmod(rank, len(_FIRMS) * len(_TRADES))
        first, second = place % len(_FIRMS), place // len(_FIRMS)
        return f"{_FIRMS[first]} {_TRADES[second]}" + (f" {round_ + 1}" if round_ else "")

    def write_lookups(self, folder: Path) -> None:
        """Write `titles.csv` (base_mck, title) and `customers.csv` (cpk, name), ordered by key."""
        titles = sorted((key, self.title_name(rank)) for rank, key in enumerate(self.title_keys))
        customers = sorted((key, self.customer_name(rank)) for rank, key in enumerate(self.customer_keys))
        _write_csv(folder / "titles.csv", ("base_mck", "title"), titles)
        _write_csv(folder / "customers.csv", ("cpk", "name"), customers)


def _zipf(size: int, exponent: float) -> NDArray[np.float64]:
    weight = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return np.asarray(weight / weight.sum())


def _rank(keys: list[str], key: str, what: str) -> int:
    try:
        return keys.index(key)
    except ValueError:
        message = f"got the {what} `{key}`; legal: one of {len(keys)}, such as `{min(keys)}`{nearest(key, keys)}"
        raise InputError(message) from None


def _write_csv(path: Path, header: tuple[str, str], rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
