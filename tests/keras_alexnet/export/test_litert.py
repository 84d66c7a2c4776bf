import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_alexnet import load
from keras_alexnet.export import EXPORTERS, litert
from keras_alexnet.export.pictures import export_pictures, use_pictures
from tests.keras_alexnet.export.test_pictures import moved
from tfrecords.errors import UserError

KINDS = ("litert", "litert-dynamic", "litert-int8")


@pytest.fixture(scope="module", params=KINDS)
def folder(request, network, tmp_path_factory):
    out = tmp_path_factory.mktemp("litert") / request.param
    return EXPORTERS[request.param](network, out, views=1, top=5)


def operations(folder):
    interpreter = Interpreter(str(folder / "network.tflite"))
    return [each["op_name"] for each in interpreter._get_ops_details()]


def test_lite_rt_alone_runs_it_and_names_a_picture(folder, network, named_by_its_card):
    kinds = operations(folder)
    assert kinds.count("CONV_2D") == 5 and not any(k.startswith("Flex") for k in kinds)
    assert "VAR_HANDLE" not in kinds
    assert ("QUANTIZE" in kinds) == (folder.name == "litert-int8")
    assert len(named_by_its_card(folder)) == 3
    weights = sum(np.prod(w.shape) for w in network.model.trainable_weights)
    size, narrow = (folder / "network.tflite").stat().st_size, folder.name != "litert"
    assert size >= weights * (1 if narrow else 4)
    assert size < weights * 4 or not narrow


def test_the_program_gives_what_predict_says(folder, assert_named):
    if folder.name == "litert":
        assert_named(folder)
    said = (folder / "README.md").read_text()
    assert "all 12 pictures of the validation split of small" in said


def test_the_folder_is_opened_as_the_network(folder, network):
    found, pictures = load(folder), export_pictures(network)
    answers = found.probabilities(pictures.images)
    same = answers.argmax(axis=1) == pictures.expected.argmax(axis=1)
    assert found.runtime == "litert" and same.mean() >= 0.9


def test_int8_is_refused_without_pictures_of_its_kind(network, tmp_path):
    bare = moved(network)
    with use_pictures(export_pictures(bare)):
        with pytest.raises(UserError, match="Give one with --data DATA"):
            EXPORTERS["litert-int8"](bare, tmp_path / "out", views=1, top=5)
    assert not [*tmp_path.iterdir()]


def test_a_file_without_the_weights_is_refused(network, tmp_path, monkeypatch):
    class Empty(litert.tf.lite.TFLiteConverter):
        @classmethod
        def from_saved_model(cls, *given, **more):
            made = super().from_saved_model(*given, **more)
            made.convert = lambda: b"TFL3"
            return made

    monkeypatch.setattr(litert.tf.lite, "TFLiteConverter", Empty)
    with pytest.raises(UserError, match="without the weights. Nothing was written"):
        EXPORTERS["litert"](network, tmp_path / "out", views=1, top=5)
    assert not [*tmp_path.iterdir()]
