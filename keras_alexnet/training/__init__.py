"""Training through `model.fit`: the paper's update rule, plateaus and run folders."""

from keras_alexnet.keras_settings import check_backend

check_backend()
