"""The rows of a long array that are nearest to some vectors, by exact search."""

from collections.abc import Iterable

import numpy as np

from tfrecords.ranges import check_count


def nearest_rows(
    queries: np.ndarray, blocks: Iterable[np.ndarray], count: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """Return Euclidean distances to the nearest rows, and which rows they are.

    Differences are squared and added up in float64, so that equal vectors are 0 apart,
    and nothing is approximate. Only one block and the best so far are in memory.

    Args:
        queries: Numbers `(queries, units)`.
        blocks: The rows in order, a part at a time: numbers `(rows, units)`.
        count: Rows to find; fewer where there are no more.

    Returns:
        float64 `(queries, count)`, ascending, and int64 `(queries, count)`, from 0; of
        equal distances the smaller row comes first.
    """
    check_count("count", count)
    best = np.zeros((len(queries), 0))
    rows = np.zeros((len(queries), 0), np.int64)
    first = 0
    for block in blocks:
        found = np.stack([_distances(query, block) for query in queries])
        numbers = np.broadcast_to(np.arange(first, first + len(block)), found.shape)
        best = np.concatenate([best, found], axis=1)
        rows = np.concatenate([rows, numbers], axis=1)
        # Stable: rows of earlier blocks stand before those of later ones.
        order = np.argsort(best, axis=1, kind="stable")[:, :count]
        best = np.take_along_axis(best, order, axis=1)
        rows = np.take_along_axis(rows, order, axis=1)
        first += len(block)
    return best, rows


def _distances(query: np.ndarray, block: np.ndarray) -> np.ndarray:
    differences = block.astype(np.float64) - query
    return np.sqrt(np.einsum("ij,ij->i", differences, differences))
