import pytest

from tfrecords.images.options import ImageOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"filter": "cubic"},
        {"resize": "stretch"},
        {"quality": 0},
        {"size": 0},
        {"subsampling": "4"},
    ],
)
def test_wrong_options_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ImageOptions(**wrong)


def test_an_unknown_encoding_is_named():
    with pytest.raises(ValueError, match="jpeg-original, raw: 'png'"):
        ImageOptions(encoding="png")
    with pytest.raises(ValueError, match="encoding"):
        ImageOptions.recorded({"size": 32, "quality": 95})


def test_a_manifest_says_how_squares_were_made_where_it_is_not_as_ever():
    for options in (ImageOptions(size=32), ImageOptions(filter="box", resize="warp")):
        assert ImageOptions.recorded(options.to_record()) == options
    assert "resize" not in ImageOptions(size=32).to_record()
    assert ImageOptions(resize="warp").to_record()["resize"] == "warp"
