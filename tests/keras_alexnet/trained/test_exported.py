import pytest

from keras_alexnet import load
from tests import small
from tfrecords import DatasetError


@pytest.fixture(scope="module")
def pictures():
    return [small.encode(small.picture(label, 9)) for label in range(3)]


def test_views_of_an_export_are_built_in_and_others_are_refused(
    exported, exported_ten, pictures
):
    for version, own, other in ((exported, 1, 10), (exported_ten, 10, 1)):
        opened = load(version)
        assert opened.views == own
        found = opened.predict(pictures, top=3)
        assert found == opened.predict(pictures, views=own, top=3)
        assert [len(p.labels) for p in found] == [3, 3, 3]  # whatever was exported
        said = rf"Expected {own} view\(s\).*built in, got {other}. Leave --views out"
        with pytest.raises(DatasetError, match=said):
            opened.predict(pictures, views=other)


def test_an_export_has_no_keras_model_and_says_so(exported, tmp_path):
    network = load(exported)
    with pytest.raises(DatasetError, match="got the export .*Take the folder that"):
        _ = network.model
    with pytest.raises(DatasetError, match="got the export"):
        network.save(tmp_path / "network")
    for ask in (network.at, lambda layer: network.features([], layer)):
        with pytest.raises(DatasetError, match="got the export .*Take the folder that"):
            ask("fc7")
    assert not list(tmp_path.iterdir())
