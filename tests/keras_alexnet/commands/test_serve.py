import builtins
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from types import SimpleNamespace

import pytest

from keras_alexnet import cli, load
from keras_alexnet.commands import serve
from keras_alexnet.serving import app, server
from tests import small

GOOD = small.encode(small.picture(1, 33))
SLOW = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: image/jpeg\r\nContent-Length: 9\r\n\r\nabc"
)


@pytest.fixture
def started(monkeypatch):
    """What the verb would serve, and how."""
    told = {"service": SimpleNamespace(jobs_apart=0)}

    def create(network, options, **more):
        told.update(network=network, options=options, **more)
        return SimpleNamespace(state=SimpleNamespace(service=told["service"]))

    monkeypatch.setattr(app, "create_app", create)
    monkeypatch.setattr(server, "serve", lambda *_, **more: more["ready"]())
    return told


def call(*arguments):
    return cli.main(["serve", *map(str, arguments), "--port", "0"])


def test_the_verb_tells_where_it_answers(run, started, capsys):
    assert call(run, "--max-batch", 4, "--name", "mine") == 0
    said = capsys.readouterr()
    assert "answers as mine at http://127.0.0.1:" in said.out and not said.err
    assert started["options"].max_batch == 4 and started["key"] is None
    assert started["hosts"] == ("localhost", "127.0.0.1", "::1")
    assert started["folder"] is None and started["network"].runtime == "tensorflow"


def test_a_host_for_all_is_warned_of(run, started, tmp_path, capsys):
    assert call(run, "--host", "0.0.0.0") == 0
    told = capsys.readouterr().err
    assert "Warning: 0.0.0.0 is open to the network, to anyone" in told
    assert started["hosts"] == ()
    key = tmp_path / "key"
    key.write_text("0123456789abcdef\n")
    assert call(run, "--host", "0.0.0.0", "--api-key-file", key) == 0
    told = capsys.readouterr().err
    assert "to whoever has the key" in told and "0123456789abcdef" not in told
    assert started["key"] == "0123456789abcdef"


def test_a_folder_of_versions_is_watched(exported, started):
    assert call(exported.parent, "--runtime", "openvino") == 0
    assert started["folder"] == exported.parent
    assert started["network"].runtime == "openvino"
    assert started["load"](exported).runtime == "openvino"
    assert call(exported) == 0
    assert started["folder"] is None


def test_an_index_of_this_network_is_searched(run, exported, index, started, capsys):
    assert call(run, "--neighbours", index) == 0
    assert len(started["search"].index.files) == 12
    assert call(run) == 0 and started["search"] is None
    assert call(exported, "--neighbours", index) == 1
    assert "Expected a run or network folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["/no/such/folder"], "Expected a run folder or an exported model"),
        (["RUN", "--host", "192.0.2.1"], "--host 192.0.2.1"),
        (["RUN", "--max-batch", "0"], "max_batch"),
        (["RUN", "--grace", "-1"], "grace"),
        (["RUN", "--grace", "nan"], "grace"),
        (["RUN", "--max-wait-ms", "-1"], "max_wait_ms"),
        (["RUN", "--api-key-file", "/no/such/file"], "Cannot read the key"),
        (["RUN", "--name", "a/b"], "letters, digits"),
    ],
)
def test_what_cannot_be_served_is_one_line(run, started, capsys, arguments, reason):
    where = [str(run) if word == "RUN" else word for word in arguments]
    assert cli.main(["serve", *where, "--port=0"]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert reason in line and {*started} == {"service"}


def test_a_job_that_goes_on_is_left_behind(run, started, monkeypatch):
    ended = []
    monkeypatch.setattr(serve.os, "_exit", ended.append)
    assert call(run) == 0 and not ended
    started["service"].jobs_apart = 1
    assert call(run) == 0 and ended == [0]


def test_a_port_that_is_taken_or_none_is_one_line(run, capsys):
    with server.bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["serve", str(run), "--port", str(port)]) == 1
    assert "Address already in use" in capsys.readouterr().err
    assert cli.main(["serve", str(run), "--port", "65536"]) == 1
    assert "port from 0 to 65535" in capsys.readouterr().err


def test_a_missing_package_is_answered_with_its_extra(run, monkeypatch, capsys):
    found = builtins.__import__

    def missing(name, *more):
        if name == "uvicorn":
            raise ImportError(name=name)
        return found(name, *more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ValueError, match=r"package uvicorn .*keras-alexnet\[serve\]"):
        serve.check_extra()


def test_help_needs_neither_tensorflow_nor_fastapi():
    code = (
        "import sys\nfrom keras_alexnet import cli\n"
        "try:\n    cli.main(['serve', '--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'tensorflow', 'fastapi', 'uvicorn'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not done.stderr and "--max-batch" in done.stdout


def test_a_real_process_answers_and_ends_well_by_sigterm(exported):
    """Ctrl-C does the same, by the same handler."""
    command = [sys.executable, "-m", "keras_alexnet", "serve", str(exported)]
    options = ["--port=0", "--max-batch=1", "--log-format=json", "--grace=0.2"]
    process = subprocess.Popen(
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    try:
        address = process.stdout.readline().split(" at ")[1].split()[0]
        headers = {"Content-Type": "image/jpeg"}
        asked = urllib.request.Request(f"{address}/predict", GOOD, headers)
        place = ("127.0.0.1", int(address.rsplit(":", 1)[1]))
        # Who never ends a request is not waited for longer than the grace.
        with socket.create_connection(place) as slow:
            slow.sendall(SLOW)
            with urllib.request.urlopen(asked, timeout=60) as response:
                (answer,) = json.load(response)["predictions"]
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)
            assert slow.recv(12) == b"HTTP/1.1 503"
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[0])["path"] == "/predict"
    assert "Traceback" not in err
    assert answer["labels"] == load(exported).predict([GOOD])[0].labels
