"""Nodes of an ONNX graph and the arrays that they take, as plain data."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class OnnxNode:
    """An operator of opset 17 with one output."""

    kind: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]


@dataclass
class OnnxNodes:
    """The nodes of a chain of layers, and the arrays that they take.

    A layer's output is called as the layer, an array `LAYER.NAME`, and what is between
    `LAYER/OPERATOR1` and so on.

    Attributes:
        tensor: Name of what the last node gives; at first, of the input.
        flattened: Height, width and maps of what the last `Flatten` took.
    """

    tensor: str = "images"
    nodes: list[OnnxNode] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    flattened: tuple[int, ...] = ()
    _layer: str = ""
    _added: int = 0  # nodes of the layer

    def begin(self, layer: str) -> None:
        """Let what is added from here on be of a layer of this name."""
        self._layer, self._added = layer, 0

    def end(self) -> None:
        """Call what the layer gives as the layer, if it has added a node."""
        if self._added:
            self.name_output(self._layer)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of the current layer and return the name of its output."""
        self._added += 1
        self.tensor = f"{self._layer}/{kind}{self._added}"
        self.nodes.append(OnnxNode(kind, [*inputs], self.tensor, attributes))
        return self.tensor

    def array(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant of the current layer and return its name."""
        full = f"{self._layer}.{name}"
        self.arrays[full] = np.asarray(values, dtype)
        return full

    def name_output(self, name: str) -> None:
        """Call what the last node gives by another name."""
        self.tensor = self.nodes[-1].output = name

    def take_back(self, kind: str, constant: str) -> np.ndarray | None:
        """Remove the last node and return its constant, or None if it is another.

        Args:
            kind: Of the operator.
            constant: Name of its second input without the layer's.
        """
        last = self.nodes[-1] if self.nodes else None
        if last is None or last.kind != kind or not last.inputs[1].endswith(constant):
            return None
        self.nodes.pop()
        self.tensor = last.inputs[0]
        return self.arrays.pop(last.inputs[1])

    def take_back_transposition(self) -> bool:
        """Remove what a `Flatten` just before has transposed, if it has."""
        if [node.kind for node in self.nodes[-2:]] != ["Transpose", "Flatten"]:
            return False
        self.nodes[-1].inputs = self.nodes.pop(-2).inputs
        return True
