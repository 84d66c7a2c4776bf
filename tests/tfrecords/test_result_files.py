import errno
import os
from pathlib import Path

import pytest

from tfrecords.errors import DatasetError
from tfrecords.files import staged, write_atomically
from tfrecords.result_files import ResultFiles


def test_a_folder_that_is_not_there_is_made_when_it_is_needed(tmp_path):
    path = tmp_path / "a" / "b" / "c.json"
    files = ResultFiles(path, None)
    assert not list(tmp_path.iterdir())
    files.write(path, b"{}")
    files.write(None, b"unwanted")
    files.close()
    assert path.read_bytes() == b"{}"
    assert [each.name for each in path.parent.iterdir()] == ["c.json"]


@pytest.mark.parametrize("name", [".", "file/x", "x" * 300, "x" * 253, "link/x"])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DatasetError) as refusal:
        ResultFiles(tmp_path / name)
    assert str(tmp_path / name) in str(refusal.value)
    assert ".tmp" not in str(refusal.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DatasetError, match="cannot be written to"):
        ResultFiles(tmp_path / "x")


def test_two_results_in_one_file_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="a file for each"):
        ResultFiles(tmp_path / "x", tmp_path / "x")


def test_a_full_disk_is_told_at_the_end_by_the_users_path(tmp_path, monkeypatch):
    files = ResultFiles(tmp_path / "x.json", tmp_path / "x.csv")
    write_bytes = Path.write_bytes

    def full(path, data):
        if ".json" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    files.write(tmp_path / "x.json", b"1")
    files.write(tmp_path / "x.csv", b"2")
    with pytest.raises(DatasetError, match="writing x.json") as told:
        files.close()
    assert ".tmp" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_errors_of_a_staged_file_name_the_final_one(tmp_path):
    path = tmp_path / "nowhere" / "x"
    with pytest.raises(FileNotFoundError) as raised, staged(path) as temporary:
        temporary.write_text("")
    assert raised.value.filename == str(path)
    with pytest.raises(FileNotFoundError) as raised, staged(path):
        (tmp_path / "another").read_text()
    assert raised.value.filename == str(tmp_path / "another")


def test_links_stay_and_devices_are_written_into(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("file")
    (tmp_path / "file").write_text("old")
    write_atomically(link, b"new")
    assert link.is_symlink() and (tmp_path / "file").read_text() == "new"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files = ResultFiles(fifo)
        files.write(fifo, b"through")
        files.close()
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert not fifo.is_file()
