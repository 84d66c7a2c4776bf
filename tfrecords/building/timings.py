"""Where the seconds of a build went."""

from collections.abc import Iterator, Mapping

from tfrecords.stopwatch import Seconds

_LINE = "{:8} {:10} {:>13} {:>13} {:>14}"


def timing_lines(
    parent: Mapping[str, Seconds], workers: Mapping[str, Seconds], pictures: int
) -> Iterator[str]:
    """Say what parent and workers took.

    Args:
        parent: Seconds of each phase of the process that was started.
        workers: Those of all processes that wrote shards, together.
        pictures: How many they read.
    """
    head = ("", "phase", "clock, s", "processor, s", "ms a picture")
    yield _LINE.format(*head).rstrip()
    sums = [sum(phases.values(), Seconds()) for phases in (parent, workers)]
    both = zip(("parent", "workers"), (parent, workers), sums, strict=True)
    for who, phases, whole in both:
        for name, seconds in {**phases, "all": whole}.items():
            each = 1000 * seconds.processor / max(1, pictures)
            numbers = seconds.clock, seconds.processor, each
            yield _LINE.format(who, name, *(f"{number:,.3f}" for number in numbers))
    own, theirs = (whole.processor for whole in sums)
    if theirs:
        yield f"The parent's processor time is {own / theirs:.1%} of the workers'."
