"""Names in a run folder that are needed before Keras is imported."""

CONFIG_FILE = "config.json"
