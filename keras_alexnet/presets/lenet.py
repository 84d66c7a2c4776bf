"""LeNet-5 in both forms, with recipes for the digits that scikit-learn carries.

The networks are those of LeCun, Bottou, Bengio and Haffner, "Gradient-based learning
applied to document recognition" (1998), section II.B and appendix A: maps, units,
initial values, and in the form of 1998 the connections of C3, the trainable
subsampling, the squashing and outputs that are distances to fixed codes. So are the
grey levels. The drawings of the codes are ours.

The recipes are ours. The paper trained on MNIST, a picture a step, without momentum,
with a rate for each weight from an estimate of the second derivative (section III.C);
20 passes of falling global rates. Here it is momentum SGD in batches of 16 with two
drops, chosen on the validation digits. In neither are weights decayed.

The loss here is the cross-entropy of the softmax of the logits. In the form of 1998
logits are -y_i, the negated distances, so that it is y_D + log(sum_i exp(-y_i)) of the
wanted class D. The paper's MAP criterion (equation 9) has exp(-j) in that sum besides,
for a class of what is no digit at all: it stops to push a wrong class away that is
farther than j already. Ours is its limit for a large j.

Expected on the 179 test digits of `alexnet build digits DATA --size 32 --encoding raw`,
with one view, in float32 and seeds 0, 1, 2: lenet5 3.91%, 2.23% and 2.79% error,
lenet5-1998 4.47% each; a picture is 0.56%. On MNIST the paper has 0.95% (section
III.B), which was not run here.
"""

from keras_alexnet.presets.lenet_preset import LenetPreset
from keras_alexnet.presets.recipe import Recipe

LENET5 = LenetPreset(
    name="lenet5",
    description="LeNet-5 as it is built today, with plain pooling and a dense output.",
    recipe=Recipe(
        batch_size=16,
        # The initial values leave little of the picture in the logits: with 0.01 the
        # loss stays where it began for twenty epochs.
        learning_rate=0.04,
        decay=0.0,
        schedule="steps",
        drops=(25, 35),
        epochs=40,
        flip=False,
        colour_noise=None,
        mean="none",
    ),
)

LENET5_1998 = LENET5.replace(
    name="lenet5-1998",
    description="LeNet-5 of 1998: 60,000 weights, and 840 fixed codes not counted.",
    form="1998",
    # Squared distances of 84 numbers: their gradients are so much larger.
    learning_rate=0.0003,
)
