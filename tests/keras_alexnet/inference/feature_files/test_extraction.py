import hashlib
import json

import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.inference.feature_files import extraction
from keras_alexnet.inference.feature_files.extraction import Extraction
from keras_alexnet.inference.named_pictures import FileList
from tests import small
from tfrecords.errors import UserError

LAYERS = ("fc7", "conv5_tower2", "pool1")


@pytest.fixture(scope="module")
def network(run):
    return load(run)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Seven pictures, two of them broken, and batches of three."""
    monkeypatch.setattr(extraction, "BATCH_SIZE", 3)
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = [folder / f"{number}.jpg" for number in range(7)]
    for number, path in enumerate(paths):
        path.write_bytes(small.encode(small.picture(number % 3, number)))
    paths[1].write_bytes(b"nothing")
    paths[6].unlink()
    return paths


def extract(network, files, layers=LAYERS, order="HWC", dtype="float32"):
    facts = {"sha256": "00"}
    extractor = network.extractor(layers)
    return Extraction(extractor, layers, FileList(files), order, dtype, facts)


def good(files):
    return [path for number, path in enumerate(files) if number not in (1, 6)]


def test_rows_are_the_features_of_the_pictures_that_can_be_read(
    network, files, tmp_path
):
    out = tmp_path / "out.npz"
    table = extract(network, files).write(out, progress=False)
    found = np.load(out)
    for layer in LAYERS:
        np.testing.assert_array_equal(
            found[layer], network.features(good(files), layer)
        )
    assert found["paths"].tolist() == list(map(str, good(files)))
    beside = json.loads((tmp_path / "out.npz.json").read_text())
    assert beside["files"] == found["paths"].tolist() and beside["labels"] is None
    assert beside["network"] == {"sha256": "00"} and beside["order"] == "HWC"
    assert beside["layers"]["conv5_tower2"] == [3, 3, 4]
    broken = [(each["file"], each["error"]) for each in beside["left_out"]]
    assert broken == table.left_out
    assert [file for file, _ in broken] == [str(files[1]), str(files[6])]
    assert broken[0][1].startswith("unknown_format")
    assert {*tmp_path.iterdir()} == {
        out,
        out.with_name("out.npz.json"),
        files[0].parent,
    }


def test_maps_are_turned_and_numbers_narrowed_on_request(network, files, tmp_path):
    out = tmp_path / "out.npz"
    extract(network, files, order="CHW", dtype="float16").write(out, progress=False)
    found = np.load(out)
    assert found["pool1"].shape == (5, 8, 7, 7) and found["pool1"].dtype == np.float16
    for layer in LAYERS:
        expected = network.features(good(files), layer)
        if expected.ndim == 4:
            expected = expected.transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(found[layer], expected.astype(np.float16))


def test_what_float16_does_not_hold_is_refused(network, files, tmp_path):
    network = load(network.path)
    kernel = network.model.get_layer("conv1").kernel
    kernel.assign(kernel * 1e6)
    with pytest.raises(UserError, match="conv1_pre that float16 holds.*float32"):
        extract(network, files, ["conv1_pre"], dtype="float16").write(
            tmp_path / "out.npy", progress=False
        )
    assert not (tmp_path / "out.npy").exists()


@pytest.mark.parametrize(
    "ending", [".npy", ".npz", ".h5", ".mat", ".parquet", ".tfrecord"]
)
def test_a_killed_extraction_goes_on_to_the_same_bytes(
    network, files, tmp_path, monkeypatch, ending
):
    layers = ["conv5"]
    whole, resumed = tmp_path / f"whole{ending}", tmp_path / f"resumed{ending}"
    extract(network, files, layers).write(whole, progress=False)
    stopping = extract(network, files, layers)
    compute, calls = stopping.extractor, []

    def killed(image_bytes):
        calls.append(len(image_bytes))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return compute(image_bytes)

    killed.shapes = compute.shapes
    object.__setattr__(stopping, "extractor", killed)
    with pytest.raises(KeyboardInterrupt):
        stopping.write(resumed, progress=False)
    assert not resumed.exists()
    going_on = extract(network, files, layers)
    seen = []
    answer = extraction.answer_pictures
    monkeypatch.setattr(
        extraction,
        "answer_pictures",
        lambda pictures, compute: seen.extend(pictures) or answer(pictures, compute),
    )
    going_on.write(resumed, progress=False)
    assert seen == files[3:]  # the first batch was kept
    first, second = (
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (whole, resumed)
    )
    assert first == second
    beside = [path.with_name(f"{path.name}.json") for path in (whole, resumed)]
    assert beside[0].read_bytes() == beside[1].read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_no_picture_that_can_be_read_leaves_no_file(network, files, tmp_path):
    with pytest.raises(UserError, match="found none: .*1.jpg: unknown_format"):
        extract(network, [files[1]]).write(tmp_path / "out.npz", progress=False)
    assert not list(tmp_path.glob("out*"))


def test_a_full_disk_is_one_line_and_leaves_no_file(
    network, files, tmp_path, monkeypatch
):
    def full(table, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setitem(extraction.FEATURE_FILES.places, ".npz", f"{__name__}:full")
    monkeypatch.setitem(globals(), "full", full)
    with pytest.raises(UserError, match="No space left on the disk of .*out.npz"):
        extract(network, files).write(tmp_path / "out.npz", progress=False)
    assert not (tmp_path / "out.npz").exists()
