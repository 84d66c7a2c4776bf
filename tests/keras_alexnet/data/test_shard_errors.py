import shutil

import pytest
import tensorflow as tf

from keras_alexnet.data import eval_dataset, train_dataset
from keras_alexnet.data.shard_errors import shards_explained
from keras_alexnet.training import training_run
from tests import small
from tests.keras_alexnet.data.streams import OPTIONS
from tests.keras_alexnet.training.conftest import assert_same_end
from tfrecords import DatasetError


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "copy")


def shards(folder, split):
    return sorted(folder.glob(f"*{split}*"))


def remove(path):
    path.unlink()


def shorten(path):
    path.write_bytes(path.read_bytes()[:-500])


@pytest.mark.parametrize("damage", [remove, shorten])
@pytest.mark.parametrize(
    ("make", "split"), [(train_dataset, "train"), (eval_dataset, "validation")]
)
def test_a_shard_that_changes_while_it_is_read_is_named(copy, make, split, damage):
    batches = make(copy, **{**OPTIONS, "batch_size": 4})
    for path in shards(copy, split):
        damage(path)
    with pytest.raises(DatasetError, match=f"has changed while.*{split}.*Wait."):
        with shards_explained(copy, "Wait."):
            list(batches)


def test_what_is_no_fault_of_a_shard_stays_what_it_is(dataset):
    with pytest.raises(tf.errors.NotFoundError):
        with shards_explained(dataset):
            tf.io.read_file(str(dataset / "nowhere"))


def test_a_run_that_lost_a_shard_goes_on_when_it_is_back(
    run, dataset, copy, tmp_path, monkeypatch
):
    part, away = tmp_path / "part", tmp_path / "away"
    own = training_run.training_stream

    def lose(*arguments, **options):
        if options["epoch"] == 1:
            shutil.move(shards(copy, "train")[0], away)
        return own(*arguments, **options)

    small.train(copy, part, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(training_run, "training_stream", lose)
        with pytest.raises(DatasetError, match="missing.*Then go on with --resume"):
            small.resume(part, epochs=2)
    shutil.move(away, copy / shards(dataset, "train")[0].name)
    small.resume(part, epochs=2)
    assert_same_end(run, part)
