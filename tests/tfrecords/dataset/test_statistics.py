import numpy as np
import pytest

from tests.reference import UNIT, relative, rounding_bound
from tfrecords import DatasetError, Statistics
from tfrecords.dataset.statistics import Accumulator


@pytest.fixture(scope="module")
def pictures():
    generator = np.random.default_rng(5)
    mixing = generator.normal(size=(3, 3))
    colours = generator.normal(size=(20, 16, 16, 3)) @ mixing * 30 + [150, 120, 90]
    return np.clip(colours, 0, 255).astype(np.uint8)


def accumulated(pictures):
    accumulator = Accumulator(pictures.shape[1])
    for picture in pictures:
        accumulator.add(picture)
    return accumulator


def test_statistics_match_float64_numpy(pictures):
    found = accumulated(pictures).statistics()
    pixels = pictures.reshape(-1, 3).astype(np.float64)
    covariance = np.cov(pixels.T, bias=True)
    values = np.linalg.eigvalsh(covariance)[::-1]
    # The mean image is kept in float32. Ours are sums of integers: NumPy's round.
    near = rounding_bound("float64", len(pixels))
    mean_image = pictures.mean(0)
    assert relative(found.mean_image, mean_image) < UNIT["float32"] + near
    assert relative(found.channel_means, pixels.mean(0)) < near
    assert relative(found.covariance, covariance) < near
    # A few roundings for each of the 9 numbers, and those of the covariance.
    assert relative(found.eigenvalues, values) < 2 * near
    few = rounding_bound("float64")
    np.testing.assert_allclose(found.stddevs**2, found.eigenvalues, rtol=few)
    assert found.mean_image.dtype == np.float32
    assert (found.count, found.pixel_scale) == (20, 255.0)


def test_columns_are_the_components(pictures):
    found = accumulated(pictures).statistics()
    vectors = found.eigenvectors
    near = 10 * rounding_bound("float64", 3)  # ten rotations are many for 3 x 3
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(3), atol=near)
    for i in range(3):
        product = found.covariance @ vectors[:, i]
        size = near * found.eigenvalues[0]
        expected = found.eigenvalues[i] * vectors[:, i]
        np.testing.assert_allclose(product, expected, rtol=0, atol=size)
        assert vectors[np.abs(vectors[:, i]).argmax(), i] > 0
    assert (np.diff(found.eigenvalues) < 0).all()


def test_order_and_merging_change_no_bit(pictures, tmp_path):
    accumulated(pictures).statistics().save(tmp_path / "once.npz")
    merged = accumulated(pictures[13:][::-1])
    merged.merge(accumulated(pictures[:4]))
    merged.merge(accumulated(pictures[4:13]))
    merged.statistics().save(tmp_path / "merged.npz")
    once = (tmp_path / "once.npz").read_bytes()
    assert (tmp_path / "merged.npz").read_bytes() == once


def test_sums_are_exact_integers_at_the_extreme():
    white = np.full((256, 256, 3), 255, np.uint8)
    accumulator = accumulated(np.stack([white, white]))
    assert accumulator.products.dtype == accumulator.sums.dtype == np.int64
    assert (accumulator.products == 2 * 255**2 * 256**2).all()
    assert (accumulator.sums == 2 * 255).all()
    assert 15_000_000 * 255**2 * 256**2 < 2**63  # the largest ImageNet fits


@pytest.mark.parametrize("width", [7, 258, 259, 700])
def test_products_are_exact_at_any_width(width):
    generator = np.random.default_rng(width)
    picture = generator.integers(250, 256, (width, width, 3), np.uint8)
    whole = picture.reshape(-1, 3).astype(np.int64)
    np.testing.assert_array_equal(accumulated(picture[None]).products, whole.T @ whole)


def test_equal_pictures_have_no_variance():
    grey = np.full((4, 8, 8, 3), 77, np.uint8)
    found = accumulated(grey).statistics()
    assert (found.covariance == 0).all() and (found.stddevs == 0).all()


def test_grey_pictures_have_one_component():
    levels = np.random.default_rng(1).integers(0, 256, (4, 8, 8, 1), np.uint8)
    found = accumulated(np.repeat(levels, 3, axis=3)).statistics()
    near = 10 * rounding_bound("float64", 3)
    np.testing.assert_allclose(found.eigenvectors[:, 0], np.sqrt(1 / 3), rtol=near)
    assert (found.eigenvalues[1:] <= near * found.eigenvalues[0]).all()
    assert (found.eigenvalues >= 0).all()


def test_nothing_seen_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        Accumulator(8).statistics()


def test_save_and_load_round_trip(pictures, tmp_path):
    saved = accumulated(pictures).statistics()
    saved.save(tmp_path / "statistics.npz")
    for path in (tmp_path / "statistics.npz", tmp_path):
        loaded = Statistics.load(path)
        for name, value in vars(saved).items():
            np.testing.assert_array_equal(getattr(loaded, name), value)


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(DatasetError, match="alexnet build") as caught:
        Statistics.load(tmp_path / "statistics.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "text", "shape", "key", "nan"])
def test_a_damaged_file_is_one_clear_line(pictures, tmp_path, damage):
    path = tmp_path / "statistics.npz"
    saved = accumulated(pictures).statistics()
    saved.save(path)
    arrays = dict(vars(saved))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:300])
    elif damage == "text":
        path.write_text("nothing of the kind")
    else:
        if damage == "shape":
            arrays["stddevs"] = np.zeros(4)
        elif damage == "nan":
            arrays["mean_image"] = saved.mean_image * np.nan
        else:
            del arrays["covariance"]
        np.savez(path, **arrays)
    with pytest.raises(DatasetError, match="damaged") as caught:
        Statistics.load(path)
    assert "\n" not in str(caught.value)


def test_arrays_by_name_are_the_statistics_they_were(pictures):
    statistics = accumulated(pictures).statistics()
    arrays = {name: np.asarray(value) for name, value in vars(statistics).items()}
    again = Statistics.from_arrays(arrays, "x")
    for name, value in vars(statistics).items():
        assert type(getattr(again, name)) is type(value)
        np.testing.assert_array_equal(getattr(again, name), value)
    for wrong in (
        {**arrays, "more": np.ones(1)},
        {n: x for n, x in arrays.items() if n != "count"},
        {**arrays, "stddevs": np.ones(2)},
        {**arrays, "mean_image": arrays["mean_image"] * np.nan},
    ):
        with pytest.raises(DatasetError, match="x is damaged"):
            Statistics.from_arrays(wrong, "x")
