"""AlexNet as the paper prints it (Krizhevsky, Sutskever, Hinton 2012).

Every constant is a default of `Preset` or `Recipe`, where its section stands. Expected:
the paper's own figures belong to `released`, from which this text differs.
"""

from keras_alexnet.presets.preset import Preset

PAPER = Preset("paper", "AlexNet as the paper prints it.")
