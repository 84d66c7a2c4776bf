"""From pictures to named classes."""

from keras_alexnet.keras_settings import check_backend

check_backend()
