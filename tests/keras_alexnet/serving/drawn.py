"""Pictures out of the answers of a server."""

import base64
import io

import numpy as np
from PIL import Image


def pixels_of(url, kind="png"):
    """The array of a `data:` URL."""
    head, text = url.split(",", 1)
    assert head == f"data:image/{kind};base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
