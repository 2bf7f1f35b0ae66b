"""A tool's folder: only made where nothing else is, and there only when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from framescope.classifier.errors import InputError
from framescope.training.annotation.tool import ARTICLES


def check_folder(path: Path, inputs: Iterable[str], *, overwrite: bool) -> None:
    """Refuse a folder that can't be made, or that holds what we didn't write, before the work.

    Raises
    ------
    InputError
    """
    if not path.absolute().parent.is_dir():
        raise InputError(path, "can't be made; give --output a folder within one that exists")
    if path.exists() and not path.is_dir():
        raise InputError(path, "is a file; give --output a folder that is to be made")
    for given in map(Path, inputs):
        try:
            within = path.exists() and given.resolve().is_relative_to(path.resolve())
        except (OSError, ValueError):
            continue
        if within:
            raise InputError(path, "holds an input; give --output another folder")
    if path.is_dir() and any(path.iterdir()):
        if not overwrite:
            raise InputError(path, "is there already; add --overwrite, or give another --output")
        if not (path / ARTICLES).is_file():
            raise InputError(path, "is no folder of ours; give --output another one")


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder that appears only when it is whole."""
    path = path.absolute()
    part = path.with_name(f"{path.name}.part")
    try:
        if part.exists():
            shutil.rmtree(part)
        for name, data in files.items():
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        if path.exists():
            shutil.rmtree(path)
        part.rename(path)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        reason = f"can't be written ({error.strerror or error}); choose another --output"
        raise InputError(path, reason) from None
