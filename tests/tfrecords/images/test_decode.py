import io
import pickle
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.tfrecords.conftest import bad_pictures, encoded, noise, odd_pictures
from tfrecords.images import decode, store
from tfrecords.images.decode import Rejected
from tfrecords.images.jpeg import is_well_formed
from tfrecords.images.options import FILTERS, ImageOptions

FINE = ImageOptions(quality=100, subsampling="4:4:4")


def reference(image, size=256, filter=Image.Resampling.BICUBIC):
    """Spec 5.1, step by step: resize the whole picture, then crop."""
    width, height = image.size
    shorter = min(width, height)
    new = [int(np.floor(side * size / shorter + 0.5)) for side in (width, height)]
    left, top = ((side - size) // 2 for side in new)
    resized = image.convert("RGB").resize(new, filter)
    return np.asarray(resized.crop((left, top, left + size, top + size)), np.int64)


def difference(jpeg, expected):
    return np.abs(decode.decode(jpeg).astype(np.int64) - expected).max()


@pytest.mark.parametrize(
    "shape", [(300, 400), (401, 299), (57, 90), (256, 999), (1, 1)]
)
@pytest.mark.parametrize("filter", FILTERS)
def test_shorter_side_is_resized_and_the_centre_cut(shape, filter):
    data = encoded(noise(*shape), "PNG")
    options = ImageOptions(quality=100, subsampling="4:4:4", filter=filter)
    expected = reference(Image.open(io.BytesIO(data)), 256, FILTERS[filter])
    jpeg = store.convert(data, options)
    assert decode.decode(jpeg).shape == (256, 256, 3)
    assert difference(jpeg, expected) <= 6  # half a pixel aside would be 15


def test_crop_offset_is_rounded_down():
    # 256 x 259: three columns too many, so one is cut at the left, two at the right.
    pixels = np.zeros((256, 259, 3), np.uint8)
    pixels[:, 1] = 255  # the first column that stays
    decoded = decode.decode(store.convert(encoded(pixels, "PNG"), FINE))
    assert decoded[:, 0].min() > 240
    assert decoded[:, 2:].max() < 40


def test_default_jpeg_is_quality_95_with_subsampled_colour():
    data = encoded(noise(300, 300), "PNG")
    with Image.open(io.BytesIO(store.convert(data))) as result:
        assert (result.format, result.mode, result.size) == ("JPEG", "RGB", (256, 256))
        assert result.layer[0][1:3] == (2, 2)
        tables = result.quantization
    with Image.open(io.BytesIO(encoded(noise(8, 8), quality=95))) as expected:
        assert tables == expected.quantization


def test_source_comment_and_metadata_do_not_reach_the_result():
    data = encoded(noise(300, 300), comment=b"secret", exif=_exif(6), dpi=(7, 7))
    result = store.convert(data)
    assert b"secret" not in result and b"Exif" not in result


@pytest.mark.parametrize("progressive", [False, True])
def test_a_good_jpeg_passes_through_untouched(progressive):
    data = encoded(noise(256, 256), progressive=progressive)
    assert store.convert(data) is data


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\0",
        lambda data: data + data,
        lambda data: data[:2] + b"\xff\xe5\x00\x04ok" + b"stray" + data[2:],
    ],
)
def test_stray_bytes_in_a_good_jpeg_are_repaired(change):
    data = encoded(noise(256, 256))
    broken = change(data)
    result = store.convert(broken, FINE)
    assert result != broken
    assert is_well_formed(result)
    assert difference(result, decode.decode(data)) <= 8


def test_arithmetic_coding_is_not_passed_through():
    data = encoded(noise(256, 256))
    assert is_well_formed(data)
    assert not is_well_formed(data.replace(b"\xff\xc0", b"\xff\xc9"))


def test_a_jpeg_without_a_frame_is_not_well_formed():
    data = encoded(noise(64, 64))
    at = data.index(b"\xff\xc0")
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
    assert not is_well_formed(data[:at] + data[end:])


def test_grey_of_the_right_size_becomes_three_equal_channels():
    data = encoded(noise(256, 256, 1))
    decoded = decode.decode(store.convert(data))
    with Image.open(io.BytesIO(data)) as grey:
        expected = np.asarray(grey).astype(int)
    assert np.abs(decoded.astype(int) - expected[..., None]).max() <= 2


@pytest.mark.parametrize("name", odd_pictures())
def test_odd_pictures_look_as_pillow_reads_them(name):
    data = odd_pictures()[name]
    with Image.open(io.BytesIO(data)) as image:
        if image.mode == "I;16":
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        expected = reference(image)
    assert difference(store.convert(data, FINE), expected) <= 12


def test_cmyk_is_not_inverted():
    white = Image.new("CMYK", (300, 300), (0, 0, 0, 0))
    assert decode.decode(store.convert(encoded(white))).min() >= 253


def test_sixteen_bits_are_scaled_not_clipped():
    ramp = np.linspace(0, 65_535, 256).astype(np.uint16)
    data = encoded(np.tile(ramp, (256, 1)), "PNG")
    decoded = decode.decode(store.convert(data, FINE)).astype(int)
    assert np.abs(decoded - np.arange(256)[None, :, None]).max() <= 3


def test_integers_without_a_fixed_white_are_rejected():
    for values in (np.float32(0.5), np.int32(70_000), np.int32(-1)):
        data = encoded(np.full((9, 9), values), "TIFF")
        with pytest.raises(Rejected) as caught:
            store.convert(data)
        assert caught.value.reason == "unsupported_mode"


def test_alpha_is_dropped():
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[..., 0] = 200  # red under full transparency
    decoded = decode.decode(store.convert(encoded(pixels, "PNG"), FINE))
    assert np.abs(decoded.astype(int) - [200, 0, 0]).max() <= 3


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


_UPRIGHT = {  # EXIF 2.32, section 4.6.4: where row 0 and column 0 are
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", _UPRIGHT)
def test_exif_orientation_is_ignored_unless_asked_for(orientation):
    data = encoded(noise(80, 120, seed=3), quality=100, exif=_exif(orientation))
    with Image.open(io.BytesIO(data)) as image:
        stored = np.asarray(image)
    as_stored = reference(Image.fromarray(stored))
    turned = _UPRIGHT[orientation](stored)
    upright = reference(Image.fromarray(np.ascontiguousarray(turned)))
    turning = ImageOptions(quality=100, subsampling="4:4:4", apply_exif=True)
    assert difference(store.convert(data, FINE), as_stored) <= 6
    assert difference(store.convert(data, turning), upright) <= 6
    if orientation != 1:
        assert np.abs(as_stored - upright).max() > 20


def test_exif_turns_even_a_picture_of_the_right_size():
    data = encoded(noise(256, 256), exif=_exif(3))
    assert store.convert(data) is data
    assert store.convert(data, ImageOptions(apply_exif=True)) != data


def test_broken_exif_does_no_harm():
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40
    data = encoded(noise(90, 90), exif=exif)
    assert decode.decode(store.convert(data, ImageOptions(apply_exif=True))).any()


@pytest.mark.parametrize("name", bad_pictures())
def test_bad_pictures_are_rejected_with_their_reason(name):
    data, reason = bad_pictures()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Rejected) as caught:
            store.convert(data)
    assert caught.value.reason == reason
    assert caught.value.detail


def test_too_many_pixels_are_refused_from_the_header(monkeypatch):
    data = encoded(noise(10, 10), "BMP")
    monkeypatch.setattr(decode, "MAX_PIXELS", 99)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(Rejected) as caught:
        store.convert(data)
    assert caught.value.reason == "too_large"
    assert "10x10" in caught.value.detail


def test_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(decode, "MAX_BYTES", 10)
    with pytest.raises(Rejected, match="too_large"):
        store.convert(bytes(11))


def test_a_very_long_picture_is_not_enlarged_as_a_whole(monkeypatch):
    made = []
    resize = Image.Image.resize

    def watched(self, size, *args, **options):
        made.append(size)
        return resize(self, size, *args, **options)

    monkeypatch.setattr(Image.Image, "resize", watched)
    stripe = np.tile(np.arange(60_000, dtype=np.uint8)[None], (1, 1))
    store.convert(encoded(stripe, "PNG"))
    assert made == [(256, 256)]


def test_a_png_with_a_wrong_checksum_is_rejected():
    data = bytearray(encoded(noise(60, 60), "PNG"))
    data[data.index(b"IEND") - 5] ^= 1  # the checksum before, not the pixels
    with Image.open(io.BytesIO(data)) as image:
        image.load()
    with pytest.raises(Rejected, match="checksum"):
        store.convert(bytes(data))


def test_pillows_warnings_do_not_leak_out():
    palette = Image.fromarray(noise(40, 40)).quantize(16)
    data = encoded(palette, "PNG", transparency=bytes(range(16)))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with Image.open(io.BytesIO(data)) as image:
            image.convert("RGB")
        assert len(seen) == 1
        store.convert(data)
    assert len(seen) == 1


def test_a_rejection_survives_pickling():
    error = pickle.loads(pickle.dumps(Rejected("empty", "no bytes")))
    assert (error.reason, error.detail) == ("empty", "no bytes")


@pytest.mark.parametrize(
    "wrong", [{"filter": "cubic"}, {"quality": 0}, {"size": 0}, {"subsampling": "4"}]
)
def test_wrong_options_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ImageOptions(**wrong)
