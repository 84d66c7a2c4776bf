import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_alexnet
from keras_alexnet import cli, keras_settings
from tests import small


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of Keras settings, as a process sees it that has not imported Keras."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path


def write(home, settings):
    (home / "keras.json").write_text(json.dumps(settings))


@pytest.mark.parametrize("verb", sorted(set(cli.VERBS) - {"info"}))
@pytest.mark.parametrize("backend", ["jax", "torch", "JAX", "TensorFlow", "nothing"])
def test_every_verb_names_the_variable_of_another_backend(
    home, monkeypatch, capsys, verb, backend
):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert cli.main([verb, str(home / "in"), str(home / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"alexnet {verb}: Expected Keras with the backend")
    assert error.count("\n") == 1
    assert f"got '{backend}' from the environment variable KERAS_BACKEND" in error
    assert list(home.iterdir()) == []


def test_help_is_given_whatever_the_backend(home, monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(SystemExit) as exit_:
        cli.main(["verify", "--help"])
    assert exit_.value.code == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize("variable", [None, "", "tensorflow"])
def test_the_command_line_takes_tensorflow_whatever_the_file_says(
    home, monkeypatch, variable
):
    write(home, {"backend": "torch"})
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    keras_settings.use_tensorflow()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    keras_settings.check_backend()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"floatx": "bfloat16"}, "Expected floatx in .*keras.json.*'bfloat16'"),
        ({"floatx": 32}, "Expected floatx in .*keras.json.*got 32"),
        ({"image_data_format": "NHWC"}, "image_data_format in .*keras.json.*'NHWC'"),
        ({"epsilon": 1}, "Expected epsilon in .*keras.json.*got 1"),
        (["tensorflow"], "Expected a JSON object in .*keras.json"),
    ],
)
def test_a_file_that_keras_cannot_read_is_named(home, capsys, settings, message):
    write(home, settings)
    with pytest.raises(ValueError, match=message):
        keras_settings.use_tensorflow()
    assert cli.main(["train", "data", "run"]) == 1
    assert str(home / "keras.json") in capsys.readouterr().err


def test_a_file_of_no_json_counts_as_none(home):
    (home / "keras.json").write_text("{")
    keras_settings.check_backend()
    keras_settings.use_tensorflow()


def test_the_file_is_looked_for_where_keras_looks(home, monkeypatch, tmp_path):
    assert keras_settings._settings_file() == home / "keras.json"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keras_settings._settings_file() == tmp_path / ".keras" / "keras.json"


PROGRAMS = (
    "import keras_alexnet; keras_alexnet.alexnet()",
    "from keras_alexnet.layers import GroupedConv2D",
    "from keras_alexnet.training.fit import train",
)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("where", ["variable", "file"])
def test_a_program_is_told_where_the_other_backend_is_from(tmp_path, program, where):
    write(tmp_path, {"backend": "jax"})
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    environment.pop("KERAS_BACKEND", None)
    named = str(tmp_path / "keras.json")
    if where == "variable":
        environment["KERAS_BACKEND"] = "torch"
        named = "KERAS_BACKEND"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "tfrecords.errors.UserError: Expected Keras with the backend"
    )
    assert named in last


def test_a_backend_that_is_loaded_counts(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ValueError, match="got 'jax'"):
        keras_settings.check_backend()


@pytest.fixture
def other_settings():
    """channels_first, float16 and a policy of bfloat16: a user's own program."""
    before = keras.config.dtype_policy()
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float16")
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(before)


def test_a_run_has_the_same_bits_whatever_the_settings(
    run, dataset, tmp_path, other_settings, capsys
):
    other = tmp_path / "run"
    small.train(dataset, other)
    assert keras.config.floatx() == "float16"
    rows = [
        [line.split(",")[:-1] for line in (r / "history.csv").read_text().splitlines()]
        for r in (run, other)
    ]
    assert rows[0] == rows[1]  # but for the seconds
    nets = [keras.models.load_model(r / "network.keras") for r in (run, other)]
    for one, two in zip(*(net.get_weights() for net in nets), strict=True):
        np.testing.assert_array_equal(one, two)
    answers = []
    for folder in (run, other):
        report = tmp_path / f"{folder.name}.json"
        arguments = [str(folder), str(dataset), "--views", "1", "--json", str(report)]
        assert cli.main(["evaluate", *arguments]) == 0
        answers.append(json.loads(report.read_text())["top1_error"])
    assert answers[0] == answers[1]
    picture = tmp_path / "one.jpg"
    picture.write_bytes(small.encode(small.picture(2, 1)))
    assert cli.main(["export", str(other), str(tmp_path / "export")]) == 0
    assert cli.main(["predict", str(tmp_path / "export"), str(picture)]) == 0


BUILDERS = {
    "alexnet": lambda: keras_alexnet.alexnet(num_classes=3, **small.NETWORK),
    "towers": lambda: keras_alexnet.two_towers(
        num_classes=3, devices=None, **small.NETWORK
    ),
    "lenet5": keras_alexnet.lenet5,
    "lenet5 of 1998": lambda: keras_alexnet.lenet5(form="1998"),
}


@pytest.mark.bfloat16
@pytest.mark.parametrize("name", BUILDERS)
def test_networks_are_channels_last_and_take_float32(name, other_settings, tmp_path):
    model = BUILDERS[name]()
    assert model.input_shape[-1] in (1, 3)
    assert model.input.dtype == "float32"
    policies = {layer.dtype_policy.name for layer in model.layers[1:]}
    assert policies <= {"mixed_bfloat16", "float32"} and "mixed_bfloat16" in policies
    images = np.ones((1, *model.input_shape[1:]), np.float32)
    expected = model(images)
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(again(images), expected)
