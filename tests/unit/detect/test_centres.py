import numpy as np

from yeoul.detect.centres import Centres


def blobs(seed: int, count: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    return middles[rng.integers(0, 3, count)] + rng.normal(0, 0.3, (count, 2))


def learnt(order: bool = False) -> Centres:
    centres = Centres(4, 2)
    for i in range(40):
        vectors = blobs(i)
        vectors = vectors[np.random.default_rng(i).permutation(300)] if order else vectors
        centres.learn(vectors, centres.nearest(vectors)[0])
    return centres


def test_the_centres_find_the_usual_patterns():
    _, distance = learnt().nearest(np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]]))
    assert (distance[:3] < 1.0).all()
    assert distance[3] > 5


def test_the_order_of_vectors_changes_nothing():
    probe = blobs(99)
    np.testing.assert_allclose(learnt().nearest(probe)[1], learnt(order=True).nearest(probe)[1], rtol=1e-9)


def test_before_it_is_seeded_one_centre_stands_at_the_origin():
    _, distance = Centres(4, 2).nearest(np.array([[3.0, 4.0]]))
    assert distance.tolist() == [5.0]
