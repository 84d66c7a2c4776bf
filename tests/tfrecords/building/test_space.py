import shutil

import pytest

import tfrecords
from tests.tfrecords.building.conftest import build, contents, shards
from tests.tfrecords.conftest import bad_pictures
from tfrecords import DatasetError, Manifest
from tfrecords.building import build as build_module
from tfrecords.building.space import least_bytes
from tfrecords.images.options import ImageOptions


def usage(free):
    return lambda path: shutil._ntuple_diskusage(10**12, 10**12 - free, free)


@pytest.mark.parametrize(
    ("encoding", "least"), [("raw", 36 * 3 * 32 * 32), ("jpeg-original", 24 * 700)]
)
def test_what_cannot_fit_is_refused(
    odd_tree, tmp_path, monkeypatch, written, encoding, least
):
    out = tmp_path / "out"
    monkeypatch.setattr(shutil, "disk_usage", usage(least - 1))
    with pytest.raises(DatasetError, match="GB free on the disk"):
        build(odd_tree, out, encoding=encoding)
    assert not written and not shards(out)
    monkeypatch.setattr(shutil, "disk_usage", usage(10**9))
    build(odd_tree, out, encoding=encoding)
    assert Manifest.load(out).options["encoding"] == encoding


def test_the_least_estimate_is_below_what_a_build_takes(odd_tree, tmp_path):
    for encoding in ("jpeg", "raw"):
        out = tmp_path / encoding
        manifest = build(odd_tree, out, encoding=encoding)
        taken = sum(s.bytes for part in manifest.splits.values() for s in part)
        plan_shards = _planned(odd_tree, encoding)
        options = ImageOptions(size=32, encoding=encoding)
        least = sum(least_bytes(shard, options) for shard in plan_shards)
        bad = len(bad_pictures()) * 3 * 32 * 32 if encoding == "raw" else 0
        assert 0 < least - bad < taken


def _planned(tree, encoding):
    source = tfrecords.sources.open_source(tree)
    options = ImageOptions(size=32, encoding=encoding)
    return build_module.make_plan(source, name="tiny", seed=0, images=options).shards


def test_finished_shards_need_no_space(odd_tree, whole, stopped, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", usage(0))
    build(odd_tree, stopped)
    assert contents(stopped) == whole
