"""Caffe's two: bvlc_alexnet and bvlc_reference_caffenet, from their prototxt files.

Expected: 57.1% and 57.4% top-1, 80.2% and 80.4% top-5 accuracy on the validation
pictures of ILSVRC-2012, centre view (Caffe's readmes).
"""

from keras_alexnet.presets.paper import PAPER
from keras_alexnet.presets.preset import LRN

CAFFE_ALEXNET = PAPER.replace(
    name="caffe_alexnet",
    description="Caffe's bvlc_alexnet.",
    input_size=227,  # crop_size
    lrn=LRN(bias=1.0, alpha=2e-5, per_tower=False),  # alpha 1e-4 over local_size 5
    dropout="inverted",
    weight_std=(0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01),
    biases=(0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0),
    batch_size=256,
    bias_rate=2.0,  # lr_mult
    colour_noise=None,
)

CAFFENET = CAFFE_ALEXNET.replace(
    name="caffenet",
    description="Caffe's reference CaffeNet: pooling before normalisation.",
    block1=("activation", "pool", "lrn"),
    block2=("activation", "pool", "lrn"),
    biases=(0, 1, 0, 1, 1, 1, 1, 0),
)
