import re
from pathlib import Path

from keras_alexnet.presets import PRESETS
from keras_alexnet.weights.published import PUBLISHED


def test_every_published_file_has_a_hash_a_preset_and_a_source():
    for sha1, file in PUBLISHED.items():
        assert re.fullmatch("[0-9a-f]{40}", sha1)
        assert file.preset in PRESETS and file.source
    assert PUBLISHED["9116a64c0fbe4459d18f4bb6b56d647b63920377"].name == "bvlc_alexnet"


def test_the_document_names_them_all():
    text = (Path(__file__).parents[3] / "docs" / "weights.md").read_text()
    for sha1, file in PUBLISHED.items():
        assert f"`{sha1}` | `{file.name}.caffemodel`" in text
