"""Bytes of pictures of every kind that the graph reads, and of every orientation."""

import functools
import io
import struct
import zlib

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 31, 45
GENERATOR = np.random.default_rng(12)
NOISE = GENERATOR.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
SMOOTH = Image.fromarray(NOISE[:4, :5, :3].copy()).resize((WIDTH, HEIGHT))
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def palette(colours=16):
    return SMOOTH.convert("P", palette=Image.Palette.ADAPTIVE, colors=colours)


def chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def raw_png(colour_type, bits, channels, *chunks):
    """A PNG of noise in a form that Pillow does not write."""
    size = -(-WIDTH * channels * bits // 8)
    rows = GENERATOR.integers(0, 256, (HEIGHT, size), np.uint8)
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour_type, 0, 0, 0)
    body = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(pixels))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body) + chunk(b"IEND", b"")


@functools.cache
def same_pixels():
    """Pictures that the graph must decode as the build does, by name."""
    rgba = Image.fromarray(NOISE)
    seen = Image.fromarray(
        np.where(NOISE[..., 3:] > 128, 255, 0).astype("uint8")[..., 0]
    )
    cut_out = SMOOTH.copy()
    cut_out.putalpha(seen)
    bmp = bytearray(encoded(SMOOTH, "BMP"))
    bmp[22:26] = struct.pack("<i", -HEIGHT)
    found = {
        "jpeg": encoded(SMOOTH, "JPEG", quality=95),
        "jpeg of noise": encoded(rgba.convert("RGB"), "JPEG", quality=60),
        "jpeg 4:4:4": encoded(SMOOTH, "JPEG", subsampling=0),
        "jpeg progressive": encoded(SMOOTH, "JPEG", progressive=True),
        "jpeg grey": encoded(SMOOTH.convert("L"), "JPEG"),
        "jpeg of red, green, blue": encoded(SMOOTH, "JPEG", keep_rgb=True),
        "png clear palette": encoded(palette(), "PNG", transparency=3),
        "png half clear palette": encoded(palette(), "PNG", transparency=b"\x80" * 9),
        "png clear colour": encoded(SMOOTH, "PNG", transparency=(9, 9, 9)),
        "png gamma": raw_png(2, 8, 3, chunk(b"gAMA", struct.pack(">I", 100_000))),
        "gif": encoded(palette(), "GIF"),
        "gif clear": encoded(palette(), "GIF", transparency=3),
        "gif interlaced, clear": encoded(
            palette(), "GIF", transparency=2, interlace=1, comment=b"c" * 700
        ),
        "gif cut out": encoded(cut_out, "GIF"),
        "gif of grey": encoded(SMOOTH.convert("L"), "GIF"),
        "gif moving": encoded(
            palette(),
            "GIF",
            save_all=True,
            append_images=[palette().rotate(180)],
            transparency=1,
            disposal=2,
        ),
        "bmp": encoded(SMOOTH, "BMP"),
        "bmp from the top": bytes(bmp),
        "bmp grey": encoded(SMOOTH.convert("L"), "BMP"),
        "bmp palette": encoded(palette(), "BMP"),
        "bmp alpha": encoded(rgba, "BMP"),
    }
    for kind, channels in ((0, 1), (2, 3), (4, 2), (6, 4)):
        for bits in (8, 16):
            found[f"png {kind} {bits}"] = raw_png(kind, bits, channels)
    for bits in (1, 2, 4):
        found[f"png grey {bits}"] = raw_png(0, bits, 1)
        colours = GENERATOR.integers(0, 256, 3 * 2**bits, np.uint8).tobytes()
        found[f"png palette {bits}"] = raw_png(3, bits, 1, chunk(b"PLTE", colours))
    found["png 16 clear"] = raw_png(0, 16, 1, chunk(b"tRNS", b"\1\2"))
    return found


@functools.cache
def refused():
    """Pictures that TensorFlow would read otherwise, by what the graph says."""
    part = bytearray(encoded(palette(), "GIF", transparency=3))
    part[6:10] = struct.pack("<HH", WIDTH + 9, HEIGHT + 9)
    return {
        "CMYK": encoded(Image.fromarray(NOISE, "CMYK"), "JPEG"),
        "first frame is the whole": bytes(part),
        "BMP of 8, 24 or 32 bits": encoded(SMOOTH.convert("1"), "BMP"),
    }


def entry(order, value, tag=0x112, kind=3, count=1):
    number = struct.pack(order + ("H" if kind in (3, 8) else "I"), value)
    return struct.pack(order + "HHI", tag, kind, count) + number.ljust(4, b"\0")


def tiff(*entries, order="<", offset=8, count=None, mark=None):
    """The TIFF in EXIF: entries by `entry`, all in one order."""
    mark = mark or (b"II*\0" if order == "<" else b"MM\0*")
    number = struct.pack(order + "H", len(entries) if count is None else count)
    head = (mark + struct.pack(order + "I", offset)).ljust(offset, b"\0")
    return head + number + b"".join(entries) + b"\0" * 4


def segment(content, marker=0xE1):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments):
    plain = encoded(SMOOTH, "JPEG", quality=95)
    return plain[:2] + b"".join(segments) + plain[2:]


def png(*chunks, after=()):
    plain = encoded(SMOOTH, "PNG")
    return b"".join((plain[:33], *chunks, plain[33:-12], *after, plain[-12:]))


@functools.cache
def _odd_exifs(six):
    apart = tiff(entry("<", 26, kind=4, count=2)) + struct.pack("<II", 6, 3)
    long = entry("<", 9999, tag=0x10E, kind=2, count=9)
    far = entry("<", 9999, tag=0x10E, kind=2, count=99_999)
    return {
        "twice": tiff(entry("<", 3), six),
        "second": tiff(entry("<", 1, tag=0x100), six),
        "no value": tiff(entry("<", 6, count=0)),
        "two values": tiff(entry("<", 6, count=2)),
        "values apart": apart,
        "later": tiff(six, offset=40),
        "beyond": tiff(six)[:4] + b"\xff" * 4 + tiff(six)[8:],
        "fewer than said": tiff(six, count=9),
        "cut": tiff(six)[:-7],
        "behind a cut value": tiff(long, six),
        "behind an impossible value": tiff(far, six),
        "big": tiff(six, mark=b"II+\0"),
        "other order of 42": tiff(six, mark=b"II\0*"),
        "no TIFF": b"nonsense and more",
        "short": b"II*",
        "empty": b"",
        "head twice": EXIF + tiff(six),
        "head thrice": EXIF + EXIF + tiff(six),
    }


def oriented():
    """Pictures whose orientation the graph must read as Pillow does, by name."""
    six = entry("<", 6)
    found = {"none": jpeg(), "png none": png()}
    for order in "<>":
        for value in range(10):
            exif = tiff(entry(order, value), order=order)
            found[f"{order}{value}"] = jpeg(segment(EXIF + exif))
            found[f"png {order}{value}"] = png(chunk(b"eXIf", exif))
        for kind in (1, 2, 4, 7, 8, 9, 13):
            exif = tiff(entry(order, 6, kind=kind), order=order)
            found[f"type {kind} {order}"] = jpeg(segment(EXIF + exif))
    exifs = _odd_exifs(six)
    found |= {name: jpeg(segment(EXIF + exif)) for name, exif in exifs.items()}
    found |= {f"png {n}": png(chunk(b"eXIf", exif)) for n, exif in exifs.items()}
    ours, other = (segment(EXIF + tiff(entry("<", n))) for n in (6, 3))
    half = tiff(six)
    says = segment(XMP + b'\xff\xfe\n<x tiff:Orientation="6" tiff:Orientation="3"/>')
    found |= {
        "two segments": jpeg(ours, other),
        "in two halves": jpeg(segment(EXIF + half[:12]), segment(EXIF + half[12:])),
        "other segments": jpeg(segment(b"ICC", 0xE2), segment(b"a", 0xFE), ours),
        "another marker": jpeg(segment(EXIF + tiff(six), 0xE2)),
        "filled": jpeg(b"\xff\xff" + ours),
        "behind the pixels": jpeg() + ours,
        "xmp": jpeg(says),
        "xmp element": jpeg(segment(XMP + b"<tiff:Orientation>8</tiff:Orientation>")),
        "xmp of nine": jpeg(segment(XMP + b'tiff:Orientation="9"')),
        "xmp beside exif": jpeg(says, other),
        "xmp beside other exif": jpeg(says, segment(EXIF + tiff(entry("<", 1, 0x100)))),
        "xmp beside no exif": jpeg(says, segment(EXIF + b"nonsense")),
        "last xmp": jpeg(says, segment(XMP + b"nothing")),
        "png behind": png(after=(chunk(b"eXIf", tiff(six)),)),
        "png last": png(chunk(b"eXIf", tiff(six)), chunk(b"eXIf", tiff(entry("<", 3)))),
        "png xmp": png(
            chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0tiff:Orientation="6"')
        ),
        "gif": encoded(palette(), "GIF"),
        "bmp": encoded(SMOOTH, "BMP"),
    }
    return found
