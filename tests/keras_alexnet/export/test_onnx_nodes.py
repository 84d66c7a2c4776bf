import numpy as np

from keras_alexnet.export.onnx_nodes import OnnxNode, OnnxNodes


def graph_of_two():
    """`images` times a constant, then rectified, as two layers."""
    graph = OnnxNodes()
    graph.begin("double")
    graph.add("Mul", graph.tensor, graph.array("factor", 2))
    graph.end()
    graph.begin("second")
    graph.add("Tanh", graph.add("Relu", graph.tensor))
    graph.end()
    return graph


def test_what_a_layer_gives_is_called_as_the_layer():
    graph = graph_of_two()
    assert graph.nodes == [
        OnnxNode("Mul", ["images", "double.factor"], "double", {}),
        OnnxNode("Relu", ["double"], "second/Relu1", {}),
        OnnxNode("Tanh", ["second/Relu1"], "second", {}),
    ]
    assert graph.tensor == "second"
    assert graph.arrays["double.factor"].dtype == np.float32
    assert graph.arrays["double.factor"].shape == ()
    graph.begin("nothing")
    graph.end()
    assert graph.tensor == "second"


def test_only_a_node_of_that_kind_and_constant_is_taken_back():
    graph = graph_of_two()
    assert graph.take_back("Mul", ".factor") is None  # not the last
    graph.nodes, graph.tensor = graph.nodes[:1], "double"
    assert graph.take_back("Mul", ".other") is None
    assert graph.take_back("Add", ".factor") is None
    assert graph.take_back("Mul", ".factor") == 2
    assert (graph.nodes, graph.arrays, graph.tensor) == ([], {}, "images")
    assert graph.take_back("Mul", ".factor") is None


def test_a_transposition_is_taken_back_from_before_a_flatten_alone():
    graph = OnnxNodes()
    graph.add("Flatten", graph.add("Transpose", graph.tensor, perm=(0, 2, 3, 1)))
    assert graph.take_back_transposition()
    ((flat),) = graph.nodes
    assert (flat.kind, flat.inputs, flat.output) == (
        "Flatten",
        ["images"],
        graph.tensor,
    )
    assert not graph.take_back_transposition()
