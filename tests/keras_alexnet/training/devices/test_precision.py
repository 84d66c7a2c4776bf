"""Which arithmetic a run takes of itself, and what is said of one that is slow."""

import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

from keras_alexnet import cli, processor
from keras_alexnet.commands.train import settings
from keras_alexnet.presets import Recipe
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.training.devices import precision
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan
from keras_alexnet.training.devices.precision import choose_precision
from tests import small
from tfrecords.errors import UserError

FLOAT16 = "--precision mixed_float16 would use its tensor cores"


def plan_of(*devices, replicas=None):
    """Return the plan of a strategy with a replica on each device of this process."""
    strategy = SimpleNamespace(
        extended=SimpleNamespace(worker_devices=devices, should_checkpoint=True),
        num_replicas_in_sync=replicas or len(devices),
    )
    return DevicePlan(strategy)


@pytest.fixture
def machine(monkeypatch):
    """Let this machine be another one."""

    def pretend(*instructions, onednn=True, refuses=False, gpus=()):
        fast = onednn and bool({"AVX512-BF16", "AMX-BF16"} & {*instructions})
        monkeypatch.setattr(precision, "computes_bfloat16", lambda: fast)
        monkeypatch.setattr(precision, "processor_instructions", lambda: instructions)
        monkeypatch.setattr(processor, "refuses_bfloat16", lambda: refuses)
        devices = [SimpleNamespace(compute_capability=each) for each in gpus]
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: devices)
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda device: {k: v for k, v in vars(device).items() if v is not None},
        )

    return pretend


@pytest.mark.parametrize(
    ("options", "expected", "reason"),
    [
        ({}, "float32", "neither AMX-BF16 nor AVX512-BF16"),
        ({"instructions": ["AVX2", "AVX512"]}, "float32", "neither"),
        ({"instructions": ["AVX512-BF16"]}, "mixed_bfloat16", "has AVX512-BF16"),
        ({"instructions": ["AVX512-BF16", "AMX-BF16"]}, "mixed_bfloat16", "AMX-BF16"),
        (
            {"instructions": ["AVX512-BF16"], "onednn": False},
            "float32",
            "TF_ENABLE_ONEDNN_OPTS",
        ),
        ({"gpus": [(8, 0)]}, "mixed_bfloat16", "GPU:0 has compute capability 8.0"),
        ({"gpus": [(9, 0)]}, "mixed_bfloat16", "9.0"),
        ({"gpus": [(7, 5)]}, "float32", "7.5"),
        ({"gpus": [None]}, "float32", "unknown"),
        # The GPU computes, not the processor.
        ({"gpus": [(7, 0)], "instructions": ["AVX512-BF16"]}, "float32", "7.0"),
    ],
)
def test_auto_is_what_the_device_is_faster_with(
    machine, capsys, options, expected, reason
):
    machine(*options.pop("instructions", ()), **options)
    choice = choose_precision("auto", ONE_DEVICE)
    choice.say()
    line, error = capsys.readouterr()
    assert choice.precision == expected and error == ""
    assert line.startswith(f"Precision: {expected} (") and reason in line
    assert line.count("\n") == 1


def test_all_the_devices_of_the_strategy_must_be_fast(machine):
    machine("AVX512-BF16", gpus=[(9, 0), (7, 5), (8, 6)])
    job = "/job:localhost/replica:0/task:0/device:"
    for places, expected in (
        (("GPU:0", "GPU:2"), "mixed_bfloat16"),
        (("GPU:0", "GPU:1"), "float32"),
        (("CPU:0", "CPU:1"), "mixed_bfloat16"),
    ):
        devices = tuple(job + place for place in places)
        for plan in (plan_of(*devices), DevicePlan(towers=devices)):
            assert choose_precision("auto", plan).precision == expected


@pytest.mark.parametrize(("elsewhere", "here"), [(True, False), (False, True)])
def test_one_slow_worker_is_enough_for_float32(machine, monkeypatch, elsewhere, here):
    """Each asks, whatever it has itself, and all come to the same."""
    asked = []

    def any_worker(slow, strategy):
        asked.append(slow)
        return slow or not elsewhere

    monkeypatch.setattr(precision, "any_worker", any_worker)
    machine(*["AVX512-BF16"] * here)
    plan = plan_of("/job:worker/replica:0/task:1/device:CPU:0", replicas=2)
    assert choose_precision("auto", plan).precision == "float32"
    assert asked == [not here]
    assert choose_precision("float32", plan).precision == "float32"
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("asked", "instructions", "gpus", "slow"),
    [
        ("mixed_bfloat16", [], [], True),
        ("mixed_bfloat16", ["AVX512"], [], True),
        ("mixed_bfloat16", ["AVX512-BF16"], [], False),
        ("mixed_bfloat16", [], [(7, 0)], True),
        ("mixed_bfloat16", [], [(8, 0)], False),
        ("mixed_float16", ["AVX512-BF16"], [], True),
        ("mixed_float16", [], [(7, 0)], False),
        ("float32", [], [], False),
        ("float32", ["AMX-BF16"], [(9, 0)], False),
    ],
)
def test_slow_precisions_are_warned_of_in_one_line(
    machine, capsys, asked, instructions, gpus, slow
):
    machine(*instructions, gpus=gpus)
    for own in (None, "mixed_bfloat16"):  # of a run that is resumed
        choice = choose_precision(asked, ONE_DEVICE, own)
        assert choice.precision == asked
        choice.say()
        out, error = capsys.readouterr()
        assert out == ""
        assert error.startswith(f"Warning: {asked} is slower") == slow
        assert error.count("\n") == slow


@pytest.mark.parametrize(
    ("gpus", "chosen", "line", "bfloat16", "float16"),
    [
        ([(6, 1)], "float32", "6.1).", "6.1; take float32.", "6.1; take float32."),
        ([(7, 0)], "float32", "7.0; --precision mixed_float16", FLOAT16, ""),
        ([(7, 5)], "float32", "7.5; --precision mixed_float16", FLOAT16, ""),
        ([(8, 0)], "mixed_bfloat16", "8.0).", "", ""),
        ([(9, 0)], "mixed_bfloat16", "9.0).", "", ""),
        ([None], "float32", "unknown).", "unknown; take float32.", ""),
        ([(7, 5), (6, 0)], "float32", "7.5).", "7.5; take float32.", "6.0; take float"),
        ([], "float32", "AVX512-BF16).", "take float32.", "float16 here; take float32"),
    ],
)
def test_what_to_take_instead_goes_by_compute_capability(
    machine, capsys, gpus, chosen, line, bfloat16, float16
):
    machine(gpus=gpus)
    names = tuple(f"/device:GPU:{n}" for n in range(len(gpus))) or ("/device:CPU:0",)
    plan = plan_of(*names)
    choice = choose_precision("auto", plan)
    assert choice.precision == chosen  # and never float16, whose steps may be left out
    choice.say()
    assert line in capsys.readouterr().out
    for asked, expected in (("mixed_bfloat16", bfloat16), ("mixed_float16", float16)):
        choose_precision(asked, plan).say()
        error = capsys.readouterr().err
        assert expected in error and bool(error) == bool(expected)


@pytest.mark.parametrize("own", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_run_goes_on_with_its_own_precision_anywhere(machine, capsys, own):
    for instructions in ([], ["AVX512-BF16"]):
        machine(*instructions)
        choice = choose_precision("auto", ONE_DEVICE, own)
        choice.say()
        assert choice.precision == own
        assert "Precision:" not in capsys.readouterr().out


def test_where_onednn_would_end_the_process_bfloat16_is_refused(machine):
    machine("AVX2", refuses=True)
    assert choose_precision("auto", ONE_DEVICE).precision == "float32"
    with pytest.raises(UserError, match="ONEDNN_MAX_CPU_ISA.*ONEDNN_OPTS=0"):
        choose_precision("mixed_bfloat16", ONE_DEVICE)
    machine("AVX2", refuses=True, gpus=[(8, 0)])
    assert choose_precision("mixed_bfloat16", ONE_DEVICE).precision == "mixed_bfloat16"


def test_the_command_asks_the_device_and_python_does_not(dataset, tmp_path):
    preset, _ = settings([str(dataset), str(tmp_path)])
    assert preset.recipe.precision == "auto"
    assert Recipe().precision == "float32"


def test_the_run_keeps_what_was_chosen(machine, dataset, tmp_path, capsys):
    machine()
    run = tmp_path / "run"
    small.train(dataset, run, epochs=1, precision="auto")
    assert capsys.readouterr().out.startswith("Precision: float32 (this processor")
    assert (
        json.loads((run / "config.json").read_text())["recipe"]["precision"]
        == "float32"
    )
    machine("AVX512-BF16")
    arguments = ["train", str(dataset), str(run), "--resume", "--epochs", "2"]
    assert cli.main(arguments) == 0
    out, error = capsys.readouterr()
    assert "Precision:" not in out and "Warning" not in error
    assert "epoch 2/2" in out
    assert read_config(run).preset.recipe.precision == "float32"


def test_nothing_is_said_of_the_precision_of_a_run_that_cannot_be_made(
    dataset, run, capsys
):
    assert cli.main(["train", str(dataset), str(run)]) == 1
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1
