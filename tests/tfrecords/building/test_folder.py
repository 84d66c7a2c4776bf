import pytest

from tests.tfrecords.building.conftest import build, contents, results
from tfrecords import DatasetError


def test_an_unfinished_folder_of_another_plan_is_refused(odd_tree, stopped):
    before = [path.read_bytes() for path in results(stopped)]
    with pytest.raises(DatasetError, match=r"unfinished .*\(seed 0 there, 1 now\)"):
        build(odd_tree, stopped, seed=1)
    assert [path.read_bytes() for path in results(stopped)] == before


def test_a_lost_shard_is_built_again(good_tree, tmp_path):
    build(good_tree, tmp_path / "out")
    before = contents(tmp_path / "out")
    (tmp_path / "out" / "tiny-train.tfrecord-00001-of-00003").unlink()
    build(good_tree, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_folder_of_another_plan_is_refused_with_the_difference(good_tree, tmp_path):
    build(good_tree, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(DatasetError, match="size 32 there, 64 now"):
        build(good_tree, tmp_path / "out", size=64)
    assert contents(tmp_path / "out") == before


def test_a_folder_of_other_files_is_refused(good_tree, tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DatasetError, match=r"thesis\.tex"):
        build(good_tree, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_that_cannot_be_made_is_one_clear_line(good_tree, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match=r"Cannot write .*file/out") as caught:
        build(good_tree, tmp_path / "file" / "out")
    assert "\n" not in str(caught.value)
