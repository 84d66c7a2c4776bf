"""The network in two towers, each on a device of its own."""

from keras_alexnet.keras_settings import check_backend

check_backend()
