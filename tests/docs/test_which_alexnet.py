"""docs/which_alexnet.md says what the presets and layers are, and where that stands."""

import importlib
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.datasets import load_sample_images

import keras_alexnet
from keras_alexnet.data.augment import colour_offsets
from keras_alexnet.models.description import describe_network
from keras_alexnet.models.geometry import map_sizes
from keras_alexnet.presets import PRESETS
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests.docs.test_quoted_figures import measured

PAGE = Path(__file__).parents[2] / "docs" / "which_alexnet.md"
TEXT = PAGE.read_text()
STEPS = {"activation": "ReLU", "lrn": "LRN", "in_map": "5 × 5", "pool": "pool"}
NOISE = {"eigenvalue": "eigenvalues", "released": "their roots", None: "none"}
BIASED = {"conv2", "conv4", "conv5", "fc6", "fc7"}
SAME_STD = ((0, 2), (2, 5), (5, 7), (7, 8))  # layers whose deviations are alike


def rows(heading):
    """The rows of the table under a heading, below its own."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in lines]


def facts(preset):
    """What the table says of a preset, in its order."""
    lrn, recipe, whole = preset.lrn, preset.recipe, describe_network(preset)
    stds = [{*preset.weight_std[first:last]} for first, last in SAME_STD]
    return {
        "input, pixels": f"{preset.input_size}",
        "zeros around it": zeros(preset),
        "kernels of conv1 to conv5": ", ".join(map(str, preset.filters)),
        "groups of conv1 to conv5": ", ".join(map(str, preset.groups)),
        "block 1": ", ".join(STEPS[step] for step in preset.block1),
        "block 2": ", ".join(STEPS[step] for step in preset.block2),
        "k and alpha of LRN": f"{lrn.bias:g}, {short(lrn.alpha)}" if lrn else "-",
        "reach of LRN": reach(preset),
        "initial deviation: conv1-2, conv3-5, fc6-7, fc8": ", ".join(
            f"{std:g}" for (std,) in stds
        ),
        "initial bias of conv2, conv4, conv5, fc6, fc7": bias(preset),
        "dropout of fc6 and fc7": preset.dropout,
        "where": "on inputs" if preset.dropout_before else "on outputs",
        "mean": recipe.mean,
        "rate of biases over that of weights": f"{recipe.bias_rate:g}",
        "colour noise": NOISE[recipe.colour_noise],
        "batch": f"{recipe.batch_size}",
        "parameters for 1,000 classes": f"{whole['parameters']:,}",
        "multiply-adds for one image": f"{whole['macs']:,}",
    }


def short(number):
    """A power of ten as the page writes it: 1e-4."""
    return f"{number:.0e}".replace("e-0", "e-")


def zeros(preset):
    if preset.conv1_padding != "ceil":
        return f"{preset.conv1_padding} on all sides"
    missing = (11 - preset.input_size) % 4
    return f"{missing} right and below" if missing else "none"


def reach(preset):
    if preset.lrn is None:
        return "-"
    return "a tower" if preset.lrn.per_tower and preset.towers > 1 else "all maps"


def bias(preset):
    """The one value other than 0, which is that of the same layers in all presets."""
    assert {
        n
        for n, each in zip(PRESETS["released"].layers, preset.biases, strict=True)
        if each
    } == BIASED
    (value,) = {*preset.biases} - {0}
    return f"{value:g}"


def test_the_table_of_presets_says_what_they_are():
    header, _, *table = rows("Six presets")
    names = [name.strip("`") for name in header[1:]]
    assert {*names} == {*PRESETS} and len(names) == len(PRESETS)
    said = [facts(PRESETS[name]) for name in names]
    assert table == [[what, *(each[what] for each in said)] for what in said[0]]


def test_what_is_said_of_all_presets_holds_for_all():
    for preset in PRESETS.values():
        recipe = preset.recipe
        constants = (recipe.momentum, recipe.decay, recipe.learning_rate)
        assert constants == (0.9, 0.0005, 0.01)
        if preset.lrn is not None:
            assert (preset.lrn.depth_radius, preset.lrn.beta) == (2, 0.75)
    counts = [facts(each)["parameters for 1,000 classes"] for each in PRESETS.values()]
    assert counts.count("60,965,224") == 4 and "Four of the six have the same" in TEXT


def mistake(words):
    """The two last cells of the mistake that begins with these words."""
    (row,) = [row for row in rows("Usual mistakes") if row[0].startswith(words)]
    return row[1]


def test_gains_of_the_normalisation_are_those_of_the_layer():
    def gain(preset, activity):
        lrn = PRESETS[preset].lrn
        return f"{(lrn.bias + lrn.alpha * activity) ** -lrn.beta:.3f}"

    text = mistake("alpha of LRN")
    assert f"{gain('paper', 1e4)} with 1e-4 a term" in text
    assert f"{gain('released', 1e4)} with 2e-5" in text
    text = mistake("k of another")
    assert f"{gain('paper', 0)} with k = 2, by {gain('caffenet', 0)} with k = 1" in text


def test_the_place_of_the_relu_changes_what_the_norm_gives():
    text = mistake("LRN after the ReLU")
    channels = np.array(re.search(r"channels ([-\d, ]*\d)", text)[1].split(", "), "f4")
    lrn = PRESETS["released"].lrn
    constants = (lrn.depth_radius, lrn.bias, lrn.alpha, lrn.beta)
    layer = keras_alexnet.layers.LocalResponseNormalization(*constants)
    linear, rectified = (
        layer(x.reshape(1, 1, 1, 5)).numpy().ravel()[2]
        for x in (channels, np.maximum(channels, 0))
    )
    assert f"{linear:.2f} before the ReLU and {rectified:.2f} after it" in text


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("224 without", {"conv1_padding": 0}),
        ("no groups", {"groups": (1, 1, 1, 1, 1)}),
        ("groups in conv3", {"groups": (1, 2, 2, 2, 2)}),
    ],
)
def test_wrong_networks_have_the_parameters_that_tell_them(words, fields):
    wrong = describe_network(PRESETS["released"].replace(**fields))
    assert f"{wrong['parameters']:,} parameters" in mistake(words)


def test_wrong_zeros_give_the_maps_that_tell_them():
    sizes = map_sizes(PRESETS["released"].replace(conv1_padding=0))
    conv1, pool5 = sizes["conv1"], sizes["pool5"]
    text = mistake("224 without")
    assert f"conv1 gives {conv1} × {conv1}, pool5 {pool5} × {pool5}" in text
    same = keras.layers.Conv2D(1, 11, 4, "same").compute_output_shape((1, 224, 224, 3))
    assert f"{same[1]} × {same[2]}, then 27, 13, 6" in mistake("the same with")


def test_decay_inside_and_outside_of_the_momentum():
    left = []
    for optimizer in (
        CoupledSGD(0.01, momentum=0.9, decay=0.0005),
        keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=0.0005),
    ):
        weight = keras.Variable([1.0], name="kernel")
        optimizer.build([weight])
        for _ in range(100):
            optimizer.apply([np.zeros(1, "float32")], [weight])
        left.append(float(weight.numpy()[0]))
    inside, outside = (f"{each:.4f}" for each in left)
    said = f"1 to {inside} in a hundred steps of rate 0.01, outside to {outside}"
    assert said in mistake("weight decay outside")


def test_pixels_of_0_to_1_leave_the_logits_alike():
    photos = np.stack(load_sample_images().images).astype("float32")
    corners = [(y, x) for y in range(0, 360, 120) for x in range(0, 480, 160)]
    crops = np.concatenate([photos[:, y : y + 67, x : x + 67] for y, x in corners])
    crops -= crops.mean(0)
    model = keras_alexnet.alexnet("released", num_classes=10, input_size=67, seed=0)
    raw, small = (model(x).numpy().std(0).mean() for x in (crops, crops / 255))
    said = f"between pictures by {raw:.4f}, of pixels divided by 255 by {small:.6f}"
    assert said in mistake("pixels of 0 to 1")


def test_colour_noise_in_grey_levels():
    text = mistake("colour noise")
    deviation = np.array([float(re.search(r"ImageNet, ([\d.]+\d)", text)[1]), 0, 0])
    draw = np.array([[0.8413447, 0.5, 0.5]], "float32")  # one standard deviation
    literal, scaled, run = (
        float(
            colour_offsets(draw, deviation, np.eye(3), form=form, pixel_scale=s)[0, 0]
        )
        for form, s in (("eigenvalue", 1), ("eigenvalue", 255), ("released", 255))
    )
    assert f"{literal:,.0f} grey levels; by the release's rule {run:.1f}" in text
    assert f"on pixels of 0 to 1 {scaled:.1f}" in text


def test_errors_are_those_that_were_measured():
    record = "accuracy/caffe_cifar"
    right = measured(record, "top-1 error, mean colour")
    wrong = measured(record, "top-1 error, blue first on purpose")
    text = mistake("blue first")
    assert f"{wrong:.2f} % in place of {right:.2f} %" in text


def test_every_page_that_is_pointed_to_has_what_is_named():
    found = re.findall(r"\[[\w.]+\]\(([\w./]+)\), (?:\"([^\"]+)\"|`([^`]+)`)", TEXT)
    assert len(found) >= 8
    for path, words, code in found:
        assert (words or code).lower() in (PAGE.parent / path).read_text().lower()
    for path in re.findall(r"\]\(([\w./]+)\)", TEXT):
        assert (PAGE.parent / path).exists(), path


def test_names_of_ours_are_there():
    named = re.findall(r"`((?:layers|data|training)\.[\w.]+)`", TEXT)
    assert len(named) >= 5
    for name in named:
        module, _, attribute = f"keras_alexnet.{name}".rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
