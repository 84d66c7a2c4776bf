import numpy as np
import pytest

from keras_alexnet.trained.folder import with_dataset_facts
from keras_alexnet.training.compile import model_for_dataset
from tests import small
from tests.reference import rounding_bound
from tfrecords import Statistics
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import DatasetError


@pytest.mark.parametrize("mean", ["image", "channel"])
def test_the_mean_is_that_of_the_dataset(dataset, mean):
    statistics = Statistics.load(dataset / STATISTICS_FILE)
    config = with_dataset_facts(small.config(dataset, mean=mean))
    margin = (small.STORED - small.INPUT) // 2
    inside = slice(margin, margin + small.INPUT)
    expected = {
        "image": statistics.mean_image[inside, inside],
        "channel": np.tile(statistics.channel_means, (small.INPUT, small.INPUT, 1)),
    }
    found = model_for_dataset(config).mean
    np.testing.assert_allclose(found, expected[mean], rtol=rounding_bound("float32"))


def test_a_folder_without_statistics_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match=str(tmp_path)):
        model_for_dataset(small.config(tmp_path, num_classes=3))
