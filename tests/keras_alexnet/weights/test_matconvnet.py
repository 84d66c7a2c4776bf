import numpy as np
import pytest
from scipy.io import savemat

from keras_alexnet import load
from keras_alexnet.weights.fitting import find_misfits, weight_shapes
from keras_alexnet.weights.importing import import_weights
from keras_alexnet.weights.matconvnet import read
from keras_alexnet.weights.signature import tell_format
from tests.keras_alexnet.weights import small_presets
from tests.keras_alexnet.weights.caffe_files import layers_of
from tfrecords.errors import UserError

PRESET, CLASSES, SIDE = small_presets.CAFFE_ALEXNET, 4, 99
LRN = np.array([5, 1, 2e-5, 0.75])


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    small_presets.use(monkeypatch)


@pytest.fixture(scope="module")
def arrays():
    generator = np.random.default_rng(0)
    shapes = weight_shapes(PRESET, CLASSES)
    return {n: generator.normal(size=s).astype("float32") for n, s in shapes.items()}


MEAN = np.random.default_rng(1).uniform(90, 130, (SIDE, SIDE, 3)).astype("float32")


@pytest.fixture
def write(tmp_path, arrays):
    def write_it(order="caffe_alexnet", earlier=False, mean=MEAN, lrn=LRN, **more):
        layers = []
        for name in layers_of(order):
            layer = {"name": name, "type": name[:-1]}
            if name.startswith("norm"):
                layer |= {"type": "normalize", "param": lrn}
            if f"{name}.kernel" in arrays:
                layer |= {"type": "conv", **parts(name, earlier)}
            layers.append(layer)
        classes = {"name": cells([f"n0000000{n}" for n in range(CLASSES)])}
        facts = {"normalization": {"averageImage": mean}, "classes": classes}
        facts = facts if earlier else {"meta": facts}
        savemat(tmp_path / "net.mat", {"layers": cells(layers), **facts, **more})
        return tmp_path / "net.mat"

    def parts(name, earlier):
        kernel, bias = arrays[f"{name}.kernel"], arrays[f"{name}.bias"]
        if name == "fc6":
            kernel = kernel.reshape(2, 2, -1, kernel.shape[-1])
        elif name.startswith("fc"):
            kernel = kernel[None, None]
        if earlier:
            return {"filters": kernel, "biases": bias[None]}
        return {"weights": cells([kernel, bias[:, None]])}

    return write_it


def cells(values):
    found = np.empty((1, len(values)), object)
    for index, value in enumerate(values):
        found[0, index] = value
    return found


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("order", ["caffe_alexnet", "caffenet"])
def test_every_number_and_the_order_of_the_layers(write, arrays, order, earlier):
    path = write(order, earlier)
    assert tell_format(path) == "mat"
    found = read(path)
    assert found.presets == (order,) and found.certain
    assert not find_misfits(found, PRESET)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.labels == tuple(f"n0000000{n}" for n in range(CLASSES))


def test_the_folder_has_its_mean_and_its_way_of_scaling(write, tmp_path):
    import_weights(write(), tmp_path / "net")
    network = load(tmp_path / "net")
    facts = network.config.preprocessing
    assert facts["stored_size"] == facts["input_size"] == SIDE
    assert (facts["resize"], facts["resize_filter"]) == ("warp", "bicubic")
    np.testing.assert_array_equal(network.preprocessing.mean, MEAN)
    assert network.labels[3] == "n00000003"
    with pytest.raises(UserError, match="Expected no --mean"):
        import_weights(write(), tmp_path / "other", mean=tmp_path / "mean")


def test_a_mean_colour_is_one(write):
    colour = np.array([123, 117, 104], "f").reshape(1, 1, 3)
    assert read(write(mean=colour)).rule.mean.tolist() == [123, 117, 104]


def test_other_networks_are_refused(write, tmp_path):
    with pytest.raises(UserError, match="no preset for such"):
        read(write(lrn=np.array([5, 2, 1e-4, 0.75])))
    with pytest.raises(UserError, match="averageImage of 99 x 99"):
        read(write(mean=MEAN[:50]))
    with pytest.raises(UserError, match="averageImage in .* found none"):
        read(write(mean=np.zeros((0, 0))))
    savemat(tmp_path / "x.mat", {"weights": MEAN})
    with pytest.raises(UserError, match="'layers', found weights"):
        read(tmp_path / "x.mat")
