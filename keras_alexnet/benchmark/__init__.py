"""Measurements of this machine: ratios in one run, not stopwatch readings."""
