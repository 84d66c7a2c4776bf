"""Pages and evaluated runs, made once."""

import shutil

import pytest

from keras_alexnet import load
from keras_alexnet.report.errors import measure_errors
from keras_alexnet.report.page import render_report
from keras_alexnet.report.reported_run import find_data, open_runs
from tests import small
from tests.keras_alexnet.report.page_reader import PageReader


@pytest.fixture(scope="session")
def page(run):
    """The page of the run on the dataset that it learnt from."""
    return render_report([run])


@pytest.fixture(scope="session")
def read(page):
    return PageReader(page)


@pytest.fixture(scope="session")
def second_run(run, tmp_path_factory):
    """The run with other weights in the last layer, another seed and more epochs."""
    folder = shutil.copytree(run, tmp_path_factory.mktemp("second") / "second")
    small.change_config(folder, recipe={"seed": 7})
    model = load(run).model
    kernel = model.get_layer("fc8").kernel
    before = kernel.numpy()
    kernel.assign(before[:, [1, 2, 0]])  # it calls each class another
    model.save(folder / "network.keras")
    history = folder / "history.csv"
    lines = history.read_text().splitlines()
    history.write_text("\n".join([*lines, "3" + lines[-1][1:]]) + "\n")
    return folder


@pytest.fixture(scope="session")
def measured(run, second_run):
    """Both runs with their evaluations of one view, and the dataset."""
    runs = open_runs([run, second_run])
    data = find_data(runs, None, "validation")
    return measure_errors(runs, data, (1,), progress=False), data
