"""Presets of ours as small networks, in whose place a test puts them."""

from keras_alexnet.presets import PRESETS
from tests import small

CAFFE_ALEXNET = small.preset("caffe_alexnet", input_size=99)
CAFFENET = small.preset("caffenet", input_size=99)
ONE_WEIRD_TRICK = small.preset("one_weird_trick", input_size=99)


def use(monkeypatch) -> None:
    """Make the presets of Caffe and torchvision small for a test."""
    for name in ("caffe_alexnet", "caffenet", "one_weird_trick"):
        monkeypatch.setitem(PRESETS.places, name, f"{__name__}:{name.upper()}")
