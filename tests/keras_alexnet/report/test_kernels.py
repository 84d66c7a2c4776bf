import base64
import io

import numpy as np
from PIL import Image

from keras_alexnet.inference.first_layer import kernel_pictures
from keras_alexnet.report.kernels import kernels_section
from keras_alexnet.report.reported_run import open_runs


def test_kernels_lie_tower_by_tower_each_with_its_colour_index(run):
    (opened,) = open_runs([run])
    found = kernels_section(opened)
    kernel = opened.network.model.get_layer("conv1").kernel.numpy()
    pictures = kernel_pictures(kernel)
    assert found["count"] == 8 and found["side"] == 11
    assert [(each["first"], each["last"]) for each in found["towers"]] == [
        *((1, 4), (5, 8)),
    ]
    for tower, those in zip(found["towers"], np.split(pictures, 2), strict=True):
        data = base64.b64decode(tower["url"].partition(",")[2])
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image)
        assert pixels.shape == (12, 48, 4)  # a pixel apart
        for place, one in enumerate(those):
            square = pixels[:11, 12 * place : 12 * place + 11]
            np.testing.assert_array_equal(square[..., :3], one)
            assert (square[..., 3] == 255).all()
        assert not pixels[11, :, 3].any() and not pixels[:, 11::12, 3].any()
        assert tower["least"] <= tower["mean"] <= tower["most"]
        assert len(tower["each"]) == 4


def test_an_export_has_no_kernels_to_look_at(exported):
    (opened,) = open_runs([exported])
    assert kernels_section(opened) is None
