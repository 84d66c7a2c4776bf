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
    """Measure `fit`, the step and the pipeline in turn.

    Raises:
        UserError: The dataset is incomplete or has less than one batch.
    """
    options.check_counts("batch_size", "steps")
    fields: dict[str, Any] = {"precision": options.precision, "learning_rate": 0.001}
    size = (options.data, options.batch_size, options.steps)
    works = {
        work: fit_work(work, *size, **fields).seconds
        for work in ("fit", "step", "pipeline")
    }
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
    work: str,
    data: Path | str,
    batch_size: int,
    steps: int,
    *,
    input_size: int = 224,
    **fields: Any,
) -> Work:
    """Return the work of training on a dataset, or of a part of it.

    Args:
        work: `fit` on shards; `step` on one batch again and again; or `pipeline`, by
            processor time.
        data: Dataset folder.
        batch_size: Images in a step.
        steps: Of one call.
        input_size: Side of the crops in pixels.
        fields: Of the preset and its recipe.
    """
    batches = endless_batches(data, batch_size, input_size=input_size)
    if work == "pipeline":
        return taking(batches, steps)
    model = _network(data, batch_size=batch_size, input_size=input_size, **fields)
    if work == "fit":
        held = HeldFit(model, batches)
        return Work(lambda: held.take(steps), lambda: held.take(1))
    from keras_alexnet.benchmark.repeated_step import repeated_step

    step = repeated_step(model, next(iter(batches)))

    def train() -> None:
        for _ in range(steps):
            step()

    return Work(train)


def _network(data: Path | str, **fields: Any) -> Any:
    from keras_alexnet.data.mean import load_statistics, mean_patch
    from keras_alexnet.training.compile import compile_network
    from tfrecords import Manifest

    preset = find_preset("released").replace(**fields)
    mean = mean_patch(load_statistics(data), preset.input_size, preset.recipe.mean)
    return compile_network(preset, Manifest.load(data).num_classes, mean=mean)


class HeldFit:
    """One call of `fit`, in a thread, that takes steps when it is told to.

    Args:
        model: A compiled model.
        batches: What `fit` takes, without end.
    """

    def __init__(self, model: Any, batches: Any) -> None:
        self._allowed, self._taken = threading.Semaphore(0), threading.Semaphore(0)
        self._error: Exception | None = None
        threading.Thread(target=self._fit, args=(model, batches), daemon=True).start()

    def take(self, steps: int) -> None:
        """Take so many steps, and return when they are done.

        Raises:
            Exception: What `fit` raised.
        """
        for _ in range(steps):
            self._allowed.release()
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
        try:
            model.fit(
                batches,
                steps_per_epoch=FOREVER,
                callbacks=[held],
                shuffle=False,
                verbose=0,
            )
        except Exception as error:
            self._error = error
            self._taken.release()
