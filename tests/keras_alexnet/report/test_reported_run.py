import shutil
from pathlib import Path

import pytest

from keras_alexnet.report.reported_run import distinct_names, find_data, open_runs
from tests import small
from tfrecords.errors import UserError


def test_a_run_comes_with_its_history_and_its_dataset(run, dataset):
    (opened,) = runs = open_runs([run])
    assert opened.name == "run" and [row["epoch"] for row in opened.history] == [1, 2]
    found = find_data(runs, None, "validation")
    assert found.folder == dataset and found.split == "validation"
    assert find_data(runs, dataset, "train").split == "train"


def test_an_export_has_neither(exported):
    (opened,) = runs = open_runs([exported])
    assert opened.name == "model/1" and opened.history == []
    assert "--data" in find_data(runs, None, "validation")


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("a/run",), ["run"]),
        (("a/run", "b/run"), ["a/run", "b/run"]),
        (("a/run", "a/other"), ["run", "other"]),
        (("model/1", "run"), ["model/1", "{}/run"]),
    ],
)
def test_names_are_as_short_as_they_can_be(paths, names):
    here = Path.cwd().name
    found = distinct_names([Path(path) for path in paths])
    assert found == [name.format(here) for name in names]


def test_the_same_run_twice_and_too_many_are_refused(run):
    with pytest.raises(UserError, match="got one twice"):
        open_runs([run, run.parent / "." / run.name])
    for count in (0, 9):
        with pytest.raises(UserError, match=f"Expected 1 to 8 runs, got {count}"):
            open_runs([run] * count)


def test_a_dataset_that_has_gone_is_a_reason_and_a_wrong_one_an_error(
    run, tmp_path, other
):
    copy = shutil.copytree(run, tmp_path / "copy")
    small.change_config(copy, control={"data": str(tmp_path / "gone")})
    runs = open_runs([copy])
    assert "Expected a dataset folder" in find_data(runs, None, "validation")
    with pytest.raises(UserError, match="Expected a dataset folder"):
        find_data(runs, tmp_path / "gone", "validation")
    with pytest.raises(UserError, match="class"):
        find_data(runs, other(names=("a", "b", "c"), per_class=4), "validation")
    with pytest.raises(UserError, match="one of them with --data|Say with --data"):
        find_data([*runs, *open_runs([run])], None, "validation")


def test_a_split_without_pictures_is_refused(run, dataset):
    with pytest.raises(UserError, match="--split one of: train, validation"):
        find_data(open_runs([run]), dataset, "test")
