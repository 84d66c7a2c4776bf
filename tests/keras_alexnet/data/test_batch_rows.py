import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import Share, eval_dataset, train_dataset
from tests.small import INPUT, STORED

OPTIONS = {"input_size": INPUT}


def numbers(count):
    """Pictures that are numbers from 1 on, so that a zero has been filled in."""
    return tf.data.Dataset.range(1, count + 1).map(lambda n: (tf.cast(n, tf.int32), n))


@pytest.mark.parametrize("pipelines", [1, 2, 4])
@pytest.mark.parametrize("count", [37, 32, 3, 1])
def test_every_picture_has_weight_one_in_one_share(pipelines, count):
    seen, lengths = [], []
    for pipeline in range(pipelines):
        share = Share(pipeline, pipelines, 4)
        own = share.select(numbers(count).enumerate(), 8).map(lambda place, n: n)
        elements = list(share.fill_up(own, 8, count).as_numpy_iterator())
        lengths.append(len(elements))
        assert all(image == 0 for image, _, weight in elements if weight == 0)
        seen += [label for _, label, weight in elements if weight == 1]
    assert sorted(seen) == list(range(1, count + 1))
    assert set(lengths) == {-(-count // 8) * 8 // pipelines}


def test_rows_of_the_shares_make_up_the_batch():
    rows = [Share(pipeline, 3, 6).rows(12) for pipeline in range(3)]
    assert rows == [(0, 4), (4, 8), (8, 12)]
    assert Share(0, 3, 6).replica_batch(12) == 2
    assert Share().rows(12) == (0, 12)


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (lambda: Share(0, 1, 4).replica_batch(10), "4 replicas, got 10.*8 or 12"),
        (lambda: Share(0, 1, 4).replica_batch(2), "got 2 images.*--batch-size 4"),
        (lambda: Share(2, 2, 2), r"pipeline in \[0, 2\), got 2"),
        (lambda: Share(0, 2, 3), "same number of devices"),
    ],
)
def test_shares_that_cannot_be_are_refused(share, message):
    with pytest.raises(ValueError, match=message):
        share()


@pytest.mark.parametrize("pipelines", [1, 2, 4])
@pytest.mark.parametrize("noise", ["released", None])
def test_replicas_together_train_on_the_batches_of_one_device(
    dataset, pipelines, noise
):
    options = {**OPTIONS, "batch_size": 8, "epochs": 2, "crop_chunk": 3, "seed": 5}
    options |= {"colour_noise": noise, "first_step": 1}
    whole = list(train_dataset(dataset, **options))
    parts = [
        list(
            train_dataset(dataset, **options, share=Share(n, pipelines, 4)).take(
                len(whole) * 4 // pipelines
            )
        )
        for n in range(pipelines)
    ]
    for step, expected in enumerate(whole):
        each = 4 // pipelines
        batches = [b for p in parts for b in p[step * each : (step + 1) * each]]
        assert {images.shape[0] for images, _ in batches} == {2}
        for column in (0, 1):
            together = np.concatenate([batch[column] for batch in batches])
            np.testing.assert_array_equal(together, expected[column])


def test_a_shared_stream_has_no_end_but_an_error(dataset):
    stream = train_dataset(dataset, **OPTIONS, batch_size=8, share=Share(0, 2, 2))
    assert stream.cardinality() == tf.data.INFINITE_CARDINALITY
    with pytest.raises(tf.errors.FailedPreconditionError, match="infinite"):
        list(stream)


@pytest.mark.parametrize("pipelines", [1, 2])
def test_replicas_together_evaluate_each_picture_once(dataset, pipelines):
    options = {**OPTIONS, "input_size": STORED, "batch_size": 8}  # 12 pictures
    whole = [
        (image.tobytes(), label)
        for images, labels in eval_dataset(dataset, **options)
        for image, label in zip(images.numpy(), labels.numpy(), strict=True)
    ]
    seen, lengths = [], []
    for n in range(pipelines):
        share = Share(n, pipelines, 4)
        batches = list(eval_dataset(dataset, **options, share=share))
        lengths.append(len(batches))
        assert {tuple(images.shape) for images, *_ in batches} == {
            (2, STORED, STORED, 3)
        }
        for images, labels, weights in batches:
            rows = zip(images.numpy(), labels.numpy(), weights.numpy(), strict=True)
            seen += [(image.tobytes(), label) for image, label, one in rows if one]
    assert len(seen) == len(whole) == 12 and sorted(seen) == sorted(whole)
    assert set(lengths) == {2 * 4 // pipelines}
