"""A small network for the tests of the server, and a loop for those that are async."""

import pytest

from keras_alexnet import load


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def network(run):
    """The small run, opened; tests must not change it."""
    return load(run)


@pytest.fixture(scope="session")
def predicted(network):
    """A function from the bytes of a picture to what `alexnet predict` says of it."""
    return lambda data: network.predict([data])[0]
