import json

import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.trained.input_facts import input_facts
from tests import small


def test_a_stranger_finds_all_that_the_pixels_depend_on(run):
    network = load(run)
    said = input_facts(network.config.preprocessing, network.statistics, "NCHW")
    assert (
        json.loads(json.dumps(said))
        == said
        == {
            "name": "images",
            "layout": "NCHW",
            "dtype": "float32",
            "channels": "RGB",
            "range": [0, 255],
            "scale": 1.0,
            "exif": False,
            "resize": "short_side",
            "stored_size": small.STORED,
            "filter": "bicubic",
            "crop": "centre",
            "size": small.INPUT,
            "mean": {
                "kind": "image",
                "file": "statistics.npz",
                "array": "mean_image",
                "cut": "centre",
            },
        }
    )


@pytest.mark.parametrize("mean", ["image", "channel"])
def test_the_mean_that_is_named_is_the_one_that_is_subtracted(run, mean):
    network = load(run)
    shown = {**network.config.preprocessing, "mean": mean, "mean_at": "view"}
    shown |= {"resize": "warp", "apply_exif": True}
    said = input_facts(shown, network.statistics)
    assert (said["resize"], said["exif"], said["layout"]) == ("warp", True, "NHWC")
    array = np.load(run / said["mean"]["file"])[said["mean"]["array"]]
    if mean == "channel":
        np.testing.assert_array_equal(array, said["mean"]["values"])
    else:
        assert said["mean"]["cut"] == "view"
        np.testing.assert_array_equal(array, network.statistics.mean_image)


def test_nothing_is_said_of_a_mean_that_is_none(run):
    network = load(run)
    shown = {**network.config.preprocessing, "mean": "none"}
    assert input_facts(shown, network.statistics)["mean"] == {"kind": "none"}
