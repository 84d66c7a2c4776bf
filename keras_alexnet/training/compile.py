"""A network with its optimizer, loss and metrics."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import AnyPreset, find_preset, named_preset
from keras_alexnet.towers.network import two_towers
from keras_alexnet.training import allocator
from keras_alexnet.training.devices.distributed_model import DistributedModel
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan
from keras_alexnet.training.devices.precision import choose_precision
from keras_alexnet.training.devices.xla import choose_xla
from keras_alexnet.training.frozen_trunk import trunk_of
from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.metrics import TopKError
from keras_alexnet.training.update.optimizer import CoupledSGD, layer_of


def compile_network(
    preset: str | AnyPreset,
    num_classes: int,
    plan: DevicePlan = ONE_DEVICE,
    mean: np.ndarray | None = None,
) -> DistributedModel:
    """Build a network and all that its recipe trains it with, ready for `fit`.

    From then on this process keeps the memory that it frees, as training needs.

    Args:
        preset: Network and recipe, or the name of one of `PRESETS` or `SMALL_PRESETS`.
            Of the recipe the rates, decays, the arithmetic, XLA and the seed count
            here. Weights of classes need a dataset: set `class_weights` of the model.
        num_classes: Number of logits.
        plan: The devices.
        mean: float32 `(input_size, input_size, 3)` or `(3,)`, of 0-255 scale, what is
            subtracted from batches of uint8; `fit` on float images needs none.

    Raises:
        UserError: Unknown preset, a picture too small to leave a map, towers of a small
            net, or towers that XLA is to compile.
        ValueError: The network does not fall into two towers.
    """
    preset = named_preset(preset)
    allocator.keep_freed_memory()
    with plan.scope(), _float32_numbers():
        model = _compile(preset, num_classes, plan)
    if mean is not None:
        side = preset.input_size
        model.mean = np.broadcast_to(np.asarray(mean, "float32"), (side, side, 3))
    return model


@contextlib.contextmanager
def _float32_numbers() -> Iterator[None]:
    """Keep loss, metrics and rate in float32, whatever a user's `floatx` is."""
    keras.config.dtype_policy()  # follows floatx when it is first asked for
    floatx = keras.config.floatx()
    keras.config.set_floatx("float32")
    try:
        yield
    finally:
        keras.config.set_floatx(floatx)


def _compile(preset: AnyPreset, num_classes: int, plan: DevicePlan) -> DistributedModel:
    recipe = preset.recipe
    precision: str = recipe.precision
    if precision == "auto":
        precision = choose_precision("auto", plan).precision
    xla = choose_xla(recipe, plan)
    network = _build(preset, num_classes, plan, precision)
    trunk = trunk_of(network, preset) if recipe.cache_features else None
    first = network.input if trunk is None else trunk.output
    model = DistributedModel(first, network.output, name=network.name)
    model.trunk = trunk
    model.towers = plan.towers
    model.colocate = bool(plan.towers)
    model.compiled_replicas = xla and plan.strategy is not None
    optimizer: CoupledSGD | LossScale = CoupledSGD(
        recipe.learning_rate,
        momentum=recipe.momentum,
        decay=recipe.decay,
        bias_rate=recipe.bias_rate,
        decays=recipe.layer_decays,
    )
    optimizer.jit_compile = model.compiled_replicas
    if precision == "mixed_float16":
        optimizer = LossScale(optimizer)
    optimizer.build(model.trainable_variables)
    for path, factor in _rate_factors(optimizer).items():
        factor.assign(factor * preset.layer_rate(layer_of(path)))
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[TopKError(1, name="error"), TopKError(5, name="top5_error")],
        jit_compile=xla and not model.compiled_replicas,
    )
    return model


def _rate_factors(optimizer: CoupledSGD | LossScale) -> dict[str, keras.Variable]:
    inner: Any = getattr(optimizer, "inner_optimizer", optimizer)
    return inner.rate_factors


def _build(
    preset: AnyPreset, num_classes: int, plan: DevicePlan, precision: str
) -> keras.Model:
    common: dict[str, Any] = {"seed": preset.recipe.seed, "dtype": precision}
    if not plan.towers:
        return network_of(preset, num_classes, **common)
    whole = find_preset(preset)
    return two_towers(
        whole, num_classes, devices=plan.towers, own_images=True, **common
    )
