import pytest
import tensorflow as tf

from keras_alexnet.data import BatchRows


def numbers(count):
    """Pictures that are numbers from 1 on, so that a zero has been filled in."""
    return tf.data.Dataset.range(1, count + 1).map(lambda n: (tf.cast(n, tf.int32), n))


@pytest.mark.parametrize("pipelines", [1, 2, 4])
@pytest.mark.parametrize("count", [37, 32, 3, 1])
def test_every_picture_has_weight_one_once(pipelines, count):
    seen, lengths = [], []
    for pipeline in range(pipelines):
        rows = BatchRows(pipeline, pipelines, 4)
        places = tf.data.Dataset.from_tensor_slices(rows.places(0, count, 8))
        own = places.map(lambda place: (tf.ones(()), place + 1))
        elements = list(rows.fill_up(own, 8, count).as_numpy_iterator())
        lengths.append(len(elements))
        assert all(image == 0 for image, _, weight in elements if weight == 0)
        seen += [label for _, label, weight in elements if weight == 1]
    assert sorted(seen) == list(range(1, count + 1))
    assert set(lengths) == {-(-count // 8) * 8 // pipelines}


def test_rows_of_all_pipelines_make_up_the_batch():
    rows = [BatchRows(pipeline, 3, 6).rows(12) for pipeline in range(3)]
    assert rows == [(0, 4), (4, 8), (8, 12)]
    assert BatchRows(0, 3, 6).replica_batch(12) == 2
    assert BatchRows().rows(12) == (0, 12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchRows(0, 1, 4).replica_batch(10), "4 replicas, got 10.*8 or 12"),
        (lambda: BatchRows(0, 1, 4).replica_batch(2), "got 2 images.*--batch-size 4"),
        (lambda: BatchRows(2, 2, 2), r"pipeline in \[0, 2\), got 2"),
        (lambda: BatchRows(0, 2, 3), "same number of devices"),
    ],
)
def test_rows_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
