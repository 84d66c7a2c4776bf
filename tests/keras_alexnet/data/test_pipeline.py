import shutil

import numpy as np
import pytest
import tensorflow as tf

import tfrecords
from keras_alexnet.data import augment, eval_dataset, pipeline, ten_views, train_dataset
from keras_alexnet.data.mean import mean_patch, normalize
from tests.reference import rounding_bound
from tests.small import CLASSES, INPUT, STORED, encode, picture
from tfrecords import DatasetError, Manifest, Statistics
from tfrecords.dataset import example
from tfrecords.images import store
from tfrecords.images.options import ImageOptions

TRAIN = 36  # 3 classes of 12
OPTIONS = {"batch_size": 8, "input_size": INPUT}


def arrays(dataset):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset]


# What rounding does to a pixel with its mean taken off, in levels of 255.
PIXEL = 255 * rounding_bound("float32")


def assert_same(first, second):
    assert len(first) == len(second) > 0
    for (a, la), (b, lb) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(la, lb)


@pytest.fixture(scope="module", params=["jpeg-original", "raw"])
def other_encoding(request, tmp_path_factory):
    """The small dataset in another encoding, of pictures of several shapes."""
    root = tmp_path_factory.mktemp(request.param)
    for label, name in enumerate(CLASSES):
        (root / "tree" / name).mkdir(parents=True)
        for seed in range(16):
            pixels = picture(label, seed, 75 + seed, 105 - 2 * seed)
            (root / "tree" / name / f"{seed:02d}.jpg").write_bytes(encode(pixels))
    options = {"size": STORED, "shards": 2, "validation_fraction": 0.25}
    options |= {"name": "small", "processes": 1, "progress": False}
    tfrecords.build(root / "tree", root / "data", encoding=request.param, **options)
    return root / "data"


def seen(dataset, split):
    """What `images.square` makes of the stored pictures, and their labels."""
    manifest = Manifest.load(dataset)
    names = [str(dataset / shard.file) for shard in manifest.splits[split]]
    raw = tf.data.TFRecordDataset(names).as_numpy_iterator()
    records = [example.decode_example(record) for record in raw]
    options = ImageOptions.recorded(manifest.options)
    squares = [store.square(record.encoded, options) for record in records]
    return np.stack(squares).astype("float32"), [r.label for r in records]


def stored(dataset, split):
    """The records of a split in the order of the shards: pixels and labels."""
    shards = Manifest.load(dataset).splits[split]
    raw = tf.data.TFRecordDataset([str(dataset / shard.file) for shard in shards])
    records = [example.decode_example(record.numpy()) for record in raw]
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
        assert distances[nearest] < 2 * PIXEL  # mean and noise, each rounded
        assert np.abs(image - expected[nearest][0]).max() < 3
        assert expected[nearest][1] == label


def test_neighbours_share_a_crop_in_chunks(dataset, monkeypatch):
    windows = []
    make = pipeline.window_reader

    def watched(manifest):
        cut = make(manifest)

        def spy(encoded, corner, size):
            tf.py_function(lambda c: windows.append(tuple(c.numpy())), [corner], [])
            return cut(encoded, corner, size)

        return spy

    monkeypatch.setattr(pipeline, "window_reader", watched)
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
    np.testing.assert_allclose(images, expected, atol=PIXEL)


def test_ten_views_subtract_the_same_patch_from_each(dataset):
    batches = arrays(
        eval_dataset(dataset, batch_size=5, input_size=INPUT, num_views=10)
    )
    pixels, _ = stored(dataset, "validation")
    statistics = Statistics.load(dataset / "statistics.npz")
    patch = mean_patch(statistics, INPUT)
    views = ten_views(np.stack(pixels).astype("float32"), INPUT) - patch
    images = np.concatenate([images for images, _ in batches])
    np.testing.assert_allclose(images, views, atol=PIXEL)


def test_channel_mean_is_one_colour(dataset):
    statistics = Statistics.load(dataset / "statistics.npz")
    patch = mean_patch(statistics, 5, "channel")
    colour = np.tile(statistics.channel_means, (5, 5, 1))
    np.testing.assert_allclose(patch, colour, rtol=rounding_bound("float32", steps=0))
    with pytest.raises(ValueError, match="Received: 'median'"):
        mean_patch(statistics, 5, "median")


def test_mean_can_come_from_another_folder(dataset, tmp_path):
    statistics = Statistics.load(dataset / "statistics.npz")
    fields = {**vars(statistics), "mean_image": statistics.mean_image + 10}
    Statistics(**fields).save(tmp_path / "statistics.npz")
    options = {"batch_size": 4, "input_size": INPUT}
    own, _ = next(iter(eval_dataset(dataset, **options)))
    other, _ = next(iter(eval_dataset(dataset, **options, mean_from=tmp_path)))
    np.testing.assert_allclose(own - other, np.full(own.shape, 10.0), atol=3 * PIXEL)


def closest(image, pixels, mean, tolerance):
    """Find the stored square, window and mirroring that an input is made of."""
    found = image + mean
    for square in pixels:
        for row in range(STORED - INPUT + 1):
            for column in range(STORED - INPUT + 1):
                window = square[row : row + INPUT, column : column + INPUT]
                for candidate in (window, window[:, ::-1]):
                    if np.abs(found - candidate).max() < tolerance:
                        return True
    return False


def test_other_encodings_train_on_windows_of_what_is_stored(other_encoding):
    options = {**OPTIONS, "colour_noise": None}
    images, labels = next(iter(train_dataset(other_encoding, **options)))
    again, _ = next(iter(train_dataset(other_encoding, **options)))
    np.testing.assert_array_equal(images, again)
    pixels, known = seen(other_encoding, "train")
    statistics = Statistics.load(other_encoding / "statistics.npz")
    mean = mean_patch(statistics, INPUT)
    exact = "raw" in other_encoding.parts[-2]
    for image, label in zip(images.numpy()[:3], labels.numpy()[:3], strict=True):
        same = pixels[np.array(known) == label]
        assert closest(image, same, mean, tolerance=2 * PIXEL if exact else 3)


@pytest.mark.parametrize("num_views", [1, 10])
def test_other_encodings_are_evaluated_as_stored(other_encoding, num_views):
    batches = arrays(
        eval_dataset(
            other_encoding, batch_size=5, input_size=INPUT, num_views=num_views
        )
    )
    images = np.concatenate([images for images, _ in batches])
    pixels, labels = seen(other_encoding, "validation")
    statistics = Statistics.load(other_encoding / "statistics.npz")
    low = (STORED - INPUT) // 2
    expected = pixels[:, low : low + INPUT, low : low + INPUT]
    if num_views == 10:
        expected = ten_views(pixels, INPUT).numpy()
    expected = expected - mean_patch(statistics, INPUT)
    assert np.concatenate([labels for _, labels in batches]).tolist() == labels
    difference = np.abs(images - expected)
    if "raw" in other_encoding.parts[-2]:
        assert difference.max() <= PIXEL
    else:  # Pillow rounds twice, TensorFlow once
        assert difference.max() < 3 and difference.mean() < 0.5


def test_raw_records_of_another_size_end_the_stream(other_encoding, tmp_path):
    copy = shutil.copytree(other_encoding, tmp_path / "copy")
    path = copy / "manifest.json"
    path.write_text(path.read_text().replace('"jpeg-original"', '"raw"'))
    small = path.read_text().replace(f'"image_size": {STORED}', '"image_size": 70')
    path.write_text(small)
    with pytest.raises(tf.errors.InvalidArgumentError):
        arrays(eval_dataset(copy, batch_size=5, input_size=INPUT))


def test_an_unknown_encoding_is_refused(dataset, tmp_path):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    path = copy / "manifest.json"
    path.write_text(path.read_text().replace('"encoding": "jpeg"', '"encoding": "gif"'))
    with pytest.raises(DatasetError, match="jpeg-original or raw; got 'gif'"):
        eval_dataset(copy, input_size=INPUT)


@pytest.mark.parametrize("shape", [(3,), (2, 10)])
def test_normalising_is_what_float64_says(shape):
    generator = np.random.default_rng(4)
    pixels = generator.integers(0, 256, (*shape, 9, 9, 3), np.uint8)
    patch = generator.normal(120, 30, (9, 9, 3)).astype("float32")
    offsets = generator.normal(0, 20, (3, 3)).astype("float32")
    found = normalize(pixels, patch, offsets[: shape[0]], tf.constant(0.9)).numpy()
    colours = offsets[: shape[0]].reshape(-1, *[1] * len(shape), 1, 3)
    expected = 0.9 * (pixels - patch.astype("float64")) + colours
    np.testing.assert_allclose(found, expected, rtol=0, atol=2 * PIXEL)


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
