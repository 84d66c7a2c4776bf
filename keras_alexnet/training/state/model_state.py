"""The state of a compiled model as named arrays, the same for every strategy."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.towers.weights import merge, split
from tfrecords.errors import UserError

METRICS = "metrics/"
COUNTER = "counter"
_SEED_STATE = "seed_generator_state"  # Keras' name for a dropout's counter


def capture(model: keras.Model) -> dict[str, np.ndarray]:
    """Copy everything that a training step reads and changes, but for metric sums.

    Names and shapes are those of `alexnet()`, whether the model is in one piece or in
    towers, on one device or on many: `model/conv1/kernel`, `model/drop6/counter`,
    `optimizer/velocity/conv1/kernel`, `optimizer/rate_factor/conv1/kernel_factor`,
    `optimizer/iteration`, `optimizer/learning_rate`, `optimizer/loss_scale/...`.

    Args:
        model: A compiled model with a `CoupledSGD` that is built, bare or behind loss
            scaling.
    """
    named = {name: v.value.numpy() for name, v in state_variables(model).items()}
    return merge(named)


def restore(model: keras.Model, arrays: Mapping[str, np.ndarray], source: str) -> None:
    """Put captured arrays into a model of either form; the inverse of `capture`.

    Args:
        model: As in `capture`.
        arrays: What `capture` gave.
        source: What to call them in an error.

    Raises:
        UserError: They belong to another network; nothing is changed then.
    """
    variables = state_variables(model)
    expected = {name: tuple(v.shape) for name, v in variables.items()}
    values = split(arrays) if _in_towers(model) else arrays
    found = {name: tuple(value.shape) for name, value in values.items()}
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            raise UserError(
                f"{source} belongs to another network: expected {name} of shape "
                f"{expected.get(name)}, found {found.get(name)}."
            )
    for name, variable in variables.items():
        variable.assign(values[name])


def state_variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable of model and optimizer under a name of its own."""
    weights = _model_variables(model)
    named = {f"model/{name}": variable for name, variable in weights.items()}
    names = {id(variable): name for name, variable in weights.items()}
    outer = model.optimizer
    inner = getattr(outer, "inner_optimizer", outer)
    named["optimizer/iteration"] = inner.iterations
    named["optimizer/learning_rate"] = inner.learning_rate
    factors = inner.rate_factors.values()
    for weight, velocity, factor in zip(
        model.trainable_variables, inner.velocities, factors, strict=True
    ):
        name = names[id(weight)]
        named[f"optimizer/velocity/{name}"] = velocity
        # Not `/kernel`: the factor of a tower's half is that of the whole.
        named[f"optimizer/rate_factor/{name}_factor"] = factor
    if outer is not inner:
        own = {id(variable) for variable in inner.variables}
        for variable in outer.variables:
            if id(variable) not in own:
                named[f"optimizer/loss_scale/{variable.name}"] = variable
    return named


def read_sums(model: keras.Model) -> dict[str, np.ndarray]:
    """Read the running sums of the metrics, one row for each replica.

    With several workers all must call it at the same step: rows are gathered.

    Returns:
        Arrays of shape `(replicas, ...)` by name, such as `metrics/error/total`.
    """
    variables = _metric_variables(model)
    strategy = model.distribute_strategy
    if not _replicated(strategy):
        return {name: v.value.numpy()[None] for name, v in variables.items()}

    @tf.function(autograph=False)
    def rows():
        return strategy.run(
            lambda: {n: tf.identity(v.value)[None] for n, v in variables.items()}
        )

    return {n: strategy.gather(value, 0).numpy() for n, value in rows().items()}


def write_sums(model: keras.Model, sums: Mapping[str, np.ndarray]) -> None:
    """Set the running sums of the metrics to what `read_sums` gave.

    Each replica takes its own row again, so that later sums round the same. With
    another number of replicas the first one takes everything.
    """
    if not set(sums) <= set(_metric_variables(model)):
        _make_metrics(model)
    variables = _metric_variables(model)
    strategy = model.distribute_strategy
    replicas = strategy.num_replicas_in_sync
    rows = {name: tf.constant(_rows(sums[name], replicas)) for name in variables}

    @tf.function(autograph=False)
    def assign():
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        for name, variable in variables.items():
            variable.value.assign(tf.gather(rows[name], replica))

    if _replicated(strategy):
        strategy.run(assign)
    else:
        for name, variable in variables.items():
            variable.assign(rows[name][0])


def _make_metrics(model: keras.Model) -> None:
    """Make the variables of the metrics, which Keras does in the first step."""
    scores = tf.zeros((1, model.output_shape[-1]))
    model.compute_metrics(None, tf.zeros(1, tf.int64), scores)
    model.reset_metrics()


def _rows(value: np.ndarray, replicas: int) -> np.ndarray:
    if len(value) == replicas:
        return value
    rows = np.zeros((replicas, *value.shape[1:]), value.dtype)
    rows[0] = value.sum(axis=0)
    return rows


def _replicated(strategy: tf.distribute.Strategy) -> bool:
    return strategy.num_replicas_in_sync > 1


def _in_towers(model: keras.Model) -> bool:
    return any(layer.name == "conv1_a" for layer in model.layers)


def _model_variables(model: keras.Model) -> dict[str, keras.Variable]:
    named: dict[str, keras.Variable] = {}
    trunk = getattr(model, "trunk", None)
    for layer in [*(trunk.layers if trunk else ()), *model.layers]:
        for variable in layer.variables:
            own = COUNTER if variable.name == _SEED_STATE else variable.name
            name = f"{layer.name}/{own}"
            if name in named:
                raise ValueError(f"Two variables of the model are called {name}.")
            named[name] = variable
    return named


def _metric_variables(model: keras.Model) -> dict[str, keras.Variable]:
    return {METRICS + variable.path: variable for variable in model.metrics_variables}
