"""A number out of its range is one line, in every verb, and nothing is made."""

import keras
import numpy as np
import pytest

from keras_alexnet import LRN, PRESETS, Recipe, cli
from keras_alexnet.data import eval_dataset, train_dataset
from keras_alexnet.layers import LocalResponseNormalization
from keras_alexnet.training.control import Control
from keras_alexnet.training.update.optimizer import CoupledSGD
from keras_alexnet.training.update.plateau import Plateau
from tests import small
from tfrecords import DatasetError, build, verify
from tfrecords.verification.statistics_from_shards import (
    ExampleKeys,
    compute_statistics,
)

NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return small.write_tree(tmp_path_factory.mktemp("numbers") / "tree", 2)


TRAIN = [
    *("--learning-rate=-0.01", "--learning-rate=nan", "--learning-rate=inf"),
    *("--learning-rate=0", "--learning-rate=1e39", "--learning-rate=-inf"),
    *("--batch-size=-8", "--batch-size=0", "--batch-size=99999999999"),
    *("--epochs=0", "--epochs=-1", "--patience=0", "--reductions=-1"),
    *("--input-size=0", "--input-size=-67", "--input-size=5", "--input-size=73"),
    *("--crop-chunk=0", "--crop-chunk=-1", "--seed=-1", "--seed=2147483648"),
    *("--keep=0", "--keep=-2", "--save-every=0", "--save-every=-5"),
    *("--save-minutes=0", "--save-minutes=-1", "--save-minutes=nan"),
    *("--save-minutes=inf", "--logical-devices=0", "--logical-devices=-2"),
    *("--logical-devices=100000", "--batch-size=37", "--min-delta=-1"),
    *("--memory-limit=0", "--memory-limit=-4", "--memory-limit=nan"),
    *("--momentum=1", "--momentum=-0.1", "--decay=-1", "--bias-rate=nan"),
]
BUILD = [
    *("--validation-fraction=nan", "--validation-fraction=-0.1"),
    *("--validation-fraction=inf", "--validation-fraction=1", "--test-fraction=nan"),
    *("--test-fraction=-1", "--max-rejected=nan", "--max-rejected=-0.1"),
    *("--max-rejected=inf", "--size=0", "--size=-256", "--size=99999"),
    *("--quality=0", "--quality=101", "--quality=-5", "--seed=-1", "--limit=0"),
    *("--limit=-4", "--shards=0", "--shards=-1", "--shard-size-mb=0"),
    *("--shard-size-mb=-128", "--processes=0", "--processes=-1", "--classes=0"),
]


def refused(arguments, option, capsys):
    assert cli.main([*map(str, arguments), option]) == 1
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()
    assert line.startswith(f"alexnet {arguments[0]}: ")
    name, value = option.removeprefix("--").split("=")
    words = line.replace("_", " ").replace("-", " ")
    assert name.split("-")[0][:5] in words, line
    assert value.strip("-").split("e")[0].lstrip("0.") in line, line


@pytest.mark.parametrize("option", TRAIN)
def test_train(dataset, tmp_path, capsys, option):
    fitting = () if option.startswith("--input-size") else ("--input-size=67",)
    few = () if option.startswith("--batch-size") else ("--batch-size=4",)
    run = tmp_path / "run"
    refused(["train", dataset, run, *fitting, *few], option, capsys)
    assert not run.exists()


@pytest.mark.parametrize("option", BUILD)
def test_build(tree, tmp_path, capsys, option):
    refused(["build", tree, tmp_path / "out"], option, capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option",
    ["--classes=-1", "--classes=-20", "--pairs=-1", "--worst-count=0"],
)
def test_evaluate(run, dataset, tmp_path, capsys, option):
    out = tmp_path / "out.json"
    refused(["evaluate", run, dataset, "--json", out], option, capsys)
    assert not out.exists()


@pytest.mark.parametrize("verb", ["predict", "export"])
@pytest.mark.parametrize("option", ["--top=0", "--top=-5", "--top=99999999999"])
def test_predict_and_export(run, tree, tmp_path, capsys, verb, option):
    out = tmp_path / "out"
    place = [tree, "--json", out] if verb == "predict" else [out]
    refused([verb, run, *place], option, capsys)
    assert not out.exists()


@pytest.mark.parametrize("verb", ["verify", "statistics"])
@pytest.mark.parametrize("option", ["--processes=0", "--processes=-2"])
def test_verify_and_statistics(dataset, tmp_path, capsys, verb, option):
    out = tmp_path / "out.json"
    refused([verb, dataset, "--json", out], option, capsys)
    assert not out.exists()


@pytest.mark.parametrize("option", ["--size=0", "--size=-3", "--size=5000"])
def test_statistics(dataset, tmp_path, capsys, option):
    out = tmp_path / "statistics.npz"
    refused(["statistics", dataset, "--out", out], option, capsys)
    assert not out.exists()


@pytest.mark.parametrize(
    "option",
    ["--batch-size=0", "--batch-size=-1", "--num-classes=0", "--input-size=-1"],
)
def test_devices(capsys, option):
    refused(["devices", "--strategy=none"], option, capsys)


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        *(("step", f"--{n}={v}") for n in ("batch-sizes", "rounds") for v in (0, -1)),
        *(("inference", f"--{n}=0") for n in ("batch-sizes", "rounds")),
        *(("fit", f"--{n}={v}") for n in ("batch-size", "steps") for v in (0, -1)),
        *(("input", f"--{n}=0") for n in ("batch-size", "rounds", "input-size")),
    ],
)
def test_benchmark(dataset, capsys, monkeypatch, kind, option):
    # It would bind this whole process to one core.
    monkeypatch.setattr("keras_alexnet.benchmark.input.use_one_core", lambda: None)
    data = [] if kind in ("step", "inference") else [dataset]
    refused(["benchmark", kind, *data], option, capsys)


@pytest.mark.parametrize("value", [NAN, INF, -1.0, "1", True])
@pytest.mark.parametrize(
    "name",
    ["epochs", "batch_size", "learning_rate", "momentum", "decay", "patience"]
    + ["reductions", "min_delta", "bias_rate", "crop_chunk", "seed"],
)
def test_a_recipe(name, value):
    with pytest.raises(ValueError, match=name):
        Recipe(**{name: value})


@pytest.mark.parametrize("value", [NAN, INF, -1.0, "1", True])
@pytest.mark.parametrize("name", ["keep", "save_every", "save_minutes", "memory_limit"])
def test_a_control(name, value):
    with pytest.raises(ValueError, match=name):
        Control("data", "run", **{name: value})


@pytest.mark.parametrize("value", [NAN, INF, -1])
@pytest.mark.parametrize(
    "name",
    ["input_size", "units", "dropout_rate", "filters", "groups", "weight_std"]
    + ["biases", "conv1_padding"],
)
def test_a_preset(name, value):
    if (name, value) == ("biases", -1):
        return  # a bias may be negative
    whole = getattr(PRESETS["paper"], name)
    given = (value, *whole[1:]) if isinstance(whole, tuple) else value
    with pytest.raises(ValueError, match=f"field {name} "):
        PRESETS["paper"].replace(**{name: given})


@pytest.mark.parametrize("value", [NAN, INF, -1])
@pytest.mark.parametrize("name", ["depth_radius", "bias", "alpha", "beta"])
def test_a_normalisation(name, value):
    with pytest.raises(ValueError, match=f"field {name} "):
        LRN(**{name: value})
    if (name, value) != ("depth_radius", INF):  # every channel
        with pytest.raises(ValueError, match=f"{name}={value}"):
            LocalResponseNormalization(**{name: value})


@pytest.mark.parametrize("value", [NAN, INF, -0.5])
@pytest.mark.parametrize("name", ["learning_rate", "momentum", "decay", "bias_rate"])
def test_the_optimizer(name, value):
    with pytest.raises(ValueError, match=name):
        CoupledSGD(**{name: value})


def test_the_optimizer_takes_schedules():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert CoupledSGD(schedule).get_config()["decay"] == 0.0005


@pytest.mark.parametrize(
    "bad", [{"factor": NAN}, {"patience": NAN}, {"reductions": NAN}]
)
def test_a_plateau(bad):
    with pytest.raises(ValueError, match="nan"):
        Plateau(**bad)


@pytest.mark.parametrize("value", [-1, NAN, 2**31])
@pytest.mark.parametrize(
    "name",
    ["batch_size", "input_size", "epochs", "first_epoch", "first_step", "seed"]
    + ["colour_epochs", "crop_chunk", "read_run"],
)
def test_a_stream(dataset, name, value):
    with pytest.raises(DatasetError, match=name):
        train_dataset(dataset, **{"input_size": small.INPUT, name: value})
    if name in ("batch_size", "input_size"):
        with pytest.raises(DatasetError, match=name):
            eval_dataset(dataset, **{"input_size": small.INPUT, name: value})


def test_functions_of_a_dataset(tree, dataset, tmp_path):
    for name in ("validation_fraction", "test_fraction", "max_rejected"):
        with pytest.raises(DatasetError, match=name.split("_")[0]):
            build(tree, tmp_path / "out", processes=1, **{name: np.nan})
    assert not (tmp_path / "out").exists()
    with pytest.raises(DatasetError, match="process"):
        verify(dataset, processes=0)
    with pytest.raises(DatasetError, match="size"):
        compute_statistics(dataset, size=0)
    with pytest.raises(DatasetError, match="label_offset"):
        ExampleKeys(label_offset=0.5)
