"""Layers as a Parquet file, a column of fixed-size lists each."""

import json
import math
from pathlib import Path
from typing import Any

from keras_alexnet.inference.feature_files.table import FeatureTable
from tfrecords.errors import UserError

try:
    import pyarrow
    from pyarrow import parquet
except ImportError:
    raise UserError(
        "Expected the package pyarrow for .parquet, found none. Install it with: "
        "pip install 'keras-alexnet[features]'; or take .npz or .h5."
    ) from None


def write(table: FeatureTable, path: Path) -> None:
    """Write a table; the facts are the metadata `facts` of its schema."""
    number = pyarrow.from_numpy_dtype(table.dtype)
    columns = {"path": pyarrow.string()}
    if table.labels is not None:
        columns["label"] = pyarrow.int64()
    for name, shape in table.shapes.items():
        columns[name] = pyarrow.list_(number, math.prod(shape))
    schema = pyarrow.schema(columns, {"facts": json.dumps(table.facts)})
    with parquet.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for rows, arrays in table.blocks():
            batch: dict[str, Any] = {"path": table.utf8_paths(rows)}
            if table.labels is not None:
                batch["label"] = table.labels[rows]
            for name, array in arrays.items():
                batch[name] = pyarrow.FixedSizeListArray.from_arrays(
                    pyarrow.array(array.reshape(-1)), type=columns[name]
                )
            writer.write_table(pyarrow.table(batch, schema))
