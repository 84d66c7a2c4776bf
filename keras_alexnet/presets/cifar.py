"""The nets for CIFAR-10 of cuda-convnet, and Caffe's quick one.

From example-layers/layers-80sec.cfg, layers-19pct.cfg, layers-18pct.cfg of cuda-convnet
and their parameter files; examples/cifar10/cifar10_quick_train_test.prototxt and its
solvers. Caffe's cifar10_full is the 18pct net. Expected, without augmentation, on the
10,000 test pictures: 26%, 19% and 18% error; about 25% for the quick one.
"""

from keras_alexnet.presets.preset import Step
from keras_alexnet.presets.small_preset import InMapNorm, SmallPreset, SmallRecipe

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
    weight_std=(1e-4, 0.01, 0.01, 0.1, 0.1),
    recipe=SmallRecipe((0.004, 0.004, 0.004, 0.03, 0.03), drops=(8,)),
)

CIFAR_19PCT = CIFAR_80SEC.replace(
    name="cifar-19pct",
    description="cuda-convnet's net of 19% error, without normalisation.",
    units=(),
    weight_std=(1e-4, 0.01, 0.01, 0.01),
    recipe=SmallRecipe((0.004, 0.004, 0.004, 3.0)),
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
    recipe=SmallRecipe((0.004, 0.004, 0.004, 1.0), drops=(120, 130)),
)

CIFAR_QUICK = CIFAR_80SEC.replace(
    name="cifar-quick",
    description="Caffe's cifar10_quick: cifar-80sec with a linear fc64.",
    hidden_activation=False,
    recipe=SmallRecipe((0.004,) * 5, batch_size=100, drops=(8,), epochs=10),
)
