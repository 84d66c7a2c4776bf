import numpy as np

from keras_alexnet.evaluation.pairs import confused_pairs, likeliest_confusion

CONFUSION = np.array([[5, 3, 0, 0], [3, 1, 0, 2], [0, 0, 0, 0], [1, 2, 0, 1]])
LABELS = ["ant", "bee", "cat", "dog"]


def test_pairs_come_by_times_then_share_then_label():
    found = confused_pairs(CONFUSION, LABELS, 10)
    assert [tuple(pair.values()) for pair in found] == [
        ("bee", "ant", 3, 3 / 6),
        ("ant", "bee", 3, 3 / 8),
        ("dog", "bee", 2, 2 / 4),
        ("bee", "dog", 2, 2 / 6),
        ("dog", "ant", 1, 1 / 4),
    ]
    assert confused_pairs(CONFUSION, LABELS, 2) == found[:2]
    assert confused_pairs(CONFUSION, LABELS, 0) == []
    assert confused_pairs(np.diag([4, 4, 4, 4]), LABELS, 5) == []
    assert CONFUSION[0, 0] == 5  # nothing was changed


def test_equal_pairs_keep_the_order_of_labels():
    found = confused_pairs(1 - np.eye(3, dtype=np.int64), LABELS[:3], 3)
    names = [(pair["true"], pair["taken_for"]) for pair in found]
    assert names == [("ant", "bee"), ("ant", "cat"), ("bee", "ant")]


def test_the_likeliest_confusion_of_a_class_is_another_class():
    assert likeliest_confusion(CONFUSION, 1) == (0, 3)
    assert likeliest_confusion(CONFUSION, 3) == (1, 2)
    assert likeliest_confusion(CONFUSION, 2)[1] == 0
