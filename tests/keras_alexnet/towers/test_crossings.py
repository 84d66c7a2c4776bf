import pytest

from keras_alexnet import PRESETS
from keras_alexnet.towers.crossings import crossing_bytes, tower_crossings


def test_crossing_bytes_of_the_paper():
    """conv3 13 x 13 x 128 and fc6 6 x 6 x 128 and fc7 2048 both ways; fc8 one way."""
    both_ways = 2 * (13 * 13 * 128 + 6 * 6 * 128 + 2048)
    expected = 128 * 4 * 2 * (both_ways + 2048)
    assert crossing_bytes("paper", 128) == expected == 60_030_976
    assert crossing_bytes("released", 128, "mixed_bfloat16") == expected // 2


def test_caffes_norms_read_two_maps_across_the_seam():
    found = {
        (c.reader, c.phase, c.source): c.bytes
        for c in tower_crossings("caffe_alexnet", 1)
    }
    assert found["norm1", "forward", 0] == found["norm1", "backward", 1] == 55 * 55 * 8
    assert found["norm2", "forward", 1] == 27 * 27 * 8
    found = {
        (c.reader, c.phase, c.source): c.bytes for c in tower_crossings("caffenet", 1)
    }
    assert found["norm1", "forward", 0] == 27 * 27 * 8
    assert found["norm2", "forward", 1] == 13 * 13 * 8


def test_nothing_crosses_for_the_logits_but_to_tower_a():
    crossings = [c for c in tower_crossings("paper", 1) if c.reader == "fc8"]
    assert {(c.phase, c.source, c.target) for c in crossings} == {
        ("forward", 1, 0),
        ("backward", 0, 1),
    }
    with pytest.raises(ValueError, match="two towers"):
        tower_crossings(PRESETS["one_gpu"], 1)
