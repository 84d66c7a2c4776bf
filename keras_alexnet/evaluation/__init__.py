"""Error rates of trained networks, and predictions for single pictures."""

from keras_alexnet.keras_settings import check_backend

check_backend()
