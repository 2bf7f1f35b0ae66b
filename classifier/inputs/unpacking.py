"""Packed streams -> what is in them: gzip, bzip2, xz, Zstandard, and no more than is reasonable."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from io import BufferedIOBase
from typing import Any, BinaryIO, TypeAlias

from framescope.classifier.errors import InputError, how_to_install

Stream: TypeAlias = BinaryIO | BufferedIOBase

SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})
HEAD = 65_536
"""Bytes that tell what an input is."""

MOST_UNPACKED = 256_000_000
MOST_TIMES = 200
"""A file that unpacks to more than so many bytes, and so many times its size, is a bomb."""

_CHUNK = 1 << 20
_PIECE = 1 << 10  # bytes of Zstandard at once: each four of them may be 128 kB
_DEEPEST = 2


class _BombError(Exception):
    """What unpacks to more than is reasonable."""


def take(stream: Stream, size: int, source: str) -> bytes:
    """Read up to so many bytes; a pipe gives them in pieces. Raises `InputError`."""
    parts: list[bytes] = []
    with _explained(source):
        while size > 0 and (part := stream.read(min(size, _CHUNK))):
            parts.append(part)
            size -= len(part)
    return b"".join(parts)


def take_sound(stream: Stream, size: int, source: str) -> bytes:
    """Read up to so many bytes, and of a damaged stream what stands before the damage.

    Raises `InputError` when nothing does: the next time at the latest.
    """
    parts: list[bytes] = []
    while size > 0:
        try:
            with _explained(source):
                part = stream.read(min(size, _CHUNK))
        except InputError:
            if parts and isinstance(stream, Packed):
                break  # it will say so again
            raise
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


@contextmanager
def _explained(source: str) -> Iterator[None]:
    """Say of a stream that can't be read why: an `InputError`."""
    try:
        yield
    except _BombError:
        reason = f"unpacks to more than {MOST_TIMES} times its size; unpack it, and look into it"
        raise InputError(source, reason) from None
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        reason = f"is damaged where it is packed ({error}); get it again"
        raise InputError(source, reason) from None
    except MemoryError:
        raise InputError(source, "needs more memory to unpack than there is; unpack it") from None
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error}); check the file"
        raise InputError(source, reason) from None


def unpacked(stream: Stream, source: str) -> tuple[bytes, Stream]:
    """Unpack a stream as often as it is packed.

    Returns
    -------
    bytes, stream
        What it begins with, up to `HEAD` bytes, and the rest; the stream itself, where it isn't
        packed.

    Raises
    ------
    InputError
        When it is damaged, or packed more than twice.
    """
    counted = _Counted(stream)
    head = take(counted, HEAD, source)
    rest: Stream = counted
    for _ in range(_DEEPEST + 1):
        reader = next((one for magic, one in _PACKED.items() if head.startswith(magic)), None)
        if reader is None:
            return head, rest
        rest = Packed(reader(_Joined(head, rest)), counted)
        head = take_sound(rest, HEAD, source)
    raise InputError(source, "is packed more than twice; unpack it first")


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


class _Counted(BufferedIOBase):
    """A stream that knows how many bytes were read of it."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self.count = stream, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        part = self._stream.read(-1 if size is None else size)
        self.count += len(part)
        return part

    read1 = read


class Packed(BufferedIOBase):
    """What is unpacked of a stream, as long as it is in proportion to what was read of that.

    It is read in small pieces, so that little is lost where the stream is damaged.
    """

    def __init__(self, stream: Any, packed: _Counted) -> None:
        self._stream, self._packed, self._given = stream, packed, 0
        self._failed: Exception | None = None

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to so many bytes, unpacked; what failed once fails again."""
        if size is None or size < 0:
            return b"".join(iter(partial(self.read, HEAD), b""))
        if self._failed is not None:
            raise self._failed
        try:
            part: bytes = self._stream.read1(min(size, HEAD))
        except Exception as error:
            self._failed = error
            raise
        self._given += len(part)
        if self._given > max(MOST_UNPACKED, MOST_TIMES * self._packed.count):
            self._failed = _BombError()
            raise self._failed
        return part

    read1 = read


class _Zstandard(BufferedIOBase):
    """Frames of Zstandard, one after another.

    The library's own reader takes the end of a truncated file for the end of a whole one.
    """

    def __init__(self, stream: Stream) -> None:
        try:
            import zstandard
        except ImportError:
            reason = f"Zstandard needs a library that isn't there; {how_to_install('batch')}"
            raise OSError(reason) from None
        self._library: Any = zstandard
        self._stream, self._frame, self._out, self._rest = stream, None, b"", b""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        parts: list[bytes] = []
        while size is None or size < 0:
            if not (part := self.read(_CHUNK)):
                return b"".join(parts)
            parts.append(part)
        while not self._out:
            if not self._more():
                return b""
        part, self._out = self._out[:size], self._out[size:]
        return part

    read1 = read

    def _more(self) -> bool:
        """Unpack one piece; False at the end."""
        if not self._rest:
            self._rest = self._stream.read(_CHUNK)
            if not self._rest:
                if self._frame is not None:
                    raise EOFError("it ends before its end marker")
                return False
        piece, self._rest = self._rest[:_PIECE], self._rest[_PIECE:]
        try:
            frame = self._frame or self._library.ZstdDecompressor().decompressobj()
            self._out = frame.decompress(piece)
        except self._library.ZstdError as error:
            raise EOFError(str(error)) from None
        self._frame = None if frame.eof else frame
        if frame.eof:
            self._rest = frame.unused_data + self._rest
        return True


_PACKED: Mapping[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _Zstandard,
    # What others may skip, and some programs write first.
    **{bytes([0x50 + kind]) + b"\x2a\x4d\x18": _Zstandard for kind in range(16)},
}
