import pytest

from tests.tfrecords.conftest import fill
from tests.tools import synthetic_ilsvrc as twin
from tfrecords import DatasetError
from tfrecords.sources import open_source


def test_flat_validation_folders_pass_over_them_too(tmp_path):
    fill(tmp_path, "train/n01440764/1.jpg", "val/ILSVRC2012_val_00000293.JPEG")
    fill(tmp_path, "val/Thumbs.db", "val/@eaDir/x.jpg", "train/__MACOSX/x.jpg")
    source = open_source(tmp_path)
    assert (source.kind, len(source.samples)) == ("flat", 2)
    reasons = {i.file: i.reason for i in source.ignored}
    assert "operating system" in reasons["val/Thumbs.db"]
    assert "operating system" in reasons["val/@eaDir/"]


def test_a_validation_number_beyond_the_last_is_an_error(tmp_path):
    inner = twin.tar_of([("n01440764_1.JPEG", b"x")])
    (tmp_path / "ILSVRC2012_img_train.tar").write_bytes(
        twin.tar_of([("n01440764.tar", inner)])
    )
    beyond = [("ILSVRC2012_val_00050001.JPEG", b"x")]
    (tmp_path / "ILSVRC2012_img_val.tar").write_bytes(twin.tar_of(beyond))
    with pytest.raises(DatasetError, match="00050001"):
        open_source(tmp_path)
