"""The proof of a dataset, and what is told of shards that others made."""
