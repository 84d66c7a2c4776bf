import numpy as np
import pytest

from keras_alexnet.data import (
    BatchRows,
    PixelBatch,
    eval_dataset,
    evaluation_batches,
    ten_views,
)
from keras_alexnet.data.mean import load_statistics, mean_patch
from tests.keras_alexnet.data.streams import (
    MIDDLE,
    OPTIONS,
    PIXEL,
    VALIDATION,
    arrays,
    stored,
)
from tests.small import INPUT, STORED
from tfrecords import Statistics


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_every_picture_is_read_once_and_in_order(dataset, batch_size):
    options = {"batch_size": batch_size, "input_size": INPUT}
    batches = arrays(eval_dataset(dataset, **options))
    pixels, labels = stored(dataset, "validation")
    assert len(eval_dataset(dataset, **options)) == len(batches)
    assert np.concatenate([own for _, own in batches]).tolist() == labels
    expected = pixels[MIDDLE] - mean_patch(load_statistics(dataset), INPUT)
    images = np.concatenate([images for images, _ in batches])
    np.testing.assert_allclose(images, expected, atol=PIXEL)


def test_ten_views_subtract_the_same_patch_from_each(dataset):
    batches = arrays(
        eval_dataset(dataset, batch_size=5, input_size=INPUT, num_views=10)
    )
    pixels, _ = stored(dataset, "validation")
    patch = mean_patch(load_statistics(dataset), INPUT)
    views = ten_views(pixels.astype("float32"), INPUT) - patch
    images = np.concatenate([images for images, _ in batches])
    np.testing.assert_allclose(images, views, atol=PIXEL)


@pytest.mark.parametrize("num_views", [1, 10])
def test_pixels_become_the_images_bit_by_bit(dataset, num_views):
    options = {**OPTIONS, "num_views": num_views}
    patch = mean_patch(load_statistics(dataset), INPUT)
    both = eval_dataset(dataset, **options), evaluation_batches(dataset, **options)
    assert len(both[0]) == len(both[1]) == 2
    for (images, labels), (pixels, own) in zip(*both, strict=True):
        assert isinstance(pixels, PixelBatch)
        np.testing.assert_array_equal(pixels.normalized(patch), images)
        np.testing.assert_array_equal(labels, own)


def test_mean_can_come_from_another_folder(dataset, tmp_path):
    statistics = load_statistics(dataset)
    fields = {**vars(statistics), "mean_image": statistics.mean_image + 10}
    Statistics(**fields).save(tmp_path / "statistics.npz")
    ((own, _), *_) = arrays(eval_dataset(dataset, **OPTIONS), 1)
    ((other, _), *_) = arrays(eval_dataset(dataset, **OPTIONS, mean_from=tmp_path), 1)
    np.testing.assert_allclose(own - other, np.full(own.shape, 10.0), atol=3 * PIXEL)


@pytest.mark.parametrize("encoding", ["raw", "original"])
@pytest.mark.parametrize("num_views", [1, 10])
def test_other_encodings_are_evaluated_as_stored(request, encoding, num_views):
    dataset = request.getfixturevalue(encoding)
    options = {"batch_size": 5, "input_size": INPUT, "num_views": num_views}
    batches = arrays(evaluation_batches(dataset, **options))
    images = np.concatenate([batch[0] for batch in batches]).astype(int)
    pixels, labels = stored(dataset, "validation")
    expected = pixels[MIDDLE] if num_views == 1 else ten_views(pixels, INPUT).numpy()
    assert np.concatenate([batch[-1] for batch in batches]).tolist() == labels
    difference = np.abs(images - expected)
    if encoding == "raw":
        assert not difference.any()
    else:  # Pillow rounds twice, TensorFlow once
        assert difference.max() < 3 and difference.mean() < 0.5


@pytest.mark.parametrize("pipelines", [1, 2])
@pytest.mark.parametrize("num_views", [1, 10])
def test_replicas_together_evaluate_each_picture_once(dataset, pipelines, num_views):
    options = {"batch_size": 8, "num_views": num_views}  # 12 pictures
    options |= {"input_size": STORED if num_views == 1 else INPUT}
    whole = [
        (image.tobytes(), label)
        for images, _, _, labels in arrays(evaluation_batches(dataset, **options))
        for image, label in zip(images, labels, strict=True)
    ]
    seen, lengths = [], []
    for n in range(pipelines):
        rows = BatchRows(n, pipelines, 4)
        stream = evaluation_batches(dataset, **options, rows=rows)
        batches = arrays(stream)
        lengths += [len(batches), len(stream)]
        for images, _, _, labels, weights in batches:
            assert len(images) == len(labels) == len(weights) == 2
            assert weights.dtype == "float32" and {*weights} <= {0, 1}
            rows = zip(images, labels, weights, strict=True)
            seen += [(image.tobytes(), label) for image, label, one in rows if one]
    assert len(seen) == len(whole) == VALIDATION and sorted(seen) == sorted(whole)
    assert {*lengths} == {2 * 4 // pipelines}


def test_three_views_are_refused(dataset):
    with pytest.raises(ValueError, match="1 or 10. Received: 3"):
        eval_dataset(dataset, num_views=3)
