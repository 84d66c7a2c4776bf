"""A small dataset and a small AlexNet, for tests that need a whole run."""

import dataclasses
import io
import json
from pathlib import Path

import numpy as np
from keras import Model
from PIL import Image

import tfrecords
from keras_alexnet.presets import SMALL_PRESETS, Preset, find_preset
from keras_alexnet.trained.config_file import NetworkConfig, read_config
from keras_alexnet.training import fit
from keras_alexnet.training.control import Control
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.run_folder import create_run
from keras_alexnet.training.state import model_state
from keras_alexnet.training.state.progress import RunProgress
from tests.reference import network_bound

CIFAR_NETS = [name for name in SMALL_PRESETS if name.startswith("cifar-")]
LENETS = [name for name in SMALL_PRESETS if name.startswith("lenet5")]
CLASSES = ("blue", "green", "red")
# Terms of a sum in each layer of the network below, and the largest logit to expect.
TERMS = (11 * 11 * 3, 25 * 4, 9 * 16, 9 * 8, 9 * 8, 8, 16, 16)
LARGEST_LOGIT = 4.0
WHERE = ("data", "run")
DROPOUTS = (None, "original", "inverted")
STORED, INPUT = 72, 67  # pixels; 67 is the smallest input with a map for the crops
NETWORK = {
    "input_size": INPUT,
    "filters": (8, 16, 16, 16, 8),
    "units": 16,
    "weight_std": (0.01, None, None, None, None, None, None, 0.1),
    "biases": (0, 0, 0, 0, 0, 0, 0, 0),
}

CONTROL = tuple(f.name for f in dataclasses.fields(Control) if f.name not in WHERE)


def picture(label: int, seed: int, height: int = 80, width: int = 90) -> np.ndarray:
    """A smooth uint8 picture in which one channel is the brightest."""
    generator = np.random.default_rng((label, seed))
    coarse = generator.integers(0, 120, (4, 4, 3), np.uint8)
    coarse[..., 2 - label] += 100
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def encode(pixels: np.ndarray, kind: str = "JPEG") -> bytes:
    """Encode pixels with Pillow."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=95)
    return buffer.getvalue()


def write_tree(root: Path, per_class: int, names=CLASSES) -> Path:
    """Write a class/picture tree of JPEGs."""
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for seed in range(per_class):
            path = root / name / f"{seed:03d}.jpg"
            path.write_bytes(encode(picture(label % 3, seed)))
    return root


def build_dataset(root: Path, per_class: int = 16, names=CLASSES, **options) -> Path:
    """Build a dataset of a quarter validation pictures, in two shards a split.

    Options are those of `tfrecords.build`.
    """
    tree = write_tree(root / "tree", per_class, names)
    quick = {"shards": 2, "processes": 1, "progress": False}
    own = {"name": "small", "size": STORED, "validation_fraction": 0.25}
    tfrecords.build(tree, root / "data", **{**quick, **own, **options})
    return root / "data"


def probability_bound(dtype: str = "float32") -> float:
    """Bound how far two programs' probabilities lie apart by rounding.

    Each rounds its logits, and a probability moves at most half as far as they do. The
    narrow types are added up in float32 in a forward pass.
    """
    if dtype == "float32":
        return LARGEST_LOGIT * network_bound(dtype, TERMS, steps=20)
    return LARGEST_LOGIT * network_bound(dtype, [1] * len(TERMS))


def preset(name: str = "released", **fields) -> Preset:
    """A small network with a recipe that trains it in a second an epoch.

    Fields are those of network and recipe, by name.
    """
    quick = {"epochs": 2, "batch_size": 8, "learning_rate": 0.001}
    quick |= {"xla": False, "read_run": 1}  # what None comes to here
    return find_preset(name).replace(**{**NETWORK, **quick, **fields})


def settings(data: Path, run: Path, **fields) -> tuple[Preset, Control]:
    """The same and a control; fields may be those of all three, and the preset's."""
    controlled = {name: fields.pop(name) for name in CONTROL if name in fields}
    network = preset(fields.pop("preset", "released"), **fields)
    return network, Control(data, run, **controlled)


def make_run(data: Path, run: Path, **fields) -> Path:
    """Make a run folder without a checkpoint, for the command line to go on with."""
    network, chosen = settings(data, run, **fields)
    run.mkdir(parents=True, exist_ok=True)
    shown = RunDataset.read(data).preprocessing(network)
    create_run(run, NetworkConfig(network, shown, chosen.kept))
    return run


def train(
    data: Path, run: Path, plan: DevicePlan | None = None, **fields
) -> RunProgress:
    """Train the small network; fields as in `settings`."""
    return fit.train(*settings(data, run, **fields), plan=plan)


def resume(run: Path, plan: DevicePlan | None = None, **fields) -> RunProgress:
    """Go on with a run, with some of its fields changed."""
    saved = read_config(run)
    kept = {**saved.control, "run": run, "resume": True}
    kept |= {name: fields.pop(name) for name in (*CONTROL, "data") if name in fields}
    return fit.train(saved.preset.replace(**fields), Control(**kept), plan=plan)


def change_config(folder: Path, **sections) -> None:
    """Change `config.json` by hand: `preprocessing={"mean": "channel"}` and so on."""
    path = folder / "config.json"
    document = json.loads(path.read_text())
    for section, values in sections.items():
        document[section] |= values
    path.write_text(json.dumps(document))


def train_dropouts(data: Path, out: Path, plan: DevicePlan = ONE_DEVICE) -> None:
    """Train for an epoch with each form of dropout, and keep weights and counters.

    With the inverted form classes are balanced too.
    """
    for dropout in DROPOUTS:
        fields = {"epochs": 1, "learning_rate": 0.002, "dropout": dropout}
        if dropout == "inverted":
            fields["class_weights"] = "balanced"
        state = train(data, out / f"run-{dropout}", plan=plan, **fields)
        # The metrics still hold the validation; to read them, all workers are needed.
        metrics = _means(state.model.metrics)
        counts = {each.name: float(each.count.value.numpy()) for each in metrics}
        if plan.is_chief:
            keep_weights(state.model, out / f"{dropout}.npz")
            facts = {"counts": counts, "history": state.history}
            facts |= {"replicas": plan.replicas, "towers": plan.towers}
            (out / f"{dropout}.json").write_text(json.dumps(facts))


def keep_weights(model: Model, path: Path) -> None:
    """Write the weights of a network, whatever its devices, to a `.npz`."""
    arrays = model_state.capture(model)
    np.savez(path, **{n: a for n, a in arrays.items() if n.startswith("model/")})


def _means(metrics):
    for metric in metrics:
        yield from _means(metric.metrics) if hasattr(metric, "metrics") else [metric]
