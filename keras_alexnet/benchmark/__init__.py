"""Measurements of this machine: ratios in one run, not stopwatch readings."""

from keras_alexnet.keras_settings import check_backend

check_backend()
