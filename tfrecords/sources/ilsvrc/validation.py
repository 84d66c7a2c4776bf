"""ILSVRC-2012's validation pictures, whose names are all that tells their classes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from tfrecords.errors import DatasetError
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.sample import Ignored, Origin, Sample

_FOREIGN = "not named as a validation picture of ILSVRC-2012"


def validation_samples(
    found: Iterable[tuple[str, int, Origin]],
    places: Mapping[str, int],
    ignored: list[Ignored],
) -> Iterator[Sample]:
    """Label validation pictures by the numbers in their names.

    Args:
        found: path, size in bytes and origin of each.
        places: label by WordNet id; pictures of other classes are passed over.
        ignored: grows by what is passed over.

    Raises:
        DatasetError: a number is not of 1 to 50,000.
    """
    for path, size, origin in found:
        base = path.rpartition("/")[2]
        if facts.validation_number(base) is None:
            ignored.append(Ignored(path, _FOREIGN))
            continue
        name = facts.validation_synset(base)
        if name is None:
            raise DatasetError(
                f"Expected validation pictures 1 to {facts.VALIDATION_COUNT:,} of "
                f"ILSVRC-2012, found {path}. Remove it."
            )
        if name in places:
            yield Sample(f"val/{base}", places[name], "validation", size, origin)
        else:
            ignored.append(Ignored(path, f"its class {name} is not in train"))


def shortfall(samples: Iterable[Sample], labels: tuple[str, ...]) -> tuple[str, ...]:
    """Say in notes what a source of ILSVRC-2012 has not.

    Raises:
        DatasetError: there is not one validation picture.
    """
    counts = Counter(sample.split for sample in samples)
    if not counts["validation"]:
        raise DatasetError(
            "Expected validation pictures with names such as "
            f"{facts.validation_name(1)}, found none of the classes of train."
        )
    notes = facts.missing(counts["train"], counts["validation"])
    absent = sorted(set(facts.synsets()) - set(labels))
    if absent:
        notes += (
            f"{len(absent):,} of ILSVRC-2012's 1,000 classes are not in train (the "
            f"first is {absent[0]}); their validation pictures are left out.",
        )
    return notes


def check_training_classes(names: Iterable[str], where: str) -> None:
    """Raise DatasetError unless all classes are ILSVRC-2012's."""
    foreign = sorted(set(names) - set(facts.synsets()))
    if foreign:
        raise DatasetError(
            f"Expected the classes of ILSVRC-2012 in {where}, found {foreign[0]!r} "
            f"({len(foreign):,} such). Remove it."
        )
