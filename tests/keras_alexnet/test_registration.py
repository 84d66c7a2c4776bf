import ast
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_alexnet
from keras_alexnet import registration
from keras_alexnet.training.devices.distributed_model import DistributedModel
from keras_alexnet.training.update.loss_scale import LossScale
from keras_alexnet.training.update.metrics import TopKError
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests import small
from tests.test_architecture import MODULES
from tests.tools import fork_server

# A program of somebody else: it names nothing of ours but the package.
PROGRAM = """
import sys, warnings
warnings.simplefilter("error")
assert "keras_alexnet" not in sys.modules
import keras, keras_alexnet

folder = sys.argv[1]
for name in ("run", "compiled", "scaled", "towers", "lenet5", "distributed"):
    model = keras.models.load_model(f"{folder}/{name}.keras")
    again = keras.models.model_from_json(model.to_json())
    again.set_weights(keras.models.clone_model(model).get_weights())
    print(name, type(getattr(model, "optimizer", None)).__name__)
print(*sorted(name for name in keras.saving.get_custom_objects()))
"""


def registered():
    """Every class and function of ours that is registered with Keras."""
    names = set()
    for text in MODULES.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                decorators = " ".join(map(ast.unparse, node.decorator_list))
                if "register_keras_serializable" in decorators:
                    names.add(f"keras_alexnet>{node.name}")
    return names


def compiled(model, optimizer, **options):
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[TopKError(2, name="top2_error")],
        jit_compile=False,
    )
    side, channels = model.input_shape[1], model.input_shape[-1]
    images = np.ones((2, side, side, channels), np.float32)
    model.train_on_batch(images, np.zeros(2, int), **options)
    return model


@pytest.fixture(scope="module")
def saved(run, tmp_path_factory):
    """A folder of what people save: ours, and what they trained themselves."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "run.keras").write_bytes((run / "network.keras").read_bytes())
    options = {"num_classes": 3, **small.NETWORK}
    network = keras_alexnet.alexnet(**options)
    models = {
        "compiled": compiled(network, CoupledSGD(1e-3, bias_rate=2.0)),
        "scaled": compiled(keras_alexnet.lenet5(), LossScale(CoupledSGD(1e-3))),
        "towers": keras_alexnet.two_towers(devices=None, **options),
        "lenet5": compiled(keras_alexnet.lenet5(form="1998"), CoupledSGD(1e-3)),
        "distributed": compiled(
            DistributedModel(network.input, network.output), CoupledSGD(1e-3)
        ),
    }
    for name, model in models.items():
        model.save(folder / f"{name}.keras")
    return folder


def test_importing_the_package_is_enough_to_load_what_it_saves(saved):
    done = fork_server.run(PROGRAM, saved)
    assert done.returncode == 0, done.stderr
    *models, names = done.stdout.splitlines()
    kinds = [line.split()[-1] for line in models]
    stock = ["NoneType", "CoupledSGD", "LossScale", "NoneType", *["CoupledSGD"] * 2]
    assert kinds == stock
    assert set(names.split()) == registered()


def test_a_module_of_ours_may_be_what_imports_keras():
    # The others import this one, so they must wait until it is complete.
    program = """
import sys
from keras_alexnet import layers, models, towers
assert not {"keras", "tensorflow"} & {*sys.modules}, "they are imported at first use"
from keras_alexnet.training.update.optimizer import CoupledSGD
import keras; print(*keras.saving.get_custom_objects())
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True)
    assert set(done.stdout.split()) == registered(), done.stderr


def test_every_registered_thing_has_its_module_named():
    homes = {
        keras.saving.get_registered_object(name).__module__ for name in registered()
    }
    for module in registration.MODULES:
        assert module in homes
    assert len(registered()) > 20


def test_a_loaded_network_goes_on_training(saved):
    model = keras.models.load_model(saved / "compiled.keras")
    before = model.get_weights()
    again = keras.models.load_model(saved / "distributed.keras")
    assert isinstance(again, DistributedModel)
    images = np.ones((2, 67, 67, 3), np.float32)
    for loaded in (model, again):
        assert int(loaded.optimizer.iterations) == 1
        loaded.train_on_batch(images, np.ones(2, int))
        assert int(loaded.optimizer.iterations) == 2
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_another_backend_is_left_alone(monkeypatch):
    imported = []
    monkeypatch.setattr(registration.importlib, "import_module", imported.append)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    registration.register()
    assert imported == []
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    registration.register()
    assert imported == list(registration.MODULES)


# Files of earlier commits name these modules, which are elsewhere now.
BEFORE = {
    "keras_alexnet.layers.on_tower": {
        "TowerConv2D": {"filters": 4, "kernel_size": 3},
        "TowerDense": {"units": 3},
        "TowerActivation": {"activation": "relu"},
        "TowerMaxPooling2D": {},
        "TowerZeroPadding2D": {},
        "TowerFlatten": {},
        "TowerNormalization": {},
        "TowerInMapNormalization": {},
        "TowerOriginalDropout": {},
        "TowerInvertedDropout": {},
        "Exchange": {},
        "SeamMaps": {"count": 2},
        "SeamNormalization": {},
    },
    "keras_alexnet.models.towers": {"HalfOf": {"initializer": "zeros", "tower": 1}},
    "keras_alexnet.models.lenet5": {
        "Subsampling": {},
        "EuclideanOutput": {},
        "FanInUniform": {"seed": 3},
        "PartialConv2D": {
            **{"filters": 16, "kernel_size": 5},
            "activation": {
                **{"module": "builtins", "class_name": "function"},
                **{
                    "config": "keras_alexnet>scaled_tanh",
                    "registered_name": "function",
                },
            },
        },
    },
    "keras_alexnet.training.optimizer": {"CoupledSGD": {"bias_rate": 2.0}},
    "keras_alexnet.training.metrics": {"TopKError": {"k": 5}},
}


@pytest.mark.parametrize(
    ("module", "name", "options"),
    [
        (m, name, options)
        for m, kinds in BEFORE.items()
        for name, options in kinds.items()
    ],
)
def test_what_was_saved_before_its_module_moved_is_found(module, name, options):
    saved = {
        **{"module": module, "class_name": name, "config": options},
        "registered_name": f"keras_alexnet>{name}",
    }
    found = keras.saving.deserialize_keras_object(saved)
    assert type(found).__name__ == name
    again = keras.saving.serialize_keras_object(found)
    assert again["registered_name"] == saved["registered_name"]
    if name == "PartialConv2D":
        assert found.activation.__name__ == "scaled_tanh"
