"""Object stores and other file systems that have addresses (`s3://`, `gs://`), by fsspec."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any

from framescope.classifier.errors import InputError, how_to_install
from framescope.classifier.inputs.unpacking import Stream

_BLOCK = 4 << 20  # bytes that are asked for at once

# What fsspec knows and nobody means: this machine's own files, which have names; wrappers around
# other addresses; fetching without its checks (`classifier.inputs.fetching`), or without a check of
# who answers.
_REFUSED = frozenset(
    {"file", "local", "asynclocal", "http", "https", "ftp", "data", "dir", "dask", "generic"}
    | {"reference", "blockcache", "cached", "filecache", "simplecache", "libarchive", "tar", "zip"}
    | {"async_wrapper", "asyncwrapper", "jlab", "jupyter", "pyscript", "git"}
)
_LIBRARIES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "az", "adl"), "adlfs"),
}


def scheme_of(source: str) -> str | None:
    """Give the scheme of an address, in small letters; None where the source is none."""
    scheme, mark, _ = source[:32].partition("://")
    plain = scheme.replace("+", "").replace("_", "").replace("-", "")
    return scheme.lower() if mark and plain.isalnum() else None


def is_store(source: str) -> bool:
    """Whether a source is an address that fsspec opens."""
    scheme = scheme_of(source)
    return scheme is not None and scheme not in {"http", "https"}


def file_system(source: str) -> tuple[Any, str]:
    """Give the file system of an address, and the path in it.

    Raises
    ------
    InputError
        When there is none of that name, or its library isn't installed.
    """
    scheme = scheme_of(source) or ""
    refusal = f"{scheme} addresses are not read; give a file or an http(s) address"
    if scheme in _REFUSED:
        raise InputError(source, refusal)
    try:
        import fsspec
    except ImportError:
        reason = f"{scheme} addresses need a library that isn't there; {how_to_install('batch')}"
        raise InputError(source, reason) from None
    if scheme not in fsspec.available_protocols():
        raise InputError(source, refusal)
    try:
        system, path = fsspec.core.url_to_fs(source)
    except ImportError:
        library = _LIBRARIES.get(scheme, f"the library that fsspec has for {scheme}")
        reason = f"{scheme} addresses need a library that isn't there; pip install {library}"
        raise InputError(source, reason) from None
    except Exception as error:  # each store's library has errors of its own
        raise InputError(source, _why(error)) from None
    return system, path


def entries(source: str) -> dict[str, dict[str, Any]] | None:
    """List the files of a folder, or of a pattern, as fsspec describes them, by their addresses.

    None where the address is that of one file. Raises `InputError`.
    """
    system, path = file_system(source)
    try:
        system.invalidate_cache()
        if any(mark in path for mark in "*?["):
            found = system.glob(path, detail=True)
        elif source.endswith("/") or not system.isfile(path):
            found = system.find(path, detail=True)
            if not found:
                system.info(path)  # says why there is nothing
        else:
            return None
    except Exception as error:  # each store's library has errors of its own
        raise InputError(source, _why(error)) from None
    files = {name: known for name, known in found.items() if known.get("type") == "file"}
    return {system.unstrip_protocol(name): files[name] for name in sorted(files)}


def description(source: str) -> dict[str, Any]:
    """Give what fsspec says of one file. Raises `InputError`."""
    system, path = file_system(source)
    try:
        return dict(system.info(path))
    except Exception as error:  # each store's library has errors of its own
        raise InputError(source, _why(error)) from None


@contextmanager
def opened(source: str) -> Iterator[Stream]:
    """Open a file by its address; it is read in blocks. Raises `InputError`."""
    system, path = file_system(source)
    try:
        stream = system.open(path, "rb", block_size=_BLOCK)
    except Exception as error:  # each store's library has errors of its own
        raise InputError(source, _why(error)) from None
    with stream:
        yield _Remote(stream)


class _Remote(BufferedIOBase):
    """A file of a store; whatever goes wrong in reading it is an `OSError`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return bytes(self._stream.read(-1 if size is None else size))
        except Exception as error:  # each store's library has errors of its own
            raise OSError(_reason(error)) from None

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file, folder or bucket; check the address"
    if isinstance(error, PermissionError):
        return f"may not be read ({_reason(error)}); check the keys and rights of the store"
    return f"cannot be opened ({_reason(error)}); check the address, the store and its keys"


def _reason(error: BaseException) -> str:
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())[:300]
