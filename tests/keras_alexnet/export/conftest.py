"""What the tests of exports share."""

import contextlib
import io
import os
import re

import numpy as np
import pytest

from keras_alexnet import load
from tests import small


@pytest.fixture(scope="module")
def network(run):
    return load(run)


@pytest.fixture(scope="module")
def photo():
    """A PNG, whose decoders all agree, that is smaller on neither side."""
    return small.encode(small.picture(1, 3, 110, 150), "PNG")


@pytest.fixture
def named_by_its_card(photo):
    """A function that runs the program in the card of an export, as a reader would.

    It gives the best label and the probabilities that the program prints.
    """

    def run_card(folder):
        (program,) = re.findall(
            r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL
        )
        (folder / "picture.jpg").write_bytes(photo)
        printed, here = io.StringIO(), os.getcwd()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(program, "README.md", "exec"), {})
        finally:
            os.chdir(here)
            (folder / "picture.jpg").unlink()
        return [line.split(" ", 1) for line in printed.getvalue().splitlines()]

    return run_card


@pytest.fixture
def assert_named(network, photo, named_by_its_card):
    """A function that holds what a card's program prints to what `predict` says.

    Pillow rounds a resize to whole numbers after each of two passes and the graph once,
    which moves an eighth of the pixels by 1 of 255.
    """
    (expected,) = network.predict([photo], top=5)

    def check(folder):
        found = named_by_its_card(folder)
        assert [label for _, label in found] == expected.labels
        scores = [float(score) for score, _ in found]
        np.testing.assert_allclose(scores, expected.scores, atol=2e-3)

    return check
