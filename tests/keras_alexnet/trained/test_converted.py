import io
import json
import shutil

import numpy as np
import pytest
from PIL import ExifTags, Image

from keras_alexnet import cli, load
from keras_alexnet.trained.converted import CONVERTED_FILES
from tests import small
from tfrecords.errors import UserError

KINDS = {file: known[0] for file, known in CONVERTED_FILES.items()}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, kind in enumerate(("JPEG", "PNG", "BMP", "WEBP")):
        pixels = small.picture(number % 3, number, 70 + number, 120)
        (folder / f"{number}.{kind.lower()}").write_bytes(small.encode(pixels, kind))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def expected(run, pictures):
    network = load(run)
    return {views: network.predict(pictures, views=views) for views in (1, 10)}


def assert_near(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert (a.labels, a.file, a.error) == (b.labels, b.file, "")
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)


@pytest.mark.parametrize(("file", "runtime"), KINDS.items())
def test_a_folder_answers_as_the_run_that_it_was_made_of(
    converted, pictures, expected, file, runtime
):
    network = load(converted[file])
    assert network.runtime == runtime and network.labels == [*small.CLASSES]
    assert_near(network.predict(pictures, views=10), expected[10])
    broken = [*pictures[:2], b"no picture", *pictures[2:]]
    found = network.predict(broken)
    assert found.pop(2).error.startswith("unknown_format")
    assert_near(found, expected[1])


def test_openvino_reads_a_file_of_onnx_too(converted, pictures, expected):
    network = load(converted["network.onnx"], runtime="openvino")
    assert network.runtime == "openvino"
    assert_near(network.predict(pictures), expected[1])


def hard_pictures():
    """Twenty JPEGs: of three colours, grey and CMYK, turned and not."""
    for number in range(20):
        image = Image.fromarray(small.picture(number % 3, number, 75 + number, 140))
        image = image.convert(("RGB", "RGB", "RGB", "L", "CMYK")[number % 5])
        exif, file = Image.Exif(), io.BytesIO()
        exif[ExifTags.Base.Orientation] = 1 + number % 8
        image.save(file, "JPEG", exif=exif, quality=80 + number)
        yield file.getvalue()


def seen(folder, pictures):
    """What the network of a folder is given of pictures."""
    network, kept = load(folder), []

    def compute(images):
        kept.append(np.asarray(images))
        return np.full((len(images), 3), 1 / 3, np.float32)

    network._compute = compute
    assert not any(p.error for p in network.predict(pictures))
    return np.concatenate(kept)


@pytest.mark.parametrize("turned", [False, True])
def test_the_pixels_are_those_of_the_run_to_the_last_bit(
    converted, run, tmp_path, turned
):
    pictures, folders = [*hard_pictures()], {**converted, "run": run}
    images = {}
    for name, folder in folders.items():
        shown = shutil.copytree(folder, tmp_path / name)
        small.change_config(shown, preprocessing={"apply_exif": turned})
        images[name] = seen(shown, pictures)
    expected = images.pop("run")
    assert len(expected) == 20 and np.ptp(expected, axis=0).any()
    for found in images.values():
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("file", KINDS)
def test_no_pictures_give_no_answers(converted, file):
    network = load(converted[file])
    assert network.predict([]) == []
    none = np.zeros((0, small.INPUT, small.INPUT, 3), np.float32)
    assert network.probabilities(none).shape == (0, 3)


def test_what_a_file_cannot_do_is_refused(converted, tmp_path):
    folder = converted["network.tflite"]
    with pytest.raises(UserError, match="--runtime litert for .*, got onnx"):
        load(folder, runtime="onnx")
    with pytest.raises(UserError, match="for a Keras model, got the export"):
        load(folder).features([], "fc7")
    fewer = shutil.copytree(folder, tmp_path / "fewer")
    (fewer / "labels.txt").write_text("one\n")
    with pytest.raises(UserError, match="Expected 3 names in .*, found 1"):
        load(fewer)


def test_evaluate_counts_the_errors_of_a_file(converted, run, dataset, tmp_path):
    folder = shutil.copytree(converted["network.onnx"], tmp_path / "onnx")
    for path, name in ((folder, "onnx"), (run, "run")):
        report = str(tmp_path / f"{name}.json")
        arguments = ["evaluate", str(path), str(dataset), "--json", report]
        assert cli.main([*arguments, "--views", "1"]) == 0
    texts = [(tmp_path / f"{name}.json").read_text() for name in ("onnx", "run")]
    first, second = map(json.loads, texts)
    assert (first["runtime"], second["runtime"]) == ("onnx", "tensorflow")
    for counted in ("images", "top1_error", "top5_error", "confusion", "classes"):
        assert first[counted] == second[counted]
