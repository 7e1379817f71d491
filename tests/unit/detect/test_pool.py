"""What the keys have in common."""

import numpy as np

from yeoul.detect.pool import Pool


def test_levels_that_fade_to_nothing_still_say_how_much_keys_differ():
    pool = Pool()
    for scale in (1.0, 1e-170, 1e-300, 5e-324):
        pool.learn_levels(scale * np.array([1.0, 3.0]))
        assert pool.level > 0
        assert 0.05 <= pool.shape <= 1.0
