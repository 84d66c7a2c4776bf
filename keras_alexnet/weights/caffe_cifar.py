"""Caffe's two nets for CIFAR-10, cifar10_full and cifar10_quick."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_alexnet.presets import SMALL_PRESETS
from keras_alexnet.weights.foreign import ForeignWeights, InputRule
from keras_alexnet.weights.layout import FileOrder, from_channels_first

# The pictures are 32 x 32 and are taken as they are, RGB as the data set has them; the
# colour is the mean of its 50,000 training pictures. Others are made so by our filter.
CIFAR_RULE = InputRule(
    32,
    "short_side",
    "bicubic",
    np.array([125.307, 122.950, 113.865], np.float32),
    "view",
    channels="rgb",
)
_FULL, _PLAIN, _QUICK = "cifar-18pct", "cifar-19pct", "cifar-quick"


def is_cifar(tensors: Mapping[str, np.ndarray]) -> bool:
    """Tell whether layers are called as those of the two nets."""
    return {"conv3.kernel", "ip1.kernel"} <= {*tensors}


def of_cifar(
    tensors: Mapping[str, np.ndarray], names: Sequence[str], order: FileOrder
) -> ForeignWeights:
    """Return weights of Caffe as a reader gives them.

    Args:
        tensors: `conv1.kernel` and so on to `ip1.bias`, or `ip2.bias` of the quick net,
            in Caffe's layouts.
        names: Of all layers, where the file says them: cifar10_full without `norm1`
            is another net.
        order: What is known of its numbers.
    """
    plain = len(names) > 0 and "norm1" not in names
    name = _QUICK if "ip2.kernel" in tensors else _PLAIN if plain else _FULL
    preset = SMALL_PRESETS[name]
    ours = dict(zip(("ip1", "ip2"), (*preset.hidden, preset.head), strict=False))
    renamed = {}
    for tensor, array in tensors.items():
        layer, _, part = tensor.rpartition(".")
        renamed[f"{ours.get(layer, layer)}.{part}"] = array
    arrays = from_channels_first(
        renamed, order.of("rgb", "chw"), first_dense=ours["ip1"], last_maps="conv3"
    )
    return ForeignWeights(arrays, CIFAR_RULE, (name,))
