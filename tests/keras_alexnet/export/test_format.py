import pytest

from keras_alexnet.export import EXPORTERS, keras, onnx, openvino, safetensors
from keras_alexnet.export.format import Format
from keras_alexnet.export.litert import FORMATS
from keras_alexnet.export.saved_model import SAVED_MODEL

KNOWN = [onnx.ONNX, openvino.OPENVINO, keras.KERAS, safetensors.SAFETENSORS]
KNOWN += [SAVED_MODEL, *FORMATS.values()]


def test_every_exporter_has_a_format_of_its_name():
    assert {each.name for each in KNOWN} == {*EXPORTERS}
    assert [k.name for k in KNOWN if k.quantised] == ["litert-dynamic", "litert-int8"]


@pytest.mark.parametrize("kind", KNOWN, ids=lambda kind: kind.name)
def test_an_example_is_a_program_that_names_its_file_or_its_folder(network, kind):
    program = kind.example(network)
    compile(program, kind.name, "exec")
    assert kind.file in program or 'load("."' in program
    assert isinstance(kind, Format) and program.count("\n") <= 27
