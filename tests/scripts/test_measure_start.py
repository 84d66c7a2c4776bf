import json

import measure_start
import pytest
from measure_start import BARE, IMPORT, LOAD_EXPORT, LOAD_RUN, Options, Start, measure

from tests import small
from tfrecords import DatasetError


def test_a_ratio_is_over_the_bare_load_of_the_same_round(monkeypatch):
    # The machine is twice as slow in the second round.
    clock = iter([0, 2, 2, 5, 5, 9, 9, 16])
    monkeypatch.setattr(measure_start.time, "perf_counter", lambda: next(clock))
    work = next(work for work, bare in BARE.items() if bare == LOAD_EXPORT)
    nothing = ["-c", ""]
    found = measure({LOAD_EXPORT: nothing, work: nothing}, rounds=2)
    assert found == [
        Start(LOAD_EXPORT, 3.0),
        Start(work, 5.0, LOAD_EXPORT, 1.625, (1.5, 1.75)),
    ]


def test_what_fails_is_named_with_its_last_words():
    with pytest.raises(DatasetError, match="failed: ValueError: no such thing"):
        measure({IMPORT: ["-c", "raise ValueError('no such thing')"]}, rounds=1)


@pytest.mark.slow
def test_a_small_run_is_measured(dataset, tmp_path, capsys):
    from keras_alexnet.training.fit import train

    train(small.config(dataset, epochs=1), tmp_path / "run")
    options = Options(
        tmp_path / "run", dataset, batch_size=8, rounds=1, json=tmp_path / "start.json"
    )
    assert measure_start.main(options) == 0, capsys.readouterr().err
    found = {s["work"]: s for s in json.loads((tmp_path / "start.json").read_text())}
    assert set(found) == {*BARE, LOAD_EXPORT, LOAD_RUN, IMPORT}
    assert all(found[work]["ratio"] > 1 for work in BARE)
