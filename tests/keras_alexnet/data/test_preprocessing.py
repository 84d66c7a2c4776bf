"""Training, evaluation, predict and export see the same pixels of the same bytes."""

import dataclasses
import io
import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

import tfrecords
from keras_alexnet import cli, load
from keras_alexnet.data import eval_dataset
from keras_alexnet.data.preprocessing import Preprocessing
from keras_alexnet.export.saved_model import export
from keras_alexnet.trained.config_file import read_config
from tests import small
from tests.keras_alexnet.data import odd_pictures
from tests.reference import rounding_bound
from tfrecords.dataset.example import decode_example
from tfrecords.images.decode import decode_oriented

LIMIT = small.probability_bound()  # of two programs with the same weights


@pytest.fixture(scope="module")
def turning_run(run, tmp_path_factory):
    """The session's run, as if its dataset had been built with --apply-exif."""
    folder = shutil.copytree(run, tmp_path_factory.mktemp("turning") / "run")
    small.change_config(folder, preprocessing={"apply_exif": True})
    return folder


@pytest.fixture(scope="module")
def turning_export(turning_run, tmp_path_factory):
    return export(load(turning_run), tmp_path_factory.mktemp("export") / "model")


@pytest.fixture(scope="module")
def turned_and_plain(tmp_path_factory):
    """A picture in every orientation and kind, and the same turned without EXIF."""
    folder = tmp_path_factory.mktemp("turned")
    pixels = Image.fromarray(small.picture(1, 5, 80, 130))
    turned, plain = [], []
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        for kind, options in (("png", {}), ("webp", {"lossless": True})):
            turned.append(folder / f"{orientation}.{kind}")
            pixels.save(turned[-1], exif=exif, **options)
            upright = folder / f"plain{orientation}{kind}.png"
            with Image.open(turned[-1]) as image:
                ImageOps.exif_transpose(image).convert("RGB").save(upright)
            plain.append(upright)
    return turned, plain


def scores(model, files, **options):
    found = load(model, **options).predict(files, top=3)
    assert not [p.error for p in found if p.error]
    return np.array([np.array(p.scores)[np.argsort(p.classes)] for p in found])


def test_stored_pictures_are_the_same_in_all_four(run, dataset, exported):
    images, _ = next(iter(eval_dataset(dataset, batch_size=12, input_size=small.INPUT)))
    manifest = tfrecords.Manifest.load(dataset)
    names = [str(dataset / shard.file) for shard in manifest.splits["validation"]]
    records = tf.data.TFRecordDataset(names).as_numpy_iterator()
    stored = tf.constant([decode_example(r).encoded for r in records])
    served = load(run).preprocessing.images(stored)
    # Of the same uint8; the pipeline subtracts with XLA.
    limit = 255 * rounding_bound("float32", steps=1)
    np.testing.assert_allclose(served, images, atol=limit)
    signature = tf.saved_model.load(str(exported)).signatures["preprocess"]
    np.testing.assert_array_equal(signature(image_bytes=stored)["images"], served)


def test_a_run_with_turned_pictures_turns_those_it_predicts(
    run, turning_run, turned_and_plain
):
    turned, plain = turned_and_plain
    expected = scores(run, plain)
    np.testing.assert_array_equal(scores(turning_run, turned), expected)
    # And only such a run.
    assert not np.array_equal(scores(run, turned), expected)


def test_so_does_its_export(turning_run, turning_export, turned_and_plain):
    turned, _ = turned_and_plain
    expected = scores(turning_run, turned)
    np.testing.assert_allclose(scores(turning_export, turned), expected, atol=LIMIT)


def test_and_so_does_openvino(turning_run, turning_export, turned_and_plain):
    pytest.importorskip("openvino")
    turned = turned_and_plain[0][::5]
    expected = scores(turning_run, turned)
    for model in (turning_run, turning_export):
        found = scores(model, turned, runtime="openvino")
        np.testing.assert_allclose(found, expected, atol=LIMIT)


def test_the_graph_turns_jpegs_of_both_byte_orders(run, turning_export):
    serve = tf.saved_model.load(str(turning_export)).signatures["preprocess"]
    served = load(run).preprocessing
    for order in "<>":
        for value in (1, 3, 6, 8):
            exif = odd_pictures.tiff(odd_pictures.entry(order, value), order=order)
            data = odd_pictures.jpeg(odd_pictures.segment(odd_pictures.EXIF + exif))
            pixels, orientation = decode_oriented(data)
            assert orientation == value
            # 90 degrees at a time, counterclockwise.
            upright = np.rot90(pixels, {1: 0, 3: 2, 6: 3, 8: 1}[value])
            png = small.encode(upright, "PNG")
            found = serve(image_bytes=tf.constant([data]))["images"]
            expected = served.images(tf.constant([png]))
            np.testing.assert_array_equal(found, expected)


def test_a_dataset_built_with_exif_makes_a_run_that_turns(tmp_path):
    tree = small.write_tree(tmp_path / "tree", 8)
    options = {"name": "small", "size": small.STORED, "validation_fraction": 0.25}
    options |= {"apply_exif": True, "resize": "warp", "processes": 1, "progress": False}
    tfrecords.build(tree, tmp_path / "data", **options)
    small.train(tmp_path / "data", tmp_path / "run", epochs=1)
    told = read_config(tmp_path / "run").preprocessing
    assert (told["apply_exif"], told["resize"]) == (True, "warp")
    assert load(tmp_path / "run").preprocessing.resize == "warp"
    # As an earlier release leaves it open.
    small.change_config(tmp_path / "run", preprocessing={"apply_exif": None})
    assert load(tmp_path / "run").preprocessing.apply_exif is True


def test_predict_hands_over_what_the_graph_would_read_otherwise(
    run, turning_run, tmp_path
):
    raw = (
        b"\nexif\n 40\n" + odd_pictures.tiff(odd_pictures.entry("<", 6)).hex().encode()
    )
    text = odd_pictures.chunk(b"tEXt", b"Raw profile type exif\0" + raw)
    odd = {**odd_pictures.refused(), "raw profile": odd_pictures.png(text)}
    for number, data in enumerate(odd.values()):
        (tmp_path / f"{number}").write_bytes(data)
        pixels, orientation = decode_oriented(data)
        upright = np.rot90(pixels, 3) if orientation == 6 else pixels
        (tmp_path / f"{number}.png").write_bytes(small.encode(upright, "PNG"))
    assert orientation == 6
    files = [tmp_path / str(number) for number in range(len(odd))]
    plain = [path.with_suffix(".png") for path in files]
    np.testing.assert_array_equal(scores(turning_run, files), scores(run, plain))


def test_predict_names_a_very_long_picture(run, exported, tmp_path):
    long = Image.new("RGB", (20_000, 1), (0, 0, 200))
    long.save(tmp_path / "long.png")
    Image.new("RGB", (9, 9), (0, 0, 200)).save(tmp_path / "square.png")
    for model in (run, exported):
        found = scores(model, [tmp_path / "long.png", tmp_path / "square.png"])
        np.testing.assert_allclose(found[0], found[1], atol=LIMIT)
    assert cli.main(["predict", str(run), str(tmp_path / "long.png")]) == 0


@pytest.mark.parametrize("num_views", [1, 10])
def test_views_are_cut_of_the_stored_square_and_relieved_of_the_mean(run, num_views):
    preprocessing = load(run).preprocessing
    assert preprocessing.mean.shape == (small.INPUT, small.INPUT, 3)
    pixels = small.picture(1, 3, small.STORED, small.STORED)
    data = tf.constant([small.encode(pixels, "PNG")])
    images = preprocessing.images(data, num_views).numpy()[0]
    first = 0 if num_views == 10 else (small.STORED - small.INPUT) // 2
    corner = pixels[first : first + small.INPUT, first : first + small.INPUT]
    view = images[0] if num_views == 10 else images
    np.testing.assert_array_equal(view, corner.astype("float32") - preprocessing.mean)
    if num_views == 10:
        mirrored = corner[:, ::-1].astype("float32") - preprocessing.mean
        np.testing.assert_array_equal(images[5], mirrored)


@pytest.mark.parametrize("num_views", [1, 10])
@pytest.mark.parametrize("apply_exif", [False, True])
def test_decoded_pixels_become_the_images_of_their_bytes(run, num_views, apply_exif):
    preprocessing = load(run).preprocessing
    preprocessing = dataclasses.replace(preprocessing, apply_exif=apply_exif)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    picture = Image.fromarray(small.picture(1, 5, 61, 97))
    picture.save(stream, "PNG", exif=exif)
    encoded = tf.constant([stream.getvalue()])
    expected = preprocessing.images(encoded, num_views)[0]
    pixels, turn = decode_oriented(stream.getvalue())
    found = preprocessing.pixel_images(tf.constant(pixels), turn, num_views)
    assert turn == 6 and np.array_equal(found, expected)
    with pytest.raises(ValueError, match="1 or 10 views"):
        preprocessing.pixel_images(tf.constant(pixels), turn, 2)


def test_other_numbers_of_views_are_refused(run):
    with pytest.raises(ValueError, match="Expected 1 or 10 views. Received: 2"):
        load(run).preprocessing.images(tf.constant([b""]), 2)


def test_ten_views_of_a_whole_picture_are_it_and_its_mirror_image():
    mean = np.random.default_rng(0).uniform(0, 9, (32, 32, 3)).astype("float32")
    whole = Preprocessing(32, "bicubic", False, 32, mean)
    data = tf.constant([small.encode(small.picture(0, 0, 32, 32), "PNG")])
    (image,), (views,) = whole.images(data), whole.images(data, 10)
    mirrored = np.round(image + mean)[:, ::-1] - mean  # pixels are whole numbers
    for view in range(5):
        np.testing.assert_array_equal(views[view], image)
        np.testing.assert_array_equal(views[5 + view], mirrored)


def test_a_warped_picture_is_all_in_the_square_and_an_export_warps_too(run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    others = {"resize": "warp", "mean_at": "view"}
    small.change_config(folder, preprocessing=others)
    picture = Image.fromarray(small.picture(1, 3, 90, 160))
    square = picture.resize((small.STORED,) * 2, Image.Resampling.BICUBIC)
    sides = [small.encode(np.asarray(p), "PNG") for p in (picture, square)]
    network = load(folder)
    for views in (1, 10):
        wide, warped = network.preprocessing.images(tf.constant(sides), views)
        # Pillow rounds after each of its two passes, the graph once.
        assert np.abs(wide - warped).max() <= 1 + 255 * rounding_bound("float32")
    shown = network.preprocessing.images(tf.constant(sides), 10)
    served = load(export(network, tmp_path / "model", views=10))
    assert served.preprocessing.resize == "warp"
    signature = served._loaded.signatures["preprocess"]
    found = signature(image_bytes=tf.constant(sides))["images"]
    np.testing.assert_array_equal(found, shown)
    # Without it the ends of the picture are not there.
    cut = load(run).preprocessing.images(tf.constant(sides))
    assert (
        np.abs(cut[0] - network.preprocessing.images(tf.constant(sides))[0]).max() > 9
    )


@pytest.mark.parametrize("field", ["resize", "mean_at"])
def test_an_unknown_choice_is_refused(run, tmp_path, field):
    folder = shutil.copytree(run, tmp_path / "run")
    small.change_config(folder, preprocessing={field: "odd"})
    with pytest.raises(ValueError, match=f"{field} .* got 'odd'"):
        load(folder)
