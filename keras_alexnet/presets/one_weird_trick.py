"""The one-tower net of 2014, as torchvision's alexnet has it.

It has the shape of torchvision's network and the initial values of bvlc_alexnet,
because those of its own sources do not train here. torchvision's (the default of
PyTorch, uniform of standard deviation sqrt(1 / (3 fan_in))) are for pixels divided by
58: with that folded into conv1 the loss is 1e13 after some 220 steps of 32 Imagenette
photos at rate 0.01, as conv1 still moves as pixels of 0-255 make it. Those of
cuda-convnet2 (layers-imagenet-1gpu.cfg: 0.03 in conv3 to conv5, biases of 1) are for a
network with normalisation: NaN after five steps, as with He's. Caffe's are for pixels
of this scale and for inverted dropout, and the loss falls from the beginning.
"""

from keras_alexnet.presets.caffe import CAFFE_ALEXNET
from keras_alexnet.presets.paper import PAPER

ONE_WEIRD_TRICK = PAPER.replace(
    name="one_weird_trick",
    description="The one-tower net of 2014 without normalisation, as in torchvision.",
    conv1_padding=2,
    filters=(64, 192, 384, 256, 256),
    groups=(1, 1, 1, 1, 1),
    block1=("activation", "pool"),
    block2=("activation", "pool"),
    lrn=None,
    dropout="inverted",
    dropout_before=True,
    weight_std=CAFFE_ALEXNET.weight_std,
    biases=CAFFE_ALEXNET.biases,
    colour_noise=None,
)
