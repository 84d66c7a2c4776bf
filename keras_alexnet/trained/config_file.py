"""What a training run is: one frozen dataclass, kept as `config.json` in the run."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from keras_alexnet.models.network import resolve
from keras_alexnet.presets.preset import Preset, find_preset
from keras_alexnet.trained.names import CONFIG_FILE
from keras_alexnet.training.update.scheduled_rates import SCHEDULES, ScheduleName
from tfrecords import Manifest
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.ranges import check_count, check_number

PAPER_EPOCHS = 90  # "roughly 90 cycles"; section 5
PLATEAU_ONLY = ("patience", "reductions", "min_delta")

Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]

_COUNTS = (
    *("epochs", "patience", "crop_chunk", "keep", "save_every"),
    *("num_classes", "stored_size"),
)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one run; None takes the preset's own value."""

    data: str  # dataset folder
    preset: str = "released"
    overrides: dict[str, Any] = field(default_factory=dict)  # preset fields by name
    # With auto, `train` asks the devices, and the run keeps the answer. From Python the
    # default is the same arithmetic everywhere.
    precision: Precision = "float32"
    xla: bool = False  # compile the step; on CPUs some three times slower
    epochs: int | None = None  # at most; None: 90 (section 5), or the schedule's end
    batch_size: int | None = None  # global; 128 in section 5
    learning_rate: float | None = None  # initial; 0.01 in section 5
    momentum: float = 0.9  # section 5
    decay: float = 0.0005  # section 5
    schedule: ScheduleName = "plateau"  # or as one of the nets was run
    patience: int = 5  # epochs without a better validation error before a drop
    reductions: int = 3  # drops by ten before the end; section 5
    min_delta: float = 1.0  # standard errors that an epoch has to be better by
    flip: bool = True  # section 4.1; wrong for digits and other writing
    crop_chunk: int = 1  # neighbours that share a crop; 32 as it was run
    mean: Literal["image", "channel"] = "image"  # section 2
    seed: int = 0
    keep: int = 2  # checkpoints kept
    save_every: int | None = None  # steps between checkpoints within an epoch
    save_minutes: float | None = None  # minutes between them
    # Facts of the dataset, filled in from its manifest when the run is made.
    num_classes: int = 1000
    stored_size: int = 256  # side of the stored pictures, pixels
    resize_filter: str = "bicubic"
    # Whether the build turned pictures by EXIF; None: an earlier release did not say.
    apply_exif: bool | None = None

    def __post_init__(self) -> None:
        for name in _COUNTS:
            check_count(name, getattr(self, name))
        check_count("reductions", self.reductions, 0)
        check_number("save_minutes", self.save_minutes, above=0)
        check_number("momentum", self.momentum, least=0, below=1)
        check_number("decay", self.decay, least=0)
        self._check_schedule()
        if type(self.seed) is not int or not 0 <= self.seed < 2**31:
            raise ValueError(f"Expected a seed in [0, 2^31), got {self.seed}.")
        # As they come back from JSON, so that a saved configuration equals its origin.
        overrides = json.loads(json.dumps(self.overrides))
        object.__setattr__(self, "overrides", overrides)
        resolve(self.preset, self.num_classes, None, self._preset_fields())

    @property
    def last_epoch(self) -> int:
        """Number of epochs after which the run ends at the latest."""
        if self.epochs is not None:
            return self.epochs
        schedule = SCHEDULES[self.schedule]
        return PAPER_EPOCHS if schedule is None else schedule.stop

    def _check_schedule(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(
                f"Expected a schedule of {', '.join(SCHEDULES)}, got {self.schedule!r}."
            )
        for field_ in dataclasses.fields(self):
            changed = getattr(self, field_.name) != field_.default
            if field_.name in PLATEAU_ONLY and changed and self.schedule != "plateau":
                raise ValueError(
                    f"Expected no {field_.name} with schedule {self.schedule}, got "
                    f"{getattr(self, field_.name)}: its drops are at fixed epochs."
                )

    def resolve(self) -> Preset:
        """Return the preset with every override of this run in it."""
        return find_preset(self.preset).replace(**self._preset_fields())

    def _preset_fields(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in ("batch_size", "learning_rate")}
        return self.overrides | {k: v for k, v in given.items() if v is not None}

    def save(self, run: Path) -> None:
        """Write `config.json`, whole or not at all."""
        text = json.dumps(dataclasses.asdict(self), indent=1, allow_nan=False) + "\n"
        write_atomically(run / CONFIG_FILE, text.encode())

    @classmethod
    def load(cls, run: Path | str) -> "TrainConfig":
        """Read `config.json` of a run folder.

        What a run of an earlier release does not say of EXIF, its dataset says, if it
        still is in its place.

        Raises:
            DatasetError: There is none, or it is not one of ours.
        """
        path = Path(run) / CONFIG_FILE
        check_folder_name(run)
        try:
            values = json.loads(path.read_text())
            if values.get("schedule", "plateau") == "plateau":
                # Releases that knew no min_delta took any epoch that was better.
                values.setdefault("min_delta", 0.0)
            config = cls(**values)
        except FileNotFoundError:
            raise DatasetError(
                f"Expected a run folder, found no {CONFIG_FILE} in {run}. "
                "Make one with: alexnet train DATA RUN."
            ) from None
        except (AttributeError, TypeError, ValueError, OSError) as error:
            raise DatasetError(f"Cannot read {path}: {error}.") from None
        if config.apply_exif is not None:
            return config
        return dataclasses.replace(config, apply_exif=_turned_by_build(config.data))


def _turned_by_build(data: str) -> bool | None:
    """Return whether a dataset was built with `--apply-exif`; None if it is gone."""
    try:
        return bool(Manifest.load(data, check=False).options.get("apply_exif"))
    except DatasetError:
        return None
