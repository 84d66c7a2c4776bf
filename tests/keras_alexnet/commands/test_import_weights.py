import numpy as np
import pytest

from keras_alexnet import alexnet, cli, load
from tests import small
from tests.keras_alexnet.weights import caffe_files, small_presets


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    small_presets.use(monkeypatch)


@pytest.fixture
def written(tmp_path):
    def write(tensors, layers="caffe_alexnet"):
        path = tmp_path / "net.caffemodel"
        names = caffe_files.layers_of(layers)
        path.write_bytes(caffe_files.caffemodel(tensors, names))
        return path

    return write


def test_a_file_becomes_a_network_that_predicts(written, tmp_path, capsys):
    tensors = caffe_files.random_tensors(small_presets.CAFFE_ALEXNET, 7)
    out = tmp_path / "net"
    assert cli.main(["import-weights", str(written(tensors)), str(out)]) == 0
    told = capsys.readouterr().out
    assert "is no published file" in told and "Preset caffe_alexnet, 7 classes" in told
    assert "both sides scaled to 256 (bilinear), RGB less the mean colour (123," in told
    picture = tmp_path / "one.png"
    picture.write_bytes(small.encode(small.picture(0, 1), "PNG"))
    assert cli.main(["predict", str(out), str(picture)]) == 0


def test_what_does_not_fit_is_a_table_and_one_line(written, tmp_path, capsys):
    tensors = caffe_files.random_tensors(small_presets.CAFFE_ALEXNET, 7)
    tensors["fc8.bias"][3] = np.nan
    del tensors["fc7.bias"]
    out = tmp_path / "net"
    assert cli.main(["import-weights", str(written(tensors)), str(out)]) == 1
    told = capsys.readouterr()
    rows = [line.split() for line in told.out.splitlines()]
    assert any("fc7.bias" in row and "nothing" in row for row in rows)
    assert any("fc8.bias" in row and "finite" in row for row in rows)
    (line,) = told.err.splitlines()
    assert line.startswith("alexnet import-weights: Expected the 16 tensors of preset")
    assert not out.exists()


def test_another_network_gets_the_line_alone(written, tmp_path, capsys):
    path = tmp_path / "net.caffemodel"
    tensors = {"ip1.kernel": np.ones((3, 4), "f"), "ip1.bias": np.ones(3, "f")}
    path.write_bytes(caffe_files.caffemodel(tensors, ["ip1"], "V0"))
    assert cli.main(["import-weights", str(path), str(tmp_path / "net")]) == 1
    told = capsys.readouterr()
    assert told.out == "" and "no layer is one of AlexNet's" in told.err
    assert cli.main(["import-weights", str(path), "x", "--preset", "vgg"]) == 1
    assert "Unknown preset 'vgg'" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--channels", "rgb"), ("--fc6-order", "chw")])
def test_an_order_is_refused_where_the_file_tells_it(tmp_path, capsys, option):
    network = alexnet(small.preset("paper"), 3)
    network.save(tmp_path / "net.keras")
    network.save_weights(tmp_path / "net.weights.h5")
    for name in ("net.keras", "net.weights.h5"):
        arguments = ["import-weights", tmp_path / name, tmp_path / "net", *option]
        assert cli.main([str(argument) for argument in arguments]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert f"Expected no {' '.join(option)} with a ." in line
    assert not (tmp_path / "net").exists()


def test_an_order_that_is_said_is_taken(written, tmp_path, capsys):
    tensors = caffe_files.random_tensors(small_presets.CAFFE_ALEXNET, 7)
    arguments = ["import-weights", str(written(tensors)), str(tmp_path / "net")]
    order = ["--channels", "rgb", "--fc6-order", "hwc"]
    assert cli.main([*arguments, *order]) == 0
    model = load(tmp_path / "net").model
    kernel = tensors["conv1.kernel"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(model.get_layer("conv1").kernel, kernel)
    np.testing.assert_array_equal(
        model.get_layer("fc6").kernel, tensors["fc6.kernel"].T
    )
