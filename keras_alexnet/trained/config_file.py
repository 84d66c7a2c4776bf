"""`config.json` of a network folder: its preset, recipe, preprocessing and run."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from keras_alexnet.presets import (
    PRESETS,
    SMALL_PRESETS,
    AnyPreset,
    Preset,
    find_preset,
)
from keras_alexnet.presets.recipe import Shuffle
from keras_alexnet.trained.names import CONFIG_FILE
from tfrecords import Manifest
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.errors import UserError
from tfrecords.files import local_path, write_atomically

FORMAT = 2
PREPROCESSING = ("stored_size", "resize_filter", "apply_exif", "input_size", "mean")
# Only where a network was fed otherwise than most of ours are: weights of others, and
# `resize` of datasets built so.
OTHERS = ("resize", "mean_at")
# A field that one kind of small net has -> one of that kind.
_KINDS = {"pools": "cifar-80sec", "form": "lenet5"}
# In the flat form of earlier releases, what is now under "control".
_OF_THE_RUN = ("keep", "save_every", "save_minutes")


@dataclass(frozen=True)
class NetworkConfig:
    """What a trained network is, beside its weights and the names of its classes.

    Attributes:
        preset: Shape and recipe, every value resolved.
        preprocessing: `stored_size` (pixels), `resize_filter`, `apply_exif` (whether
            the build turned pictures; None where an earlier release did not say),
            `input_size` (pixels) and `mean` (image, channel or none). Where they are
            not short_side and centre also `resize` and `mean_at`, as
            `data.preprocessing.Preprocessing` has them.
        control: What a run folder keeps of `Control`: the dataset folder and when
            checkpoints are saved. None in a network folder without a run.
    """

    preset: AnyPreset
    preprocessing: dict[str, Any]
    control: dict[str, Any] | None = None


def write_config(folder: Path, config: NetworkConfig, **more: Any) -> None:
    """Write `config.json`, whole or not at all; `more` are sections for others."""
    document = config_document(config) | more
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    write_atomically(folder / CONFIG_FILE, text.encode())


def config_document(config: NetworkConfig) -> dict[str, Any]:
    """Return what `config.json` says, for JSON."""
    whole = dataclasses.asdict(config.preset)
    document = {
        "format": FORMAT,
        "preset": config.preset.name,
        "network": {name: whole[name] for name in config.preset.network},
        "recipe": whole["recipe"],
        "preprocessing": config.preprocessing,
    }
    if config.control is not None:
        document["control"] = config.control
    return document


def read_config(folder: Path | str) -> NetworkConfig:
    """Read `config.json` of a network or run folder, of this or an earlier release.

    What a run of an earlier release does not say of EXIF, its dataset says, if it
    still is in its place.

    Raises:
        UserError: There is none, or it is not one of ours.
    """
    path = local_path(folder) / CONFIG_FILE
    check_folder_name(folder)
    try:
        values = json.loads(path.read_text())
        config = config_of(values) if "format" in values else _parse_flat(values)
    except FileNotFoundError:
        raise UserError(
            f"Expected a run folder, found no {CONFIG_FILE} in {folder}. "
            "Make one with: alexnet train DATA RUN."
        ) from None
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise UserError(f"Cannot read {path}: {reason}.") from None
    preprocessing, control = config.preprocessing, config.control
    if preprocessing["apply_exif"] is None and control is not None:
        turned = _turned_by_build(control["data"])
        preprocessing = {**preprocessing, "apply_exif": turned}
    return dataclasses.replace(config, preprocessing=preprocessing)


def preprocessing_of(
    preset: AnyPreset,
    stored_size: int,
    resize_filter: str,
    apply_exif: bool | None,
    resize: str = "short_side",
) -> dict[str, Any]:
    """Return the preprocessing of a network and of the dataset that it learnt from.

    Args:
        preset: The network.
        stored_size: Side of the stored pictures in pixels.
        resize_filter: How the build resized them.
        apply_exif: Whether the build turned them; None if that is not known.
        resize: How it made squares of them: short_side, which is not noted, or warp.
    """
    facts = {
        "stored_size": stored_size,
        "resize_filter": resize_filter,
        "apply_exif": apply_exif,
        "input_size": preset.input_size,
        "mean": preset.recipe.mean,
    }
    return facts if resize == "short_side" else {**facts, "resize": resize}


def config_of(values: dict[str, Any]) -> NetworkConfig:
    """Return what a document says that `config_document` gave.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: It is another one.
    """
    if values["format"] != FORMAT:
        raise UserError(f"expected format {FORMAT}, found {values['format']}")
    base = _base(values["preset"], values["network"])
    recipe = _named_decays(_known_order(values["recipe"]), base.layers)
    preset = base.replace(**values["network"], **recipe)
    said = values["preprocessing"]
    preprocessing = {name: said[name] for name in PREPROCESSING}
    preprocessing |= {name: said[name] for name in OTHERS if name in said}
    return NetworkConfig(preset, preprocessing, values.get("control"))


def _known_order(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe without the order of earlier releases, through a buffer."""
    known = recipe.get("shuffle") in get_args(Shuffle)
    return recipe if known else {**recipe, "shuffle": None}


def _named_decays(recipe: dict[str, Any], layers: tuple[str, ...]) -> dict[str, Any]:
    """Return a recipe with decays by layer; small nets' had one for each, in order."""
    numbers = recipe.get("decays", [])
    if not numbers or isinstance(numbers[0], str):
        return recipe
    schedule = "steps" if recipe["drops"] else "plateau"
    named = [f"{name}={n:g}" for name, n in zip(layers, numbers, strict=True)]
    return {**recipe, "decays": named, "schedule": schedule}


def _base(name: str, network: dict[str, Any]) -> AnyPreset:
    """Return a preset of a name and of the kind that has the fields of a network."""
    for field, kind in _KINDS.items():
        if field in network:
            known = name if name in SMALL_PRESETS else kind
            return dataclasses.replace(SMALL_PRESETS[known], name=name)
    return PRESETS[name] if name in PRESETS else Preset(name, "")


def _parse_flat(values: dict[str, Any]) -> NetworkConfig:
    """Read the form of earlier releases, in which all stood side by side."""
    values = dict(values)
    if values.get("schedule", "plateau") == "plateau":
        # Releases that knew no min_delta took any epoch that was better.
        values.setdefault("min_delta", 0.0)
    values.pop("num_classes", None)  # the names of the classes say it
    control = {"data": values.pop("data")}
    control |= {"keep": 2, "save_every": None, "save_minutes": None}
    control |= {name: values.pop(name) for name in _OF_THE_RUN if name in values}
    facts = (
        values.pop("stored_size", 256),
        values.pop("resize_filter", "bicubic"),
        values.pop("apply_exif", None),
    )
    fields = values.pop("overrides", {})
    preset = find_preset(values.pop("preset", "released"))
    for name in ("batch_size", "learning_rate"):  # None: the preset's own
        if values.get(name, 0) is None:
            del values[name]
    preset = preset.replace(**{**fields, **_known_order(values)})
    return NetworkConfig(preset, preprocessing_of(preset, *facts), control)


def _turned_by_build(data: str) -> bool | None:
    """Return whether a dataset was built with `--apply-exif`; None if it is gone."""
    try:
        return bool(Manifest.load(data, check=False).options.get("apply_exif"))
    except UserError:
        return None
