"""Files on disk, before anyone looks into them: found, opened, unpacked, counted."""

from __future__ import annotations

import bz2
import errno
import glob
import gzip
import lzma
import os
import select
import stat
import zlib
from collections.abc import Callable, Iterable, Mapping
from io import BufferedIOBase
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from classifier.errors import InputError
from classifier.pages import mail, tables

Stream: TypeAlias = BinaryIO | BufferedIOBase

STDIN = "-"
RECORD_NAMES = frozenset({".jsonl", ".ndjson"})
PAGE_NAMES = frozenset({".html", ".htm", ".xhtml"})

_CHUNK = 1 << 20
_SILENCE = 20.0  # seconds to wait for a pipe
_PACKED: Mapping[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
_PACKED_NAMES = frozenset({".gz", ".bz2", ".xz"})
_TEXT_NAMES = frozenset({".txt", ".text", ".md", ".json", ".xml", ".rss", ".atom", ".nitf"})
NAMES = _TEXT_NAMES | RECORD_NAMES | PAGE_NAMES | tables.SUFFIXES | mail.SUFFIXES
"""What is taken of a folder: the rest of a saved page, its pictures and scripts, is not."""

_COMPANION = ("_files", "_file", ".files")  # folders that browsers write beside a page


def inside(folder: Path, tell: Callable[[str], None] | None = None) -> list[Path]:
    """List the files of a folder and of those within it that may be articles, in order.

    `tell` is told what was left out.
    """
    taken: list[Path] = []
    left: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        within = path.relative_to(folder).parts
        if any(part.startswith(".") or part.endswith(_COMPANION) for part in within[:-1]):
            continue
        if path.name.startswith(".") or not path.is_file():
            continue
        kind = unpacked(path).suffix.lower()
        if kind in NAMES:
            taken.append(path)
        else:
            left[kind or path.name] = left.get(kind or path.name, 0) + 1
    if left and tell is not None:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(left.items())[:8])
        tell(f"{folder}: left out files that are no articles by their names: {listed}")
    return taken


def matching(pattern: str) -> list[Path]:
    """List the files that match a pattern, in order."""
    if not glob.has_magic(pattern):
        return []
    # Not Path.glob, which takes no pattern that begins at the root.
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    return [one for one in map(Path, found) if one.is_file()]


def unpacked(path: Path) -> Path:
    """Give a file's name without what says that it is packed."""
    name = Path(path.name)
    while name.suffix.lower() in _PACKED_NAMES:
        name = Path(name.stem)
    return name


def size_of(sources: Iterable[str]) -> int | None:
    """Count the bytes of the files that several inputs are; None where one is no file."""
    total = 0
    for source in sources:
        if source == STDIN or "://" in source[:24]:
            return None
        try:
            path = Path(source)
            several = inside(path) if path.is_dir() else matching(source)
            found = several if not path.is_file() else [path]
            total += sum(one.stat().st_size for one in found)
        except (OSError, ValueError):  # which reading it will tell of
            continue
    return total


def opened(path: Path, source: str) -> BinaryIO:
    """Open a file; of a pipe, wait for whoever writes to it, but not for ever.

    Raises `InputError`, which names the source, when it isn't there or can't be opened.
    """
    try:
        if not stat.S_ISFIFO(path.stat().st_mode):
            return path.open("rb")
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        if not select.select([number], [], [], _SILENCE)[0]:
            os.close(number)
            raise OSError(errno.EAGAIN, f"a pipe to which nothing is written in {_SILENCE:.0f} s")
        os.set_blocking(number, True)
        return os.fdopen(number, "rb")
    except FileNotFoundError:
        reason = "no such file; give a file, a folder, an http(s) address, or - for standard input"
        raise InputError(source, reason) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(source, f"cannot be opened ({why}); check its name and rights") from None


def take(stream: Stream, size: int, source: str) -> bytes:
    """Read up to so many bytes; a pipe gives them in pieces. Raises `InputError`."""
    parts: list[bytes] = []
    try:
        while size > 0 and (part := stream.read(min(size, _CHUNK))):
            parts.append(part)
            size -= len(part)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        reason = f"is damaged where it is packed ({error}); get it again"
        raise InputError(source, reason) from None
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the file"
        raise InputError(source, reason) from None
    return b"".join(parts)


def unpack(head: bytes, rest: Stream) -> Stream | None:
    """Unpack a stream that begins so; None where it isn't packed."""
    for magic, reader in _PACKED.items():
        if head.startswith(magic):
            found: Stream = reader(_Joined(head, rest))
            return found
    return None


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


class _Joined(BufferedIOBase):
    """A stream, with what was read of it already put back before it."""

    def __init__(self, head: bytes, stream: Stream) -> None:
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            head, self._head = self._head, b""
            return head + self._stream.read()
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)

    read1 = read
