import pytest

from keras_alexnet.figures.paths import (
    check_pictures_given,
    network_and_pictures,
    only_path,
    read_evaluation,
)
from tfrecords.errors import UserError


def test_one_path_is_one(tmp_path):
    assert only_path([str(tmp_path)], "a folder") == tmp_path
    for paths in ([], [tmp_path, tmp_path]):
        with pytest.raises(UserError, match=f"a folder and .*, got {len(paths)} path"):
            only_path(paths, "a folder")


def test_a_network_comes_before_its_pictures(run, red, tmp_path):
    network, pictures = network_and_pictures([str(run), str(red)], 1)
    assert network.path == run and pictures == [red]
    for paths in ([], [run], [run, red, red]):
        with pytest.raises(UserError, match="a network folder and 1 to 1 picture"):
            network_and_pictures(paths, 1)
    with pytest.raises(UserError, match="a run folder or an exported model"):
        network_and_pictures([tmp_path, red], 1)


def test_pictures_are_files(run, tmp_path):
    with pytest.raises(UserError, match="got the folder .* Name its files"):
        check_pictures_given([tmp_path])
    with pytest.raises(UserError, match="found no .*nothing"):
        network_and_pictures([run, tmp_path / "nothing"], 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"found": 3}', None),
        ("[1]", "Expected 'found' in"),
        ("{}", "Expected 'found' in"),
        ("{", "Expected a JSON file of"),
        ("\xff", "Expected a JSON file of"),
    ],
)
def test_an_evaluation_is_read_or_refused(text, said, tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text(text, "latin-1")
    if said is None:
        assert read_evaluation([path], "found") == {"found": 3}
        return
    with pytest.raises(UserError, match=said):
        read_evaluation([path], "found")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="Cannot read .*nothing.*evaluate --json"):
        read_evaluation([tmp_path / "nothing"], "found")
