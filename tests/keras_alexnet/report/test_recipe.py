import pytest

from keras_alexnet import PRESETS
from keras_alexnet.presets import find_preset
from keras_alexnet.report.recipe import recipe_section, setting_text
from keras_alexnet.report.reported_run import ReportedRun
from keras_alexnet.trained.config_file import NetworkConfig
from tests import small


class Network:
    def __init__(self, preset):
        self.config = NetworkConfig(preset, {"mean": preset.recipe.mean})


def section(*presets):
    return recipe_section(
        [ReportedRun(f"run{n}", Network(each), []) for n, each in enumerate(presets)]
    )


def rows(found, key):
    return {row["name"]: row for row in found["rows"] if key(row)}


def test_what_differs_from_the_preset_is_marked():
    found = section(PRESETS["released"].replace(seed=3, units=64, epochs=5))
    changed = rows(found, lambda row: row["preset"] and row["changed"][0])
    assert found["preset"] == "released"
    assert {*changed} == {"seed", "units", "epochs"}
    assert changed["units"]["values"] == ["64"] and changed["units"]["preset"] == "4096"
    assert changed["epochs"]["preset"] == "none"
    assert not rows(
        section(PRESETS["released"]), lambda row: row["preset"] and row["changed"][0]
    )


def test_every_setting_of_a_preset_is_there():
    preset = PRESETS["paper"]
    found = section(preset)["rows"]
    names = [name for part in (preset.network, vars(preset.recipe)) for name in part]
    told = [row["name"] for row in found if row["part"] != "pictures"]
    assert told == [name.replace("_", " ") for name in names]
    assert [row["name"] for row in found if row["part"] == "pictures"] == ["mean"]


def test_several_runs_are_told_apart():
    one, two = small.preset(seed=1), small.preset(seed=2, momentum=0.5)
    differing = rows(section(one, two), lambda row: row["differs"])
    assert {name: row["values"] for name, row in differing.items()} == {
        "seed": ["1", "2"],
        "momentum": ["0.9", "0.5"],
    }


def test_of_the_network_that_a_run_began_with_only_the_name_is_told():
    runs = [small.preset(init=f"/{where}/before") for where in ("here", "there")]
    row = rows(section(*runs), lambda row: row["differs"])["init"]
    assert row["values"] == ["before", "before"]


def test_runs_of_different_or_unknown_presets_have_no_preset_to_differ_from():
    found = section(PRESETS["released"], PRESETS["caffenet"])
    assert found["preset"] is None and not any(row["preset"] for row in found["rows"])
    strange = find_preset("released").replace(name="strange")
    assert section(strange)["preset"] is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, "none"), ((), "none"), (True, "yes"), (False, "no"), (3, "3")),
        *((1e-4, "0.0001"), ("plateau", "plateau"), ((1, None), "1, none")),
        ((("lrn", "pool"), ("pool",)), "lrn, pool; pool"),
        ({"depth_radius": 2, "beta": 0.75}, "depth radius 2, beta 0.75"),
    ],
)
def test_settings_read_as_text(value, text):
    assert setting_text(value) == text
