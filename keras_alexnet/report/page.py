"""One HTML page of training runs that needs nothing else, and is the same each time."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_alexnet.record import Record
from keras_alexnet.report.calibration import calibration_section
from keras_alexnet.report.classes import classes_section, confusion_section
from keras_alexnet.report.curves import curves_section
from keras_alexnet.report.dataset_card import dataset_card
from keras_alexnet.report.errors import errors_section, measure_errors
from keras_alexnet.report.kernels import kernels_section
from keras_alexnet.report.model_card import model_card
from keras_alexnet.report.recipe import recipe_section
from keras_alexnet.report.reported_run import (
    ReportedData,
    ReportedRun,
    find_data,
    open_runs,
)
from keras_alexnet.report.worst import worst_section
from tfrecords.errors import UserError
from tfrecords.plain_text import printable
from tfrecords.ranges import check_count

if TYPE_CHECKING:
    import jinja2

MOST_WORST = 60  # pictures of a page, which stays small
TEMPLATE = "report.html"


def render_report(
    paths: Sequence[Path],
    *,
    data: Path | None = None,
    split: str = "validation",
    views: int = 10,
    worst: int = 12,
    progress: bool = False,
) -> str:
    """Return the page of one run, or of several beside each other.

    Args:
        paths: Run folders, network folders or exports.
        data: Dataset folder that errors are counted on; None: that of the runs. Where
            they name none, or it is gone, the page says so and has no errors.
        split: Split of the dataset.
        views: 1: the centre of each picture; 10: that, and the ten views.
        worst: Pictures most surely wrong that are shown; of one run only.
        progress: Whether to show on standard error how far it is.

    Returns:
        HTML. The same runs, dataset, versions and machine give the same text.

    Raises:
        UserError: A path is no network, the dataset does not fit, a number is out of
            its range, or jinja2 is missing.
    """
    environment = template_environment()
    check_count("worst", worst, 0, MOST_WORST)
    if views not in (1, 10):
        raise UserError(f"Expected 1 or 10 views, got {views}.")
    runs = open_runs(paths)
    found = find_data(runs, data, split)
    missing = [f"Errors, classes and pictures, for want of a dataset: {found}"]
    if isinstance(found, ReportedData):
        numbers, missing = (1,) if views == 1 else (1, views), []
        runs = measure_errors(runs, found, numbers, progress)
    sections = {**_of_runs(runs, missing), **_of_data(runs, found, worst)}
    made = Record.now("report", "", ())
    return environment.get_template(TEMPLATE).render(
        names=[run.name for run in runs],
        missing=missing,
        machine=made.machine,
        commit=made.commit,
        **sections,
    )


def _of_runs(runs: Sequence[ReportedRun], missing: list[str]) -> dict[str, Any]:
    """Return what the networks themselves tell, and note what some do not."""
    kernels = [kernels_section(run) for run in runs]
    for run, found in zip(runs, kernels, strict=True):
        if found is None:
            missing.append(f"Kernels of {run.name}: an export has none to look at.")
        if not run.history:
            missing.append(f"Curves of {run.name}: the folder has no history.csv.")
    return {
        "recipe": recipe_section(runs),
        "curves": curves_section(runs),
        "kernels": [found for found in kernels if found is not None],
        "models": [model_card(run) for run in runs],
    }


def _of_data(
    runs: Sequence[ReportedRun], data: ReportedData | str, worst: int
) -> dict[str, Any]:
    """Return what counting on a dataset tells; None for what there is not."""
    if not isinstance(data, ReportedData):
        names = ("errors", "classes", "calibration", "confusion", "worst", "dataset")
        return dict.fromkeys(names)
    alone = runs[0] if len(runs) == 1 else None
    return {
        "errors": errors_section(runs),
        "classes": classes_section(runs, data),
        "calibration": calibration_section(runs),
        "confusion": confusion_section(alone, data) if alone else None,
        "worst": worst_section(alone, data, worst) if alone else None,
        "dataset": dataset_card(data),
    }


def template_environment() -> "jinja2.Environment":
    """Return what renders the templates of this package, all text escaped.

    Raises:
        UserError: The package of the extra is missing.
    """
    try:
        import jinja2
    except ImportError as error:
        raise UserError(
            f"Expected the package {error.name} for alexnet report, found none. "
            "Install it with: pip install 'keras-alexnet[report]'"
        ) from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("keras_alexnet.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_plain,
    )
    environment.filters["percent"] = lambda value, digits=2: f"{value:.{digits}%}"
    environment.filters["number"] = "{:,}".format
    environment.filters["significant"] = lambda value, digits=3: f"{value:.{digits}g}"
    return environment


def _plain(value: Any) -> Any:
    # Names are foreign text: what is no character cannot be written, and what turns
    # the direction of writing would lie about the rest of a line.
    return printable(value) if type(value) is str else value
