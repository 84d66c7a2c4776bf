"""What a dataset is: pictures, classes, and how it was built."""

import json
from collections import Counter
from pathlib import PurePath
from typing import Any

from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.report.recipe import setting_text
from keras_alexnet.report.reported_run import ReportedData
from tfrecords.dataset.names import REJECTED_FILE


def dataset_card(data: ReportedData) -> dict[str, Any]:
    """Return the card of a dataset.

    Its folders are named by their last part: the others are of one machine.
    """
    manifest = data.manifest
    splits = list(manifest.splits)
    facts = {
        "source": PurePath(manifest.source).name,
        "pictures": f"{manifest.image_size} x {manifest.image_size} pixels",
        "order of labels": manifest.label_order,
        **{
            name.replace("_", " "): setting_text(each)
            for name, each in manifest.options.items()
        },
        **{f"made with {name}": each for name, each in manifest.written_with.items()},
        "fingerprint": manifest.fingerprint,
    }
    return {
        "name": manifest.name,
        "splits": [
            {"name": split, "count": manifest.count(split)}
            for split in splits
            if manifest.count(split)
        ],
        "classes": [
            {
                "shown": shown,
                "label": label,
                "counts": [manifest.class_counts[split][place] for split in splits],
            }
            for place, (shown, label) in enumerate(
                zip(ClassLookup.of(manifest).shown, manifest.labels, strict=True)
            )
        ],
        "rejected": manifest.rejected,
        "reasons": _reasons(data),
        "ignored": manifest.ignored,
        "facts": {name: each for name, each in facts.items() if each},
    }


def _reasons(data: ReportedData) -> list[tuple[str, int]]:
    """Return why pictures were rejected, the most frequent reason first."""
    try:
        lines = (data.folder / REJECTED_FILE).read_text().splitlines()
        times = Counter(str(json.loads(line)["reason"]) for line in lines)
    except (OSError, ValueError, LookupError, TypeError):  # only the number is known
        return []
    return times.most_common()
