import shutil
import tarfile

import pytest

from tests.tfrecords.sources.conftest import changed
from tests.tools import synthetic_ilsvrc as twin
from tfrecords import DatasetError
from tfrecords.sources import open_source


def test_the_order_of_the_devkit_is_recorded(forms, tmp_path):
    converted = "devkit ids, converted to sorted_wnid"
    assert open_source(forms / "tars").label_order == converted
    assert open_source(forms / "folders").label_order == "sorted_wnid"
    flat = changed(forms, "flat", tmp_path)
    with tarfile.open(flat / "ILSVRC2012_devkit_t12.tar.gz") as tar:
        tar.extractall(flat, filter="data")
    (flat / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    source = open_source(flat)
    assert source.label_order == converted
    assert source.ignored == ()
    shutil.rmtree(flat / "ILSVRC2012_devkit_t12")
    assert open_source(flat).label_order == "sorted_wnid"
    assert open_source(flat).samples == source.samples


def test_the_devkit_of_the_twin_is_in_an_order_of_its_own():
    _, numbers = twin.synset_table()
    assert sorted(numbers.values()) == list(range(1, 1001))
    assert sorted(numbers, key=numbers.get) != sorted(numbers)


def test_a_devkit_that_disagrees_is_an_error_that_names_a_picture(forms, tmp_path):
    flat = changed(forms, "flat", tmp_path)
    with tarfile.open(flat / "ILSVRC2012_devkit_t12.tar.gz") as tar:
        tar.extractall(flat, filter="data")
    (flat / "ILSVRC2012_devkit_t12.tar.gz").unlink()
    truth = flat / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    lines = truth.read_text().split()
    lines[6] = lines[7] if lines[6] != lines[7] else lines[8]
    truth.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match="ILSVRC2012_val_00000007.JPEG into"):
        open_source(flat)
    truth.write_text("\n".join(lines[:-1]))
    with pytest.raises(DatasetError, match="50,000 lines"):
        open_source(flat)
    (truth.parent / "meta.mat").write_bytes(b"no table")
    with pytest.raises(DatasetError, match="Cannot read the devkit"):
        open_source(flat)


def test_a_damaged_devkit_is_one_clear_line(forms, tmp_path):
    tars = changed(forms, "tars", tmp_path)
    kit = tars / "ILSVRC2012_devkit_t12.tar.gz"
    data = kit.read_bytes()
    kit.unlink()
    for bad in (data[: len(data) // 2], b"", b"x" * 2000):
        kit.write_bytes(bad)
        with pytest.raises(DatasetError, match="Cannot read the devkit") as caught:
            open_source(tars)
        assert "\n" not in str(caught.value)
