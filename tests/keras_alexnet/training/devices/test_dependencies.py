"""What waits for what, in graphs made by hand and in those of real steps.

On logical CPUs, not run on GPUs: towers on CPU:1 and CPU:2, and CPU:0 is the host.
"""

import pytest
from tensorflow.core.framework.graph_pb2 import GraphDef

from keras_alexnet.training.devices.dependencies import (
    ControlDependency,
    Dependencies,
    Wait,
)
from tests.tools import logical_devices

STEPS = """
import dataclasses
from keras_alexnet.presets import find_preset
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices import placement as read
from keras_alexnet.training.devices.dependencies import Dependencies
from keras_alexnet.training.devices.plan import DevicePlan
from tests import small


def model_of(devices, **fields):
    network = find_preset("released").replace(**small.NETWORK, **fields)
    mean = np.zeros(3, np.float32)
    return compile_network(network, 1000, DevicePlan(towers=devices), mean)


def of_fit(model):
    batches = tf.data.Dataset.from_tensors(read._blank(model, 3))
    step = lambda: model.fit(batches, verbose=0, shuffle=False)
    graphs = read._partitions(step, ())
    names = [layer.name for layer in model.layers]
    owner = read._NodeNames(names, model.optimizer.name).owner
    crossings = [
        crossing
        for graph in graphs
        for node in graph.node
        if node.op in ("_Send", "_HostSend")
        for crossing in read._crossing(node, read._NodeNames(names, ""), tf.Graph())
    ]
    exchanged = read.Placement(crossings=crossings).exchanged
    found = Dependencies(graphs, owner, [c.tensor for c in exchanged])
    uncut = Dependencies(graphs, owner, [])
    pair = ("CPU:1", "CPU:2")
    return {
        "others": [
            [c.source, c.target, c.tensor.split("/")[-1].split(":")[0]]
            for c in crossings if c not in exchanged
        ],
        "exchanged": len(exchanged),
        "control": [[c.source, c.target, c.layers] for c in found.control()],
        "waits": [len(found.waits(*ends)) for ends in (pair, pair[::-1])],
        "uncut": [len(uncut.waits(*ends)) for ends in (pair, pair[::-1])],
    }


result = {"fit": of_fit(model_of(("CPU:1", "CPU:2")))}
from keras_alexnet.towers.layers import OnTower
call = OnTower.__call__
def late(self, *arguments, **options):
    if self.name != "conv2_b":
        return call(self, *arguments, **options)
    with tf.control_dependencies([late.first]):
        return call(self, *arguments, **options)
def noted(self, *arguments, **options):
    outputs = late(self, *arguments, **options)
    if self.name == "conv1_a" and tf.is_tensor(outputs):
        late.first = outputs
    return outputs
model = model_of(("CPU:1", "CPU:2"))
OnTower.__call__ = noted
found, plan = read.read_placement(model, 3), read.planned(model)
result["late"] = {
    "between": [dataclasses.asdict(c) for c in found.control_between(plan)],
    "needless": found.needless_waits(scaled=True),
}
"""


@pytest.fixture(scope="module")
def found():
    return logical_devices.run(STEPS, count=3)


def test_in_fit_both_towers_have_their_pictures_from_the_host(found):
    found = found["fit"]
    pictures = [ends[:2] for ends in found["others"] if ends[2] == "IteratorGetNext"]
    # Pictures, colours and their scale.
    assert sorted(pictures) == [["CPU:0", "CPU:1"]] * 3 + [["CPU:0", "CPU:2"]] * 3
    # The rate goes to each tower, the gradient of the loss to the first one.
    rest = [ends for ends in found["others"] if ends[2] != "IteratorGetNext"]
    assert [ends[:2] for ends in rest if ends[2] == "ReadVariableOp"] == [
        ["CPU:0", "CPU:1"],
        ["CPU:0", "CPU:2"],
    ]
    assert all("CPU:0" in ends[:2] for ends in found["others"])
    assert found["waits"] == [0, 0] and min(found["uncut"]) > 0
    assert found["exchanged"] == 14
    assert sorted(found["control"]) == [["CPU:1", "CPU:0", []], ["CPU:2", "CPU:0", []]]


def test_a_tower_that_is_made_to_wait_is_found(found):
    found = found["late"]
    assert any("conv2_b" in c["layers"] for c in found["between"])
    assert "forward work of conv2_b waits for CPU:1" in found["needless"]


# By hand: layers are the first letters of nodes, and everything is forward work.

TEXT = """
node {{ name: "a1" op: "MatMul" device: "/device:CPU:0" }}
node {{ name: "note/ctrl/_1" op: "Const" input: "^a1" device: "/device:CPU:0" }}
node {{ name: "s" op: "_Send" input: "{sent}" device: "/device:CPU:0" {attr} }}
"""
OTHER = """
node {{ name: "r" op: "_Recv" device: "/device:CPU:1" {attr} }}
node {{ name: "i" op: "Identity" input: "r" device: "/device:CPU:1" }}
node {{ name: "b1" op: "MatMul" input: "{read}" device: "/device:CPU:1" }}
"""
ATTR = """
attr { key: "tensor_name" value { s: "t" } }
attr { key: "send_device" value { s: "/job:localhost/replica:0/task:0/device:CPU:0" } }
attr { key: "recv_device" value { s: "/job:localhost/replica:0/task:0/device:CPU:1" } }
"""


def graphs(sent, read):
    from google.protobuf import text_format

    texts = (TEXT.format(sent=sent, attr=ATTR), OTHER.format(read=read, attr=ATTR))
    return [text_format.Parse(text, GraphDef()) for text in texts]


def owner(name):
    return (name[0] if name[1:] == "1" else "", "forward")


@pytest.mark.parametrize("read", ["r", "^r", "i:0"])
def test_a_wait_is_found_by_tensor_and_by_control(read):
    found = Dependencies(graphs("a1", read), owner, [])
    assert found.waits("CPU:0", "CPU:1") == [Wait("b", "forward", "CPU:0", "CPU:1")]
    assert found.waits("CPU:1", "CPU:0") == [] and found.control() == []
    assert Dependencies(graphs("a1", read), owner, ["a1"]).waits("CPU:0", "CPU:1") == []


@pytest.mark.parametrize(("read", "layers"), [("^r", ("b",)), ("x", ())])
def test_a_control_edge_says_what_waits_for_it(read, layers):
    found = Dependencies(graphs("note/ctrl/_1", read), owner, [])
    assert found.control() == [ControlDependency("note", "CPU:0", "CPU:1", layers)]
