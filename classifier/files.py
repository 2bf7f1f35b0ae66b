"""Files that appear whole or not at all, and the lock of a folder that several processes write."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_POLL = 0.05  # seconds between two attempts to lock


class LockedError(Exception):
    """Another process holds a lock; the message is its number, or "unknown"."""


def sync(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a draft, which replaces `path` unless an error is raised; if `durable`, on the disk."""
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield draft
        if durable:
            sync(draft)
        draft.replace(path)
        if durable:
            sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def atomic_write(path: Path, data: str | bytes, *, durable: bool = True) -> None:
    """Write a file whole or not at all, as `replacing`; text is written as UTF-8."""
    with replacing(path, durable=durable) as draft:
        draft.write_bytes(data.encode() if isinstance(data, str) else data)


@contextmanager
def locked(path: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the exclusive lock of a file, or raise `LockedError` after `patience` seconds."""
    import fcntl

    with path.open("a+") as file:
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    file.seek(0)
                    raise LockedError(file.read().strip() or "unknown") from None
                time.sleep(_POLL)
        with suppress(OSError):  # a full disk doesn't prevent the lock
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
