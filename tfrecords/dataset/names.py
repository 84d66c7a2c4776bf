"""Names of what lies in a dataset folder, finished or not."""

MANIFEST_FILE = "manifest.json"
LABELS_FILE = "labels.txt"
STATISTICS_FILE = "statistics.npz"
OFFSETS_FILE = "offsets.npz"
REJECTED_FILE = "rejected.jsonl"
IGNORED_FILE = "ignored.jsonl"

# Those of tensorflow-datasets, by which it knows a folder that it can read.
TFDS_INFO_FILE = "dataset_info.json"
TFDS_FEATURES_FILE = "features.json"

BUILDING_FOLDER = ".building"  # what only an unfinished build needs
PLAN_FILE = "plan.json"  # in there: what is being built
LOCK_FILE = "lock"  # in there: held by the build that writes
TOKEN_FILE = "token"  # in there: shown by its processes

SHARDS = "*tfrecord*"  # a glob for all of them


def shard_name(name: str, split: str, index: int, count: int) -> str:
    """Name a shard as tfds does: `NAME-train.tfrecord-00000-of-00016`."""
    return f"{name}-{split}.tfrecord-{index:05d}-of-{count:05d}"
