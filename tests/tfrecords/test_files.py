import errno
import os
from pathlib import Path

import pytest

from tfrecords import DatasetError
from tfrecords.files import (
    disk_error,
    local_path,
    refuse_address,
    staged,
    temporary_path,
    write_atomically,
)


@pytest.mark.parametrize(
    "address", ["gs://bucket/data", "S3://b", "tfds:gs://b/x", "a+b.c-d://x"]
)
def test_an_address_is_refused_as_it_was_given(address):
    with pytest.raises(DatasetError) as caught:
        refuse_address(address)
    assert f"got {address}. Copy" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["data", "/a/b", "c:/data", "tfds:mnist:3.0.1", "a=gs://b", "./gs:/b", ""]
)
def test_what_is_no_address_passes(text):
    refuse_address(text)
    assert local_path(text) == Path(text)


@pytest.mark.parametrize(
    "address", ["file:///data/a%20b", "FILE://localhost/data/a%20b", "tfds:file:///x"]
)
def test_the_path_of_a_file_address_is_named(address):
    path = "/x" if address.endswith("x") else "/data/a b"
    with pytest.raises(DatasetError, match=f"got {address}. Give {path}.$"):
        refuse_address(address)


def test_a_path_made_of_an_address_is_seen_through(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError, match="got gs://bucket/data. Copy"):
        local_path(Path("gs://bucket/data"))
    with pytest.raises(DatasetError, match="Give /data."):
        local_path(Path("file:///data"))
    Path("gs:/bucket/data").mkdir(parents=True)
    assert local_path(Path("gs://bucket/data")).is_dir()


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"first")
    with pytest.raises(KeyboardInterrupt):
        with staged(path) as temporary:
            assert temporary == temporary_path(path) and temporary.parent == tmp_path
            temporary.write_bytes(b"sec")
            raise KeyboardInterrupt
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
    with staged(path, tmp_path / "other.tmp") as temporary:
        temporary.write_bytes(b"second")
        assert path.read_bytes() == b"first"
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_system_names_the_file_that_was_asked_for(tmp_path):
    path = tmp_path / "none" / "a.bin"
    with pytest.raises(OSError) as caught:
        write_atomically(path, b"x")
    assert caught.value.filename == str(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_what_to_free(number):
    error = disk_error(OSError(number, os.strerror(number)), Path("/d/f"), "go on")
    assert "/d while writing f. Free some space and go on." in str(error)


def test_any_other_error_names_the_file():
    found = str(disk_error(OSError(errno.EROFS, os.strerror(errno.EROFS)), Path("/d")))
    assert found.startswith("Cannot write /d: Read-only file system. Choose")
