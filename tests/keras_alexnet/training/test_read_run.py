import pytest

from keras_alexnet.training import read_run
from keras_alexnet.training.devices.plan import ONE_DEVICE
from keras_alexnet.training.run_dataset import RunDataset


@pytest.fixture
def choose(dataset, monkeypatch):
    def choose(reason, free, elsewhere=False):
        monkeypatch.setattr(read_run, "slow_to_seek", lambda path: reason)
        monkeypatch.setattr(read_run, "free_memory", lambda: free)
        monkeypatch.setattr(
            read_run, "any_worker", lambda slow, strategy: slow or elsewhere
        )
        return read_run.choose_read_run(RunDataset.read(dataset), ONE_DEVICE)

    return choose


@pytest.mark.parametrize("free", [1000, 10**12, None])
def test_records_are_read_alone_where_that_is_fast(choose, free, capsys):
    assert choose(None, free) == 1
    assert capsys.readouterr().out == ""


def test_a_slow_disk_counts_where_the_pictures_do_not_fit_in_memory(choose, capsys):
    assert choose("the disk rotates", 10**12) == 1
    for free in (1000, None):
        assert choose("the disk rotates", free) == 32
        said = capsys.readouterr().out
        assert "runs of 32 records (the disk rotates" in said and "--read-run 1" in said


def test_all_workers_read_alike(choose, capsys):
    assert choose(None, 10**12, elsewhere=True) == 32
    assert "so it is for a worker" in capsys.readouterr().out
