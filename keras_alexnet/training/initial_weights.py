"""The weights that a training starts from, where they are those of another network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.folder import open_network
from keras_alexnet.trained.misfit import print_misfits, shape_misfits
from keras_alexnet.trained.names import CONFIG_FILE
from keras_alexnet.trained.tensors import PARTS, model_tensors
from keras_alexnet.training.state import model_state
from tfrecords import Statistics
from tfrecords.errors import UserError
from tfrecords.plain_text import say


@dataclass(frozen=True)
class InitialWeights:
    """A network whose weights another one begins with.

    Attributes:
        folder: Network or run folder.
        labels: Its class names in label order.
        preprocessing: Of its `config.json`: what the weights expect of pictures.
        statistics: Of the pictures that it learnt from; their mean is subtracted.
        arrays: float32 weights by name, such as `model/conv1/kernel`; nothing fixed.
    """

    folder: Path
    labels: tuple[str, ...]
    preprocessing: dict[str, Any]
    statistics: Statistics
    arrays: dict[str, np.ndarray]

    @classmethod
    def read(cls, folder: Path | str) -> "InitialWeights":
        """Read a network folder or the best network of a run.

        Raises:
            UserError: It is none, or has no Keras model, as an export.
        """
        folder = Path(folder)
        if not (folder / CONFIG_FILE).exists():
            raise UserError(
                f"Expected a network folder or a run folder for --init, found no "
                f"{CONFIG_FILE} in {folder}. An export has no weights to train."
            )
        saved = open_network(folder)
        tensors = model_tensors(saved.model).items()
        arrays = {f"model/{name.replace('.', '/')}": x for name, x in tensors}
        labels, config = tuple(saved.labels), saved.config
        return cls(folder, labels, config.preprocessing, saved.statistics, arrays)

    def give(
        self, model: keras.Model, labels: Sequence[str], preset: AnyPreset
    ) -> list[str]:
        """Put the weights into a compiled model, in any strategy, in towers or not.

        The head is taken whole where the classes are the same in the same order. Else
        it stays as the model has it, but for the classes that both have if the recipe
        has `keep_rows`.

        Args:
            model: As `compile_network` makes it.
            labels: Its class names.
            preset: Of the model.

        Returns:
            The classes whose weights in the head were taken.

        Raises:
            UserError: A layer is missing, too many, or of another shape; nothing is
                changed, and a table on standard output names all of them.
        """
        state = model_state.capture(model)
        own = {n: a for n, a in state.items() if n in self.arrays or _is_weight(n)}
        same = tuple(labels) == self.labels
        head = {name for name in own if name.split("/")[1] == preset.head}
        self._check({n: a for n, a in own.items() if same or n not in head}, head)
        for name in own:
            if same or name not in head:
                state[name] = self.arrays[name]
        if same:
            kept = list(labels)
        else:
            by_name = preset.recipe.keep_rows
            kept = [label for label in labels if by_name and label in self.labels]
            columns = [self.labels.index(label) for label in kept]
            places = [list(labels).index(label) for label in kept]
            for name in sorted(head):
                state[name] = state[name].copy()
                state[name][..., places] = self.arrays[name][..., columns]
        model_state.restore(model, state, f"--init {self.folder}")
        return kept

    def say(self, kept: Sequence[str], labels: Sequence[str], layer: str) -> None:
        """Print one line: what was taken, and what became of the head, a layer."""
        head = f"{layer} starts anew: its classes are others"
        if len(kept) == len(labels):
            head = f"{layer} too"
        elif kept:
            head = f"{layer} keeps {len(kept)} of {len(labels)} classes"
        say(f"Weights of {self.folder}; {head}.")

    def _check(self, expected: dict[str, np.ndarray], head: set[str]) -> None:
        found = {n: a for n, a in self.arrays.items() if n in expected or n not in head}
        rows = shape_misfits(_shapes(expected), _shapes(found))
        if not rows:
            return
        print_misfits(rows)
        raise UserError(
            f"Expected the network of {self.folder} for --init, got another: "
            f"{len(rows)} of {len({*expected, *found})} weights differ, the first is "
            f"{rows[0].tensor}. Leave options of the network out."
        )


def _shapes(arrays: dict[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    names = sorted(arrays)
    return {name.removeprefix("model/"): arrays[name].shape for name in names}


def _is_weight(name: str) -> bool:
    return name.startswith("model/") and name.endswith(PARTS)
