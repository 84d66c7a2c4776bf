"""The paper's net of one GPU, which section 3.5 compares the two towers with.

Expected: two towers lower its top-1 and top-5 error by 1.7% and 1.2% (section 3.2).
"""

from keras_alexnet.presets.released import RELEASED

ONE_GPU = RELEASED.replace(
    name="one_gpu",
    description="The paper's one-GPU net: half the kernels in conv1 to conv4.",
    filters=(48, 128, 192, 192, 256),  # footnote 2: conv5 and fc are not halved
    groups=(1, 1, 1, 1, 1),
)
