"""Text that comes from data, in a form that a terminal and a log can show."""

import sys
import unicodedata

_BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, surrogates, line breaks


def printable(text: object) -> str:
    r"""Return text in one line that moves no cursor and hides nothing.

    Control characters, line breaks, direction marks and bytes that are no characters
    are written as escapes, such as `\n`, `\x1b` and `\xff`; all else stays.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if _is_unshown(c) else c for c in text)


def say(text: object, error: bool = False) -> None:
    """Print one line, whatever is in it; nothing where the stream is closed.

    Args:
        text: the line; see `printable`.
        error: print it on standard error.
    """
    file = sys.stderr if error else sys.stdout
    if file is None:
        return
    encoding = getattr(file, "encoding", None) or "utf-8"
    line = printable(text).encode(encoding, "backslashreplace").decode(encoding)
    print(line, file=file, flush=True)


def warn(text: object) -> None:
    """Print one line on standard error, marked as a warning."""
    say(f"Warning: {text}", error=True)


def _is_unshown(character: str) -> bool:
    return (
        unicodedata.category(character) in _UNSHOWN
        or unicodedata.bidirectional(character) in _BIDI
    )


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's form of a byte of a file name
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
