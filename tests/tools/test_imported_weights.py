import numpy as np
import pytest

from tests import small
from tests.tools import imported_weights
from tests.tools.imported_weights import ImportedOptions


def test_a_difference_is_of_the_largest_value():
    other = np.float32([[1, -4], [2, 0]])
    assert imported_weights.difference(other + [[0, 0], [0.5, 0]], other) == 0.125


@pytest.mark.slow
def test_caffes_networks_agree_with_opencv(tmp_path):
    pytest.importorskip("cv2", reason="needs opencv-python-headless <5")
    tree = small.write_tree(tmp_path / "tree", per_class=1)
    found = imported_weights.measure(ImportedOptions(tree, count=2))
    values = {figure.name: figure.value for figure in found.figures}
    blobs = [value for name, value in values.items() if "worst" in name]
    assert len(blobs) == 2 and max(blobs) <= 1e-4
