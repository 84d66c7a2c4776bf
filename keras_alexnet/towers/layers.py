"""Layers of one tower, whose weights and work lie on that tower's device."""

import contextlib
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from keras_alexnet.layers.dense import Dense
from keras_alexnet.layers.dropout import InvertedDropout, OriginalDropout
from keras_alexnet.layers.grouped_conv import GroupedConv2D
from keras_alexnet.layers.in_map_norm import InMapResponseNormalization
from keras_alexnet.layers.local_response_norm import LocalResponseNormalization
from keras_alexnet.towers.devices import device_scope, planned_places, short_name


class OnTower:
    """Mix-in: the layer's weights, state and arithmetic on the device of its tower.

    Goes before the layer's class. Forward work needs no more than this; that gradients
    follow is for `DistributedModel`, that updates do for `CoupledSGD`.

    Args:
        tower: Integer. 0 for tower a, 1 for tower b.
        *args, **kwargs: As the layer's class.
    """

    def __init__(self, *args: Any, tower: int = 0, **kwargs: Any) -> None:
        self._places = planned_places(tower)
        with self._place():  # the state of a dropout is made here
            super().__init__(*args, **kwargs)
        self.tower = tower
        if self._places:
            # XLA takes one device: it cannot read a weight that lies on another.
            self.supports_jit = False

    def build(self, input_shape: Any) -> None:
        with self._place():
            super().build(input_shape)  # type: ignore[misc]
        if self._places and not tf.distribute.has_strategy():
            _check_places(self, self._places[0])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self._place():
            return super().__call__(*args, **kwargs)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "tower": self.tower}  # type: ignore[misc]

    @property
    def places(self) -> tuple[str, ...]:
        """Its device in each replica of this process; () where nothing is planned."""
        return self._places

    def _place(self) -> contextlib.AbstractContextManager:
        return device_scope(self._places)


def _check_places(layer: keras.Layer, place: str) -> None:
    for variable in layer.variables:
        device = variable.value.device
        if short_name(device) != short_name(place):
            raise ValueError(
                f"Expected {variable.path} on {place}, TensorFlow put it on {device}."
            )


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerConv2D(OnTower, GroupedConv2D):
    """`GroupedConv2D` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerDense(OnTower, Dense):
    """`Dense` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerActivation(OnTower, layers.Activation):
    """`keras.layers.Activation` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerMaxPooling2D(OnTower, layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerZeroPadding2D(OnTower, layers.ZeroPadding2D):
    """`keras.layers.ZeroPadding2D` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerFlatten(OnTower, layers.Flatten):
    """`keras.layers.Flatten` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerNormalization(OnTower, LocalResponseNormalization):
    """`LocalResponseNormalization` of one tower's maps alone."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerInMapNormalization(OnTower, InMapResponseNormalization):
    """`InMapResponseNormalization` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerOriginalDropout(OnTower, OriginalDropout):
    """`OriginalDropout` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class TowerInvertedDropout(OnTower, InvertedDropout):
    """`InvertedDropout` on its tower."""


@keras.saving.register_keras_serializable("keras_alexnet")
class Exchange(OnTower, layers.Concatenate):
    """Both towers' maps or units, a before b, on the device of the tower that reads."""


@keras.saving.register_keras_serializable("keras_alexnet")
class SeamMaps(OnTower, keras.layers.Layer):
    """The maps of a tower that a normalisation of the other one reads.

    Args:
        count: Integer. Maps next to the seam: the last of tower a, the first of b.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        count = min(self.count, inputs.shape[-1])
        return inputs[..., -count:] if self.tower == 0 else inputs[..., :count]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}


@keras.saving.register_keras_serializable("keras_alexnet")
class SeamNormalization(OnTower, LocalResponseNormalization):
    """`LocalResponseNormalization` that sees across the seam, as Caffe's does.

    Input: the tower's own maps and the `SeamMaps` of the other one; output: as the own
    maps.
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape[0])

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        own, beyond = inputs
        order = [own, beyond] if self.tower == 0 else [beyond, own]
        normalized = super().call(tf.concat(order, axis=-1))
        depth = own.shape[-1]
        return normalized[..., :depth] if self.tower == 0 else normalized[..., -depth:]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0]


# What a layer of `alexnet()` becomes in a tower.
TOWER_CLASSES: dict[type[keras.Layer], type[keras.Layer]] = {
    GroupedConv2D: TowerConv2D,
    Dense: TowerDense,
    layers.Activation: TowerActivation,
    layers.MaxPooling2D: TowerMaxPooling2D,
    layers.ZeroPadding2D: TowerZeroPadding2D,
    layers.Flatten: TowerFlatten,
    LocalResponseNormalization: TowerNormalization,
    InMapResponseNormalization: TowerInMapNormalization,
    OriginalDropout: TowerOriginalDropout,
    InvertedDropout: TowerInvertedDropout,
}
