"""How close `fit` on TFRecords comes to what step and pipeline allow together."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import tyro

from keras_alexnet.benchmark.input import FOREVER, endless_batches, taking
from keras_alexnet.benchmark.operations import Work, repeated, seconds_in_turn
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record
from tfrecords.processes import available_cores

ROUNDS = 2


@dataclass(frozen=True)
class FitOptions(MeasureOptions):
    """Measure `fit` on TFRecords, in images/s.

    Beside it in the same run: the step alone on a batch that lies where the model is,
    the pipeline alone, on a GPU the copy of a batch to it, and what they allow
    together.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Arithmetic."""
    preset: str = "released"
    """Network."""
    batch_size: int = 128
    """Images in a step."""
    steps: int = 10
    """Steps of each measurement; each is made twice."""


def measure(options: FitOptions) -> Record:
    """Measure `fit`, the step, the pipeline and the copy in turn."""
    from keras_alexnet.benchmark.device import arithmetic, gpu_name, peak_bytes

    fields: dict[str, Any] = {"precision": options.precision, "learning_rate": 0.001}
    size = (options.data, options.batch_size, options.steps)
    peak: int | None = None
    works: dict[str, Callable[[], float]] = {}
    for name in ("fit", "step", "pipeline", *(["copy"] if gpu_name() else [])):
        works[name] = fit_work(name, *size, options.preset, **fields).seconds
        if name == "fit" and gpu_name():
            works[name]()
            peak = peak_bytes()  # of `fit`: the others are not there yet
    seconds = seconds_in_turn(works, ROUNDS, "fit")
    images = options.batch_size * options.steps
    rates = {name: images / median(each) for name, each in seconds.items()}
    figures = list(_figures(rates, available_cores()))
    if peak is not None:
        figures.append(Figure("fit: peak memory of the GPU", peak / 1e6, "MB"))
    title = f"Training on stored pictures, {arithmetic(options.precision)}"
    return Record.now("fit", title, figures, options=asdict(options))


def _figures(rates: Mapping[str, float], cores: int) -> Iterator[Figure]:
    """Yield the rates, and how close `fit` comes to what the others allow."""
    fit, step, core = (rates[name] for name in ("fit", "step", "pipeline"))
    if "copy" in rates:
        # Each has a part of the machine to itself; the slowest sets the pace.
        allowed, beside = min(step, core * cores, rates["copy"]), "the slowest of them"
    else:
        # What is left for the two together on shared cores.
        allowed = 1 / (1 / step + 1 / (core * cores))
        beside = f"{cores} cores; nothing is copied"
    share = 100 * fit / allowed
    yield Figure("fit", fit, "images/s", f"{share:.0f} % of what is allowed")
    yield Figure("step alone", step, "images/s")
    yield Figure("pipeline alone, a core", core, "images/s")
    if "copy" in rates:
        yield Figure("copy to the GPU", rates["copy"], "images/s")
    yield Figure("allowed together", allowed, "images/s", beside)
    yield Figure("fit over what is allowed", share, "%")
    yield Figure("fit over the step alone", 100 * fit / step, "%")


def fit_work(
    work: str,
    data: Path | str,
    batch_size: int,
    steps: int,
    network: str = "released",
    **fields: Any,
) -> Work:
    """Return the work of training so many steps on a dataset, or of a part of it.

    That is `fit` on shards; `step` on one batch again and again; `pipeline`, by
    processor time; or `copy` of a batch to the GPU. `network` names a preset, `fields`
    are those of it and its recipe.
    """
    from keras_alexnet.benchmark.step import repeated_step
    from keras_alexnet.data.mean import mean_patch
    from keras_alexnet.training.compile import compile_network
    from keras_alexnet.training.devices.plan import ONE_DEVICE
    from keras_alexnet.training.run_dataset import RunDataset

    preset = find_preset(network).replace(batch_size=batch_size, **fields)
    batches = endless_batches(data, batch_size, input_size=preset.input_size)
    if work == "pipeline":
        return taking(batches, steps)
    if work == "copy":
        copy = repeated_copy(next(iter(batches)), "GPU:0")
        return Work(lambda: copy(steps), lambda: copy())
    dataset = RunDataset.read(Path(data))
    mean = mean_patch(dataset.statistics, preset.input_size, preset.recipe.mean)
    model = compile_network(preset, dataset.manifest.num_classes, mean=mean)
    if work == "fit":
        plan = ONE_DEVICE  # and the rest as `train` does it
        there = plan.distribute(lambda: batches)
        held = HeldFit(model, there, plan.group_size)
        return Work(lambda: held.take(steps), lambda: held.take(1))
    step = repeated_step(model, next(iter(batches)))
    return Work(lambda: step(steps))


def repeated_copy(batch: Any, device: str) -> Callable[..., float]:
    """Return what copies a batch to a device once more, or so many times.

    The batch is a `PixelBatch` of uint8 crops and their labels, as a pipeline gives it
    in the memory of the host. It gives the first label, read from the device.
    """
    import tensorflow as tf

    with tf.device("CPU:0"):
        held = tf.nest.map_structure(tf.identity, batch)

    def copy() -> Any:
        with tf.device(device):
            _, labels = tf.nest.map_structure(tf.identity, held)
            return labels[0]

    return repeated(copy)


class HeldFit:
    """One call of `fit` on endless batches, which takes steps when it is told to.

    Args:
        model: Compiled, such as `compile_network` makes it.
        batches: What `fit` takes.
        group: Steps that are taken in one call, but for what is left at the end.
    """

    def __init__(self, model: Any, batches: Any, group: int = 1) -> None:
        self._allowed, self._taken = threading.Semaphore(0), threading.Semaphore(0)
        self._error: Exception | None = None
        self._left = 0
        if group > 1:
            model.group_steps(group, lambda: self._left == 0)
        threading.Thread(target=self._fit, args=(model, batches), daemon=True).start()

    def take(self, steps: int) -> None:
        """Take so many steps and return when they are done; raise what `fit` raises."""
        self._left = steps
        self._allowed.release(steps)
        for _ in range(steps):
            self._taken.acquire()
            if self._error is not None:
                raise self._error

    def _fit(self, model: Any, batches: Any) -> None:
        import keras

        def begin(batch: int, logs: Any) -> None:
            self._allowed.acquire()
            self._left -= 1

        held = keras.callbacks.LambdaCallback(
            on_train_batch_begin=begin,
            on_train_batch_end=lambda batch, logs: self._taken.release(),
        )
        steps = {"steps_per_epoch": FOREVER, "shuffle": False}
        try:
            model.fit(batches, **steps, callbacks=[held], verbose=0)
        except Exception as error:
            self._error = error
            self._taken.release()
