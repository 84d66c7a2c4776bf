import pytest

from keras_alexnet.models.layer_table import LayerSize, layer_table
from keras_alexnet.presets import find_preset
from scripts.benchmarks import roofline
from scripts.benchmarks.profile import XLA_CALL
from scripts.benchmarks.roofline import Rates

TABLE = layer_table(find_preset("released"))
TAPE = "gradient_tape/alexnet_released_1"


@pytest.mark.parametrize(
    ("event", "place"),
    [
        ("alexnet_released_1/conv2_1/Relu_1:_MklNativeFusedConv2D", "conv2, forward"),
        ("alexnet_released_1/fc8_1/BiasAdd:_MklNativeFusedMatMul", "fc8, forward"),
        (
            f"{TAPE}/conv1_1/Conv2DBackpropFilter:_MklNativeConv2DBackpropFilterWithBias",
            "conv1, gradient of kernel",
        ),
        (
            f"{TAPE}/conv4_1/Conv2DBackpropInput_1:_MklNativeConv2DBackpropInput",
            "conv4, gradient of inputs",
        ),
        (f"{TAPE}/fc6_1/MatMul:_MklMatMul", "fc6, gradient of inputs"),
        (f"{TAPE}/fc6_1/MatMul/MatMul_1:_MklMatMul", "fc6, gradient of kernel"),
        (XLA_CALL, "normalisations, both ways, by XLA"),
        (f"{TAPE}/norm1_1/matmul_7:_MklMatMul", "normalisations, gradient"),
        ("alexnet_released_1/in_map2_1/mul_2:Mul", "normalisations"),
        (f"{TAPE}/pool1_1/MaxPool2d/MaxPoolGrad:_MklNativeMaxPoolGrad", "pools, gra"),
        (f"{TAPE}/conv4_1/concat_1:ConcatV2", "groups taken apart"),
        ("alexnet_released_1/fc7_1/Cast/Cast:Cast", "casts"),
        (f"{TAPE}/conv2_1/ReluGrad_1:ReluGrad", "activations and biases, gradient"),
        ("coupled_sgd/fc6/kernel/cond/ResourceApplyKerasMomentum:Momentum", "update"),
        ("sparse/xent:SparseSoftmaxCrossEntropyWithLogits", "rest"),
    ],
)
def test_each_operation_has_its_place(event, place):
    events = [(event, 0.5), ("ExecutorState::Process", 9.0), ("Step: x", 9.0)]
    (found,) = roofline.seconds_by_place(events, TABLE).items()
    assert found[0].startswith(place) and found[1] == 0.5


def test_the_longer_of_two_times_is_the_least():
    layer = LayerSize(weights=6, biases=2, places=4, inputs=12)
    # 3 images of 12 + 4 * 2 activations and 6 weights, of 2 bytes each.
    assert roofline.pass_bytes(layer, 3, 2) == 2 * (3 * 20 + 6) == 132
    quick = Rates(operations=1e9, copied=66.0)
    assert roofline.least_seconds(layer, 3, 2, quick) == (2.0, "memory")
    slow = Rates(operations=36.0, copied=66.0)  # 2 * 3 * 24 operations
    assert roofline.least_seconds(layer, 3, 2, slow) == (4.0, "arithmetic")


@pytest.mark.slow
def test_a_small_step_is_taken_apart(run_script):
    record = run_script(roofline, "--batch-size", 2)
    names = [figure.name for figure in record.figures]
    layers = [name for name in names if ", " in name and name.split(",")[0] in TABLE]
    assert len(layers) == 3 * len(TABLE) - 1  # the images need no gradient
    parts = sum(figure.value for figure in record.figures[3:])
    step = record.value("step")
    assert 0 < record.value("rest") < 0.2 * step and parts <= step
