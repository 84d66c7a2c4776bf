import pytest

from keras_alexnet.benchmark.traffic import (
    data_parallel_bytes,
    hybrid_bytes,
    scheme_rounds,
    share_of_batch,
)
from keras_alexnet.presets import find_preset

RELEASED = find_preset("released")


def test_data_parallel_by_hand():
    # Each of n replicas sends 2 (n - 1) / n times 243,860,896 bytes.
    assert sum(data_parallel_bytes(RELEASED, 1).values()) == 0
    assert sum(data_parallel_bytes(RELEASED, 8).values()) == 8 * 426_756_568
    assert data_parallel_bytes(RELEASED, 4)["fc8"] == 6 * 4 * 4_097_000
    ten = sum(data_parallel_bytes(RELEASED, 2, 10).values())
    assert ten == 2 * (243_860_896 - 4 * 990 * 4_097)


def test_hybrid_by_hand():
    # 8 workers of 128 images, float32; what each of them sends.
    expected = {
        "convolutions": 16_338_560,  # 2 x 7/8 x 4 x 2,334,080
        "pool5": 33_030_144,  # 7 x 128 x 9,216 x 4
        "fc6": 14_680_064,  # 7 x 128 x 4,096 x 4
        "fc7": 14_680_064,
        "gradient of pool5": 33_030_144,
        "gradient of fc6": 14_680_064,
        "gradient of fc7": 14_680_064,
        "softmax": 57_344,  # 7 x 1,024 x 2 x 4
    }
    crossing = hybrid_bytes(RELEASED, 8, 1024)
    assert crossing == {name: 8 * size for name, size in expected.items()}
    narrow = hybrid_bytes(RELEASED, 8, 1024, "bfloat16")
    for name, size in crossing.items():
        whole = name in ("convolutions", "softmax")
        assert narrow[name] == (size if whole else size // 2)
    assert set(hybrid_bytes(RELEASED, 1, 128).values()) == {0}


@pytest.mark.parametrize("workers", [2, 4, 16])
@pytest.mark.parametrize(("dtype", "item"), [("float32", 4), ("bfloat16", 2)])
def test_hybrid_and_data_parallel_meet_at_one_batch(workers, dtype, item):
    # Of docs/scaling.md: whatever the number of workers, the softmax left out.
    even = 4 * 58_631_144 / (item * 17_408)
    data = sum(data_parallel_bytes(RELEASED, workers).values())

    def hybrid(batch_size):
        crossing = hybrid_bytes(RELEASED, workers, batch_size, dtype)
        return sum(crossing.values()) - crossing["softmax"]

    below = int(even) // workers * workers
    assert hybrid(below) <= data < hybrid(below + workers)


def test_schemes_by_hand():
    # 4 workers of 32 images; an image is 9,216 x 4 = 36,864 bytes.
    image = 36_864
    a, b, c = (scheme_rounds(RELEASED, 4, 128, scheme) for scheme in "abc")
    assert (a.count, a.sent, a.held) == (1, 3 * 32 * image, 128 * image)
    assert (b.count, b.sent, b.held) == (4, 3 * 32 * image, 32 * image)
    assert (c.count, c.sent, c.held) == (4, 3 * 8 * image, 32 * image)
    narrow = scheme_rounds(RELEASED, 4, 128, "c", "bfloat16")
    assert narrow.sent == c.sent // 2
    # In all they send the same: all four of a and of c, and of b one after the other.
    whole = hybrid_bytes(RELEASED, 4, 128)["pool5"]
    assert whole == 4 * a.sent == b.count * b.sent == 4 * c.count * c.sent


@pytest.mark.parametrize("workers", [0, 3])
def test_a_batch_that_does_not_divide_is_refused(workers):
    with pytest.raises(ValueError, match=f"multiple of {workers}"):
        share_of_batch(128, workers)
