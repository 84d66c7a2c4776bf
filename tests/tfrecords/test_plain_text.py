import io
import sys

import pytest

from tests.tfrecords.conftest import LATIN
from tfrecords.plain_text import printable, say, warn
from tfrecords.tables import Console, Table

HOSTILE = (
    *("[red] snapper", "dog [/b]", "[/]", "[link=x]y", ":smile:", "a\\[b"),
    *("Käfer 甲虫", "a b", "\N{NARROW NO-BREAK SPACE}PM"),
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_can_be_shown_stays(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\t", r"a\nb\r\t"),
        ("\x1b[31mred\x07\x9b", r"\x1b[31mred\x07\x9b"),
        ("a\udcffb", r"a\xffb"),
        ("\ud800", r"\ud800"),
        ("a\u2028b\u202egnp.exe", r"a\u2028b\u202egnp.exe"),
    ],
)
def test_what_cannot_be_shown_is_escaped(text, shown):
    assert printable(text) == shown
    assert len(printable(text).splitlines()) == 1


@pytest.mark.parametrize("text", [*HOSTILE, "a\nb\x1b[2J\udcff"])
def test_cells_are_plain_text(text):
    table = Table("name")
    table.add_row(text)
    out = io.StringIO()
    Console(file=out, width=100).print(table)
    assert f" {printable(text)} " in out.getvalue()
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_stream_takes_every_line(encoding, monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    say("Käfer 甲虫 \udcff")
    line = raw.getvalue().decode(encoding)
    assert line.startswith("K") and line.endswith("\\xff\n") and line.count("\n") == 1


def test_a_closed_stream_takes_nothing_and_gives_it_to_no_other(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    say("lost", error=True)
    warn("lost")
    assert capsys.readouterr().out == ""


def test_what_is_not_utf_8_is_shown_by_its_bytes():
    assert printable(LATIN) == r"caf\xe9"
    assert printable("café") == "café"
