"""Names of the files in a network folder and a run folder; no Keras, no TensorFlow."""

CONFIG_FILE = "config.json"
NETWORK_FILE = "network.keras"
# Of exports: what TensorFlow makes a model of again, and what other runtimes compute.
SAFETENSORS_FILE = "network.safetensors"
ONNX_FILE = "network.onnx"
LITERT_FILE = "network.tflite"
OPENVINO_FILE = "network.xml"
CARD_FILE = "README.md"
EARLIER_NETWORK_FILE = "best.keras"  # of runs of earlier releases
# Of the pictures of a run whose first weights, and mean, are of another network.
DATASET_STATISTICS_FILE = "dataset_statistics.npz"
CARD = "card"  # in the metadata of a file that stands alone
STATISTICS = "statistics."  # there, before the names of what is no weight
HISTORY_FILE = "history.csv"
METRICS_FILE = "metrics.json"
CHECKPOINTS = "checkpoints"
TENSORBOARD = "tensorboard"
FEATURES = "features"  # of frozen layers, that are computed once
EXTRA = "assets.extra"  # of a SavedModel, which no loader looks at
