"""How close `fit` on TFRecords comes to what step and pipeline allow together."""

import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import tyro

from keras_alexnet.benchmark.input import FOREVER, endless_batches, taking
from keras_alexnet.benchmark.operations import Work, seconds_in_turn
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record
from tfrecords.processes import available_cores

ROUNDS = 2


@dataclass(frozen=True)
class FitOptions(MeasureOptions):
    """Measure `fit` on TFRecords, in images/s.

    Beside it in the same run: the step alone and the pipeline alone, and what the two
    together allow on these cores.
    """

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Arithmetic."""
    batch_size: int = 128
    """Images in a step."""
    steps: int = 10
    """Steps of each measurement; each is made twice."""


def measure(options: FitOptions) -> Record:
    """Measure `fit`, the step and the pipeline in turn."""
    fields: dict[str, Any] = {"precision": options.precision, "learning_rate": 0.001}
    size = (options.data, options.batch_size, options.steps)
    names = ("fit", "step", "pipeline")
    works = {name: fit_work(name, *size, **fields).seconds for name in names}
    seconds = seconds_in_turn(works, ROUNDS, "fit").values()
    images = options.batch_size * options.steps
    fit, step, pipeline = (images / median(each) for each in seconds)
    cores = available_cores()
    # What is left for the two together on shared cores.
    allowed = 1 / (1 / step + 1 / (pipeline * cores))
    share = 100 * fit / allowed
    figures = [
        Figure("fit", fit, "images/s", f"{share:.0f} % of what is allowed"),
        Figure("step alone", step, "images/s"),
        Figure("pipeline alone, a core", pipeline, "images/s"),
        Figure("allowed together", allowed, "images/s", f"{cores} cores"),
        Figure("fit over what is allowed", share, "%"),
    ]
    title = f"Training on stored pictures, {options.precision}"
    return Record.now("fit", title, figures, options=asdict(options))


def fit_work(
    work: str, data: Path | str, batch_size: int, steps: int, **fields: Any
) -> Work:
    """Return the work of training so many steps on a dataset, or of a part of it.

    That is `fit` on shards; `step` on one batch again and again; or `pipeline`, by
    processor time. `fields` are those of the preset and its recipe.
    """
    from keras_alexnet.benchmark.step import repeated_step
    from keras_alexnet.data.mean import mean_patch
    from keras_alexnet.training.compile import compile_network
    from keras_alexnet.training.run_dataset import RunDataset

    preset = find_preset("released").replace(batch_size=batch_size, **fields)
    batches = endless_batches(data, batch_size, input_size=preset.input_size)
    if work == "pipeline":
        return taking(batches, steps)
    dataset = RunDataset.read(Path(data))
    mean = mean_patch(dataset.statistics, preset.input_size, preset.recipe.mean)
    model = compile_network(preset, dataset.manifest.num_classes, mean=mean)
    if work == "fit":
        held = HeldFit(model, batches)
        return Work(lambda: held.take(steps), lambda: held.take(1))
    step = repeated_step(model, next(iter(batches)))
    return Work(lambda: [step() for _ in range(steps)])


class HeldFit:
    """One call of `fit` on endless batches, which takes steps when it is told to."""

    def __init__(self, model: Any, batches: Any) -> None:
        self._allowed, self._taken = threading.Semaphore(0), threading.Semaphore(0)
        self._error: Exception | None = None
        threading.Thread(target=self._fit, args=(model, batches), daemon=True).start()

    def take(self, steps: int) -> None:
        """Take so many steps and return when they are done; raise what `fit` raises."""
        self._allowed.release(steps)
        for _ in range(steps):
            self._taken.acquire()
            if self._error is not None:
                raise self._error

    def _fit(self, model: Any, batches: Any) -> None:
        import keras

        held = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: self._allowed.acquire(),
            on_train_batch_end=lambda batch, logs: self._taken.release(),
        )
        steps = {"steps_per_epoch": FOREVER, "shuffle": False}
        try:
            model.fit(batches, **steps, callbacks=[held], verbose=0)
        except Exception as error:
            self._error = error
            self._taken.release()
