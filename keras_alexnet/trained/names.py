"""Names of the files in a network folder and a run folder; no Keras, no TensorFlow."""

CONFIG_FILE = "config.json"
NETWORK_FILE = "network.keras"
EARLIER_NETWORK_FILE = "best.keras"  # of runs of earlier releases
# Of the pictures of a run whose first weights, and mean, are of another network.
DATASET_STATISTICS_FILE = "dataset_statistics.npz"
HISTORY_FILE = "history.csv"
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
FEATURES = "features"  # of frozen layers, that are computed once
EXTRA = "assets.extra"  # of a SavedModel, which no loader looks at
