"""What a device waits for in a training step, read from its partitioned graphs.

A device may wait without a tensor crossing: a control edge from another device carries
nothing, and what follows on it starts no sooner. So may it wait by way of a third one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keras_alexnet.towers.devices import short_name

Node = tuple[int, str]  # its graph and its name
Owner = Callable[[str], tuple[str, str]]  # from a name to layer, "" if none, and phase
SENDS, RECEIVES = {"_Send", "_HostSend"}, {"_Recv", "_HostRecv"}
# Nodes that compute nothing; constants are wherever they are needed.
PLUMBING = {"Const", "NoOp", "Identity", "IdentityN", "Switch", "Merge"}
_NO_WORK = SENDS | RECEIVES | PLUMBING


@dataclass(frozen=True)
class ControlDependency:
    """A control edge from device to device.

    Attributes:
        node: What has to end first.
        source: Its device, such as `GPU:1`.
        target: The device that waits.
        layers: Layers with work there that waits for it, planned crossings aside; ()
            where only the end of the step does.
    """

    node: str
    source: str
    target: str
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Work of a layer that waits for work of layers on another device.

    Attributes:
        layer: Layer that waits.
        phase: forward, backward or update.
        source: Device that it waits for.
        target: Its own.
    """

    layer: str
    phase: str
    source: str
    target: str


def is_control(send: Any) -> bool:
    """Whether a `_Send` stands for a control edge, and carries nothing."""
    return "/ctrl/" in send.input[0]


class Dependencies:
    """The graphs of a step as one, with the planned crossings cut.

    Args:
        graphs: One `GraphDef` a device, as TensorFlow ran them.
        owner: Gives layer and phase of a node, by its name.
        planned: Names of the tensors that are to cross.
    """

    def __init__(
        self, graphs: Sequence[Any], owner: Owner, planned: Iterable[str]
    ) -> None:
        self.owner, self.cut = owner, {*planned}
        self.nodes = {(i, n.name): n for i, g in enumerate(graphs) for n in g.node}
        self.followers: defaultdict[Node, list[Node]] = defaultdict(list)
        sends = {_rendezvous(n): k for k, n in self.nodes.items() if n.op in SENDS}
        for key, node in self.nodes.items():
            for name in node.input:
                self.followers[key[0], _plain(name)].append(key)
            if node.op in RECEIVES and (send := sends.get(_rendezvous(node))):
                self.followers[send].append(key)

    def control(self) -> list[ControlDependency]:
        """Return the control edges between devices, in the order of the graphs."""
        return [
            ControlDependency(
                node.input[0].partition("/ctrl/")[0],
                _end(node, "send_device"),
                _end(node, "recv_device"),
                tuple(sorted({layer for layer, _ in self._work_after([key])})),
            )
            for key, node in self.nodes.items()
            if node.op in SENDS and _crosses(node) and is_control(node)
        ]

    def waits(self, source: str, target: str) -> list[Wait]:
        """Return what on one device waits for layers on another one, by any way.

        Args:
            source: Device that may be waited for.
            target: Device whose work is looked at.
        """
        starts = [
            key
            for key, node in self.nodes.items()
            if self.owner(key[1])[0] and short_name(node.device) == source
        ]
        found = self._work_after(starts, target)
        return [Wait(*work, source, target) for work in sorted({*found})]

    def _work_after(
        self, starts: Sequence[Node], device: str | None = None
    ) -> Iterator[tuple[str, str]]:
        """Yield layer and phase of all that follows some nodes, on a device or any."""
        seen, left = {*starts}, [*starts]
        while left:
            key = left.pop()
            node = self.nodes[key]
            if node.op in SENDS and _crosses(node) and node.input[0] in self.cut:
                continue
            for following in self.followers[key]:
                if following in seen:
                    continue
                seen.add(following)
                left.append(following)
                layer, phase = self.owner(following[1])
                place = short_name(self.nodes[following].device)
                computes = self.nodes[following].op not in _NO_WORK
                if layer and computes and device in (None, place):
                    yield layer, phase


def _plain(name: str) -> str:
    return name.removeprefix("^").partition(":")[0]


def _end(node: Any, which: str) -> str:
    return short_name(node.attr[which].s.decode())


def _crosses(node: Any) -> bool:
    return _end(node, "send_device") != _end(node, "recv_device")


def _rendezvous(node: Any) -> tuple[bytes, ...]:
    """Return what a send and its receive have in common."""
    names = ("tensor_name", "send_device", "recv_device")
    return tuple(node.attr[name].s for name in names)
