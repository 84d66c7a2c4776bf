"""Mean image and colour components of a training set, exact in any order.

Sums are kept in 64-bit integers, so that adding up is associative and the result
is the same to the last bit from one process or eight. They suffice: of the sums, a
channel product is the largest, at most 255^2 * 65,536 = 4.3e9 for a picture of
256 x 256, so 2^63 holds 2.1e9 pictures; the largest ImageNet has 1.5e7.
"""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.addresses import Address, dataset_folder
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically

PIXEL_SCALE = 255.0


class Accumulator:
    """Integer sums over uint8 RGB pictures of one size; can be merged.

    Attributes:
        sums: int64 (size, size, 3), sums of pixels.
        products: int64 (3, 3), sums of products of two channels of one pixel.
        count: pictures seen.
    """

    def __init__(self, size: int):
        self.sums = np.zeros((size, size, 3), np.int64)
        self.products = np.zeros((3, 3), np.int64)
        self.count = 0

    def add(self, image: np.ndarray) -> None:
        """Add one picture, uint8 of shape (size, size, 3)."""
        self.sums += image
        self.products += _channel_products(image)
        self.count += 1

    def merge(self, other: "Accumulator") -> None:
        """Add what another one has seen."""
        self.sums += other.sums
        self.products += other.products
        self.count += other.count

    def statistics(self) -> "Statistics":
        """Compute the statistics of what was seen.

        Raises:
            ValueError: nothing was.
        """
        if not self.count:
            raise ValueError("Expected at least one picture for statistics, got none.")
        covariance = self._covariance()
        values, vectors = np.linalg.eigh(covariance)
        values = np.maximum(values[::-1], 0.0)  # grey pictures: rounding below zero
        return Statistics(
            mean_image=(self.sums / self.count).astype(np.float32),
            channel_means=self.sums.sum((0, 1)) / (self.count * self._pixels()),
            covariance=covariance,
            eigenvalues=values,
            stddevs=np.sqrt(values),
            eigenvectors=_with_fixed_signs(vectors[:, ::-1]),
            count=self.count,
        )

    def _covariance(self) -> np.ndarray:
        # Python's integers have no limit, so the cancellation loses nothing.
        n = self.count * self._pixels()
        sums = [int(total) for total in self.sums.sum((0, 1))]
        products = self.products.tolist()
        return np.array(
            [
                [(n * products[i][j] - sums[i] * sums[j]) / n**2 for j in range(3)]
                for i in range(3)
            ]
        )

    def _pixels(self) -> int:
        return self.sums.shape[0] * self.sums.shape[1]


def _channel_products(image: np.ndarray) -> np.ndarray:
    # Floats for speed, exact nonetheless: a row of 258 products stays within the
    # 2^24 that float32 counts to, and any row within the 2^53 of float64.
    exact = np.float32 if image.shape[1] <= 2**24 // 255**2 else np.float64
    planes = image.transpose(2, 0, 1).astype(exact, order="C")
    products = np.zeros((3, 3), np.int64)
    for i in range(3):
        for j in range(i, 3):
            rows = np.einsum("yx,yx->y", planes[i], planes[j])
            products[i, j] = products[j, i] = rows.astype(np.int64).sum()
    return products


def _with_fixed_signs(vectors: np.ndarray) -> np.ndarray:
    largest = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[largest, range(3)] < 0, -1.0, 1.0)


@dataclass(frozen=True)
class Statistics:
    """What a training split looks like, in 0-255 pixels, channels in RGB order.

    Attributes:
        mean_image: float32 (size, size, 3).
        channel_means: float64 (3,).
        covariance: float64 (3, 3), of the channels over all pixels, divided by n.
        eigenvalues: float64 (3,), of the covariance, descending.
        stddevs: float64 (3,), the square roots of the eigenvalues; the released
            code's "color_stdevs" (convdata.py).
        eigenvectors: float64 (3, 3); column i belongs to eigenvalue i, and its
            element of largest size is positive.
        count: pictures.
        pixel_scale: the value of white.
    """

    mean_image: np.ndarray
    channel_means: np.ndarray
    covariance: np.ndarray
    eigenvalues: np.ndarray
    stddevs: np.ndarray
    eigenvectors: np.ndarray
    count: int
    pixel_scale: float = PIXEL_SCALE

    def save(self, path: Path | str) -> None:
        """Write an npz file, whole or not at all; equal statistics, equal bytes."""
        write_atomically(Path(path), self._npz())

    def save_new(self, path: Path | str, replace: bool = False) -> bool:
        """Write as `save` does, but keep a file that differs unless it may be replaced.

        Returns:
            Whether anything was written: not if the file holds the same already.

        Raises:
            DatasetError: the file is there and differs.
        """
        path, data = Path(path), self._npz()
        there = path.read_bytes() if path.exists() else None
        if there == data:
            return False
        if there is not None and not replace:
            raise DatasetError(
                f"{path} is there and differs from what the shards give. Write to "
                "another file with --out, or replace it with --force."
            )
        write_atomically(path, data)
        return True

    def _npz(self) -> bytes:
        buffer = io.BytesIO()
        arrays: dict[str, Any] = vars(self)
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path | str | Address) -> "Statistics":
        """Read what `save` wrote; the folder of the file, or an address, does too.

        Raises:
            DatasetError: the file is missing or damaged.
        """
        path = dataset_folder(path)
        if path.is_dir():
            path = path / STATISTICS_FILE
        try:
            with np.load(io.BytesIO(path.read_bytes())) as arrays:
                values = {name: arrays[name] for name in _SHAPES}
        except FileNotFoundError:
            raise DatasetError(
                f"Expected the training statistics in {path}, found no such file. "
                f"Build the dataset again with: alexnet build SOURCE {path.parent}."
            ) from None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise _damaged(path, str(error)) from None
        return cls.from_arrays(values, path)

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], where: Path | str | Address
    ) -> "Statistics":
        """Make statistics of arrays by the names of its attributes.

        Args:
            arrays: All of them, and no more.
            where: The file that they are of, for the error.

        Raises:
            DatasetError: one is missing, left over, of another shape or not finite.
        """
        where = dataset_folder(where)
        if {*arrays} != {*_SHAPES}:
            raise _damaged(where, f"it has {', '.join(arrays) or 'nothing'}")
        return cls(**_checked(where, dict(arrays)))


_SHAPES: dict[str, tuple[int, ...]] = {
    "mean_image": (-1, -1, 3),
    "channel_means": (3,),
    "covariance": (3, 3),
    "eigenvalues": (3,),
    "stddevs": (3,),
    "eigenvectors": (3, 3),
    "count": (),
    "pixel_scale": (),
}


def _checked(path: Path | Address, values: dict[str, np.ndarray]) -> dict[str, Any]:
    for name, shape in _SHAPES.items():
        found = values[name].shape
        fits = len(found) == len(shape) and all(
            wanted in (-1, given) for wanted, given in zip(shape, found, strict=True)
        )
        if not fits or not np.isfinite(values[name]).all():
            raise _damaged(path, f"{name} has shape {found} or is not finite")
    count, scale = int(values["count"]), float(values["pixel_scale"])
    return {**values, "count": count, "pixel_scale": scale}


def _damaged(path: Path | Address, reason: str) -> DatasetError:
    return DatasetError(
        f"{path} is damaged ({reason}). Build the dataset again with: "
        f"alexnet build SOURCE {path.parent}."
    )
