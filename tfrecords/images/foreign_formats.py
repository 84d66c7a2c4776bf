"""Kinds of files that people keep among their pictures and that are not decoded."""

# Major brands of ISO base media files: "....ftyp" and then four letters.
_BRANDS = {
    **dict.fromkeys(
        "heic heix heim heis hevc hevx hevm hevs mif1 msf1".split(), "HEIC"
    ),
    **dict.fromkeys(["avif", "avis"], "AVIF"),
    "crx ": "Canon's raw format",
}
_STARTS = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"FUJIFILMCCD-RAW": "Fujifilm's raw format",
    b"IIU\0": "Panasonic's raw format",
    b"IIRO": "Olympus' raw format",
    b"FOVb": "Sigma's raw format",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"\x1aE\xdf\xa3": "a video",
}


def foreign_format(data: bytes) -> str | None:
    """Name the kind of a file that is no picture for us, by its first bytes."""
    for start, name in _STARTS.items():
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12].decode("latin-1"), "a video")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:256].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return None
