import numpy as np
import pytest
from PIL import Image

from keras_alexnet.export.example import picture_example
from keras_alexnet.trained.config_file import NetworkConfig
from keras_alexnet.trained.network import TrainedNetwork
from tests import small


def changed(network, **facts):
    config = NetworkConfig(
        network.config.preset, {**network.config.preprocessing, **facts}
    )
    return TrainedNetwork(network.model, network.labels, config, network.statistics)


@pytest.mark.parametrize("size", [(110, 150), (151, 97), (73, 400)])
@pytest.mark.parametrize(
    "facts",
    [
        {"resize_filter": "bicubic"},
        {"resize": "warp", "resize_filter": "lanczos", "mean": "channel"},
        {"apply_exif": True, "mean_at": "view", "resize_filter": "bilinear"},
        {"mean": "none"},
    ],
)
def test_its_pixels_are_those_of_predict_but_for_rounding(
    network, tmp_path, monkeypatch, facts, size
):
    """Pillow rounds after each of two passes of a resize, the graph once: 1 of 255."""
    shown = changed(network, **facts)
    image = Image.fromarray(small.picture(2, 5, *size))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    image.save(tmp_path / "picture.jpg", "PNG", exif=exif)
    if facts.get("mean") != "none":
        shown.statistics.save(tmp_path / "statistics.npz")
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    compute = "kept.append(images)\nprobabilities = np.array([[0.5, 0.2, 0.3]])"
    program = picture_example(shown, "import sys", compute, "NHWC")
    kept = []
    monkeypatch.chdir(tmp_path)
    exec(program, {"kept": kept})
    picture = (tmp_path / "picture.jpg").read_bytes()
    expected = shown.preprocessing.images(np.array([picture])).numpy()
    assert kept[0].dtype == np.float32 and kept[0].shape == expected.shape
    assert np.abs(kept[0] - expected).max() <= 1.001
    assert np.abs(kept[0] - expected).mean() < 0.5


def test_channels_come_first_where_a_runtime_wants_them(network):
    program = picture_example(network, "import x", "probabilities = x(images)", "NCHW")
    assert ".transpose(2, 0, 1)[None]" in program
