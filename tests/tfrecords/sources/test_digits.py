import numpy as np

from tfrecords.images import decode
from tfrecords.sources import open_source


def test_digits_are_scikit_learns_scans():
    from sklearn.datasets import load_digits

    source = open_source("digits")
    assert source.labels == tuple("0123456789")
    assert len(source.samples) == 1797
    bunch = load_digits()
    for sample in source.samples[::300]:
        index = int(sample.key[2:6])
        pixels = decode.decode(sample.origin.read())
        expected = bunch.images[index] * 255 / 16
        assert sample.label == bunch.target[index]
        np.testing.assert_allclose(pixels[..., 0], expected, atol=0.5)
        assert (pixels == pixels[..., :1]).all()
