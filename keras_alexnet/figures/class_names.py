"""What classes are called in a figure, and which one a picture is of."""

from collections.abc import Sequence
from pathlib import Path

from tfrecords import Manifest
from tfrecords.errors import UserError
from tfrecords.plain_text import printable

_MOST_LETTERS = 24  # of a class name


class ClassNames:
    """The names of a network's classes.

    Args:
        labels: Class names in label order.
        data: Dataset folder of the same classes, whose words are shown in place of
            WordNet ids; None: the names themselves.

    Attributes:
        shown: What each is called in a figure, in label order: the first of its words,
            short and printable.

    Raises:
        UserError: The dataset has other classes, or is none.
    """

    def __init__(self, labels: Sequence[str], data: Path | str | None = None) -> None:
        words: Sequence[str] = ()
        synsets: Sequence[str] = ()
        if data is not None:
            manifest = Manifest.load(data, check=False)
            if list(manifest.labels) != list(labels):
                raise UserError(
                    f"Expected a dataset of the same {len(labels)} classes, got {data} "
                    f"of {manifest.num_classes} others. Leave --data out."
                )
            words, synsets = manifest.words, manifest.synsets
        words = words or [""] * len(labels)
        self.shown = [
            shortened(word.partition(",")[0] or label)
            for word, label in zip(words, labels, strict=True)
        ]
        self._places = {name: place for place, name in enumerate(synsets) if name}
        self._places |= {name: place for place, name in enumerate(labels)}
        self._labels = labels

    def of_file(self, path: Path | str) -> int | None:
        """Return the class that the folder of a picture is named after; None: none."""
        return self._places.get(Path(path).absolute().parent.name)

    def find(self, name: str) -> int:
        """Return the class of a name, WordNet id or word.

        Raises:
            UserError: There is none.
        """
        shown = {each: place for place, each in enumerate(self.shown)}
        place = self._places.get(name, shown.get(name))
        if place is None:
            some = ", ".join(self.shown[:5])
            raise UserError(
                f"Expected one of the {len(self.shown)} classes, such as {some}; got "
                f"{name!r}."
            )
        return place


def shortened(text: str, most: int = _MOST_LETTERS) -> str:
    """Return text in one printable line, its middle left out where it is too long."""
    text = printable(text)
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[: most - half - 1]}…{text[-half:]}"
