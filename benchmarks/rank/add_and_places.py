"""One closed window of 10,000 pairs into a ranking of a million; beside it the same additions into a dict of floats."""

import time

import numpy as np

from yeoul.rank import OVERALL, HotConfig

PAIRS, WINDOW, SCOPES, TITLES = 1_000_000, 10_000, 20_000, 5_000


def _window(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    customers = random.zipf(1.1, n) % SCOPES
    return customers, (random.zipf(1.2, n) + customers) % TITLES, random.integers(1, 5, n).astype(float)


def _times(ticks: list[float]) -> str:
    spent = np.sort(np.diff(ticks)) * 1000
    return f"median {np.median(spent):.1f} ms, worst {spent[-1]:.1f} ms"


def main() -> None:
    random = np.random.default_rng(1)
    ranking = HotConfig("hot").build()
    code = random.choice(SCOPES * TITLES, PAIRS, replace=False)
    at_us = 1_800_000_000_000_000
    ranking.add(at_us, code // TITLES, code % TITLES, np.ones(PAIRS))
    ticks = [time.perf_counter()]
    for step in range(1, 361):
        ranking.add(at_us + step * 10_000_000, *_window(random, WINDOW))
        ticks.append(time.perf_counter())
    print(f"add of {WINDOW} pairs into {len(ranking.snapshot()['key'])}: {_times(ticks)}")

    plain: dict[tuple[int, int], float] = {}
    ticks = [time.perf_counter()]
    for _ in range(20):
        for scope, key, count in zip(*(column.tolist() for column in _window(random, WINDOW)), strict=True):
            plain[scope, key] = plain.get((scope, key), 0.0) * 0.99 + count
        ticks.append(time.perf_counter())
    print(f"the same into a dict, without ranking over all: {_times(ticks)}")

    at_us += 3_600_000_000
    for name, scopes in {"all scopes": None, "over all": np.array([OVERALL])}.items():
        ticks = [time.perf_counter()]
        for _ in range(5):
            rows = len(ranking.places(at_us, scopes=scopes))
            ticks.append(time.perf_counter())
        print(f"places, {name} ({rows} rows): {_times(ticks)}")


if __name__ == "__main__":
    main()
