"""The files of weights that everybody means, by what they hash to."""

from typing import NamedTuple


class PublishedFile(NamedTuple):
    """One file as its makers published it.

    Attributes:
        name: What people call it.
        preset: Ours.
        source: Where its makers say so.
    """

    name: str
    preset: str
    source: str


# SHA-1 as in the readmes of Caffe's models.
PUBLISHED = {
    "9116a64c0fbe4459d18f4bb6b56d647b63920377": PublishedFile(
        "bvlc_alexnet", "caffe_alexnet", "BVLC/caffe, models/bvlc_alexnet/readme.md"
    ),
    "4c8d77deb20ea792f84eb5e6d0a11ca0a8660a46": PublishedFile(
        "bvlc_reference_caffenet",
        "caffenet",
        "BVLC/caffe, models/bvlc_reference_caffenet/readme.md",
    ),
}
