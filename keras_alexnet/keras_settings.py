"""What a user's environment and `keras.json` tell Keras before it is imported."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tfrecords.errors import UserError

VARIABLE = "KERAS_BACKEND"
_CHOICES = {
    "floatx": ("float32", "float16", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}


def check_backend() -> None:
    """Raise for a backend other than TensorFlow, which our layers are written for.

    Raises:
        UserError: Keras has another backend or will have, or cannot be imported. The
            message names the environment variable or the file that says so.
    """
    source, backend = f"the environment variable {VARIABLE}", os.environ.get(VARIABLE)
    if not backend:
        path = _settings_file()
        source, backend = str(path), _read(path).get("backend", "tensorflow")
    if (keras := sys.modules.get("keras")) and hasattr(keras, "config"):
        backend = keras.config.backend()
    if backend != "tensorflow":
        raise UserError(
            f"Expected Keras with the backend 'tensorflow', got {backend!r} from "
            f"{source}. Set it to tensorflow there, before Keras is imported."
        )


def use_tensorflow(*, check: bool = True) -> None:
    """Choose TensorFlow for this process, whatever backend `keras.json` names.

    Args:
        check: Whether to look at what the user asks for; not where no work is done.

    Raises:
        UserError: The environment variable asks for another backend, or Keras cannot
            read its file.
    """
    if check:
        if os.environ.get(VARIABLE):
            check_backend()
        _read(_settings_file())
    os.environ[VARIABLE] = "tensorflow"


def _settings_file() -> Path:
    """Return where Keras looks for its settings."""
    home = os.path.expanduser("~")
    folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.environ.get("KERAS_HOME", folder), "keras.json").expanduser()


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # as Keras does
    if not isinstance(settings, dict):
        raise UserError(f"Expected a JSON object in {path}, got {settings!r:.80}.")
    for name, choices in _CHOICES.items():
        if settings.get(name, choices[0]) not in choices:
            raise UserError(
                f"Expected {name} in {path} to be one of {', '.join(choices)}, got "
                f"{settings[name]!r}."
            )
    if not isinstance(settings.get("epsilon", 1e-7), float):
        raise UserError(
            f"Expected epsilon in {path} to be a fraction such as 1e-07, got "
            f"{settings['epsilon']!r}."
        )
    return settings
