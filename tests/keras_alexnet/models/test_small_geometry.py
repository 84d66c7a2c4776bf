import pytest

from keras_alexnet.models.small_geometry import small_map_sizes
from keras_alexnet.presets import SMALL_PRESETS


@pytest.mark.parametrize(
    ("size", "pools"), [(32, (16, 8, 4)), (24, (12, 6, 3)), (33, (17, 9, 5))]
)
def test_pools_round_up(size, pools):
    sizes = small_map_sizes(SMALL_PRESETS["cifar-18pct"].replace(input_size=size))
    assert [sizes[f"pool{number}"] for number in (1, 2, 3)] == list(pools)
    read = (size, *pools[:2])
    assert [sizes[f"conv{number}"] for number in (1, 2, 3)] == list(read)
