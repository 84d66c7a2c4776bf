from collections import Counter

import pytest

from tests import small
from tests.tools import logical_devices

PLACEMENT = """
import dataclasses
from collections import Counter
from keras_alexnet.towers.layers import OnTower
from keras_alexnet.towers.crossings import tower_crossings
from keras_alexnet.presets import find_preset
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.placement import planned, read_placement
from keras_alexnet.training.devices.plan import DevicePlan
from tests import small

PAIR = ("CPU:0", "CPU:1")


def placement(devices, batch_size=3, preset="released", **fields):
    network = find_preset(preset).replace(**{**small.NETWORK, **fields})
    model = compile_network(network, 1000, DevicePlan(towers=devices))
    return network, planned(model), read_placement(model, batch_size)


def summary(devices=PAIR, **options):
    network, plan, found = placement(devices, **options)
    table = tower_crossings(network, 3, network.recipe.precision)
    return {
        "plan": plan,
        "weights": found.weights,
        "momenta": found.momenta,
        "operations": [
            [layer, phase, dict(counts)]
            for (layer, phase), counts in found.operations.items()
        ],
        "crossings": [dataclasses.asdict(c) for c in found.crossings],
        "expected": sum(c.bytes for c in table),
        "misplaced": found.misplaced(plan),
        "unplanned": found.unplanned(plan, table) if plan else [],
        "between": [dataclasses.asdict(c) for c in found.control_between(plan)],
        "waits": [dataclasses.asdict(wait) for wait in found.waits],
        "needless": [found.needless_waits(scaled) for scaled in (False, True)],
    }
"""
RUN = """
result = {
    "released": summary(),
    "float16": summary(precision="mixed_float16"),
    "one device": summary(("CPU:1", "CPU:1")),
    "unplaced": summary(()),
}
with tf.device("CPU:1"):  # the host is CPU:0
    result["another device"] = summary(())
from keras_alexnet.processor import refuses_bfloat16
if not refuses_bfloat16():
    result["caffenet"] = summary(preset="caffenet", precision="mixed_bfloat16")
call = OnTower.__call__
def misled(self, *arguments, **options):
    if self.name != "conv4_b":
        return call(self, *arguments, **options)
    with tf.device("CPU:0"):
        return super(OnTower, self).__call__(*arguments, **options)
OnTower.__call__ = misled
result["wrong forward"] = summary()
OnTower.__call__ = call
from keras_alexnet.training.devices.distributed_model import DistributedModel
step = DistributedModel.train_step
def with_tape(self, data):
    self.colocate = False
    return step(self, data)
DistributedModel.train_step = with_tape
result["tape"] = summary()
DistributedModel.train_step = step
from keras_alexnet.training.update.optimizer import CoupledSGD
local = CoupledSGD._all_reduce_sum_gradients
del CoupledSGD._all_reduce_sum_gradients
result["stock reduction"] = summary()
CoupledSGD._all_reduce_sum_gradients = local
"""


@pytest.fixture(scope="module")
def found():
    return logical_devices.run(PLACEMENT + RUN)


def devices_of(found, layer, phase):
    return next(
        counts
        for name, when, counts in found["operations"]
        if (name, when) == (layer, phase)
    )


NETWORKS = [
    "released",
    pytest.param("caffenet", marks=pytest.mark.bfloat16),
    "float16",
]
LAYERS = [*(f"conv{n}" for n in range(1, 6)), "fc6", "fc7"]


@pytest.mark.parametrize("network", NETWORKS)
def test_everything_of_a_tower_is_on_its_device(found, network):
    found = found[network]
    for tower, device in (("a", "CPU:0"), ("b", "CPU:1")):
        for name in (f"{layer}_{tower}" for layer in LAYERS):
            assert found["plan"][name] == device
            for kind in ("kernel", "bias"):
                assert found["weights"][f"{name}/{kind}"] == device
                assert found["momenta"][f"{name}/{kind}"] == device
            for phase in ("forward", "backward", "update"):
                counts = devices_of(found, name, phase)
                assert set(counts) == {device} and counts[device] > 0, (name, phase)
    assert found["misplaced"] == []


@pytest.mark.parametrize("network", NETWORKS[:2])
def test_only_what_the_layer_table_says_crosses(found, network):
    found = found[network]
    assert found["unplanned"] == []
    between = [c for c in found["crossings"] if c["layer"]]
    assert sum(c["bytes"] for c in between) == found["expected"] > 0
    others = [c for c in found["crossings"] if not c["layer"]]
    assert {(c["source"], c["target"]) for c in others} == {("CPU:0", "CPU:1")}
    # A byte a pixel, for the second tower subtracts the mean itself, and the colours.
    assert Counter(c["bytes"] for c in others if c["shape"]) == {
        3 * 67 * 67 * 3: 1,
        3 * 3 * 4: 1,
    }
    # What is left is their scale and the learning rate, kept on the first device.
    scalars = [c for c in others if not c["shape"]]
    assert [c["bytes"] for c in scalars] == [4] * 2


def test_loss_scaling_sends_no_gradient_to_the_other_device(found):
    found = found["float16"]
    assert found["unplanned"] == []
    others = [c for c in found["crossings"] if not c["layer"]]
    # From tower b comes only whether each of its 14 gradients is finite.
    assert sum(c["source"] == "CPU:1" for c in others) <= 14
    assert all(c["bytes"] in (1, 4, None) for c in others if c["source"] == "CPU:1")


@pytest.mark.parametrize("network", NETWORKS[:2])
def test_no_tower_waits_for_the_other_beyond_what_crosses(found, network):
    found = found[network]
    assert found["waits"] == [] and found["needless"] == [[], []]
    # Tower a has the host's device: the end of the step waits there for tower b.
    (end,) = found["between"]
    assert (end["source"], end["target"], end["layers"]) == ("CPU:1", "CPU:0", [])


def test_loss_scaling_has_updates_alone_wait_for_both(found):
    found = found["float16"]
    assert {wait["phase"] for wait in found["waits"]} == {"update"}
    layers = {f"{layer}_{tower}" for layer in LAYERS for tower in "ab"} | {"fc8"}
    assert {wait["layer"] for wait in found["waits"]} == layers
    unscaled, scaled = found["needless"]
    assert len(unscaled) == len(layers) and scaled == []


def test_both_towers_may_share_one_device(found):
    found = found["one device"]
    assert found["misplaced"] == found["unplanned"] == []
    assert {*found["weights"].values(), *found["momenta"].values()} == {"CPU:1"}
    assert not [c for c in found["crossings"] if c["layer"] not in ("", "fc8")]


def test_a_network_in_one_piece_has_no_plan_and_one_device(found):
    found = found["unplaced"]
    assert found["plan"] == {} and found["crossings"] == []
    assert {d for *_, counts in found["operations"] for d in counts} == {"CPU:0"}


def test_a_layer_on_the_wrong_device_is_found(found):
    wrong = found["wrong forward"]["misplaced"]
    assert any("forward operations of conv4_b are on CPU:0" in w for w in wrong)
    assert all("conv4_b" in w for w in wrong)
    assert found["wrong forward"]["unplanned"]


def test_backward_work_of_a_gradient_tape_is_found_on_the_first_device(found):
    wrong = found["tape"]["misplaced"]
    assert any("backward operations of conv3_b are on CPU:0" in w for w in wrong)


def test_gradients_that_go_round_by_the_first_device_are_found(found):
    assert any("too many" in w for w in found["stock reduction"]["unplanned"])


def test_nothing_goes_between_host_and_device_but_the_batch(found):
    crossings = found["another device"]["crossings"]
    labels, crops = 3 * 8, 3 * small.INPUT**2 * 3
    colours, scale = 3 * 3 * 4, 4
    sizes = sorted([labels, crops, colours, scale])
    assert sorted(crossing["bytes"] for crossing in crossings) == sizes
    places = {(c["layer"], c["source"], c["target"]) for c in crossings}
    assert places == {("", "CPU:0", "CPU:1")}
