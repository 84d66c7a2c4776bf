"""Training on stored pictures: reading, augmenting and stepping on the same cores."""

from typing import Any

from peers import targets
from peers.contestant import Contestant
from peers.environment import own_environment
from peers.group import Group, Settings
from tfrecords import Manifest
from tfrecords.errors import DatasetError

BATCH_SIZES = (64,)


def groups(settings: Settings) -> list[Group]:
    """Return one group for each precision and batch size."""
    from peers import our_network, pictures

    if settings.data is None:
        raise DatasetError("Expected --data DATASET for the part fit, got none.")
    manifest, folder = Manifest.load(settings.data), settings.folder
    tree, colours = folder / "fit_tree", folder / "colours.npz"
    pictures.extract(settings.data, tree, manifest.count("train"))
    pictures.write_colours(settings.data, colours, settings.network["side"])
    job = settings.job("float32", 1, classes=manifest.num_classes)
    facts = {
        **our_network.write_network(job, folder),
        "classes": manifest.num_classes,
        "tree": str(tree),
        "colours": str(colours),
        "shards": str(settings.data),
        "calls": settings.steps,
    }
    return [
        _group(settings, settings.job(precision, batch, **facts))
        for precision in settings.precisions
        for batch in settings.batch_sizes or BATCH_SIZES
    ]


def _group(settings: Settings, job: dict[str, Any]) -> Group:
    pictures = job["batch_size"] * settings.steps

    def ours(name: str, work: str, kind: str) -> Contestant:
        fields = {**job, "work": work}
        return Contestant(name, own_environment(), "our_fit.py", fields, kind, pictures)

    contestants = (
        ours(targets.OURS, "fit", "ours"),
        ours(targets.STEP_ALONE, "step", "yardstick"),
        ours(targets.PIPELINE_ALONE, "pipeline", "yardstick"),
        Contestant(
            targets.EAGER,
            settings.environment.python,
            "torch_fit.py",
            job,
            amount=pictures,
            absent=settings.environment.absent("torch", "torchvision"),
        ),
    )
    return Group("fit", job["precision"], job["batch_size"], contestants)
