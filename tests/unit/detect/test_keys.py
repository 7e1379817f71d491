import numpy as np

from yeoul.detect.keys import KeyTable


def ids(*keys: int) -> np.ndarray:
    return np.array(keys, np.int64)


def test_a_removed_slot_is_given_again_the_lowest_first():
    table = KeyTable()
    table.add(ids(5, 3, 9), 0)
    table.remove(np.array([0, 2]))
    assert table.find(ids(5, 3, 9)).tolist() == [-1, 1, -1]
    assert table.add(ids(100, 1), 7).tolist() == [0, 2]
    assert table.find(ids(1, 3, 100)).tolist() == [2, 1, 0]
    assert len(table) == 3


def test_those_absent_longest_come_first_and_of_equals_the_highest_id():
    table = KeyTable()
    table.add(ids(4, 8), 10)
    table.add(ids(6), 5)
    assert table.ids[table.absent_longest(2)].tolist() == [6, 8]


def test_a_restored_table_gives_the_same_slots():
    table = KeyTable()
    table.add(ids(4, 8, 15, 16), 10)
    table.remove(np.array([1]))
    other = KeyTable()
    other.restore(table.snapshot())
    assert other.find(ids(4, 8, 15, 16)).tolist() == table.find(ids(4, 8, 15, 16)).tolist()
    assert other.add(ids(23, 42), 11).tolist() == table.add(ids(23, 42), 11).tolist()


def test_an_empty_table_knows_nobody():
    assert KeyTable().find(ids(1)).tolist() == [-1]
