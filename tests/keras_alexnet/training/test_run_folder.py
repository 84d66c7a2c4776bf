"""One training at a time in a folder, also in one that was only half made."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from keras_alexnet import cli
from keras_alexnet.training import run_folder
from keras_alexnet.training.run_folder import hold_run
from tests import small
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


def test_a_claim_ends_with_its_process(tmp_path):
    code = (
        "import pathlib, sys\n"
        "from keras_alexnet.training.run_folder import hold_run\n"
        "with hold_run(pathlib.Path(sys.argv[1]), make=True):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DatasetError, match="Another process"):
            with hold_run(tmp_path, make=True):
                pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
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

    own, done = shutil.copyfile, []

    def die(*arguments):
        if len(done) == copied:
            raise Kill
        done.append(own(*arguments))

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(run_folder.shutil, "copyfile", die)
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
