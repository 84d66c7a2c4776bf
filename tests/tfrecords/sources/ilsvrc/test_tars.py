import io

import pytest

from tests.tfrecords.sources.conftest import SIZES, changed
from tests.tools import synthetic_ilsvrc as twin
from tfrecords import DatasetError
from tfrecords.sources import open_source
from tfrecords.sources.ilsvrc import facts


def test_a_missing_tar_is_named(forms, tmp_path):
    tars = changed(forms, "tars", tmp_path)
    (tars / "ILSVRC2012_img_val.tar").unlink()
    with pytest.raises(DatasetError, match="ILSVRC2012_img_val.tar is missing"):
        open_source(tars)
    train = open_source(tars / "ILSVRC2012_img_train.tar")
    assert {sample.split for sample in train.samples} == {None}
    assert train.validation_fraction == 0.1
    with pytest.raises(DatasetError, match="training pictures"):
        open_source(forms / "tars/ILSVRC2012_img_val.tar")


def test_foreign_members_of_the_tars_are_listed(tmp_path):
    inner = twin.tar_of([("n01440764_1.JPEG", b"x"), ("._n01440764_1.JPEG", b"x")])
    files = [("n01440764.tar", inner), ("readme.txt", b"x")]
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(twin.tar_of(files))
    number = facts.validation_synsets().index("n01440764") + 1
    other = number % 50_000 + 1
    files = [(facts.validation_name(n), b"x") for n in (number, other)]
    (tmp_path / "ILSVRC2012_img_val.tar").write_bytes(twin.tar_of(files))
    (tmp_path / "ILSVRC2012_img_test_v10102019.tar").write_bytes(b"x")
    source = open_source(tmp_path)
    assert len(source.samples) == 2
    assert len(source.notes) == 2
    other_class = facts.validation_synsets()[other - 1]
    assert {i.file: i.reason for i in source.ignored} == {
        "ILSVRC2012_img_test_v10102019.tar": "it has no labels",
        "ILSVRC2012_img_train.tar/readme.txt": "not a class's tar",
        "ILSVRC2012_img_train.tar/train/n01440764/._n01440764_1.JPEG": (
            "of the operating system"
        ),
        facts.validation_name(other): f"its class {other_class} is not in train",
    }


def test_the_twin_is_the_same_every_time_and_has_the_odd_kinds(forms, tmp_path):
    twin.make_tars(tmp_path / "again", *SIZES)
    for path in (forms / "tars").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    assert twin.picture(0, 1, 0, 1).startswith(b"\x89PNG")
    from PIL import Image

    modes = [
        Image.open(io.BytesIO(twin.picture(0, 0, 0, k))).mode for k in (0, 2, None)
    ]
    assert modes == ["CMYK", "L", "RGB"]
