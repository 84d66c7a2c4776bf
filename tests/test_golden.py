"""The bits of builds, streams and trainings are those of earlier versions."""

import json

import pytest

from tests import golden

RECORDED = json.loads(golden.FILE.read_text())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return golden.build_datasets(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, built):
    runs = golden.train(built["folder"], tmp_path_factory.mktemp("trained"))
    return {kind: golden.run_digests(run) for kind, run in runs.items()}


def test_a_build_gives_the_recorded_bytes(built):
    found = {name: golden.dataset_digests(data) for name, data in built.items()}
    assert found == RECORDED["datasets"]


def test_the_stream_gives_the_recorded_integers(built):
    assert golden.stream_digests(built["folder"]) == RECORDED["stream"]


def test_a_resumed_training_gives_the_bits_of_one_in_one_piece(trained):
    assert trained["resumed"] == trained["one piece"]


@pytest.mark.parametrize("kind", ["one piece", "towers"])
def test_a_training_gives_the_recorded_bits(request, kind):
    key = golden.machine_key()
    if key not in RECORDED["runs"]:
        pytest.skip(f"Nothing is recorded of {key}")
    assert request.getfixturevalue("trained")[kind] == RECORDED["runs"][key][kind]
