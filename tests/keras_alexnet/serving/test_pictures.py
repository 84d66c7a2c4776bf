import io
import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from keras_alexnet import load
from keras_alexnet.inference import picture_bytes
from keras_alexnet.serving.pictures import PictureReader, check_header
from keras_alexnet.serving.refusal import Refusal
from tests import small

PIXELS = small.picture(1, 5, 61, 97)


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def kinds():
    image = Image.fromarray(PIXELS)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    yield "JPEG", saved(image, "JPEG", quality=90)
    yield "turned", saved(image, "JPEG", quality=90, exif=exif)
    yield "CMYK", saved(image.convert("CMYK"), "JPEG")
    yield "grey", saved(image.convert("L"), "JPEG")
    yield "progressive", saved(image, "JPEG", progressive=True)
    yield "alpha", saved(image.convert("RGBA"), "PNG")
    yield "palette", saved(image.convert("P"), "GIF")
    yield "sixteen", saved(Image.fromarray(np.uint16(PIXELS[..., 0]) * 257), "PNG")
    yield "BMP", saved(image, "BMP")
    yield "WEBP", saved(image, "WEBP")
    yield "TIFF", saved(image, "TIFF")


KINDS = dict(kinds())


def predicted_images(network, data, views):
    """What `alexnet predict` hands the network."""
    seen = []

    def note(encoded):
        seen.append(network.preprocessing.images(encoded, views).numpy()[0])
        return [0]

    assert picture_bytes.answer_pictures([data], note) == [0]
    return seen[0]


@pytest.fixture(scope="module")
def turning(other, tmp_path_factory):
    """A network whose build turned pictures."""
    run = tmp_path_factory.mktemp("turning") / "run"
    small.train(other(apply_exif=True), run, epochs=1)
    return load(run)


@pytest.mark.parametrize("views", [1, 10])
def test_the_images_are_those_of_predict_bit_for_bit(network, turning, views):
    for each in (network, turning):
        reader = PictureReader(each, views)
        for name, data in KINDS.items():
            found = reader.read(data)
            assert found.dtype == np.float32 and found.shape == reader.image_shape
            expected = predicted_images(each, data, views)
            assert np.array_equal(found, expected), name
    straight = PictureReader(network, 1).read(KINDS["turned"])
    assert not np.array_equal(straight, PictureReader(turning, 1).read(KINDS["turned"]))


def test_ten_views_of_an_export_are_read(exported_ten):
    network = load(exported_ten)
    reader = PictureReader(network, network.views)
    assert reader.image_shape == (10, small.INPUT, small.INPUT, 3)
    expected = predicted_images(network, KINDS["JPEG"], 10)
    assert np.array_equal(reader.read(KINDS["JPEG"]), expected)


def huge_png(width, height):
    """A PNG of a kilobyte whose header tells of many pixels."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_header_tells_the_size_and_nothing_is_decoded(monkeypatch):
    monkeypatch.setattr(Image.Image, "load", None)
    for data in (KINDS["JPEG"], KINDS["palette"], KINDS["alpha"]):
        assert check_header(data, 97 * 61) == (97, 61)
        with pytest.raises(Refusal, match="97x61 pixels; at most 5,916") as refused:
            check_header(data, 97 * 61 - 1)
        assert refused.value.status == 422
    for size in ((50_000, 50_000), (14_000, 20_000), (10_001, 5_000)):
        with pytest.raises(Refusal, match=f"too_large: {size[0]}x{size[1]}|too_large"):
            check_header(huge_png(*size), 50_000_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"nothing", "unknown_format"),
        (b"<!DOCTYPE html><html></html>", "no_decoder: a web page"),
        (b"\xff\xd8\xff\xe0", "decode_error"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_header(data, reason):
    with pytest.raises(Refusal, match=reason) as refused:
        check_header(data, 100)
    assert refused.value.status == 422


def test_a_picture_that_is_cut_off_is_refused_when_it_is_read(network):
    cut = KINDS["JPEG"][:-200]
    assert check_header(cut, 10_000) == (97, 61)
    with pytest.raises(Refusal, match="truncated") as refused:
        PictureReader(network, 1).read(cut)
    assert refused.value.status == 422
