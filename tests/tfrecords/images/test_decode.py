import io
import pickle
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.tfrecords.conftest import bad_pictures, encoded, noise, odd_pictures
from tests.tfrecords.images.test_store import FINE, difference, reference
from tfrecords.images import decode, store
from tfrecords.images.decode import Rejected


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


def test_a_header_tells_the_size_before_anything_is_decoded(monkeypatch):
    data = encoded(noise(40, 60), "PNG")
    monkeypatch.setattr(Image.Image, "load", None)
    assert decode.header_size(data) == (60, 40)
    assert decode.header_size(data[:-30]) == (60, 40)  # it is cut off further on
    monkeypatch.setattr(decode, "MAX_PIXELS", 2399)
    with pytest.raises(Rejected, match="too_large: 60x40"):
        decode.header_size(data)
    with pytest.raises(Rejected, match="empty"):
        decode.header_size(b"")


def test_too_many_bytes_are_refused(monkeypatch):
    monkeypatch.setattr(decode, "MAX_BYTES", 10)
    with pytest.raises(Rejected, match="too_large"):
        store.convert(bytes(11))


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
