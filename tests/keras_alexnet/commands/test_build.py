import dataclasses
import inspect
import shutil
import subprocess
import sys
import typing

import pytest
import tyro

import tfrecords
from keras_alexnet import cli
from keras_alexnet.commands import build
from tests import small
from tests.source_tree import ROOT
from tfrecords.images.options import ENCODINGS, FILTERS, RESIZES, Subsampling
from tfrecords.sources import KINDS


def parsed(*arguments):
    return tyro.cli(build._Arguments, args=["source", "out", *arguments])


def given(*arguments):
    return build._given(parsed(*arguments), arguments)


def test_the_options_and_their_defaults_are_those_of_the_function():
    parameters = dict(inspect.signature(tfrecords.build).parameters)
    assert parameters.pop("progress").default is True
    options = {f.name: getattr(parsed(), f.name) for f in dataclasses.fields(parsed())}
    assert set(options) == set(parameters)
    for name in ("source", "out"):
        del parameters[name], options[name]
    assert options == {name: p.default for name, p in parameters.items()}
    assert given() == {}


def test_the_choices_are_those_of_the_library():
    hints = typing.get_type_hints(build._Arguments)
    assert typing.get_args(hints["source_kind"]) == ("auto", *KINDS)
    assert typing.get_args(hints["encoding"]) == ENCODINGS
    assert set(typing.get_args(hints["filter"])) == set(FILTERS)
    assert typing.get_args(hints["resize"]) == RESIZES
    assert hints["subsampling"] == Subsampling


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], None),
        (["10"], 10),
        (["cat"], ("cat",)),
        (["3", "5"], ("3", "5")),
        (["FILE"], ("a cat", "dog")),
    ],
)
def test_classes_are_a_number_names_or_a_file(tmp_path, words, expected):
    path = tmp_path / "names"
    path.write_bytes(b"a cat\r\ndog\n\n")
    words = [str(path) if word == "FILE" else word for word in words]
    found = given("--classes", *words) if words else given()
    assert found.get("classes") == expected


def test_beam_options_come_without_dashes():
    found = given("--runner", "X", "--beam-options", "a=1", "b=2")
    assert found == {"runner": "X", "beam_options": ("a=1", "b=2")}


@pytest.mark.parametrize(
    "words",
    [
        ("--quality", "95", "--encoding", "raw"),
        ("--subsampling=4:2:0", "--encoding=raw"),
        ("--shard-size-mb", "128", "--shards", "2"),
        ("--shard_size_mb=9", "--shards=2"),
    ],
)
def test_what_was_typed_without_effect_is_refused(tmp_path, capsys, words):
    tree = small.write_tree(tmp_path / "tree", 2)
    assert cli.main(["build", str(tree), str(tmp_path / "out"), *words]) == 1
    name = words[0].partition("=")[0].replace("_", "-")
    assert f"Leave {name} out." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_dataset_is_built_and_summed_up(tmp_path, capsys):
    out = tmp_path / "out"
    words = ("--limit=40", "--size=16", "--processes=1", "--encoding=raw")
    assert cli.main(["build", "digits", str(out), *words]) == 0
    printed = capsys.readouterr().out
    assert f"10 classes; 0 rejected, 0 ignored. Dataset folder: {out}" in printed
    assert "alexnet evaluate RUN" in printed  # there is a test split
    assert tfrecords.Manifest.load(out).options["encoding"] == "raw"


# One process that imports TensorFlow is enough: the server of the workers.
WITHOUT = """
import sys
from keras_alexnet import cli
data, digits = sys.argv[1:]
words = [
    ["build", "digits", digits, "--size", "32", "--shards", "2", "--processes", "2"],
    ["verify", data, "--processes", "2"],
    ["statistics", data, "--processes", "2"],
]
print([cli.main(each) for each in words], "tensorflow" in sys.modules)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")
def test_who_only_starts_workers_imports_no_tensorflow(dataset, tmp_path):
    data = shutil.copytree(dataset, tmp_path / "data")
    command = [sys.executable, "-c", WITHOUT, data, tmp_path / "digits"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[0, 0, 0] False", done.stderr
