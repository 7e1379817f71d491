import numpy as np

from yeoul.detect.adapt import LASTING_TICKS, lasting

YES = np.ones(1, bool)


def run(sides: list[float]) -> list[int]:
    counted, done = np.zeros(1, np.float32), []
    for i, side in enumerate(sides):
        counted, lasted = lasting(counted, np.array([side]), YES)
        if lasted[0]:
            done.append(i + 1)
    return done


def test_a_shift_lasts_after_half_an_hour_on_one_side():
    assert run([1.0] * 200) == [LASTING_TICKS]
    assert run([-1.0] * 200) == [LASTING_TICKS]


def test_odd_ticks_now_and_then_never_add_up():
    assert run([1.0, 0.0, 0.0] * 500) == []
    assert run([1.0, -1.0] * 500) == []


def test_missing_ticks_keep_the_count():
    counted, _ = lasting(np.array([5.0], np.float32), np.zeros(1), ~YES)
    assert counted[0] == 5
