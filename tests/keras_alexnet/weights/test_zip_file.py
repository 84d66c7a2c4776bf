import zipfile

import pytest

from keras_alexnet.weights.zip_file import MOST_ENTRIES, open_zip, read_entry
from tfrecords.errors import UserError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.pth"

    def write(entries, **options):
        with zipfile.ZipFile(path, "w", **options) as written:
            for name, data in entries:
                written.writestr(name, data)
        return path

    return write


def test_an_entry_is_read(file):
    with open_zip(file([("net/data.pkl", b"abc")])) as opened:
        assert read_entry(opened, "net/data.pkl", 3) == b"abc"
        for name, most in (("net/data.pkl", 2), ("net/other", 9)):
            with pytest.raises(UserError, match="Expected a zip file as PyTorch"):
                read_entry(opened, name, most)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "a\\..\\x"])
def test_names_that_lead_elsewhere_are_refused(file, name):
    with pytest.raises(UserError, match="found the name"):
        open_zip(file([(name, b"x")]))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_of_a_name_and_too_many_are_refused(file):
    with pytest.raises(UserError, match="two of one name"):
        open_zip(file([("a", b"1"), ("a", b"2")]))
    with pytest.raises(UserError, match="entries or more"):
        open_zip(file([(str(n), b"") for n in range(MOST_ENTRIES + 1)]))


def test_a_compressed_entry_is_refused(file):
    bomb = file([("a", bytes(10**7))], compression=zipfile.ZIP_DEFLATED)
    with open_zip(bomb) as opened, pytest.raises(UserError, match="compressed"):
        read_entry(opened, "a", 10**8)


def test_damage_is_found(file):
    path = file([("a", b"x" * 1000), ("b", b"y")])
    whole = path.read_bytes()
    for end in (10, 500, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(UserError, match="damaged"):
            open_zip(path)
    path.write_bytes(whole.replace(b"xxxx", b"xxxz", 1))
    with open_zip(path) as opened, pytest.raises(UserError, match="damaged"):
        read_entry(opened, "a", 1000)
