import json

import pytest

import tfrecords
from keras_alexnet.cli import main
from tests.small import write_tree
from tfrecords.images.decode import Rejected, decode

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (HEIC, "HEIC"),
        (HEIC.replace(b"heic", b"mif1"), "HEIC"),
        (HEIC.replace(b"heic", b"crx "), "Canon"),
        (HEIC.replace(b"heic", b"qt  "), "video"),
        (b"\xff\x0a" + bytes(50), "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"FUJIFILMCCD-RAW 0201", "Fujifilm"),
        (b"%PDF-1.4", "PDF"),
        (b"<!DOCTYPE html><html>not found", "web page"),
        (b"\n <HTML>", "web page"),
    ],
)
def test_kinds_that_are_not_decoded_are_called_by_their_names(data, name):
    with pytest.raises(Rejected, match=f"{name}.*save it as JPEG") as caught:
        decode(data)
    assert caught.value.reason == "no_decoder"


def test_what_is_unknown_stays_unknown():
    with pytest.raises(Rejected, match="no known picture") as caught:
        decode(b"these are not the bytes of a picture")
    assert caught.value.reason == "unknown_format"


def test_heic_pictures_are_rejected_with_what_to_do(tmp_path, capsys):
    tree = write_tree(tmp_path / "in", 2, ("blue", "red"))
    (tree / "blue" / "photo.HEIC").write_bytes(HEIC)
    arguments = ["build", str(tree), str(tmp_path / "out"), "--processes", "1"]
    assert main([*arguments, "--size", "72"]) == 1
    assert "HEIC is not read here; save it as JPEG" in capsys.readouterr().err
    options = {"max_rejected": 0.5, "size": 72, "processes": 1, "progress": False}
    tfrecords.build(tree, tmp_path / "out", **options)
    line = json.loads((tmp_path / "out" / "rejected.jsonl").read_text())
    assert (line["file"], line["reason"]) == ("blue/photo.HEIC", "no_decoder")
    assert "HEIC" in line["detail"]
