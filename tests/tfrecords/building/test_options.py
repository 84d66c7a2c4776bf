import inspect
from dataclasses import fields

import pytest

import tfrecords
from tests.tfrecords.building.conftest import build
from tfrecords import DatasetError
from tfrecords.building.options import BuildOptions
from tfrecords.images.options import ImageOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "My-Set"}, "small letters"),
        ({"max_rejected": 2}, "max_rejected from 0 to 1"),
        ({"quality": 101}, "quality from 1 to 100"),
        ({"processes": 0}, "at least 1 process"),
        ({"encoding": "bmp"}, "encoding to be one of"),
        ({"beam_options": ["a=1"]}, "Expected a --runner"),
        ({"runner": "DirectRunner"}, "--processes or --runner, got both"),
    ],
)
def test_wrong_options_are_one_clear_line(good_tree, tmp_path, options, words):
    with pytest.raises(DatasetError, match=words):
        build(good_tree, tmp_path / "out", **options)


IDLE = {
    "quality": {"encoding": "raw", "quality": 95},
    "subsampling": {"encoding": "raw", "subsampling": "4:2:0"},
    "shard_size_mb": {"shards": 2, "shard_size_mb": 128},
}


@pytest.mark.parametrize(("name", "options"), IDLE.items(), ids=IDLE)
def test_what_is_given_without_effect_is_refused(good_tree, tmp_path, name, options):
    with pytest.raises(DatasetError, match=f"Expected no {name} with") as caught:
        tfrecords.build(good_tree, tmp_path / "out", progress=False, **options)
    option = f"--{name.replace('_', '-')}"
    assert str(caught.value).endswith(f"Leave {option} out.")
    assert not (tmp_path / "out").exists()


def test_defaults_that_were_not_given_are_no_fault():
    given = {"encoding": "raw", "size": 8, "shards": 2, "processes": 1}
    BuildOptions(**given).check_effect(given)
    given = {"encoding": "jpeg-original", "quality": 80, "shard_size_mb": 9}
    BuildOptions(**given).check_effect(given)


def test_the_function_shows_each_option_with_its_default():
    parameters = inspect.signature(tfrecords.build).parameters
    assert list(parameters)[:3] == ["source", "out", "progress"]
    options = {field.name: field.default for field in fields(BuildOptions)}
    assert {n: p.default for n, p in list(parameters.items())[3:]} == options
    assert parameters["size"].annotation is int
    with pytest.raises(TypeError, match="'colour'"):
        tfrecords.build("digits", "out", colour=True)


def test_options_are_handed_on_to_what_they_concern():
    options = BuildOptions(size=32, encoding="raw", classes=3, limit=9)
    assert options.images == ImageOptions(size=32, encoding="raw")
    assert options.selection == {
        **{"classes": 3, "limit": 9},
        **{"exclude": None, "relabel": None},
    }
