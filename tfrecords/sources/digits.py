"""The 1,797 scanned digits that scikit-learn carries: real, grey, no download."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tfrecords.sources.sample import BytesOrigin, Sample, Source, in_order

KIND = "digits"  # and its name
_WHITE = 16  # the scans count the ink pixels of 4 x 4 blocks


def recognises(name: Path | str) -> bool:
    """Tell whether a source is known by this name; a folder of it is `./digits`."""
    return name == KIND


def open_digits(name: Path | str = KIND) -> Source:
    """List the digits as grey 8 x 8 PNGs; label i is the digit i.

    Args:
        name: no matter, there is one such source.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits",
    UCI, 1998 (its test set), in scikit-learn's copy.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    samples = [
        _sample(index, int(label), scan)
        for index, (scan, label) in enumerate(
            zip(bunch.images, bunch.target, strict=True)
        )
    ]
    return Source(
        kind=KIND,
        name=KIND,
        location=KIND,
        labels=tuple(str(name) for name in bunch.target_names),
        samples=in_order(samples),
        validation_fraction=0.1,
        test_fraction=0.1,
        label_order="numbers",
    )


def _sample(index: int, label: int, scan: np.ndarray) -> Sample:
    pixels = np.rint(scan * (255 / _WHITE)).astype(np.uint8)  # (8, 8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    data = buffer.getvalue()
    key = f"{label}/{index:04d}.png"
    return Sample(key, label, None, len(data), BytesOrigin(data))
