"""The small dataset in the encodings that are not the usual one."""

import pytest

import tfrecords
from tests.small import CLASSES, STORED, encode, picture


@pytest.fixture(scope="session")
def odd_tree(tmp_path_factory):
    """Pictures of several shapes."""
    root = tmp_path_factory.mktemp("shapes")
    for label, name in enumerate(CLASSES):
        (root / name).mkdir()
        for seed in range(16):
            pixels = picture(label, seed, 75 + seed, 105 - 2 * seed)
            (root / name / f"{seed:02d}.jpg").write_bytes(encode(pixels))
    return root


def build(tree, out, encoding, **more):
    options = {"size": STORED, "shards": 2, "validation_fraction": 0.25}
    options |= {"name": "small", "processes": 1, "progress": False}
    tfrecords.build(tree, out, encoding=encoding, **options, **more)
    return out


@pytest.fixture(scope="session")
def raw(odd_tree, tmp_path_factory):
    return build(odd_tree, tmp_path_factory.mktemp("raw") / "data", "raw")


@pytest.fixture(scope="session")
def original(odd_tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "data"
    return build(odd_tree, folder, "jpeg-original")


@pytest.fixture(scope="session")
def warped(odd_tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("warped") / "data"
    return build(odd_tree, folder, "jpeg-original", resize="warp")
