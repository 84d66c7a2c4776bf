#!/usr/bin/env python
"""Tell orders of epochs from random permutations: ours, those of before, NumPy's.

    python scripts/benchmarks/order.py --json results/order/quality.json

Every order is made for so many seeds, two epochs of each.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np
import tensorflow as tf

from keras_alexnet.data.order import epoch_order
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from tfrecords.progress import Progress

Order = Callable[[int, int], np.ndarray]  # of seed and epoch
CELLS = 100  # on a side, of places and of records, in which is counted


@dataclass(frozen=True)
class OrderOptions(MeasureOptions):
    """Compare orders with random permutations."""

    seeds: int = 1000
    records: int = 10_000
    batch_size: int = 128
    shards: int = 16  # of the order of before
    buffer: int = 1000  # likewise: a tenth of the records, as 10,000 of 100,000


class Counts:
    """What is counted of the orders of one kind.

    Attributes:
        cells: By place and record, how often they met, both in `CELLS` parts.
        neighbours: Mean times in an epoch that a record is followed by one beside it.
        same_place: Mean records that are in one place in two epochs.
        again: Pairs in one batch that are in one batch in the next epoch too, over
            those of random orders.
    """

    def __init__(self, order: Order, options: OrderOptions, said: Callable) -> None:
        count, seeds = options.records, options.seeds
        places = np.arange(count)
        self.cells = np.zeros(CELLS * CELLS)
        neighbours = same = again = 0.0
        for seed in range(seeds):
            first, second = order(seed, 0), order(seed, 1)
            cells = places * CELLS // count * CELLS + first * CELLS // count
            self.cells += np.bincount(cells, minlength=CELLS * CELLS)
            neighbours += np.sum(np.abs(np.diff(first)) == 1)
            same += np.sum(first == second)
            again += _pairs_again(first, second, options.batch_size)
            said(seed)
        self.neighbours, self.same_place = neighbours / seeds, same / seeds
        self.again = again / seeds

    @property
    def deviations(self) -> float:
        """Chi squared of the cells, in standard deviations from its mean."""
        expected = self.cells.sum() / self.cells.size
        chi = ((self.cells - expected) ** 2 / expected).sum()
        freedom = (CELLS - 1) ** 2
        return float((chi - freedom) / np.sqrt(2 * freedom))


def _pairs_again(first: np.ndarray, second: np.ndarray, size: int) -> float:
    """Return how many pairs share a batch in both orders, over what is expected."""
    batches = [np.empty(len(first), np.int64) for _ in range(2)]
    for batch, order in zip(batches, (first, second), strict=True):
        batch[order] = np.arange(len(order)) // size
    both = np.bincount(batches[0] * (batches[0].max() + 1) + batches[1])
    pairs = [np.sum(n * (n - 1) / 2) for n in (np.bincount(batches[0]), both)]
    return float(pairs[1] / (pairs[0] ** 2 / (len(first) * (len(first) - 1) / 2)))


def orders(options: OrderOptions) -> dict[str, Order]:
    """Return the kinds of order that are compared, by name."""
    kinds: dict[str, Order] = {
        "NumPy's permutation": lambda seed, epoch: np.random.default_rng(
            (seed, epoch)
        ).permutation(options.records)
    }
    for run in (1, 8, 32, 64):
        kinds[f"runs of {run}"] = _by_index(options, run)
    kinds["the buffer of before"] = _by_buffer(options)
    for rounds in (4, 16):
        kinds[f"TensorFlow's index_shuffle, {rounds} rounds"] = _ciphered(
            options, rounds
        )
    return kinds


def _by_index(options: OrderOptions, run: int) -> Order:
    @tf.function(autograph=False)
    def order(seed, epoch):
        place = {"seed": seed, "epoch": epoch, "batch_size": options.batch_size}
        return epoch_order(options.records, **place, run=run)

    return lambda seed, epoch: order(*_integers(seed, epoch)).numpy()


def _by_buffer(options: OrderOptions) -> Order:
    """Shards begun in random order, read in turn, through a buffer."""

    def order(seed: int, epoch: int) -> np.ndarray:
        shards = tf.random.experimental.stateless_shuffle(
            tf.range(options.shards, dtype=tf.int64), _integers(seed, epoch)
        )
        size = -(-options.records // options.shards)
        stops = tf.constant(options.records, tf.int64)
        read = tf.data.Dataset.from_tensor_slices(shards).interleave(
            lambda shard: tf.data.Dataset.range(
                shard * size, tf.minimum((shard + 1) * size, stops)
            ),
            cycle_length=options.shards,
        )
        mixed = read.shuffle(options.buffer, seed=(seed << 32) + epoch)
        return next(mixed.batch(options.records).as_numpy_iterator())

    return order


def _ciphered(options: OrderOptions, rounds: int) -> Order:
    places = tf.range(options.records, dtype=tf.int64)

    def order(seed: int, epoch: int) -> np.ndarray:
        return tf.raw_ops.RandomIndexShuffle(
            index=places,
            seed=[*_integers(seed, epoch), tf.constant(0, tf.int64)],
            max_index=places[-1],
            rounds=rounds,
        ).numpy()

    return order


def _integers(*numbers: int) -> list[tf.Tensor]:
    return [tf.constant(number, tf.int64) for number in numbers]


def measure(options: OrderOptions) -> Record:
    """Return what can be told of each kind of order."""
    figures: list[Figure] = []
    kinds = orders(options)
    with Progress("orders", len(kinds) * options.seeds, unit="orders") as progress:
        for number, (name, order) in enumerate(kinds.items()):
            done = number * options.seeds
            counts = Counts(
                order, options, lambda seed, done=done: progress.update(done + seed)
            )
            figures += _figures(name, counts)
    title = f"Orders of {options.records:,} records, {options.seeds:,} seeds"
    return Record.now("order", title, figures, (), asdict(options))


def _figures(name: str, counts: Counts) -> Iterator[Figure]:
    beside = "standard deviations from the mean of chi squared; random: -3 to 3"
    yield Figure(f"{name}: place by record", counts.deviations, "", beside)
    yield Figure(f"{name}: neighbours that stay", counts.neighbours, "", "random: 2")
    again = "over random orders, of pairs in one batch"
    yield Figure(f"{name}: in a batch again", counts.again, "times", again)
    yield Figure(f"{name}: in the same place again", counts.same_place, "", "random: 1")


if __name__ == "__main__":
    run_as_script(measure)
