import typing

import pytest
import tyro

from keras_alexnet.commands import build
from tfrecords.images.options import ENCODINGS, FILTERS, SUBSAMPLINGS
from tfrecords.sources import KINDS


def parsed(*arguments):
    return tyro.cli(build.BuildOptions, args=["source", "out", *arguments])


def test_the_choices_are_those_of_the_library():
    hints = typing.get_type_hints(build.BuildOptions)
    assert typing.get_args(hints["kind"]) == ("auto", *KINDS)
    assert typing.get_args(hints["encoding"]) == ENCODINGS
    assert set(typing.get_args(hints["filter"])) == set(FILTERS)
    assert typing.get_args(hints["subsampling"]) == SUBSAMPLINGS


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], None),
        (["10"], 10),
        (["cat"], ("cat",)),
        (["3", "5"], ("3", "5")),
        (["FILE"], ("a cat", "dog")),
    ],
)
def test_classes_are_a_number_names_or_a_file(tmp_path, given, expected):
    path = tmp_path / "names"
    path.write_bytes(b"a cat\r\ndog\n\n")
    given = [str(path) if value == "FILE" else value for value in given]
    options = parsed("--classes", *given) if given else parsed()
    assert build._classes(options.classes) == expected


def test_beam_options_come_without_dashes():
    options = parsed("--runner", "X", "--beam-options", "a=1", "b=2")
    assert (options.runner, options.beam_options) == ("X", ("a=1", "b=2"))
