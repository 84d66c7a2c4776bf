import pytest

from tests.tfrecords.conftest import encoded, huge_png, noise
from tests.tools.troublesome import TroublesomeOptions, all_good, measure


def run(folder, **options):
    record = measure(TroublesomeOptions(folder / "in", **options))
    return all_good(record), {figure.name: figure for figure in record.figures}


@pytest.mark.slow
def test_every_file_is_accounted_for(tmp_path):
    (tmp_path / "in" / "below").mkdir(parents=True)
    (tmp_path / "in" / "good.jpg").write_bytes(encoded(noise(90, 70)))
    (tmp_path / "in" / "below" / "huge.png").write_bytes(huge_png())
    good, figures = run(tmp_path)
    assert good and len(figures) == 4
    assert figures["converted"].value == figures["rejected"].value == 1
    huge, good = figures["below/huge.png"], figures["good.jpg"]
    assert huge.value == "rejected" and huge.beside.startswith("too_large")
    assert 0 < good.value < 5 and good.unit == "of 255"


def test_a_child_that_dies_is_told_from_a_rejection(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.jpg").write_bytes(encoded(noise(90, 70)))
    good, figures = run(tmp_path, megabytes=20)
    assert not good
    assert figures["good.jpg"].value in ("crashed", "out of memory")
