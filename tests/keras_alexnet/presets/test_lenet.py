import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.commands.train import settings
from keras_alexnet.export import EXPORTERS
from keras_alexnet.models.layer_names import layer_names
from keras_alexnet.presets import SMALL_PRESETS
from keras_alexnet.presets.lenet import LENET5, LENET5_1998
from keras_alexnet.training import fit
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.initial_weights import InitialWeights
from keras_alexnet.weights.importing import import_weights
from tests import small
from tests.keras_alexnet.training.conftest import assert_same_end
from tests.small import LENETS
from tfrecords.errors import UserError

QUICK = ("--batch-size", "8", "--no-xla", "--precision", "float32")
DIGITS = [str(digit) for digit in range(10)]
SHAPES = {
    **{"c1": (28, 28, 6), "s2": (14, 14, 6), "c3": (10, 10, 16), "s4": (5, 5, 16)},
    **{"c5": (1, 1, 120), "f6": (84,), "output": (10,)},
}


def train(data, run, *typed):
    return fit.train(*settings([str(data), str(run), *QUICK, *typed]))


def build(root, names):
    return small.build_dataset(root, 4, names, size=32, encoding="raw")


@pytest.fixture(scope="module")
def tens(tmp_path_factory):
    return build(tmp_path_factory.mktemp("tens"), DIGITS)


@pytest.fixture(scope="module")
def run_of_1998(tens, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "lenet5-1998"
    train(tens, run, "--preset", "lenet5-1998", "--epochs", "2")
    return run


@pytest.fixture(scope="module", params=LENETS)
def trained(request, run_of_1998, tens, tmp_path_factory):
    """A trained network of each form."""
    if request.param == "lenet5-1998":
        return load(run_of_1998)
    run = tmp_path_factory.mktemp("runs") / request.param
    train(tens, run, "--preset", request.param, "--epochs", "2")
    return load(run)


def test_recipes_are_for_digits_and_within_50_epochs():
    for preset in (LENET5, LENET5_1998):
        recipe = preset.recipe
        assert not recipe.flip and recipe.colour_noise is None and recipe.decay == 0
        assert (recipe.mean, recipe.schedule, recipe.precision) == (
            *("none", "steps", "float32"),
        )
        assert recipe.drops[-1] < recipe.last_epoch <= 50
    assert (LENET5.form, LENET5_1998.form) == ("modern", "1998")


def test_a_run_goes_on_with_the_same_bits(run_of_1998, tens, tmp_path):
    part = tmp_path / "part"
    train(tens, part, "--preset", "lenet5-1998", "--epochs", "1")
    train(tens, part, "--resume", "--epochs", "2")
    assert_same_end(part, run_of_1998)


def test_the_network_takes_pictures_as_they_are(trained):
    config = trained.config
    assert config.preprocessing["mean"] == "none"
    assert config.preset == SMALL_PRESETS[config.preset.name].replace(
        batch_size=8, epochs=2, xla=False, read_run=1
    )
    pixels = small.picture(0, 1, 32, 32)
    image = trained.image(pixels)
    np.testing.assert_array_equal(image, pixels)
    (found,) = trained.predict([pixels], top=10)
    assert {*found.labels} == {*DIGITS}


def test_layers_have_features_by_the_names_of_the_paper(trained):
    picture = small.picture(0, 1, 32, 32)
    found = {name: trained.features([picture], name)[0] for name in SHAPES}
    assert {name: array.shape for name, array in found.items()} == SHAPES
    preset = trained.config.preset
    assert {*SHAPES} <= {*layer_names(preset)}
    scale, slope = (1.7159, 2 / 3) if preset.form == "1998" else (1, 1)
    for name in ("c1", "c3", "c5", "f6"):
        linear = trained.features([picture], f"{name}_pre")[0]
        squashed = scale * np.tanh(slope * linear.astype(np.float64))
        np.testing.assert_allclose(found[name], squashed, rtol=0, atol=1e-6)
    first = trained.first_layer()
    assert first.kernels.shape == (6, 5, 5, 3)
    responses = first.responses(trained.image(picture))
    # Of one picture or of several, sums are in another order.
    expected = found["c1"].transpose(2, 0, 1)
    np.testing.assert_allclose(responses, expected, rtol=0, atol=1e-6)
    heat = trained.explain(picture, "grad_cam", class_index=3).map
    assert heat.shape == (32, 32)


def test_safetensors_are_enough_alone(trained, tmp_path):
    path = EXPORTERS["safetensors"](trained, tmp_path / "out") / "network.safetensors"
    told = import_weights(path, tmp_path / "again")
    assert (told.preset, told.classes) == (trained.config.preset.name, 10)
    again = load(tmp_path / "again")
    assert again.config.preprocessing == trained.config.preprocessing
    for ours, expected in zip(again.model.weights, trained.model.weights, strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize(
    "kind",
    [
        "onnx",
        pytest.param("litert", marks=pytest.mark.slow),
        pytest.param("openvino", marks=pytest.mark.slow),
        pytest.param("saved_model", marks=pytest.mark.slow),
    ],
)
def test_exports_answer_as_it_does(run_of_1998, tmp_path, kind):
    """The export itself compares with Keras before it gives the file its name."""
    network = load(run_of_1998)
    found = load(EXPORTERS[kind](network, tmp_path / "out"))
    picture = small.encode(small.picture(1, 3, 40, 50), "PNG")
    ((ours,), (expected,)) = (each.predict([picture]) for each in (found, network))
    np.testing.assert_allclose(ours.scores, expected.scores, rtol=0, atol=1e-4)
    card = tmp_path / "out" / "README.md"
    if card.exists():
        assert "# LeNet-5 `lenet5-1998`" in card.read_text()
        assert "statistics.npz" not in card.read_text()


def test_frozen_layers_stay_and_the_others_learn(run_of_1998, tens, tmp_path):
    begun = ("--init", str(run_of_1998), "--freeze-through", "c3", "--epochs", "1")
    train(tens, tmp_path / "run", *begun)
    models = load(tmp_path / "run").model, load(run_of_1998).model
    for place, name in enumerate(LENET5_1998.layers):
        pair = (model.get_layer(name).get_weights()[0] for model in models)
        assert np.array_equal(*pair) == (place < 3), name


def test_fixed_codes_stay_where_classes_are_put_in_another_order(run_of_1998):
    preset = LENET5_1998.replace(init=str(run_of_1998), keep_rows=True)
    model = compile_network(preset, 10)
    output = model.get_layer("output")
    codes = output.codes.numpy()
    initial = InitialWeights.read(run_of_1998)
    assert "model/output/codes" not in initial.arrays
    assert len(initial.give(model, DIGITS[::-1], preset)) == 10
    np.testing.assert_array_equal(output.codes, codes)
    f6 = initial.arrays["model/f6/kernel"]
    np.testing.assert_array_equal(model.get_layer("f6").kernel, f6)


def test_weights_of_the_other_form_are_refused(run_of_1998, tens, tmp_path, capsys):
    run, typed = str(run_of_1998), [str(tens), str(tmp_path / "run")]
    with pytest.raises(UserError, match="Expected --preset lenet5-1998, .* got lenet5"):
        settings([*typed, "--init", run, "--preset", "lenet5"])
    _, control = settings(typed)
    with pytest.raises(UserError, match="for --init, got another: 7 of 14 weights"):
        fit.train(LENET5.replace(init=run, batch_size=8), control)
    told = capsys.readouterr().out
    assert "c3/kernel" in told and "s2/bias" in told and "codes" not in told


def test_the_form_of_1998_refuses_other_classes_before_there_is_a_run(tmp_path):
    threes = build(tmp_path, small.CLASSES)
    with pytest.raises(UserError, match="Expected 10 classes .*--preset lenet5"):
        train(threes, tmp_path / "run", "--preset", "lenet5-1998")
    assert not (tmp_path / "run").exists()
    train(threes, tmp_path / "run", "--preset", "lenet5", "--epochs", "1")
