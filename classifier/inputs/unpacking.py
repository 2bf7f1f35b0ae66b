"""Unpack gzip, bzip2, xz and Zstandard streams, within limits."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Mapping
from typing import Any

from framescope.classifier.errors import InputError, how_to_install

SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".zst", ".zstd"})
HEAD = 65_536
"""Bytes that tell what an input is."""

MOST_UNPACKED, MOST_TIMES = 256_000_000, 200
"""A file is a bomb if it unpacks to more than so many bytes, and so many times its size."""

CHUNK = 1 << 20
_PIECE = 1 << 10  # bytes of Zstandard unpacked at once: every four of them may be 128 kB
_DEEPEST = 2


class Source:
    """The bytes of an input, as they are unpacked; `head` are the first, which are read again.

    Reading a damaged input returns what stands before the damage, and then raises `InputError`.
    """

    def __init__(
        self,
        stream: Any,
        name: str,
        file: Source | None = None,
        taken: Callable[[int], None] | None = None,
    ) -> None:
        self.name, self.is_packed, self.count = name, file is not None, 0
        self._stream, self._file, self._taken = stream, file, taken
        self._error: InputError | None = None
        self._ahead = b""
        self.head = self._ahead = self.read(HEAD)

    def read(self, size: int = CHUNK, /) -> bytes:
        """Return at most `size` bytes, and none only at the end. Raises `InputError`."""
        if self._ahead:
            part, self._ahead = self._ahead[:size], self._ahead[size:]
            return part
        parts: list[bytes] = []
        while size > 0 and self._error is None:
            try:
                part = self._next(min(size, HEAD))
            except Exception as error:  # the libraries of stores have errors of their own
                self._error = error if isinstance(error, InputError) else self._explained(error)
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        if self._error is not None and not parts:
            raise self._error
        return b"".join(parts)

    def _next(self, size: int) -> bytes:
        # Packed data is read in small pieces: little is lost where it is damaged.
        read = self._stream.read1 if self.is_packed else self._stream.read
        part = bytes(read(size))
        self.count += len(part)
        if self._taken is not None:
            self._taken(len(part))
        if self._file and self.count > max(MOST_UNPACKED, MOST_TIMES * self._file.count):
            reason = (
                f"unpacks to more than {MOST_TIMES} times its size; unpack it, and look into it"
            )
            raise InputError(self.name, reason)
        return part

    def _explained(self, error: Exception) -> InputError:
        if isinstance(error, MemoryError):
            reason = "needs more memory to unpack than there is; unpack it"
        elif self.is_packed:
            reason = f"is damaged where it is packed ({error}); get it again"
        else:
            reason = f"cannot be read ({getattr(error, 'strerror', None) or error}); check the file"
        return InputError(self.name, " ".join(reason.split()))


def unpacked(stream: Any, name: str, taken: Callable[[int], None] | None = None) -> Source:
    """Unpack an open file as often as it is packed.

    `taken` is told the number of bytes each time some are read of the file. Raises `InputError`
    when it is damaged, or packed more than twice.
    """
    file = found = Source(stream, name, taken=taken)
    for _ in range(_DEEPEST + 1):
        unpack = next((one for magic, one in _PACKED.items() if found.head.startswith(magic)), None)
        if unpack is None:
            return found
        found = Source(unpack(found), name, file)
    raise InputError(name, "is packed more than twice; unpack it first")


class _Zstandard:
    """Frames of Zstandard, one after another.

    The library's own reader takes the end of a truncated file for the end of a whole one.
    """

    def __init__(self, source: Source) -> None:
        try:
            import zstandard
        except ImportError:
            reason = f"Zstandard needs a library that isn't there; {how_to_install('batch')}"
            raise InputError(source.name, reason) from None
        self._library: Any = zstandard
        self._source, self._frame, self._packed, self._unpacked = source, None, b"", b""

    def read1(self, size: int, /) -> bytes:
        while not self._unpacked:
            self._packed = self._packed or self._source.read(HEAD)
            if not self._packed and self._frame is not None:
                raise EOFError("it ends before its end marker")
            if not self._packed:
                return b""
            piece, self._packed = self._packed[:_PIECE], self._packed[_PIECE:]
            frame = self._frame or self._library.ZstdDecompressor().decompressobj()
            self._unpacked = frame.decompress(piece)
            self._frame = None if frame.eof else frame
            if frame.eof:
                self._packed = frame.unused_data + self._packed
        part, self._unpacked = self._unpacked[:size], self._unpacked[size:]
        return part


_PACKED: Mapping[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda source: gzip.GzipFile(fileobj=source),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": _Zstandard,
    # Skippable frames, which some programs write first.
    **{bytes([0x50 + kind]) + b"\x2a\x4d\x18": _Zstandard for kind in range(16)},
}
