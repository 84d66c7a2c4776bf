import base64
import io

import numpy as np
from PIL import Image

from keras_alexnet.report.worst import tinted, worst_section


def shown(url):
    assert url.startswith("data:image/jpeg;base64,")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return np.asarray(image)


def test_the_surest_errors_are_shown_with_their_names(measured):
    (_, run), data = measured
    found = worst_section(run, data, 5)
    guesses, labels = run.best.guesses, run.best.labels
    surest = np.sort(guesses.confidence[guesses.wrong])[::-1][:5]
    assert [each["probability"] for each in found["pictures"]] == surest.tolist()
    for each in found["pictures"]:
        assert each["true"] != each["guess"] and {each["true"], each["guess"]} < {
            *labels
        }
        assert each["name"].startswith(f"{each['true']}/")
        assert shown(each["url"]).shape == (128, 128, 3)
    assert [each["name"] for each in found["explained"]] == [
        each["name"] for each in found["pictures"][:4]
    ]


def test_what_is_explained_is_the_guess_and_the_truth(measured):
    (_, run), data = measured
    found = worst_section(run, data, 1)
    (told,), (picture,) = found["explained"], found["pictures"]
    guess, truth = told["classes"]
    assert (guess["class"], truth["class"]) == (picture["guess"], picture["true"])
    # Of one view the explanation has the probability that the evaluation has.
    np.testing.assert_allclose(guess["probability"], picture["probability"], rtol=1e-4)
    assert shown(told["crop"]).shape == shown(guess["url"]).shape == (67, 67, 3)
    assert worst_section(run, data, 0) == {
        **{"side": 128, "pictures": [], "explained": []}
    }


def test_a_picture_is_tinted_where_the_map_is_high():
    crop = np.full((2, 2, 3), 100, np.uint8)
    found = tinted(crop, np.array([[0, 0.5], [1, 2]]))
    np.testing.assert_array_equal(found[0, 0], [100, 100, 100])
    np.testing.assert_array_equal(found[1, 0], [216, 96, 40])  # 3/4 of 255, 94, 20
    np.testing.assert_array_equal(found[1, 1], found[1, 0])
    assert 100 < found[0, 1, 0] < 216
