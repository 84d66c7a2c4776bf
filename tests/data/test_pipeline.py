import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import augment, eval_dataset, pipeline, ten_views, train_dataset
from tests.small import INPUT, STORED
from tfrecords import DatasetError, Manifest, Statistics, schema

TRAIN = 36  # 3 classes of 12
OPTIONS = {"batch_size": 8, "input_size": INPUT}


def arrays(dataset):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset]


def assert_same(first, second):
    assert len(first) == len(second) > 0
    for (a, la), (b, lb) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(la, lb)


def stored(dataset, split):
    """The records of a split in the order of the shards: pixels and labels."""
    shards = Manifest.load(dataset).splits[split]
    raw = tf.data.TFRecordDataset([str(dataset / shard.file) for shard in shards])
    records = [schema.decode_example(record.numpy()) for record in raw]
    decoded = [
        tf.io.decode_jpeg(r.encoded, dct_method="INTEGER_ACCURATE").numpy()
        for r in records
    ]
    return decoded, [r.label for r in records]


def test_batches_are_what_the_docstring_says(dataset):
    images, labels = next(iter(train_dataset(dataset, **OPTIONS)))
    assert images.shape == (8, INPUT, INPUT, 3) and images.dtype == tf.float32
    assert labels.shape == (8,) and labels.dtype == tf.int64
    assert 20 < float(tf.math.reduce_std(images)) < 110


def test_two_streams_are_equal_and_seeds_differ(dataset):
    first, again = (arrays(train_dataset(dataset, **OPTIONS, seed=3)) for _ in "ab")
    assert_same(first, again)
    other = arrays(train_dataset(dataset, **OPTIONS, seed=4))
    assert np.any(first[0][0] != other[0][0])


def test_the_global_seed_changes_nothing(dataset):
    streams = []
    for seed in (1, 2):
        tf.random.set_seed(seed)
        streams.append(arrays(train_dataset(dataset, **OPTIONS)))
    assert_same(*streams)


def test_a_stream_from_an_epoch_is_the_tail_of_the_whole(dataset):
    whole = arrays(train_dataset(dataset, **OPTIONS, epochs=3))
    tail = arrays(train_dataset(dataset, **OPTIONS, epochs=3, first_epoch=1))
    assert len(whole) == 3 * (TRAIN // 8)
    assert_same(whole[TRAIN // 8 :], tail)
    assert np.any(whole[0][0] != tail[0][0])


def test_each_record_comes_at_most_once_an_epoch(dataset):
    # Undo nothing but the mean: without augmentation images can be told apart.
    plain = {"flip": False, "colour_noise": None, "input_size": STORED}
    batches = arrays(train_dataset(dataset, batch_size=9, epochs=2, **plain))
    epochs = [batches[: TRAIN // 9], batches[TRAIN // 9 :]]
    orders = [[i.tobytes() for images, _ in e for i in images] for e in epochs]
    assert all(len(set(order)) == TRAIN for order in orders)
    assert set(orders[0]) == set(orders[1]) and orders[0] != orders[1]


@pytest.mark.parametrize("noise", ["released", "eigenvalue", None])
def test_a_batch_is_the_documented_function_of_its_examples(dataset, noise):
    seed, epoch = 5, 1
    options = {**OPTIONS, "batch_size": TRAIN, "colour_noise": noise, "seed": seed}
    images, labels = arrays(
        train_dataset(dataset, **options, first_epoch=epoch, epochs=epoch + 1)
    )[0]
    statistics = Statistics.load(dataset / "statistics.npz")
    low = (STORED - INPUT) // 2
    mean = statistics.mean_image[low : low + INPUT, low : low + INPUT]
    expected = []
    for place, (pixels, label) in enumerate(
        zip(*stored(dataset, "train"), strict=True)
    ):
        key = [tf.constant(x, tf.int64) for x in (epoch, place)]
        draws = augment.example_draws(seed, *key).numpy()
        row, column = (int(d * (STORED - INPUT + 1)) for d in draws[:2])
        crop = pixels[row : row + INPUT, column : column + INPUT].astype("float64")
        crop = crop[:, ::-1] if draws[2] < 0.5 else crop
        crop = crop - mean
        if noise:
            crop += augment.colour_offsets(
                draws[None, 3:], statistics.stddevs, statistics.eigenvectors, form=noise
            ).numpy()[0]
        expected.append((crop / (1.1 if noise == "released" else 1), label))
    # A fused crop cannot smooth the colour of its last column with the next one.
    inside = np.s_[:, 1:-1]
    for image, label in zip(images, labels, strict=True):
        distances = [np.abs(image - crop)[inside].max() for crop, _ in expected]
        nearest = int(np.argmin(distances))
        assert distances[nearest] < 1e-3
        assert np.abs(image - expected[nearest][0]).max() < 3
        assert expected[nearest][1] == label


def test_neighbours_share_a_crop_in_chunks(dataset, monkeypatch):
    windows = []
    cut = pipeline._decode_window

    def spy(encoded, corner, size):
        tf.py_function(lambda c: windows.append(tuple(c.numpy())), [corner], [])
        return cut(encoded, corner, size)

    monkeypatch.setattr(pipeline, "_decode_window", spy)
    options = {**OPTIONS, "batch_size": TRAIN, "flip": False, "crop_chunk": 12}
    arrays(train_dataset(dataset, **options))
    assert len(windows) == TRAIN
    assert len(set(windows)) == 3
    windows.clear()
    arrays(train_dataset(dataset, **{**options, "crop_chunk": 1}))
    assert len(set(windows)) > 3


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_evaluation_reads_every_picture_once_and_in_order(dataset, batch_size):
    batches = arrays(eval_dataset(dataset, batch_size=batch_size, input_size=INPUT))
    images = np.concatenate([images for images, _ in batches])
    pixels, labels = stored(dataset, "validation")
    low = (STORED - INPUT) // 2
    mean = Statistics.load(dataset / "statistics.npz").mean_image
    expected = [(p - mean)[low : low + INPUT, low : low + INPUT] for p in pixels]
    assert np.concatenate([labels for _, labels in batches]).tolist() == labels
    np.testing.assert_allclose(images, expected, atol=1e-4)


def test_ten_views_subtract_the_same_patch_from_each(dataset):
    batches = arrays(
        eval_dataset(dataset, batch_size=5, input_size=INPUT, num_views=10)
    )
    pixels, _ = stored(dataset, "validation")
    statistics = Statistics.load(dataset / "statistics.npz")
    patch = pipeline.mean_patch(statistics, INPUT)
    views = ten_views(np.stack(pixels).astype("float32"), INPUT) - patch
    images = np.concatenate([images for images, _ in batches])
    np.testing.assert_allclose(images, views, atol=1e-4)


def test_channel_mean_is_one_colour(dataset):
    statistics = Statistics.load(dataset / "statistics.npz")
    patch = pipeline.mean_patch(statistics, 5, "channel")
    np.testing.assert_allclose(patch, np.tile(statistics.channel_means, (5, 5, 1)))
    with pytest.raises(ValueError, match="Received: 'median'"):
        pipeline.mean_patch(statistics, 5, "median")


def test_mean_can_come_from_another_folder(dataset, tmp_path):
    statistics = Statistics.load(dataset / "statistics.npz")
    fields = {**vars(statistics), "mean_image": statistics.mean_image + 10}
    Statistics(**fields).save(tmp_path / "statistics.npz")
    options = {"batch_size": 4, "input_size": INPUT}
    own, _ = next(iter(eval_dataset(dataset, **options)))
    other, _ = next(iter(eval_dataset(dataset, **options, mean_from=tmp_path)))
    np.testing.assert_allclose(own - other, np.full(own.shape, 10.0), atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 37}, "at least one batch of 37.*found 36"),
        ({"input_size": STORED + 1}, f"at least {STORED + 1} pixels.*found {STORED}"),
        ({"split": "nonsense"}, "split 'nonsense'.*train, validation"),
    ],
)
def test_what_does_not_fit_is_refused(dataset, arguments, message):
    with pytest.raises(DatasetError, match=message):
        train_dataset(dataset, **{**OPTIONS, **arguments})


def test_three_views_are_refused(dataset):
    with pytest.raises(ValueError, match="1 or 10. Received: 3"):
        eval_dataset(dataset, num_views=3)


def test_missing_statistics_are_named(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "statistics.npz").unlink()
    with pytest.raises(DatasetError, match="statistics.npz"):
        train_dataset(copy, **OPTIONS)


def test_truncated_shard_is_named_before_any_training(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    shard = sorted(copy.glob("*train*"))[0]
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(DatasetError, match=shard.name):
        train_dataset(copy, **OPTIONS)


def test_flipped_byte_ends_the_stream_with_an_error(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    shard = sorted(copy.glob("*train*"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        arrays(train_dataset(copy, **OPTIONS))
