"""One training at a time in a folder, also in one that was only half made."""

import contextlib
import shutil

import pytest

from keras_alexnet import cli
from keras_alexnet.training import run_folder
from keras_alexnet.training.run_folder import hold_run
from tests import small
from tests.tools import fork_server
from tfrecords import DatasetError


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("resume", [True, False])
def test_a_second_training_in_a_folder_is_refused(
    run, dataset, tmp_path, capsys, resume
):
    part = tmp_path / "part"
    if resume:
        shutil.copytree(run, part)
    before = files(part)
    options = ["--epochs=3", "--resume"] if resume else ["--batch-size=8"]
    arguments = ["train", str(dataset), str(part), "--input-size=67", *options]
    with hold_run(part, make=True):
        assert cli.main([a for a in arguments if not resume or "size" not in a]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"Another process is training in {part}." in error
    assert files(part) == before


def hold(folder, told):
    with hold_run(folder, make=True):
        told.send("held")
        told.recv()


def test_a_claim_ends_with_its_process(tmp_path):
    here, there = fork_server.CONTEXT.Pipe()
    holder = fork_server.CONTEXT.Process(target=hold, args=(tmp_path, there))
    fork_server.start(holder)
    assert here.recv() == "held"
    with pytest.raises(DatasetError, match="Another process"):
        with hold_run(tmp_path, make=True):
            pass
    holder.kill()
    holder.join()
    with hold_run(tmp_path, make=True):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_not_made_to_resume(dataset, tmp_path):
    with pytest.raises(DatasetError, match="found none"):
        small.train(dataset, tmp_path / "run", resume=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("copied", [0, 1, 2])
def test_killed_while_the_folder_is_made_the_same_command_goes_on(
    dataset, tmp_path, monkeypatch, capsys, copied
):
    class Kill(BaseException):
        """Stands for whatever ends a process."""

    own, done = run_folder.staged, []

    def die():
        if len(done) == copied:
            raise Kill
        done.append(None)

    @contextlib.contextmanager
    def dying(path):
        with own(path) as temporary:
            yield temporary
            die()

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "staged", dying)
        patch.setattr(run_folder, "write_config", lambda *_: die())
        with pytest.raises(Kill):
            small.train(dataset, run, epochs=1)
    (run / ".config.json.tmp").write_bytes(b"{")  # a kill leaves these too
    assert cli.main(["train", str(dataset), str(run), "--resume"]) == 1
    assert "Make one with: alexnet train DATA RUN" in capsys.readouterr().err
    state = small.train(dataset, run, epochs=1)
    assert len(state.history) == 1 and (run / "network.keras").exists()


def test_a_folder_with_other_files_is_not_taken_for_a_half_made_one(dataset, tmp_path):
    for name in ("labels.txt", "notes.txt"):
        folder = tmp_path / name.removesuffix(".txt")
        folder.mkdir()
        (folder / name).write_text("mine")
        with pytest.raises(DatasetError, match="new or empty run folder"):
            small.train(dataset, folder)
        assert (folder / name).read_text() == "mine"
