"""Pickles of others read as data: nothing in them is called but what we put there.

Python's own unpickler calls what a file names. This one knows a few operations, and of
names only those that a reader gives it, each with a stand-in of ours.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from tfrecords.errors import UserError

MOST_OPERATIONS = 50_000  # a state dict of AlexNet has a thousand
_OPERATIONS = [
    *("PROTO", "FRAME", "STOP", "MARK", "POP", "NONE", "NEWTRUE", "NEWFALSE"),
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINSTRING"),
    *("SHORT_BINSTRING", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES"),
    *("SHORT_BINBYTES", "BINBYTES8", "TUPLE", "EMPTY_TUPLE", "TUPLE1", "TUPLE2"),
    *("TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT", "SETITEM"),
    *("SETITEMS", "BINGET", "LONG_BINGET", "BINPUT", "LONG_BINPUT", "MEMOIZE"),
    *("GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "BINPERSID"),
]


class Refused(pickle.UnpicklingError):
    """What a pickle asks for and does not get, in one line."""


class _Bounded(io.RawIOBase):
    """A file of which only so many pieces are read; none is larger than the file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.reads = 0

    def read(self, count: int = -1) -> bytes:
        self._count()
        if count > self.size:
            raise EOFError(f"{count:,} bytes of {self.size:,}")
        return self.file.read(count)

    def readline(self, *_: Any) -> bytes:
        self._count()
        return self.file.readline(1000)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _count(self) -> None:
        self.reads += 1
        if self.reads > 3 * MOST_OPERATIONS:
            raise Refused("more operations than weights need")


# In Python, because that in C makes room for whatever number a file says.
_PLAIN: Any = pickle._Unpickler  # type: ignore[attr-defined, unused-ignore]


class _DataUnpickler(_PLAIN):
    dispatch: dict[int, Any] = {
        ord(getattr(pickle, name)): _PLAIN.dispatch[ord(getattr(pickle, name))]
        for name in _OPERATIONS
    }

    def __init__(
        self,
        file: _Bounded,
        names: Mapping[str, Any],
        persistent: Callable[[Any], Any] | None,
    ) -> None:
        super().__init__(file, fix_imports=False, encoding="latin1")
        self.names = names
        self.persistent = persistent

    def find_class(self, module: str, name: str) -> Any:
        whole = f"{module}.{name}"
        if whole not in self.names:
            raise Refused(f"it asks for {whole[:80]}")
        return self.names[whole]

    def persistent_load(self, key: Any) -> Any:
        if self.persistent is None:
            raise Refused("it asks for what is outside of it")
        return self.persistent(key)

    def load_setitems(self) -> None:
        items = self.pop_mark()
        self._set(items)

    def load_setitem(self) -> None:
        value = self.stack.pop()
        self._set([self.stack.pop(), value])

    def load_build(self) -> None:
        state = self.stack.pop()
        take = getattr(type(self.stack[-1]), "take_state", None)
        if take is None:
            raise Refused(f"it gives a {type(self.stack[-1]).__name__} a state")
        take(self.stack[-1], state)

    def load_appends(self) -> None:
        items = self.pop_mark()
        self._extend(items)

    def load_append(self) -> None:
        self._extend([self.stack.pop()])

    def _extend(self, items: list) -> None:
        if type(self.stack[-1]) is not list:
            raise Refused("it appends to what is no list")
        self.stack[-1].extend(items)

    def _set(self, items: list) -> None:
        # A tuple of tuples takes for ever to hash.
        target, keys = self.stack[-1], items[::2]
        if not isinstance(target, dict) or len(items) % 2:
            raise Refused("it sets items of what is no dictionary")
        if not all(type(key) in (str, int) for key in keys):
            raise Refused("a dictionary has keys that are neither names nor numbers")
        target.update(zip(keys, items[1::2], strict=True))

    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.APPEND[0]] = load_append
    dispatch[pickle.APPENDS[0]] = load_appends
    dispatch[pickle.BUILD[0]] = load_build


def read_pickle(
    file: BinaryIO,
    size: int,
    names: Mapping[str, Any],
    persistent: Callable[[Any], Any] | None = None,
    where: str = "the file",
) -> Any:
    """Read one pickle that is nothing but data.

    Args:
        file: At its first byte; then behind its last.
        size: Bytes of the file: no piece of it is larger.
        names: `module.name` that it may ask for -> a stand-in: a function that checks
            its arguments, or a token. What has a method `take_state` may be given one.
        persistent: Stands for what is outside; None: nothing is.
        where: The file, for the error.

    Raises:
        UserError: It asks for anything else, is damaged or is too much.
    """
    try:
        return _DataUnpickler(_Bounded(file, size), names, persistent).load()
    except UserError:
        raise
    # Whatever a hostile file makes of the operations above.
    except Exception as error:
        reason = f"{error}".splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, KeyError):
            reason = "an operation that data does not need"
        raise UserError(
            f"Expected weights as plain arrays, refused the pickle in {where}: "
            f"{reason}. Nothing in it was run. Give a file of the weights alone."
        ) from None
