"""Where a training step really runs, read from TensorFlow's partitioned graphs.

What a layer asks for proves nothing: TensorFlow moves what it cannot or need not place
there. After optimisation and placement it cuts a step into one graph a device, and what
is in these graphs is what runs.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context

from keras_alexnet.data import PixelBatch
from keras_alexnet.towers.crossings import TowerCrossing
from keras_alexnet.towers.devices import short_name
from keras_alexnet.training.devices.dependencies import (
    PLUMBING,
    SENDS,
    ControlDependency,
    Dependencies,
    Wait,
    is_control,
)

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"
OTHER = ""  # work that belongs to no layer: loss, metrics, iterations
_BACKWARD_SCOPES = {"gradients", "gradient_tape"}


@dataclass(frozen=True)
class Crossing:
    """One tensor that goes from device to device in every step.

    Attributes:
        tensor: Node that computes it.
        layer: Layer that the node belongs to, or "".
        phase: forward, backward or update.
        source: Device such as `CPU:0`.
        target: Device such as `CPU:1`.
        shape: Its shape, or None if the graph does not tell.
        bytes: Its size, or None.
    """

    tensor: str
    layer: str
    phase: str
    source: str
    target: str
    shape: tuple[int, ...] | None
    bytes: int | None


@dataclass
class Placement:
    """Where everything of one training step is.

    Attributes:
        weights: Device of each weight, by path such as `conv1_a/kernel`.
        momenta: Device of each velocity, by the path of its weight.
        operations: How many operations of a (layer, phase) each device has.
        crossings: What goes between devices, order of the graph.
        control: Control edges between devices.
        waits: What of a tower waits for the other one, what is exchanged aside.
    """

    weights: dict[str, str] = field(default_factory=dict)
    momenta: dict[str, str] = field(default_factory=dict)
    operations: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    control: list[ControlDependency] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)

    def misplaced(self, plan: dict[str, str]) -> list[str]:
        """Return what is not on its layer's device, a sentence each; [] is all right.

        Args:
            plan: Device of each layer, as `planned` gives it.
        """
        wrong = []
        for kind, places in (("weight", self.weights), ("velocity", self.momenta)):
            for path, device in places.items():
                expected = plan.get(path.split("/")[0], device)
                if device != expected:
                    wrong.append(f"{kind} {path} is on {device}, not on {expected}")
        for (layer, phase), counts in self.operations.items():
            for device, count in counts.items():
                if layer in plan and device != plan[layer]:
                    wrong.append(
                        f"{count} {phase} operations of {layer} are on {device}, not "
                        f"on {plan[layer]}"
                    )
        return wrong

    def unplanned(
        self, plan: dict[str, str], expected: Sequence[TowerCrossing]
    ) -> list[str]:
        """Return how what crosses differs from the layer table; [] is all right.

        Args:
            plan: As for `misplaced`.
            expected: What `tower_crossings` gives for this step.
        """
        towers = (plan["conv1_a"], plan["conv1_b"])
        if towers[0] == towers[1]:
            expected = ()
        seen: Counter[tuple[Any, ...]] = Counter(
            (c.phase, c.source, c.target, c.bytes) for c in self.exchanged
        )
        due: Counter[tuple[Any, ...]] = Counter(
            (c.phase, towers[c.source], towers[c.target], c.bytes) for c in expected
        )
        return [
            f"{count} tensors of {key[3]} bytes cross {key[0]} from {key[1]} to "
            f"{key[2]} {what}"
            for difference, what in ((seen - due, "too many"), (due - seen, "too few"))
            for key, count in difference.items()
        ]

    def needless_waits(self, scaled: bool) -> list[str]:
        """Return what waits for the other tower and need not; [] is all right.

        Args:
            scaled: Whether the loss is scaled: then no weight may move before all
                gradients have been found finite.
        """
        return [
            f"{wait.phase} work of {wait.layer} waits for {wait.source}"
            for wait in self.waits
            if not (scaled and wait.phase == UPDATE)
        ]

    def control_between(self, plan: dict[str, str]) -> list[ControlDependency]:
        """Return the control edges between the towers' own devices.

        Args:
            plan: As for `misplaced`.
        """
        towers = {*plan.values()}
        return [c for c in self.control if {c.source, c.target} <= towers]

    @property
    def exchanged(self) -> list[Crossing]:
        """The crossings from layer to layer: activations and gradients.

        The others are crops and labels, which come from the host, the logits where loss
        and metrics are elsewhere, and scalars such as the learning rate.
        """
        logits = ("fc8", FORWARD)
        return [c for c in self.crossings if c.layer and (c.layer, c.phase) != logits]


def planned(model: keras.Model) -> dict[str, str]:
    """Return the device of each layer of `two_towers()`; {} if none was planned."""
    placed = {layer.name: getattr(layer, "places", ()) for layer in model.layers}
    return {name: short_name(places[0]) for name, places in placed.items() if places}


def read_placement(model: keras.Model, batch_size: int) -> Placement:
    """Take one training step on blank images and read where it ran.

    The step changes the weights: take a fresh model.

    Args:
        model: A compiled `DistributedModel` whose optimizer is a built `CoupledSGD`,
            bare or behind loss scaling; one replica.
        batch_size: Images in the step.
    """
    model.mean = np.zeros(model.inputs[0].shape[1:], np.float32)
    step = _trace(model, batch_size)
    graphs, shapes = _partitions(step, _blank(model, batch_size)), step.graph
    names = [
        layer.name
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    ]
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    reader = _NodeNames(names, optimizer.name)
    weights = model.trainable_variables
    placement = Placement(
        {w.path: short_name(w.value.device) for w in weights},
        {
            w.path: short_name(v.value.device)
            for w, v in zip(weights, optimizer.velocities, strict=True)
        },
    )
    for node in (node for graph in graphs for node in graph.node):
        if node.op in SENDS:
            placement.crossings += _crossing(node, reader, shapes)
        elif not node.op.startswith(("_Arg", "_Ret", "_Recv", "_HostRecv")):
            if node.op not in PLUMBING:
                owner = reader.owner(node.name)
                counts = placement.operations.setdefault(owner, Counter())
                counts[short_name(node.device)] += 1
    exchanged = [crossing.tensor for crossing in placement.exchanged]
    dependencies = Dependencies(graphs, reader.owner, exchanged)
    placement.control = dependencies.control()
    for ends in itertools.permutations({*planned(model).values()}, 2):
        placement.waits += dependencies.waits(*ends)
    return placement


class _NodeNames:
    """Reads layer and phase off the names of nodes, which are paths of scopes."""

    def __init__(self, layers: list[str], optimizer: str) -> None:
        self.layers = {*layers}
        self.optimizer = optimizer

    def owner(self, name: str) -> tuple[str, str]:
        """Return the layer and the phase that a node belongs to."""
        # A scope that is entered again gets a number.
        parts = [p for part in name.split("/") for p in (part, _unnumbered(part))]
        layer = next((part for part in parts if part in self.layers), OTHER)
        if self.optimizer in parts:
            return layer, UPDATE
        return layer, BACKWARD if _BACKWARD_SCOPES & {*parts} else FORWARD


def _unnumbered(part: str) -> str:
    return re.sub(r"_\d+$", "", part)


def _blank(model: keras.Model, batch_size: int) -> tuple[PixelBatch, tf.Tensor]:
    with tf.device("CPU:0"):  # where an input pipeline leaves them
        images = tf.zeros((batch_size, *model.inputs[0].shape[1:]), tf.uint8)
        return PixelBatch.without_noise(images), tf.zeros((batch_size,), tf.int64)


def _trace(model: keras.Model, batch_size: int) -> Any:
    """Return the concrete function of one training step."""
    # Now Keras makes the variables of loss and metrics, which no step can do.
    model.evaluate(tf.data.Dataset.from_tensors(_blank(model, 1)), verbose=0)

    @tf.function(autograph=False)
    def step(crops: PixelBatch, labels: tf.Tensor) -> dict[str, tf.Tensor]:
        return model.train_step((crops, labels))

    return step.get_concrete_function(*_blank(model, batch_size))


def _partitions(step: Any, batch: tuple[Any, ...]) -> list[Any]:
    """Run the step and return its graphs, one a device."""
    runtime = context.context()
    runtime.enable_graph_collection()
    try:
        step(*batch)
        metadata: config_pb2.RunMetadata = runtime.export_run_metadata()
    finally:
        runtime.disable_graph_collection()
    largest = max(
        metadata.function_graphs,
        key=lambda graphs: sum(len(g.node) for g in graphs.partition_graphs),
    )
    return list(largest.partition_graphs)


def _crossing(node: Any, reader: _NodeNames, graph: tf.Graph) -> Iterator[Crossing]:
    source, target = (
        short_name(node.attr[end].s.decode()) for end in ("send_device", "recv_device")
    )
    tensor = node.input[0]
    if source == target or is_control(node):
        return
    layer, phase = reader.owner(tensor)
    shape = _shape(tensor, graph)
    size = tf.as_dtype(node.attr["T"].type).size
    count = None if shape is None else size * int(tf.TensorShape(shape).num_elements())
    yield Crossing(tensor, layer, phase, source, target, shape, count)


def _shape(tensor: str, graph: tf.Graph) -> tuple[int, ...] | None:
    """Look a tensor up in the graph as it was traced, where shapes are known."""
    name, _, output = tensor.partition(":")
    try:
        shape = graph.get_operation_by_name(name).outputs[int(output or 0)].shape
    except (KeyError, IndexError):
        return None  # made by the optimiser of graphs, or inside a branch
    return tuple(shape) if shape.is_fully_defined() else None
