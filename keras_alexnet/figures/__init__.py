"""Pictures of runs and networks: a file a figure."""

from collections.abc import Callable

from keras_alexnet.registry import Registry

# `draw(paths, out, **options)` writes the picture `out` of what lies in `paths`.
FIGURES: Registry[Callable[..., None]] = Registry(
    "figure",
    {
        "curves": "keras_alexnet.figures.curves:draw",
        "samples": "keras_alexnet.figures.samples:draw",
        "augmentation": "keras_alexnet.figures.augmentation:draw",
        "kernels": "keras_alexnet.figures.kernels:draw",
        "lrn": "keras_alexnet.figures.lrn:draw",
        "receptive_fields": "keras_alexnet.figures.receptive_fields:draw",
        "predictions": "keras_alexnet.figures.predictions:draw",
        "neighbours": "keras_alexnet.figures.neighbours:draw",
        "occlusion": "keras_alexnet.figures.occlusion:draw",
        "grad_cam": "keras_alexnet.figures.grad_cam:draw",
        "confusion": "keras_alexnet.figures.confusion:draw",
        "reliability": "keras_alexnet.figures.reliability:draw",
    },
)
# What each is given, and what it shows.
SUBJECTS = {
    "curves": ("RUN...", "errors over epochs, and drops of the learning rate"),
    "samples": ("DATA", "pictures of each class of a dataset, as they are stored"),
    "augmentation": ("DATA [NETWORK]", "what training makes of one picture"),
    "kernels": ("NETWORK", "the kernels of conv1 (figure 3)"),
    "lrn": ("NETWORK PICTURE", "maps of conv1 before and after norm1"),
    "receptive_fields": ("NETWORK|PRESET", "what units of each layer see"),
    "predictions": ("NETWORK PICTURE...", "five likeliest classes (figure 4, left)"),
    "neighbours": ("NETWORK INDEX PICTURE...", "nearest by fc7 (figure 4, right)"),
    "occlusion": ("NETWORK PICTURE...", "where covering a picture costs probability"),
    "grad_cam": ("NETWORK PICTURE...", "where the last maps speak for a class"),
    "confusion": ("EVALUATION", "which classes are taken for which"),
    "reliability": ("EVALUATION", "whether a network is right as often as sure"),
}
