"""Made-up counters of a service's servers: four CSV files of five minutes a row, with faults that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.counter_faults import FILES, Fault, plan_faults
from yeoul.demo.counter_load import Load, demand
from yeoul.errors import ConfigError

__all__ = ["CountersConfig", "write_counters"]

Floats = NDArray[np.float64]
Told = Callable[[int, int], None]

_SLOTS_A_DAY = 288
_COUNTERS = ("Request", "Success", "Fail", "Session")
_BLOCK = 5_000
_FAIL_SHARE = {"INFO": 0.004, "LOGIN": 0.02, "MENU": 0.003, "STREAM": 0.01}
_STAY_SLOTS = {"INFO": 3.0, "LOGIN": 18.0, "MENU": 5.0, "STREAM": 14.0}


@dataclass(frozen=True, slots=True)
class CountersConfig:
    """What may be chosen.

    Raises:
        ConfigError: numbers that cannot mean anything; all mistakes at once.
    """

    start: str = "2017-01"
    """The first month."""
    months: int = 24
    servers: int = 13
    seed: int = 1
    faults_per_week: float = 1.5
    gaps: bool = True
    """Whether some rows are missing."""

    def __post_init__(self) -> None:
        rules = [
            (1 <= self.months <= 120, f"months: got `{self.months}`; legal: 1 to 120"),
            (1 <= self.servers <= 200, f"servers: got `{self.servers}`; legal: 1 to 200"),
            (self.seed >= 0, f"seed: got `{self.seed}`; legal: 0 or more"),
            (0 <= self.faults_per_week <= 20, f"faults_per_week: got `{self.faults_per_week}`; legal: 0 to 20"),
        ]
        if problems := tuple(text for holds, text in rules if not holds):
            raise ConfigError("; ".join(problems), problems)


def write_counters(folder: Path, config: CountersConfig | None = None, told: Told | None = None) -> tuple[Fault, ...]:
    """Write `Media_*.csv`, `labels.csv` (a row a slot) and `incidents.csv` (a row a fault); the faults come back.

    The same configuration writes the same bytes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     faults = write_counters(Path(place), CountersConfig(start="2018-02", months=1, servers=2))
    ...     lines = (Path(place) / "Media_LOGIN.csv").read_text().splitlines()
    ...     labels = (Path(place) / "labels.csv").read_text().splitlines()
    >>> len(labels) - 1 == 28 * 288, lines[0][:31], len(lines) <= len(labels)
    (True, 'Timestamp,1_Request,1_Success,1', True)
    """
    config = config or CountersConfig()
    rng = np.random.default_rng([config.seed, 8])
    first = np.datetime64(config.start, "M")
    day = int(first.astype("datetime64[D]").astype(np.int64))
    rows = (int((first + config.months).astype("datetime64[D]").astype(np.int64)) - day) * _SLOTS_A_DAY
    load = demand(day, rows, config.servers, rng)
    faults = plan_faults(rows, config.servers, config.faults_per_week, rng)
    missing = _gaps(rows, rng) if config.gaps else np.zeros((rows, len(FILES)), np.bool_)
    stamps = _stamps(day, rows)
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(FILES):
        counters = _counters(name, load, faults, rng)
        keep = np.flatnonzero(~missing[:, place])
        _write(folder / f"Media_{name}.csv", stamps, counters, keep, config.servers)
        if told is not None:
            told(place + 1, len(FILES))
    _write_labels(folder, stamps, faults)
    return faults


def _counters(name: str, load: Load, faults: tuple[Fault, ...], rng: np.random.Generator) -> NDArray[np.int64]:
    """Request, success, fail and session of each server, shape (rows, 4 a server)."""
    rows, servers = load.weights.shape
    weights, volume, fails, held = load.weights.copy(), np.ones((rows, 1)), np.ones((rows, servers)), []
    lost, extra = np.ones((rows, servers)), np.ones((rows, servers))
    for fault in faults:
        fault.shape_load(name, weights, volume, fails, lost, extra)
        if fault.kind == "freeze" and name in fault.files:
            held.append(fault)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    mean = load.demand[name][:, None] * volume * weights * lost
    # counts of five minutes vary more than a Poisson's: a gamma of 2 % stands above it
    request = rng.poisson(mean * rng.gamma(2500.0, 1 / 2500.0, mean.shape))
    share = np.clip(_FAIL_SHARE[name] * load.mood[name][:, None] * fails, 0.0, 0.95)
    fail = np.minimum(rng.poisson(request * share), request)
    success = request - fail
    session = _sessions(success.astype(np.float64), _STAY_SLOTS[name]) * extra
    session = np.maximum(np.rint(session * (1 + 0.01 * rng.standard_normal(session.shape))), 0).astype(np.int64)
    table = np.stack([request, success, fail, session], axis=2).reshape(rows, 4 * servers)
    for fault in held:
        for server in fault.servers:
            columns = slice(4 * server, 4 * server + 4)
            table[fault.start : fault.end, columns] = table[fault.start, columns]
    return np.asarray(table, np.int64)


def _sessions(arrivals: Floats, stay: float) -> Floats:
    """Sessions that are open when each stays for `stay` slots on average: an exponential memory of arrivals."""
    from scipy.signal import lfilter  # noqa: PLC0415 - heavy, and only a maker of whole files needs it

    keep = 1.0 - 1.0 / stay
    begin = arrivals[:1] * stay
    return np.asarray(lfilter([1.0], [1.0, -keep], arrivals, axis=0, zi=begin * keep)[0])


def _gaps(rows: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows each file lacks: single slots, an hour or two, seldom half a day; some in one file only."""
    missing = np.zeros((rows, len(FILES)), np.bool_)
    for _ in range(rng.poisson(rows / (20 * _SLOTS_A_DAY))):
        size = int(rng.choice([1, 2, int(rng.integers(6, 30)), int(rng.integers(60, 150))], p=[0.4, 0.2, 0.3, 0.1]))
        start = int(rng.integers(1, max(2, rows - size)))
        which = slice(None) if rng.random() < 0.7 else int(rng.integers(len(FILES)))
        missing[start : start + size, which] = True
    return missing


def _stamps(day: int, rows: int) -> list[str]:
    spans = []
    for at in range(_SLOTS_A_DAY):
        end = (at + 1) % _SLOTS_A_DAY
        spans.append(f"_{at // 12:02d}{at % 12 * 5:02d}-{end // 12:02d}{end % 12 * 5:02d}")
    days = [str(np.datetime64(day + one, "D")).replace("-", "") for one in range(-(-rows // _SLOTS_A_DAY))]
    return [one + span for one in days for span in spans][:rows]


def _write(path: Path, stamps: list[str], counters: NDArray[np.int64], keep: NDArray[np.intp], servers: int) -> None:
    names = [f"{server + 1}_{name}" if servers > 1 else name for server in range(servers) for name in _COUNTERS]
    with path.open("w", encoding="ascii", newline="\n") as file:
        file.write(",".join(["Timestamp", *names]) + "\n")
        for start in range(0, len(keep), _BLOCK):
            places = keep[start : start + _BLOCK]
            rows = counters[places].tolist()
            file.writelines(
                f"{stamps[at]},{','.join(map(str, row))}\n" for at, row in zip(places.tolist(), rows, strict=True)
            )


def _write_labels(folder: Path, stamps: list[str], faults: tuple[Fault, ...]) -> None:
    kinds = [""] * len(stamps)
    for fault in faults:
        kinds[fault.start : fault.end] = [fault.kind] * (fault.end - fault.start)
    with (folder / "labels.csv").open("w", encoding="ascii", newline="\n") as file:
        file.write("timestamp,label,kind\n")
        file.writelines(f"{stamp},{int(bool(kind))},{kind}\n" for stamp, kind in zip(stamps, kinds, strict=True))
    with (folder / "incidents.csv").open("w", encoding="ascii", newline="\n") as file:
        file.write("first,last,slots,kind,servers,files\n")
        for fault in faults:
            servers = " ".join(str(one + 1) for one in fault.servers)
            span = f"{stamps[fault.start]},{stamps[fault.end - 1]},{fault.end - fault.start}"
            file.write(f"{span},{fault.kind},{servers},{' '.join(fault.files)}\n")
