import numpy as np
import pytest

from keras_alexnet import SMALL_PRESETS, cifar_net
from keras_alexnet.models.description import describe_layers, describe_network
from keras_alexnet.models.layer_table import layer_table
from tests import small
from tests.keras_alexnet.models.conftest import (
    BFLOAT16,
    NORM_STEPS,
    names,
    photos,
    with_random_weights,
)
from tests.reference import (
    in_map_norm,
    lrn,
    network_bound,
    pad_same,
    relative,
    tower_conv2d,
)

TOTALS = {
    "cifar-80sec": 145_578,  # spec 7.4
    "cifar-19pct": 89_578,
    "cifar-18pct": 89_578,
    "cifar-13pct": 1_116_490,
    "cifar-11pct": 2_112_970,
    "cifar-quick": 145_578,
}
STDS = {
    "cifar-80sec": [1e-4, 0.01, 0.01, 0.1, 0.1],
    "cifar-19pct": [1e-4, 0.01, 0.01, 0.01],
    "cifar-18pct": [1e-4, 0.01, 0.01, 0.01],
    "cifar-13pct": [1e-4, 0.01, 0.04, 0.04, 0.01],
    "cifar-11pct": [1e-4, 0.01, 0.04, 0.04, 0.01],
    "cifar-quick": [1e-4, 0.01, 0.01, 0.1, 0.1],
}
# Terms of a sum in each layer; an average has nine.
TERMS = (75, 800, 9, 800, 9, 1024, 64)
LOCAL_TERMS = (75, 1600, 576, 576, 1152)
LAYERS = {
    "cifar-18pct": [
        *("images", "conv1", "pool1", "relu1", "norm1", "conv2", "pool2", "norm2"),
        *("conv3", "pool3", "flatten", "fc10"),
    ],
    "cifar-13pct": [
        *("images", "conv1", "pool1", "conv2", "pool2", "local3", "local4"),
        *("flatten", "fc10"),
    ],
    "cifar-11pct": [
        *("images", "conv1", "pool1", "norm1", "conv2", "norm2", "pool2"),
        *("local3", "local4", "flatten", "fc10"),
    ],
    "cifar-quick": [
        *("images", "conv1", "pool1", "relu1", "conv2", "pool2"),
        *("conv3", "pool3", "flatten", "fc64", "fc10"),
    ],
}


def ceil_pool(x, reduce):
    """Caffe's: as many windows as begin in the map, each cut off where the map ends."""
    sides = [-(-(n - 3) // 2) + 1 for n in x.shape[1:3]]
    y = np.empty((x.shape[0], *sides, x.shape[-1]))
    for r in range(sides[0]):
        for c in range(sides[1]):
            y[:, r, c] = reduce(x[:, 2 * r : 2 * r + 3, 2 * c : 2 * c + 3], (1, 2))
    return y


def local(x, kernel, bias):
    """Take another kernel and bias at each place, of 3 x 3 with zeros around."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = np.empty((*x.shape[:3], kernel.shape[-1]))
    for r, c in np.ndindex(x.shape[1:3]):
        seen = padded[:, r : r + 3, c : c + 3]
        y[:, r, c] = np.tensordot(seen, kernel[r, c].astype(np.float64), 3)
    return y + bias


def local_logits(model, name, x):
    """Run the nets with unshared layers in float64, as the .cfg files order them."""
    weights = {layer.name: layer.get_weights() for layer in model.layers}

    def conv(x, name):
        kernel, bias = weights[name]
        return np.maximum(tower_conv2d(x, kernel, 1, padding="same", bias=bias), 0)

    def norm(x):
        return x if name == "cifar-13pct" else lrn(x, 4, 1, 1e-3 / 9, 0.75)

    x = norm(ceil_pool(conv(x, "conv1"), np.max))
    x = ceil_pool(norm(conv(x, "conv2")), np.max)
    for layer in ("local3", "local4"):
        x = np.maximum(local(x, *weights[layer]), 0)
    kernel, bias = weights["fc10"]
    return x.reshape(len(x), -1) @ kernel.astype(np.float64) + bias


def logits(model, name, x):
    """Run the nets of spec 7.4 in float64, in the order of Caffe's prototxt files."""
    if name in ("cifar-13pct", "cifar-11pct"):
        return local_logits(model, name, x)
    weights = {layer.name: layer.get_weights() for layer in model.layers}

    def conv(x, name):
        kernel, bias = weights[name]
        return tower_conv2d(x, kernel, 1, padding="same", bias=bias)

    def norm(x):
        if name != "cifar-18pct":
            return x
        return in_map_norm(x, 3, 1, 5e-5 / 9, 0.75)

    def dense(x, name):
        kernel, bias = weights[name]
        return x @ kernel.astype(np.float64) + bias

    def relu(x):
        return np.maximum(x, 0)

    x = norm(relu(ceil_pool(conv(x, "conv1"), np.max)))
    x = norm(ceil_pool(relu(conv(x, "conv2")), np.mean))
    x = ceil_pool(relu(conv(x, "conv3")), np.mean).reshape(len(x), -1)
    if name == "cifar-80sec":
        x = relu(dense(x, "fc64"))
    elif name == "cifar-quick":
        x = dense(x, "fc64")
    return dense(x, "fc10")


@pytest.fixture(scope="module", params=small.CIFAR_NETS)
def net(request):
    """Each net as it is, built once."""
    return request.param, cifar_net(request.param, seed=1)


def test_parameters_are_those_of_the_files(net):
    name, model = net
    counts = {layer.name: layer.count_params() for layer in model.layers}
    counts = {layer: count for layer, count in counts.items() if count}
    table = layer_table(SMALL_PRESETS[name], 10)
    assert counts == {layer: size.parameters for layer, size in table.items()}
    assert model.count_params() == TOTALS[name]
    assert counts["conv1"] == SMALL_PRESETS[name].filters[0] * (5 * 5 * 3 + 1)


def test_initial_values_are_those_of_the_files(net):
    name, model = net
    layers = [layer for layer in model.layers if layer.weights]
    for layer, std in zip(layers, STDS[name], strict=True):
        kernel = layer.kernel.numpy()
        assert kernel.std() == pytest.approx(std, rel=4 / kernel.size**0.5)
        np.testing.assert_array_equal(layer.bias, 0)


def test_a_seed_says_all_initial_values(net):
    name, model = net
    same, other = cifar_net(name, seed=1), cifar_net(name, seed=2)
    for ours, again, differs in zip(
        *(net.layers for net in (model, same, other)), strict=True
    ):
        for kernel in range(bool(ours.weights)):
            first = ours.get_weights()[kernel]
            np.testing.assert_array_equal(first, again.get_weights()[kernel])
            assert (first != differs.get_weights()[kernel]).mean() > 0.9


@pytest.mark.parametrize("name", LAYERS)
def test_layer_names_and_order_are_fixed(name):
    model = cifar_net(name)
    assert names(model) == LAYERS[name]
    assert model.name == name.replace("-", "_")


@pytest.mark.parametrize("name", small.CIFAR_NETS)
def test_logits_are_those_of_the_formulas(name):
    model = with_random_weights(cifar_net(name))
    images = photos(2, SMALL_PRESETS[name].input_size)
    expected = logits(model, name, images)
    terms = LOCAL_TERMS if "local3" in names(model) else TERMS
    bound = network_bound("float32", terms, NORM_STEPS)
    assert relative(model(images), expected) < bound
    # Pools of rounding down, or averages of nine whatever is there, would be told.
    assert relative(model(images[:, ::-1]), expected) > 100 * bound


@pytest.mark.parametrize("dtype", ["float64", BFLOAT16])
def test_logits_are_the_same_in_other_arithmetic(dtype):
    model = with_random_weights(cifar_net("18pct", dtype=dtype))
    images = photos(2, 32)
    found, expected = model(images), logits(model, "cifar-18pct", images)
    assert found.dtype == ("float64" if dtype == "float64" else "float32")
    # The input itself is float32.
    terms = TERMS if dtype == "float64" else [1] * len(TERMS)
    assert relative(found, expected) < network_bound(dtype, terms, NORM_STEPS)


def test_options_change_what_they_name():
    assert "norm1" not in names(cifar_net("18pct", lrn=False))
    assert "tanh1" in names(cifar_net("18pct", activation="tanh"))
    assert cifar_net("18pct", "relu").get_layer("conv2").activation.__name__ == "relu"
    assert cifar_net("80sec", num_classes=3).output_shape == (None, 3)
    with pytest.raises(ValueError, match="num_classes >= 1. Received: 0"):
        cifar_net(num_classes=0)
    with pytest.raises(ValueError, match="relu, tanh"):
        cifar_net(activation="gelu")


@pytest.mark.parametrize("name", small.CIFAR_NETS)
def test_what_is_described_is_what_is_built(name):
    model = cifar_net(name)
    built = {layer.name: layer.output.shape[1:] for layer in model.layers}
    described = {x.name: x for x in describe_layers(SMALL_PRESETS[name], 10)}
    for layer in {*built} & {*described}:
        assert described[layer].shape == built[layer]
    assert {*built} - {*described} == {"images", "flatten"}
    found = describe_network(SMALL_PRESETS[name], 10)
    assert found["parameters"] == TOTALS[name]
    # 32 maps of 32 x 32 from 75 numbers each, and so on.
    convolved = 1024 * 32 * 75 + 256 * 32 * 800 + 64 * 64 * 800
    dense = TOTALS[name] - 79_328 - 10 - 64 * ("fc64" in built)
    if "local3" in built:
        convolved = 576 * 64 * 75 + 144 * 64 * 1600
        maps = SMALL_PRESETS[name].filters[1:]
        dense = 36 * 9 * sum(a * b for a, b in zip(maps, maps[1:], strict=False))
        dense += 36 * 32 * 10
    assert found["macs"] == convolved + dense
    assert found["memory"]["inference"]["fixed"] == 4 * TOTALS[name]
    assert found["memory"]["training"]["fixed"] > 3 * 4 * TOTALS[name]


def test_receptive_fields_by_hand():
    """5; + 2; norm of 3 x 3 at 2 pixels + 4; conv2 + 4 * 2; + 2 * 2; + 2 * 4 and on."""
    layers = {x.name: x for x in describe_layers(SMALL_PRESETS["cifar-18pct"], 10)}
    order = ("conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "conv3", "pool3")
    found = [(layers[n].receptive_field, layers[n].stride) for n in order]
    fields, strides = (5, 7, 11, 19, 23, 31, 47, 55), (1, 2, 2, 2, 4, 4, 4, 8)
    assert found == list(zip(fields, strides, strict=True))
    assert (layers["fc10"].receptive_field, layers["fc10"].stride) == (32, 0)


def test_the_reference_pools_as_keras_pads():
    x = np.arange(1 * 6 * 6, dtype=float).reshape(1, 6, 6, 1)
    padded, _ = pad_same(x, (3, 3), (2, 2))
    assert padded.shape[1:3] == (7, 7) and (padded[:, 6] == 0).all()
    assert ceil_pool(x, np.mean)[0, 2, 2, 0] == x[0, 4:, 4:, 0].mean()
