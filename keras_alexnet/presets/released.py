"""AlexNet as it was run, from layers-145.cfg and its parameter files.

They are in the 2012 source that the Computer History Museum released. Expected: 40.7%
top-1 and 18.2% top-5 error on the validation pictures of ILSVRC-2012 (Table 2).
"""

from keras_alexnet.presets.paper import PAPER
from keras_alexnet.presets.preset import LRN

RELEASED = PAPER.replace(
    name="released",
    description="AlexNet as it was run: the network behind the published numbers.",
    block1=("lrn", "pool", "activation"),  # layers-145.cfg: ReLU after pool1
    block2=("activation", "lrn", "in_map", "pool"),  # cnorm2 is not in the paper
    lrn=LRN(alpha=2e-5),  # scale 1e-4 divided by size 5, as layer.py does
    weight_std=(0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01),  # initW
    bias_rate=2.0,  # epsB 0.02 beside epsW 0.01
    colour_noise="released",
)
