"""Bundles are written and copied whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framescope.classifier.bundles.manifest import CARD, FORMAT, MANIFEST, digest, verify
from framescope.classifier.errors import BundleError
from framescope.classifier.files import sync
from framescope.classifier.taxonomy import DEFINITIONS, to_records


def write(
    folder: Path, manifest: Mapping[str, Any], card: str, save: Callable[[Path], None]
) -> None:
    """Write a bundle.

    Parameters
    ----------
    folder : pathlib.Path
        Replaced when it holds a bundle.
    manifest : mapping
        Everything but ``format``, ``files`` and the definitions of the user's own signals, which
        are added here.
    card : str
        The model card, in Markdown.
    save : callable
        Writes the model's own files into the folder it is given.

    Raises
    ------
    BundleError
        When `folder` exists and is something other than a bundle.
    """
    with _drafted(folder) as draft:
        save(draft)
        (draft / CARD).write_text(card, encoding="utf-8")
        files = {path.name: digest(path) for path in sorted(draft.iterdir()) if path.name != CARD}
        own = to_records(manifest["signals"])
        definitions = {DEFINITIONS: own} if own else {}
        record = {"format": FORMAT, **manifest, **definitions, "files": files}
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (draft / MANIFEST).write_text(text, encoding="utf-8")


def copy(source: Path, folder: Path) -> None:
    """Copy a bundle: its card, its manifest and the files that it names.

    Raises
    ------
    BundleError
        When `source` is no bundle, or damaged, or `folder` is something other than a bundle.
    """
    files = verify(source)["files"]
    with _drafted(folder) as draft:
        for name in (CARD, MANIFEST, *files):
            shutil.copyfile(source / name, draft / name)
        verify(draft)  # the source may have changed meanwhile


@contextmanager
def _drafted(folder: Path) -> Iterator[Path]:
    """Yield an empty folder, which replaces `folder` unless an error is raised."""
    check_writable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as temporary:
        draft, old = Path(temporary) / "new", Path(temporary) / "old"
        draft.mkdir()
        yield draft
        for path in (*draft.iterdir(), draft):
            sync(path)
        if folder.exists():
            folder.rename(old)
        try:
            draft.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise
        sync(folder.parent)


def check_writable(folder: Path) -> None:
    """Raise `BundleError` where a bundle can't be written, or would replace something else."""
    try:
        taken = folder.is_file() or (
            folder.is_dir() and any(folder.iterdir()) and not _is_bundle(folder)
        )
        parent = next(path for path in folder.absolute().parents if path.exists())
        writable = parent.is_dir() and os.access(parent, os.W_OK)
    except OSError:
        taken, writable = False, False
    if taken:
        raise BundleError(f"{folder}: exists and is not a bundle; choose another --output")
    if not writable:
        raise BundleError(f"{folder}: can't be written there; choose another --output")


def _is_bundle(folder: Path) -> bool:
    """Whether a folder holds a bundle's manifest, of any format."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and "format" in manifest and "kind" in manifest
