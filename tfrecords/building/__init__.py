"""The deterministic build: planned, resumed, on one machine or many."""
