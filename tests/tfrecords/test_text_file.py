import codecs

import pytest

from keras_alexnet.commands.build import _classes
from tfrecords.sources import open_source
from tfrecords.sources.selection import select

MARKS = {
    "none": ("utf-8", b""),
    "UTF-8": ("utf-8", codecs.BOM_UTF8),
    "UTF-16 LE": ("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF-16 BE": ("utf-16-be", codecs.BOM_UTF16_BE),
}


@pytest.fixture(params=MARKS.values(), ids=MARKS)
def write(request):
    """Write text as programs do that put a byte order mark before it."""
    encoding, mark = request.param

    def write(path, text):
        path.write_bytes(mark + text.encode(encoding))
        return path

    return write


def test_a_byte_order_mark_is_no_character(root, tmp_path, write):
    write(root / "a.csv", "path,label\nx/1.jpg,é\ny/2.jpg,b\n")
    source = open_source(root / "a.csv")
    assert source.labels == ("b", "é")
    exclude = write(tmp_path / "exclude.txt", "1.jpg\n")
    assert [s.key for s in select(source, exclude=exclude).samples] == ["y/2.jpg"]
    relabel = write(tmp_path / "relabel.csv", "file,label\n2.jpg,é\n")
    assert {s.label for s in select(source, relabel=relabel).samples} == {1}
    names = write(tmp_path / "names.txt", "é\r\nb\r\n")
    assert _classes([str(names)]) == ("é", "b")
    write(root / "train.txt", "x/1.jpg 0\ny/2.jpg 1\n")
    (root / "a.csv").unlink()
    listed = open_source(root)
    assert (listed.kind, listed.labels) == ("list", ("x", "y"))
