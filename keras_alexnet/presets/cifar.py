"""The nets for CIFAR-10 of cuda-convnet, and Caffe's quick one.

From example-layers/layers-80sec.cfg, -19pct, -18pct, -conv-local-13pct and
-conv-local-11pct of cuda-convnet and their parameter files;
examples/cifar10/cifar10_quick_train_test.prototxt and its solvers. Caffe's cifar10_full
is the 18pct net. Expected on the 10,000 test pictures, without augmentation: 26%, 19%
and 18% error, about 25% for the quick one; with random crops and flips, and the mean
over views of the crops: 13% and 11%.

The files give schedules for 80sec (the rate drops after 8 epochs), 18pct (after 120 and
130 of 140) and 11pct (some 350 epochs on four fifths of the pictures, 150 on all, then
10 and 10 at lower rates). 19pct and 13pct were driven by a validation error: they have
those of 18pct and 11pct here. We train on all pictures from the start.
"""

from keras_alexnet.presets.preset import LRN, Step
from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.presets.small_preset import InMapNorm, SmallPreset

# conv1 is rectified after its pool, which for a maximum is the same.
_PLAIN: tuple[tuple[Step, ...], ...] = (
    ("pool", "activation"),
    ("activation", "pool"),
    ("activation", "pool"),
)

CIFAR_80SEC = SmallPreset(
    name="cifar-80sec",
    description="cuda-convnet's net of 26% error in 80 seconds.",
    blocks=_PLAIN,
    units=(64,),
    weight_std=(1e-4, 0.01, 0.01, 0.1, 0.1),  # initW
    recipe=Recipe(
        learning_rate=0.001,  # epsW; epsB is 0.002
        bias_rate=2.0,
        decay=0.004,  # wc
        decays=("fc64=0.03", "fc10=0.03"),
        schedule="steps",
        drops=(8,),
        epochs=10,
        flip=False,
        colour_noise=None,
    ),
)

CIFAR_19PCT = CIFAR_80SEC.replace(
    name="cifar-19pct",
    description="cuda-convnet's net of 19% error, without normalisation.",
    units=(),
    weight_std=(1e-4, 0.01, 0.01, 0.01),
    decays=("fc10=3",),
    drops=(120, 130),
    epochs=140,
)

CIFAR_18PCT = CIFAR_19PCT.replace(
    name="cifar-18pct",
    description="cuda-convnet's net of 18% error, Caffe's cifar10_full.",
    blocks=(
        ("pool", "activation", "lrn"),
        ("activation", "pool", "lrn"),
        ("activation", "pool"),
    ),
    lrn=InMapNorm(),
    decays=("fc10=1",),
)

CIFAR_QUICK = CIFAR_80SEC.replace(
    name="cifar-quick",
    description="Caffe's cifar10_quick: cifar-80sec with a linear fc64.",
    hidden_activation=False,
    batch_size=100,
    decays=(),
)

CIFAR_13PCT = CIFAR_80SEC.replace(
    name="cifar-13pct",
    description="cuda-convnet's net of 13% error, with two unshared layers.",
    input_size=24,  # --crop-border 4
    kinds=("conv", "conv", "local", "local"),
    kernels=(5, 5, 3, 3),
    filters=(64, 64, 32, 32),
    pools=("max", "max", None, None),
    blocks=(*[("activation", "pool")] * 2, *[("activation",)] * 2),
    units=(),
    weight_std=(1e-4, 0.01, 0.04, 0.04, 0.01),
    decays=("conv1=0", "conv2=0"),
    drops=(500, 510),
    epochs=520,
    flip=True,
)

CIFAR_11PCT = CIFAR_13PCT.replace(
    name="cifar-11pct",
    description="cuda-convnet's net of 11% error, normalised across 9 maps.",
    filters=(64, 64, 64, 32),
    blocks=(
        ("activation", "pool", "lrn"),
        ("activation", "lrn", "pool"),
        *[("activation",)] * 2,
    ),
    # scale 0.001 divided by size 9, as layer.py does
    lrn=LRN(depth_radius=4, bias=1.0, alpha=0.001 / 9, per_tower=False),
    decays=("conv1=0", "conv2=0", "fc10=0.01"),
)
