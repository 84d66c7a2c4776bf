"""TFRecord shards in, batches of mean-subtracted images out."""

from typing import TYPE_CHECKING

from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.data.augment import pca_colour, random_crop_flip
    from keras_alexnet.data.batch_rows import BatchRows
    from keras_alexnet.data.evaluation_stream import eval_dataset, evaluation_batches
    from keras_alexnet.data.pixel_batch import PixelBatch
    from keras_alexnet.data.training_stream import train_dataset, training_batches
    from keras_alexnet.data.views import centre_view, ten_views

__all__ = [
    "BatchRows",
    "PixelBatch",
    "centre_view",
    "eval_dataset",
    "evaluation_batches",
    "pca_colour",
    "random_crop_flip",
    "ten_views",
    "train_dataset",
    "training_batches",
]

# At first use: TensorFlow takes seconds to import.
__getattr__, __dir__ = hand_on(
    __name__,
    {
        "BatchRows": "keras_alexnet.data.batch_rows",
        "PixelBatch": "keras_alexnet.data.pixel_batch",
        "centre_view": "keras_alexnet.data.views",
        "eval_dataset": "keras_alexnet.data.evaluation_stream",
        "evaluation_batches": "keras_alexnet.data.evaluation_stream",
        "pca_colour": "keras_alexnet.data.augment",
        "random_crop_flip": "keras_alexnet.data.augment",
        "ten_views": "keras_alexnet.data.views",
        "train_dataset": "keras_alexnet.data.training_stream",
        "training_batches": "keras_alexnet.data.training_stream",
    },
)
