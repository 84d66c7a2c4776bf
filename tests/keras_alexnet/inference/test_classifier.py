import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.inference.classifier import NOT_FINITE, classify
from tests import small
from tfrecords import DatasetError

LABELS = ("blue", "green", "red")


def answering(*rows):
    """A network that gives these probabilities, whatever it is shown."""
    return lambda image_bytes: np.array(rows[: len(image_bytes)], np.float32)


def picture(seed=0):
    return small.encode(small.picture(0, seed), "PNG")


def test_the_likeliest_are_named_best_first_and_ties_by_place():
    rows = answering([0.2, 0.5, 0.3], [0.4, 0.2, 0.4])
    one, two = classify([picture(), picture()], rows, LABELS, top=2)
    assert (one.labels, one.classes) == (["green", "red"], [1, 2])
    assert one.scores == pytest.approx([0.5, 0.3]) and one.error == ""
    assert (two.labels, two.classes) == (["blue", "red"], [0, 2])
    (all_,) = classify([picture()], rows, LABELS, top=9)
    assert len(all_.labels) == 3
    with pytest.raises(DatasetError, match="top"):
        list(classify([picture()], rows, LABELS, top=0))


def test_pictures_are_paths_bytes_or_arrays(exported, tmp_path):
    pixels = small.picture(1, 5)
    path = tmp_path / "one.png"
    path.write_bytes(small.encode(pixels, "PNG"))
    found = load(exported).predict([path, str(path), path.read_bytes(), pixels])
    assert [p.file for p in found] == [str(path), str(path), "", ""]
    for prediction in found:
        assert prediction.scores == found[0].scores
        assert prediction.as_dict().keys() == {
            *("file", "labels", "classes", "scores", "error"),
        }


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 4, 3), np.float32), r"float32 \(4, 4, 3\)"),
        (np.zeros((4, 4), np.uint8), r"uint8 \(4, 4\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"uint8 \(1, 4, 4, 3\)"),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array, said):
    with pytest.raises(DatasetError, match=f"Expected a picture as uint8.*{said}"):
        list(classify([picture(), array], answering([1, 0, 0]), LABELS))


def test_a_path_that_is_no_file_is_refused_before_any_answer(tmp_path):
    asked = []
    for path, said in (
        (tmp_path / "missing.jpg", "found no .*missing.jpg"),
        (tmp_path, "got the folder"),
    ):
        with pytest.raises(DatasetError, match=said):
            list(classify([picture(), path], asked.append, LABELS))
    assert not asked


def test_files_that_cannot_be_read_do_not_stop_the_others(exported, tmp_path):
    good = small.encode(small.picture(0, 100))
    (tmp_path / "a.jpg").write_bytes(good)
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "c.jpg").write_bytes(good[: len(good) // 2])
    (tmp_path / "d.txt").write_text("no picture")
    (tmp_path / "e.jpg").write_bytes(good)
    found = load(exported).predict(sorted(tmp_path.iterdir()))
    assert [bool(p.error) for p in found] == [False, True, True, True, False]
    assert found[0].scores == pytest.approx(found[4].scores)
    assert [p.error.split(":")[0] for p in found[1:4]] == [
        "empty",
        "truncated",
        "unknown_format",
    ]


def test_a_picture_without_probabilities_has_no_answer():
    rows = answering([0.2, 0.5, 0.3], [np.nan, 0.2, 0.4])
    good, bad = classify([picture(1), picture(2)], rows, LABELS)
    assert good.labels and bad.labels == [] and bad.error == NOT_FINITE


def test_pictures_are_answered_in_batches_in_order():
    seen = []

    def counting(image_bytes):
        seen.append(len(image_bytes))
        return np.tile([[0.0, 1.0, 0.0]], (len(image_bytes), 1))

    pictures = [picture(n) for n in range(5)]
    assert len(list(classify(pictures, counting, LABELS, batch_size=2))) == 5
    assert seen == [2, 2, 1]
    assert list(classify([], counting, LABELS)) == [] and len(seen) == 3
