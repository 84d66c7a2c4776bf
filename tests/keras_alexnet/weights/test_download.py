"""Against a server of https on this machine, with a certificate made here."""

import contextlib
import fcntl
import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keras_alexnet.weights import download
from keras_alexnet.weights.download import cache_folder, fetch, is_web_address
from keras_alexnet.weights.importing import import_weights
from tfrecords.errors import UserError

DATA = bytes(range(256)) * 4096  # 1 MiB: several blocks
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if not shutil.which("openssl"):
        pytest.skip("needs the program openssl")
    folder = tmp_path_factory.mktemp("certificate")
    paths = {name: folder / f"{name}.pem" for name in ("key", "cert")}
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    places = ["-keyout", paths["key"], "-out", paths["cert"]]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *places, *names], check=True, capture_output=True)
    return paths


class Handler(BaseHTTPRequestHandler):
    """Answers a path as its first part says; notes the ranges it was asked for."""

    asked: list = []

    def do_GET(self):
        kind, _, rest = self.path[1:].partition("/")
        given = self.headers.get("Range")
        self.asked.append((kind, given))
        start = int(given[6:-1]) if given and kind != "rangeless" else 0
        if kind == "missing":
            return self.answer(404)
        if kind == "redirect":
            return self.answer(302, {"Location": rest})
        if kind == "past" or start >= len(DATA):
            return self.answer(416)
        more = {}
        if start:
            more["Content-Range"] = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        if kind != "undeclared":
            more["Content-Length"] = str(len(DATA) - start)
        body = DATA[start:]
        if kind == "cut" and not start:
            body = body[: len(DATA) // 2 + 7]
        self.answer(206 if start else 200, more, body)

    def answer(self, code, headers=(), body=b""):
        self.send_response(code)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server(certificate, monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate["cert"]))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    Handler.asked.clear()
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate["cert"], certificate["key"])
    served.socket = context.wrap_socket(served.socket, server_side=True)
    thread = threading.Thread(target=served.serve_forever, args=(0.01,))
    thread.start()
    yield f"https://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


def part():
    return cache_folder() / f"{SHA256}.part"


@pytest.mark.parametrize("kind", ["plain", "undeclared", "rangeless"])
def test_a_file_is_fetched_once_and_whole(server, kind, capsys):
    path = fetch(f"{server}/{kind}", SHA256.upper())
    assert path == cache_folder() / SHA256 and path.read_bytes() == DATA
    assert [p.name for p in cache_folder().iterdir()] == [SHA256]
    assert fetch(f"{server}/missing", SHA256) == path
    assert Handler.asked == [(kind, None)]
    told = f"{len(DATA):,} of {len(DATA):,} bytes"
    assert (told in capsys.readouterr().err) == (kind != "undeclared")


def test_after_a_cut_the_rest_is_asked_for(server):
    with pytest.raises(UserError, match="524,295 of 1,048,576 bytes.*same command"):
        fetch(f"{server}/cut", SHA256)
    assert part().read_bytes() == DATA[:524295]
    assert fetch(f"{server}/cut", SHA256).read_bytes() == DATA
    assert Handler.asked == [("cut", None), ("cut", "bytes=524295-")]
    assert not part().exists()


@pytest.mark.parametrize("kept", [DATA[:999], DATA])
def test_a_part_is_completed_or_fetched_anew(server, kept):
    for kind in ("plain", "rangeless"):
        cache_folder().mkdir(parents=True)
        part().write_bytes(kept)
        assert fetch(f"{server}/{kind}", SHA256).read_bytes() == DATA
        assert Handler.asked.pop() == (kind, f"bytes={len(kept)}-")
        shutil.rmtree(cache_folder())


def test_another_file_is_refused_and_not_kept(server):
    with pytest.raises(UserError, match=f"{'0' * 64} from .*, got one with {SHA256}"):
        fetch(f"{server}/plain", "0" * 64)
    cache_folder().joinpath(f"{SHA256}.part").write_bytes(b"x" * 99)
    with pytest.raises(UserError, match="got one with"):
        fetch(f"{server}/plain", SHA256)
    assert not list(cache_folder().iterdir())
    assert fetch(f"{server}/plain", SHA256).read_bytes() == DATA


def test_a_damaged_file_of_the_cache_is_fetched_again(server):
    path = fetch(f"{server}/plain", SHA256)
    path.write_bytes(b"damaged")
    assert fetch(f"{server}/plain", SHA256).read_bytes() == DATA


@pytest.mark.parametrize(
    ("kind", "found"),
    [("plain", "found 1,048,576:"), ("undeclared", "found more than 1,000,000:")],
)
def test_too_much_is_refused_declared_or_not(server, kind, found):
    with pytest.raises(UserError, match=found):
        fetch(f"{server}/{kind}", SHA256, most=10**6)
    assert not list(cache_folder().iterdir())
    assert fetch(f"{server}/{kind}", SHA256, most=len(DATA)).read_bytes() == DATA


def test_redirections_lead_to_https_alone(server):
    path = fetch(f"{server}/redirect/{server}/plain", SHA256)
    assert path.read_bytes() == DATA
    path.unlink()
    for other in ("http://127.0.0.1/x", "ftp://127.0.0.1/x"):
        with pytest.raises(UserError, match=f"found that it leads to {other}"):
            fetch(f"{server}/redirect/{other}", SHA256)


def test_redirections_to_files_are_refused(server):
    with pytest.raises(UserError, match="302 .*etc/passwd' is not allowed") as error:
        fetch(f"{server}/redirect/file:///etc/passwd", SHA256)
    assert "\n" not in str(error.value)


def test_answers_without_a_file_are_one_line(server, monkeypatch):
    with pytest.raises(UserError, match="got the answer 404 Not Found") as error:
        fetch(f"{server}/missing", SHA256)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="got the answer 416"):
        fetch(f"{server}/past", SHA256)
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(UserError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"{server}/plain", SHA256)
    with pytest.raises(UserError, match="Expected a file from https://127.0.0.1:1/"):
        fetch("https://127.0.0.1:1/", SHA256)


def test_a_silent_server_is_not_waited_for_for_ever(server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.05)
    with pytest.raises(UserError, match="timed out"):
        with silent_port() as port:
            fetch(f"https://127.0.0.1:{port}/", SHA256)


@contextlib.contextmanager
def silent_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_two_processes_do_not_write_into_one_part(server):
    cache_folder().mkdir(parents=True)
    with open(part(), "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process holds"):
            fetch(f"{server}/plain", SHA256)


def test_a_full_disk_is_said_as_one(server):
    cache_folder().mkdir(parents=True)
    part().symlink_to("/dev/full")
    with pytest.raises(UserError, match="No space left on the disk of .*keras-alexnet"):
        fetch(f"{server}/plain", SHA256)


@pytest.mark.parametrize("sha256", [None, "", "00", "../" + "0" * 61, "g" * 64])
def test_without_a_hash_nothing_is_fetched(server, sha256):
    with pytest.raises(UserError, match="Expected --sha256 with 64"):
        fetch(f"{server}/plain", sha256)
    assert not Handler.asked and not cache_folder().exists()


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/x", "https:///x", "https://me:secret@host/x", "https://[x/"],
)
def test_other_addresses_are_refused(address, tmp_path):
    assert is_web_address(address) and not is_web_address("https_weights/net.pth")
    with pytest.raises(UserError, match="Expected a path, or an https:// address"):
        import_weights(address, tmp_path / "net", sha256=SHA256)


def test_what_was_fetched_is_imported(server, tmp_path):
    with pytest.raises(UserError, match="Expected weights as .*bytes that start"):
        import_weights(f"{server}/plain", tmp_path / "net", sha256=SHA256)
    assert Handler.asked == [("plain", None)]


def test_the_cache_is_where_programs_keep_theirs(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == tmp_path / ".cache" / "keras-alexnet"
