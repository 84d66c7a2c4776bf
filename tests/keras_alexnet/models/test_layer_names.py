import pytest

from keras_alexnet.models.layer_names import (
    LayerChoice,
    choose_layer,
    last_layer,
    layer_aliases,
    layer_names,
)
from keras_alexnet.presets import PRESETS, find_preset, find_small_preset
from tests.keras_alexnet.models.conftest import small
from tfrecords.errors import UserError

RELEASED, TORCHVISION = find_preset("released"), find_preset("one_weird_trick")
CONVOLUTIONS = ("conv3_pre", "conv3", "conv4_pre", "conv4", "conv5_pre", "conv5")
END = ("fc6_pre", "fc6", "fc7_pre", "fc7", "fc8", "probabilities")


@pytest.mark.parametrize(
    ("preset", "blocks"),
    [
        (RELEASED, "conv1_pre conv1 norm1 pool1 relu1 conv2_pre conv2 norm2 in_map2"),
        (find_preset("paper"), "conv1_pre conv1 norm1 pool1 conv2_pre conv2 norm2"),
        (find_preset("caffenet"), "conv1_pre conv1 pool1 norm1 conv2_pre conv2"),
        (TORCHVISION, "conv1_pre conv1 pool1 conv2_pre conv2"),
        (RELEASED.replace(lrn=None), "conv1_pre conv1 pool1 relu1 conv2_pre conv2"),
        (RELEASED.replace(activation="tanh"), "conv1_pre conv1 norm1 pool1 tanh1"),
    ],
)
def test_names_stand_in_the_order_of_the_preset(preset, blocks):
    names = layer_names(preset)
    assert names[: len(blocks.split())] == tuple(blocks.split())
    assert names[-len((*CONVOLUTIONS, "pool5", *END)) :] == (
        *(*CONVOLUTIONS, "pool5", *END),
    )


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("18pct", ("pool2", "norm2", "conv3_pre", "conv3", "pool3", "fc10")),
        ("80sec", ("conv3_pre", "conv3", "pool3", "fc64_pre", "fc64", "fc10")),
        ("quick", ("pool2", "conv3_pre", "conv3", "pool3", "fc64", "fc10")),
        ("11pct", ("pool2", "local3_pre", "local3", "local4_pre", "local4", "fc10")),
    ],
)
def test_small_nets_have_names_of_the_same_kind(name, end):
    preset = find_small_preset(name)
    names = layer_names(preset)
    fourth = "norm1" if name == "11pct" else "relu1"
    assert names[:4] == ("conv1_pre", "conv1", "pool1", fourth)
    assert names[-7:] == (*end, "probabilities")
    assert choose_layer("conv2", preset).name == "conv2"
    for wrong in ("fc7", "conv5"):
        with pytest.raises(UserError, match=f"Unknown layer '{wrong}'.*conv1_pre"):
            choose_layer(wrong, preset)
    with pytest.raises(UserError, match=f"cifar-{name}, which has one tower"):
        choose_layer("conv1_tower1", preset)


def test_the_last_layer_is_the_one_below_the_head():
    assert last_layer(RELEASED) == "fc7"
    found = {name: last_layer(find_small_preset(name)) for name in ("18pct", "quick")}
    assert found == {"18pct": "pool3", "quick": "fc64"}


@pytest.mark.parametrize("preset", PRESETS)
def test_all_layers_of_a_network_but_zeros_and_dropout_have_their_name(preset):
    layers = {layer.name for layer in small(preset).layers}
    others = {n for n in layers if n.startswith(("images", "pad", "flatten", "drop"))}
    assert layers - others <= {*layer_names(find_preset(preset))}


def test_torchvisions_names_are_those_of_its_network_alone():
    aliases = layer_aliases(TORCHVISION)
    assert choose_layer("features.10", TORCHVISION).name == "conv5_pre"
    assert choose_layer("classifier.5", TORCHVISION).name == "fc7"
    assert {*aliases.values()} == {*layer_names(TORCHVISION)} - {"probabilities"}
    # features.0 to 12 and classifier.1 to 6 without the second dropout.
    assert [name for name in aliases if name.startswith("features")] == [
        f"features.{number}" for number in range(13)
    ]
    assert not layer_aliases(RELEASED)
    for name in ("features.10", "classifier.5", "avgpool"):
        with pytest.raises(UserError, match="released is another network. Expected"):
            choose_layer(name, RELEASED)
    with pytest.raises(UserError, match="dropout.*Take pool5 for classifier.0"):
        choose_layer("classifier.3", TORCHVISION)


def test_a_tower_is_a_part_of_the_channels():
    assert choose_layer("conv5_pre_tower2", RELEASED) == LayerChoice(
        *("conv5_pre_tower2", "conv5_pre"), 1, 2
    )
    assert choose_layer("fc6", RELEASED) == LayerChoice("fc6", "fc6", None, 2)
    for name, preset, said in (
        ("conv5_tower0", RELEASED, "Expected tower 1 to 2 of conv5"),
        ("conv5_tower3", RELEASED, "Expected tower 1 to 2 of conv5"),
        ("fc8_tower1", RELEASED, "fc8 is of both. Take fc8"),
        ("conv5_tower1", find_preset("one_gpu"), "has one tower.*Take conv5"),
        ("conv9_tower1", RELEASED, "Unknown layer 'conv9_tower1'"),
        ("conv_5", RELEASED, "Did you mean conv5.*Expected one of: conv1_pre"),
        ("norm1", TORCHVISION, "Unknown layer 'norm1'"),
    ):
        with pytest.raises(UserError, match=said):
            choose_layer(name, preset)
