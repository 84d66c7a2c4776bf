"""TFRecord shards in, batches of mean-subtracted images out."""

from keras_alexnet.data.augment import pca_colour, random_crop_flip
from keras_alexnet.data.batch_rows import Share
from keras_alexnet.data.pipeline import eval_dataset, train_dataset
from keras_alexnet.data.pixel_batch import Crops
from keras_alexnet.data.views import centre_view, ten_views

__all__ = [
    "Crops",
    "Share",
    "centre_view",
    "eval_dataset",
    "pca_colour",
    "random_crop_flip",
    "ten_views",
    "train_dataset",
]
