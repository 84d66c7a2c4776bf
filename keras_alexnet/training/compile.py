"""The network of a run with its optimizer, loss and metrics."""

import contextlib
from collections.abc import Iterator

import keras

from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.towers.network import two_towers
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import build_model
from keras_alexnet.training.devices.distributed_model import DistributedModel
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan
from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.metrics import TopKError
from keras_alexnet.training.update.optimizer import CoupledSGD


def model_for_dataset(
    config: TrainConfig, plan: DevicePlan = ONE_DEVICE
) -> DistributedModel:
    """Return `compile_model` with the mean of its dataset, ready for uint8 crops.

    Raises:
        DatasetError: The dataset folder has no readable statistics.
    """
    model = compile_model(config, plan)
    size = config.resolve().input_size
    model.mean = mean_patch(load_statistics(config.data), size, config.mean)
    return model


def compile_model(
    config: TrainConfig, plan: DevicePlan = ONE_DEVICE
) -> DistributedModel:
    """Build the network of a run with optimizer, loss and metrics, ready for `fit`."""
    with plan.scope(), _float32_numbers():
        return _compile_model(config, plan)


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


def _compile_model(config: TrainConfig, plan: DevicePlan) -> DistributedModel:
    preset = config.resolve()
    network = _build_network(config, plan)
    model = DistributedModel(network.input, network.output, name=network.name)
    model.towers = plan.towers
    model.colocate = bool(plan.towers)
    optimizer: keras.optimizers.Optimizer = CoupledSGD(
        preset.learning_rate,
        momentum=config.momentum,
        decay=config.decay,
        bias_rate=preset.bias_rate,
    )
    if config.precision == "mixed_float16":
        optimizer = LossScale(optimizer)
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[TopKError(1, name="error"), TopKError(5, name="top5_error")],
        jit_compile=config.xla,
    )
    return model


def _build_network(config: TrainConfig, plan: DevicePlan) -> keras.Model:
    if not plan.towers:
        return build_model(config, dtype=config.precision)
    return two_towers(
        config.preset,
        config.num_classes,
        devices=plan.towers,
        own_images=True,
        seed=config.seed,
        dtype=config.precision,
        **config.overrides,
    )
