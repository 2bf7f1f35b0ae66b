"""Files on disk, before anyone looks into them: their names, opened, counted."""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

from framescope.classifier.errors import InputError
from framescope.classifier.inputs import mail, stores, tables, unpacking
from framescope.classifier.inputs.unpacking import Stream

STDIN = "-"
RECORD_NAMES = frozenset({".jsonl", ".ndjson"})
PAGE_NAMES = frozenset({".html", ".htm", ".xhtml"})

_SILENCE = 20.0  # seconds to wait for a pipe
_TEXT_NAMES = frozenset({".txt", ".text", ".md", ".json", ".xml", ".rss", ".atom", ".nitf"})
_ARCHIVE_NAMES = frozenset({".warc", ".wet", ".parquet", ".pq"})
NAMES = _TEXT_NAMES | RECORD_NAMES | PAGE_NAMES | tables.SUFFIXES | mail.SUFFIXES | _ARCHIVE_NAMES
"""What is taken of a folder: the rest of a saved page, its pictures and scripts, is not."""


def unpacked(path: Path) -> Path:
    """Give a file's name without what says that it is packed."""
    name = Path(path.name)
    while name.suffix.lower() in unpacking.SUFFIXES:
        name = Path(name.stem)
    return name


@contextmanager
def opened(source: str) -> Iterator[Stream]:
    """Open a file by its name or address; of a pipe, wait for whoever writes to it, but not long.

    Raises `InputError` when it isn't there or can't be opened.
    """
    if stores.is_store(source):
        with stores.opened(source) as remote:
            yield remote
        return
    with _local(source) as stream:
        yield stream


def is_regular(source: str) -> bool:
    """Whether a file may be opened a second time: it is on a disk or in a store, and no pipe."""
    return stores.is_store(source) or Path(source).is_file()


@contextmanager
def named(source: str) -> Iterator[None]:
    """Say of a file that isn't there, or can't be opened, what it is called: an `InputError`."""
    try:
        yield
    except FileNotFoundError:
        reason = "no such file; give a file, a folder, an http(s) address, or - for standard input"
        raise InputError(source, reason) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(source, f"cannot be opened ({why}); check its name and rights") from None


def _local(source: str) -> BinaryIO:
    path = Path(source)
    with named(source):
        if not stat.S_ISFIFO(path.stat().st_mode):
            return path.open("rb")
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        if not select.select([number], [], [], _SILENCE)[0]:
            os.close(number)
            raise OSError(errno.EAGAIN, f"a pipe to which nothing is written in {_SILENCE:.0f} s")
        os.set_blocking(number, True)
        return os.fdopen(number, "rb")


class Tallied(BufferedIOBase):
    """A stream that says how much is read of it."""

    def __init__(self, stream: Stream, taken: Callable[[int], None]) -> None:
        self._stream, self._taken = stream, taken

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to so many bytes."""
        part = self._stream.read(-1 if size is None else size)
        self._taken(len(part))
        return part

    read1 = read
