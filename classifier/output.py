"""Where a report goes: standard output, or a file that appears only when it is whole."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from classifier.errors import InputError


def check(path: Path | None) -> None:
    """Refuse a file that can't be written, before the work and not after it.

    Raises
    ------
    InputError
        When ``path`` is a folder, or lies in none that exists.
    """
    if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
        raise InputError(path, "can't be written; give --output a file in a folder that exists")


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """Open standard output, or a draft that replaces ``path`` when all went well.

    Parameters
    ----------
    path : pathlib.Path or None
        None for standard output.

    Raises
    ------
    InputError
        When it can't be written.
    BrokenPipeError
        When whoever reads standard output has stopped.
    """
    name = "standard output" if path is None else path
    try:
        with _stream(path) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise InputError(name, reason) from None


@contextmanager
def _stream(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        if sys.stdout is None:
            raise InputError("standard output", "is closed; open it, or give --output")
        # Reports hold any character; a terminal of another encoding must not stop them.
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        yield sys.stdout
        sys.stdout.flush()  # what can't be written is to be found out here, not at exit
    elif path.exists() and not path.is_file() and not path.is_dir():
        # A device or a pipe, which is written to and not replaced.
        with path.open("w", encoding="utf-8", errors="replace") as file:
            yield file
    else:
        with _draft(path.resolve()) as file:
            yield file


@contextmanager
def _draft(path: Path) -> Iterator[TextIO]:
    """Open a file beside ``path`` that takes its place at the end."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            yield file
        # mkstemp makes files that only their owner reads; a report is an ordinary file.
        umask = os.umask(0)
        os.umask(umask)
        Path(draft).chmod(0o666 & ~umask)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
