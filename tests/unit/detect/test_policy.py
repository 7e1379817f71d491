import numpy as np
import pytest

from yeoul.detect.policy import RULES, Policy

DAY = 8640.0


def policy(budget: float = 1.0, **changes: float) -> Policy:
    limits = {"min_volume": 20.0, "min_effect": 0.2, "min_confidence": 0.2} | changes
    return Policy(budget, **limits, persist=(2, 3), ticks_per_day=DAY)


def judge(it: Policy, p: float, observed: float, expected: float, confidence: float = 1.0) -> tuple[bool, bool]:
    one = [np.array([each]) for each in (p, observed, expected, confidence)]
    alarmed, sustained = it.judge(*one)
    return bool(alarmed[0]), bool(sustained[0])


def test_only_what_is_large_far_off_trusted_and_unlikely_is_alarmed():
    table = [
        (1e-12, 90.0, 30.0, 1.0, True),
        (1e-12, 0.0, 30.0, 1.0, True),
        (1e-1, 90.0, 30.0, 1.0, False),
        (1e-12, 19.0, 2.0, 1.0, False),
        (1e-12, 1190.0, 1000.0, 1.0, False),
        (1e-12, 90.0, 30.0, 0.1, False),
        (1.0, np.nan, 30.0, 0.0, False),
    ]
    for p, observed, expected, confidence, alarmed in table:
        assert judge(policy(), p, observed, expected, confidence)[0] is alarmed, (p, observed, expected)


def test_sustained_means_k_of_the_last_n_observed_ticks():
    it = policy()
    said = [judge(it, p, 90.0, 30.0)[1] for p in (1e-12, 1.0, 1e-12, 1.0, 1.0, 1e-12)]
    assert said == [False, False, True, False, False, False]


def test_a_sustained_alarm_is_held_at_a_milder_threshold():
    it = policy()
    judge(it, 1e-12, 90.0, 30.0)
    mild = 20 * it.threshold
    assert not judge(policy(), mild, 90.0, 30.0)[0]
    judge(it, 1e-12, 90.0, 30.0)
    assert judge(it, mild, 90.0, 30.0)[0]


def test_a_larger_budget_and_fewer_keys_allow_a_larger_p():
    def threshold(budget: float, keys: int) -> float:
        it = policy(budget)
        for _ in range(2):
            it.judge(np.ones(keys), np.full(keys, 50.0), np.full(keys, 50.0), np.ones(keys))
        return it.threshold

    assert threshold(10, 100) > threshold(1, 100) > threshold(1, 10_000) > 0


@pytest.mark.slow
def test_the_threshold_meets_the_budget_even_where_p_is_wrong_by_a_factor():
    """Ticks of p = u ** 1.3: the tail is heavier than it says, by a factor of 20 at one in a million."""
    rng = np.random.default_rng(5)
    keys, days = 60, 3
    honest, lying, started = policy(), policy(), 0
    last = np.full(keys, -100)
    for i in range(int(days * DAY)):
        u = np.repeat(rng.random(keys // 3), 3) if i % 2 else rng.random(keys)
        observed = np.full(keys, 90.0)
        honest.judge(u, observed, observed / 3, np.ones(keys))
        _, sustained = lying.judge(u**1.3, observed, observed / 3, np.ones(keys))
        new = sustained & (i - last > 30)
        last[sustained] = i
        started += int(new.sum()) if i > DAY else 0
    assert lying.threshold < honest.threshold
    assert started / (days - 1) <= 3


@pytest.mark.parametrize("ticks_per_day", [0.14, 0.5, 1.0, 24.0, DAY])
def test_the_threshold_stays_a_probability_however_wide_windows_are(ticks_per_day: float):
    it = Policy(1.0, 20.0, 0.2, 0.2, (2, 3), ticks_per_day)
    rng, keys = np.random.default_rng(3), 50
    for _ in range(400):
        it.judge(rng.random(keys), np.full(keys, 90.0), np.full(keys, 30.0), np.ones(keys))
        assert 1e-12 < it.threshold < 0.0101


def bouts(it: Policy, keys: int, struck: list[int], times: int, p: float = 1e-16) -> list[int]:
    """Alarms in each of some bouts of three ticks, an hour apart, of these keys."""
    found = []
    for _ in range(times):
        alarms = 0
        for i in range(360):
            now = np.where(np.isin(np.arange(keys), struck) & (i < 3), p, 0.5)
            alarms += int(it.judge(now, np.full(keys, 90.0), np.full(keys, 30.0), np.ones(keys))[0].sum())
        found.append(alarms)
    return found


def test_what_a_key_does_time_and_again_is_its_habit_and_what_is_far_beyond_it_an_alarm():
    it = policy()
    assert bouts(it, 50, [0], 8) == [3, 3, 3, 3, 3, 0, 0, 0]
    assert bouts(it, 50, [0], 1, p=1e-30) == [3]


@pytest.mark.slow
def test_the_habit_of_one_key_hides_nothing_of_another_and_is_forgotten():
    it = policy()
    bouts(it, 50, [7], 8)
    assert bouts(it, 50, [0], 1) == [3]
    assert bouts(it, 50, [7], 1) == [0]
    assert bouts(it, 50, [], 30) == [0] * 30
    assert bouts(it, 50, [7], 1) == [3]


def test_what_befalls_many_keys_at_once_time_and_again_is_no_habit():
    assert bouts(policy(), 50, list(range(20)), 8) == [60] * 8


def test_a_state_that_knows_no_habits_is_taken_over():
    it, other = policy(), policy()
    bouts(it, 50, [0], 1)
    state = it.snapshot()
    state["slots"] = {name: array for name, array in state["slots"].items() if not name.startswith("habit")}
    other.restore(state)
    assert bouts(other, 50, [0], 6) == [3, 3, 3, 3, 3, 0]


def test_many_keys_at_once_do_not_spoil_the_threshold():
    calm, struck = policy(), policy()
    for i in range(3000):
        for it, outage in ((calm, False), (struck, 2000 <= i < 2030)):
            p = np.full(500, 1e-7 if outage else 0.5)
            it.judge(p, np.full(500, 90.0), np.full(500, 30.0), np.ones(500))
    assert struck.threshold > calm.threshold / 10


def test_keys_that_fail_together_are_alarmed_by_the_step_up_and_one_alone_is_not():
    def alarmed(odd: int) -> int:
        it = policy()
        quiet = np.ones(200)
        it.judge(quiet, np.full(200, 90.0), np.full(200, 30.0), np.ones(200))
        p = np.where(np.arange(200) < odd, 20 * it.threshold, 1.0)
        return int(it.judge(p, np.full(200, 90.0), np.full(200, 30.0), np.ones(200))[0].sum())

    assert (alarmed(1), alarmed(10), alarmed(40)) == (0, 0, 40)


def test_keys_that_an_incident_holds_make_nobody_else_likelier():
    it = policy()
    p = np.where(np.arange(200) < 50, 1e-12, 1.0)
    for _ in range(5):
        it.judge(p, np.full(200, 90.0), np.full(200, 30.0), np.ones(200))
    assert it.cut == it.threshold


def test_every_odd_key_is_told_which_rule_held_it_back():
    table = [
        ("usual", 0.5, 90.0, 30.0, 1.0, False),
        ("usual", 1.0, np.nan, 30.0, 0.0, False),
        ("volume", 1e-12, 19.0, 2.0, 1.0, False),
        ("history", 1e-12, 90.0, 30.0, 0.1, False),
        ("effect", 1e-12, 1190.0, 1000.0, 1.0, False),
        ("chance", 9e-4, 90.0, 30.0, 1.0, False),
        ("muted", 1e-12, 90.0, 30.0, 1.0, True),
        ("single", 1e-12, 90.0, 30.0, 1.0, False),
    ]
    it = policy()
    columns = [np.array([row[i] for row in table]) for i in range(1, 6)]
    alarmed, sustained = it.judge(*columns[:4], muted=columns[4])
    assert [it.verdict(slot) for slot in range(len(table))] == [row[0] for row in table]
    assert alarmed.tolist() == [row[0] in {"muted", "single"} for row in table]
    assert not sustained.any()
    it.judge(*columns[:4], muted=columns[4])
    assert it.verdict(7) == "sustained"
    assert dict(zip(RULES, it.counts.tolist(), strict=True))["muted"] == 1
    assert it.counts.sum() == len(table) - 1  # of what has no value nothing is said
