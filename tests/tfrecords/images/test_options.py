import pytest

from tfrecords.images.options import ImageOptions


@pytest.mark.parametrize(
    "wrong", [{"filter": "cubic"}, {"quality": 0}, {"size": 0}, {"subsampling": "4"}]
)
def test_wrong_options_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ImageOptions(**wrong)


def test_an_unknown_encoding_is_named():
    with pytest.raises(ValueError, match="jpeg-original, raw: 'png'"):
        ImageOptions(encoding="png")
    with pytest.raises(ValueError, match="encoding"):
        ImageOptions.recorded({"size": 32, "quality": 95})
