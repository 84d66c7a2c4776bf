import json

import numpy as np
import pytest

from keras_alexnet.inference.feature_files import FEATURE_FILES, index
from keras_alexnet.inference.feature_files.index import INDEX_FILES, FeatureIndex
from tests.keras_alexnet.inference.feature_files.conftest import LABELS, PATHS, SHAPES
from tfrecords.errors import UserError


@pytest.fixture
def written(make_table, tmp_path):
    """A function that writes an index with its JSON, and gives file and arrays."""

    def write(ending, names=tuple(SHAPES), order="HWC", **options):
        table, arrays = make_table(names, **options)
        path = tmp_path / f"out{ending}"
        FEATURE_FILES[ending](table, path)
        facts = {
            "layers": {name: SHAPES[name] for name in names},
            "files": PATHS,
            "labels": LABELS,
            "network": {"sha256": "00"},
            "order": order,
        }
        path.with_name(f"{path.name}.json").write_text(json.dumps(facts))
        return path, arrays

    return write


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("ending", INDEX_FILES)
def test_rows_are_read_as_they_were_written(written, monkeypatch, ending, dtype):
    path, arrays = written(ending, ["conv5_tower1"], dtype=dtype)
    monkeypatch.setattr(index, "BLOCK_BYTES", 2 * 24 * 8)
    opened = FeatureIndex(path, "conv5_tower1")
    blocks = list(opened.blocks())
    assert [len(block) for block in blocks] == [2, 2, 1]
    expected = arrays["conv5_tower1"].reshape(5, -1)
    np.testing.assert_array_equal(np.concatenate(blocks), expected)
    assert (opened.files, opened.labels, opened.network) == (PATHS, LABELS, "00")


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_one_of_several_layers_is_read(written, ending):
    path, arrays = written(ending)
    (block,) = FeatureIndex(path, "fc7").blocks()
    np.testing.assert_array_equal(block, arrays["fc7"])


def test_what_is_no_index_is_refused(written, tmp_path):
    path, _ = written(".npz", order="CHW")
    for file, layer, said in (
        (path, "fc6", "Expected layer fc6 in .*found fc7, conv5_tower1. Give --layer"),
        (path, "conv5_tower1", "order HWC in .*found CHW"),
        (tmp_path / "other.npz", "fc7", "Expected .*other.npz.json, which"),
        (tmp_path / "out.mat", "fc7", "Unknown ending of an index '.mat'"),
    ):
        with pytest.raises(UserError, match=said):
            FeatureIndex(file, layer)
    assert len(list(FeatureIndex(path, "fc7").blocks())) == 1  # without rows of maps
    path.unlink()
    with pytest.raises(UserError, match="found no file .*out.npz"):
        FeatureIndex(path, "fc7")
