"""Input pipelines: stored pictures to augmented batches, on one core."""

from pathlib import Path
from typing import Any

from peers import targets
from peers.contestant import Contestant
from peers.environment import own_environment
from peers.group import Group, Settings
from tfrecords import Manifest
from tfrecords.errors import DatasetError

BATCH_SIZES = (128,)
FEWEST_BATCHES = 4


def groups(settings: Settings) -> list[Group]:
    """Return one group for each batch size; seconds are of processor time."""
    from peers import pictures

    if settings.data is None:
        raise DatasetError("Expected --data DATASET for the part input, got none.")
    side, folder = settings.network["side"], settings.folder
    files = {name: folder / name for name in ("tree", "raw")}
    pictures.extract(settings.data, files["tree"], settings.pictures)
    pictures.build_raw(files["tree"], files["raw"])
    colours = folder / "colours.npz"
    pictures.write_colours(settings.data, colours, side)
    facts = {
        "tree": str(files["tree"]),
        "colours": str(colours),
        "stored": Manifest.load(settings.data).image_size,
    }
    return [
        _group(settings, batch, files["raw"], facts)
        for batch in settings.batch_sizes or BATCH_SIZES
    ]


def _group(settings: Settings, batch: int, raw: Path, facts: dict[str, Any]) -> Group:
    calls = max(FEWEST_BATCHES, settings.pictures // batch)
    job = settings.job("float32", batch, calls=calls, **facts)
    shards = {"shards": str(settings.data)}
    ours, peers = own_environment(), settings.environment.python
    absent = settings.environment.absent

    def one(name: str, script: str, kind: str = "peer", **fields: Any) -> Contestant:
        return Contestant(name, ours, script, {**job, **fields}, kind, batch)

    def other(name: str, script: str, *packages: str) -> Contestant:
        missing = absent(*packages)
        return Contestant(name, peers, script, job, amount=batch, absent=missing)

    contestants = (
        one(targets.OURS, "our_input.py", "ours", **shards),
        one(targets.OURS_CROPS, "our_input.py", "ours", **shards, normalized=False),
        one(
            targets.OURS_RAW,
            "our_input.py",
            "ours",
            shards=str(raw),
            normalized=False,
        ),
        other(targets.TORCHVISION, "torch_input.py", "torch", "torchvision"),
        one(targets.KERAS_LAYERS, "keras_input.py"),
        one(targets.TFDS, "tfds_input.py", **shards),
        other(targets.DALI, "dali_input.py", "nvidia-dali-cuda120"),
        other(targets.FFCV, "ffcv_input.py", "ffcv"),
        one(targets.LIBJPEG, "our_input.py", "limit"),
    )
    demands = {targets.LIBJPEG: float(batch)}
    return Group("input", "float32", batch, contestants, demands=demands)
