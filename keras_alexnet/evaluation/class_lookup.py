"""Classes as people name them in files of their own."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tfrecords import Manifest
from tfrecords.errors import UserError


class ClassLookup:
    """The classes of a dataset by name, WordNet id, word or number.

    Args:
        labels: Class names in label order.
        synsets: WordNet ids in the same order, empty strings where there are none.
        words: Human names in the same order, such as `tench, Tinca tinca`; or none.

    Attributes:
        labels: As given.
        shown: What to call each class before people: its first word, or its name where
            it has none or shares it.
    """

    def __init__(
        self,
        labels: Sequence[str],
        synsets: Sequence[str] = (),
        words: Sequence[str] = (),
    ) -> None:
        self.labels = list(labels)
        first = [each.partition(",")[0] for each in words] or list(labels)
        times = Counter(first)
        self.shown = [
            short if short and times[short] == 1 else label
            for short, label in zip(first, labels, strict=True)
        ]
        # Where folders are named 1, 2, 3 a number is a name and nothing else.
        named = any(label.isdecimal() for label in labels)
        numbers = [] if named else map(str, range(len(labels)))
        self._places: dict[str, int] = {}
        for names in (labels, synsets, words, first, numbers):  # the first counts
            for name, place in _unique(names).items():
                self._places.setdefault(name, place)

    @classmethod
    def of(cls, manifest: Manifest) -> "ClassLookup":
        """Return that of a dataset."""
        return cls(manifest.labels, manifest.synsets, manifest.words)

    def find(self, name: str) -> int | None:
        """Return the label of a class, or None for a name that is none.

        Args:
            name: Class name, WordNet id, words or first word; or its label, from 0,
                unless classes have numbers for names. What two classes are called is
                neither's name.
        """
        return self._places.get(name)

    def label(self, key: Any, where: str) -> int:
        """Return the label of a class in a file.

        Args:
            key: A name as for `find`, or an int, the label.
            where: Place in the file, for the message.

        Raises:
            UserError: There is no such class.
        """
        found = None
        if isinstance(key, str):
            found = self.find(key)
        elif type(key) is int and 0 <= key < len(self.labels):
            found = key
        if found is None:
            raise UserError(
                f"Expected classes of the dataset in {where}, by name, WordNet id or "
                f"number from 0 to {len(self.labels) - 1}; got {key!r}."
            )
        return found


def _unique(names: Iterable[str]) -> dict[str, int]:
    """Map each name that is there once to its place."""
    names = list(names)
    times = Counter(names)
    return {n: place for place, n in enumerate(names) if n and times[n] == 1}
