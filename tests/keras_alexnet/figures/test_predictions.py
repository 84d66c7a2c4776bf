from keras_alexnet import load
from keras_alexnet.figures.predictions import MOST_PICTURES, draw
from tests import small
from tests.keras_alexnet.figures.conftest import texts


def test_bars_are_probabilities_and_the_right_one_is_marked(run, red, drawn, tmp_path):
    other = tmp_path / "pink" / "a$b$.jpg"
    other.parent.mkdir()
    other.write_bytes(small.encode(small.picture(0, 34)))
    draw([run, red, other], tmp_path / "out.png")
    network = load(run)
    (figure,) = drawn
    uppers, lowers = figure.axes[:2], figure.axes[2:]
    assert [axes.get_title() for axes in uppers] == ["red", "a$b$.jpg"]
    assert not any(axes.title.get_parse_math() for axes in uppers)
    crop = network.explainer().crop(network.image(red))
    assert (uppers[0].images[0].get_array() == crop).all()
    predictions = network.predict([red, other])
    for axes, prediction, truth in zip(lowers, predictions, (2, None), strict=True):
        assert [bar.get_width() for bar in axes.patches] == prediction.scores
        marked = [bar.get_hatch() is not None for bar in axes.patches]
        assert marked == [place == truth for place in prediction.classes]
        names = [text.get_text() for text in axes.texts[::2]]
        ticked = zip(prediction.labels, marked, strict=True)
        assert names == [f"✓ {label}" if tick else label for label, tick in ticked]
        shares = [text.get_text() for text in axes.texts[1::2]]
        assert shares == [f"{score:.1%}" for score in prediction.scores]
    first = int(predictions[0].classes[0] == 2)
    caption = " ".join(text.get_text() for text in figure.texts)
    assert f"Right at first guess: {first} of 1; among the 3 shown: 1." in caption


def test_nothing_is_right_where_no_class_is_known(run, drawn, tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(small.encode(small.picture(0, 34)))
    draw([run, path], tmp_path / "out.png")
    assert "first guess" not in " ".join(text.get_text() for text in drawn[0].texts)
    assert "✓" not in "".join(texts(drawn[0]))
    assert MOST_PICTURES == 40  # as the help says
