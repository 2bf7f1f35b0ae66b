"""The files of a bundle, checked before they take memory: a bundle may come from a stranger."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

MAX_FILE = 300_000_000
"""Bytes of a file of a bundle, and of its unpacked arrays."""
_MAX_JSON = 30_000_000  # bytes
_MAX_DEPTH = 40  # lists and objects within each other


def read_json(path: Path) -> Any:
    """Read a JSON file; raise `ValueError` where it is too long or deep, or has odd numbers."""
    size = path.stat().st_size
    if size > _MAX_JSON:
        raise ValueError(f"{size:,} bytes, more than a bundle's file has")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("lists within lists, too deep to be read") from None
    _check(found, _MAX_DEPTH)
    return found


def _check(value: Any, depth: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63:
        raise ValueError("a number that is too large")
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("lists within lists, too deep to be read")
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth - 1)


def read_arrays(path: Path, wanted: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read arrays of numbers from an ``.npz`` file, by their names without ``.npy``.

    Raises
    ------
    OSError, zipfile.BadZipFile, zlib.error
        When it can't be read.
    ValueError
        When an array is missing, holds no numbers, or claims more than it holds or may hold.
    """
    names = {f"{name}.npy" for name in wanted}
    with zipfile.ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if missing := sorted(names - members.keys()):
            raise ValueError(f"no {missing[0]} in it")
        if sum(members[name].file_size for name in names) > MAX_FILE:
            raise ValueError("its arrays are larger than a bundle's are")
        for name in sorted(names):
            with archive.open(name) as file:
                _check_header(file, name, members[name].file_size)
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in wanted}


def _check_header(file: Any, name: str, size: int) -> None:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.kind not in "fiu":  # neither objects nor text
        raise ValueError(f"{name} holds no numbers ({dtype})")
    # In Python's integers, which don't overflow.
    if math.prod(map(int, shape)) * dtype.itemsize > size - file.tell():
        raise ValueError(f"{name} says that it is larger than it is")


def check_size(path: Path) -> None:
    """Raise `ValueError` for a file that is too large for a bundle."""
    if (size := path.stat().st_size) > MAX_FILE:
        raise ValueError(f"{path.name}: {size:,} bytes, more than a bundle's file has")
