"""Networks that run where none of our code is."""

from keras_alexnet.keras_settings import check_backend

check_backend()
