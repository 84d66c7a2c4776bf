import stat

import pytest

from keras_alexnet.trained.folder import open_network
from keras_alexnet.trained.new_folder import (
    NetworkFacts,
    check_new_folder,
    new_network_folder,
)
from tfrecords.errors import UserError


def test_what_is_there_is_left_alone(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path, tmp_path / "file"):
        with pytest.raises(UserError, match="new or empty folder.*Choose another"):
            check_new_folder(folder)
    assert check_new_folder(str(tmp_path / "new")) == tmp_path / "new"


def test_others_may_read_it_as_they_may_any_folder(run, tmp_path):
    facts = NetworkFacts(*open_network(run)[1:])
    with new_network_folder(tmp_path / "net", "network.x", facts) as path:
        path.write_bytes(b"x")
    (tmp_path / "plain").mkdir()
    modes = [stat.S_IMODE((tmp_path / n).stat().st_mode) for n in ("net", "plain")]
    assert modes[0] == modes[1]


def test_a_folder_that_cannot_be_made_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("x")
    facts = NetworkFacts(*open_network(run)[1:])
    with pytest.raises(UserError, match="Cannot write .*network.x") as error:
        with new_network_folder(tmp_path / "file/net", "network.x", facts):
            raise AssertionError
    assert "\n" not in str(error.value)
