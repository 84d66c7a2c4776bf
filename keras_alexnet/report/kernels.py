"""The kernels of conv1, tower by tower, and how much of them is colour (figure 3)."""

from typing import Any

import numpy as np

from keras_alexnet.inference.colour_index import colour_index
from keras_alexnet.inference.drawings import data_url, sheet
from keras_alexnet.report.reported_run import ReportedRun
from tfrecords.errors import UserError

COLUMNS = 16  # as in the paper: three rows a tower
SCALE = 4  # pixels of a page for one of a kernel


def kernels_section(run: ReportedRun) -> dict[str, Any] | None:
    """Return a sheet for each tower with the colour indices; None: an export."""
    try:
        layer = run.network.first_layer()
    except UserError:  # an export has no kernels that can be looked at
        return None
    index = colour_index(layer.kernel)
    towers = []
    for number, places in enumerate(
        np.array_split(np.arange(len(layer.kernels)), layer.towers), start=1
    ):
        picture = sheet(_framed(layer.kernels[places]), min(COLUMNS, len(places)))
        towers.append(
            {
                "number": number,
                "first": int(places[0]) + 1,
                "last": int(places[-1]) + 1,
                "url": data_url(picture),
                "width": SCALE * picture.shape[1],
                "height": SCALE * picture.shape[0],
                "mean": float(index[places].mean()),
                "least": float(index[places].min()),
                "most": float(index[places].max()),
                "each": index[places].tolist(),
            }
        )
    return {
        "run": run.name,
        "side": layer.kernels.shape[1],
        "count": len(layer.kernels),
        "towers": towers,
    }


def _framed(kernels: np.ndarray) -> np.ndarray:
    """Return kernels `(count, side + 1, side + 1, 4)`, apart by what is transparent."""
    opaque = np.full((*kernels.shape[:3], 1), 255, np.uint8)
    pixels = np.concatenate([kernels, opaque], axis=-1)
    return np.pad(pixels, ((0, 0), (0, 1), (0, 1), (0, 0)))
