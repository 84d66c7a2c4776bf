import dataclasses

import pytest
import tensorflow as tf

from keras_alexnet.presets import Recipe
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.devices.xla import choose_xla, say_xla
from tests import small
from tests.reference import training_bound
from tests.tools import logical_devices
from tfrecords.errors import UserError

TOWERS = DevicePlan(towers=("CPU:0", "CPU:1"))
GPU_TOWERS = DevicePlan(towers=("GPU:0", "GPU:1"))
ONE_CPU = DevicePlan()


@dataclasses.dataclass(frozen=True)
class _OnGpus(DevicePlan):
    """A plan of a machine that is not here."""

    devices = ("/device:GPU:0", "/device:GPU:1")


@pytest.mark.parametrize(
    ("asked", "plan", "own", "chosen"),
    [
        (None, ONE_CPU, None, False),
        (None, _OnGpus(), None, True),
        (True, ONE_CPU, None, True),
        (False, _OnGpus(), None, False),
        (None, ONE_CPU, True, True),
        (None, _OnGpus(), False, False),
        (None, TOWERS, None, False),
        (None, GPU_TOWERS, True, False),
        (False, TOWERS, None, False),
    ],
)
def test_it_is_the_fastest_unless_asked_or_begun_otherwise(asked, plan, own, chosen):
    assert choose_xla(Recipe(xla=asked), plan, own) is chosen


def test_a_gpu_that_is_there_is_used_and_counts(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert choose_xla(Recipe(), ONE_CPU)
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    assert not choose_xla(Recipe(), DevicePlan(strategy))


def test_no_gpu_has_the_same_bits_each_time_under_xla():
    assert not choose_xla(Recipe(deterministic=True), _OnGpus())
    assert not choose_xla(Recipe(deterministic=True), _OnGpus(), own=True)
    assert choose_xla(Recipe(deterministic=True, xla=True), ONE_CPU)
    with pytest.raises(UserError, match="--deterministic on a GPU, got --xla"):
        choose_xla(Recipe(deterministic=True, xla=True), _OnGpus())


def test_a_run_that_xla_compiled_may_go_on_in_towers():
    """As `--resume` has it: the recipe says what the run said."""
    assert choose_xla(Recipe(xla=True), TOWERS, own=True) is False


def test_towers_are_refused_at_once(dataset, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(UserError, match="--no-xla with towers, got --xla"):
        small.train(dataset, run, plan=TOWERS, xla=True)
    assert not run.exists()


@pytest.mark.parametrize(
    ("compiled", "plan", "own", "said"),
    [
        (True, _OnGpus(), None, "compiled by XLA; --no-xla"),
        (True, ONE_CPU, None, "slower on a CPU"),
        (False, TOWERS, True, "last bits will differ"),
        (False, GPU_TOWERS, None, "not compiled: XLA compiles for one device"),
        (False, ONE_CPU, None, ""),
        (False, _OnGpus(), None, ""),
    ],
)
def test_what_a_reader_would_not_expect_is_said(compiled, plan, own, said, capsys):
    say_xla(compiled, plan, own)
    seen = "".join(capsys.readouterr())
    assert said in seen and seen.count("\n") == bool(said)


@pytest.mark.parametrize("xla", [None, True])
def test_a_run_keeps_what_it_was_begun_with(dataset, tmp_path, xla):
    run = small.make_run(dataset, tmp_path / "run", xla=xla)
    model = small.train(dataset, run, epochs=1, xla=None, resume=True).model
    assert read_config(run).preset.recipe.xla is bool(xla)
    assert model.jit_compile is bool(xla)


REPLICAS = """
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import DevicePlan, plan_devices
from keras_alexnet.training.state import model_state
from tests import small

generator = np.random.default_rng(0)
side = (small.INPUT, small.INPUT, 3)
images = generator.normal(0, 50, (8, *side)).astype("float32")
labels = np.arange(8) % 3
states = {{}}
for xla, plan in ((False, DevicePlan()), (True, plan_devices("mirrored"))):
    fields = {{"precision": {precision!r}, "learning_rate": 0.002, "xla": xla}}
    model = compile_network(small.preset(**fields), 3, plan)
    model.class_weights = np.array([0.25, 1.0, 3.0], "float32")
    history = model.fit(images, labels, batch_size=4, shuffle=False, verbose=0).history
    states[xla] = {{**model_state.capture(model), "loss": np.array(history["loss"])}}
    assert not model.jit_compile
gaps, counters = {{}}, []
for name, expected in states[False].items():
    found = states[True][name]
    if "counter" in name or "iteration" in name:
        counters.append(bool((found == expected).all()))
    if name.startswith("model/") or name == "loss":
        gaps[name] = float(np.abs(found - expected).max() / np.abs(expected).max())
result = gaps, counters
"""


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_replicas_that_xla_compiles_come_to_the_same_weights(precision):
    """Those of one device without XLA; with dropout, whose masks are the same."""
    gaps, counters = logical_devices.run(REPLICAS.format(precision=precision))
    dtype = "float32" if precision == "float32" else "float16"
    limit = training_bound(dtype, small.TERMS, steps=2)
    assert len(counters) >= 3 and all(counters)
    assert 0 < max(gaps.values()) < limit
