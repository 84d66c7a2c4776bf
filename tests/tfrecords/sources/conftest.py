import shutil
from pathlib import Path

import pytest

from tests.tools import synthetic_ilsvrc as twin

SIZES = (1, 30)  # training pictures of each class, validation pictures


@pytest.fixture(scope="session")
def forms(tmp_path_factory) -> Path:
    """A small twin of ILSVRC-2012 in all layouts."""
    root = tmp_path_factory.mktemp("twin")
    twin.make_tars(root / "tars", *SIZES)
    for form in twin.FORMS:
        twin.make_form(form, root / form, *SIZES)
    return root


def changed(forms, form, tmp_path):
    """Copy a form with links, to change a file of it."""
    copy = tmp_path / form
    shutil.copytree(
        forms / form, copy, copy_function=lambda a, b: Path(b).symlink_to(a)
    )
    return copy


def replace_text(path, old, new):
    text = path.read_text()
    assert old in text
    path.unlink()
    path.write_text(text.replace(old, new, 1))
