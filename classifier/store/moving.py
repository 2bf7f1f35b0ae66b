"""Bundles on their way: to and from a folder, an address ``hf://``, an archive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.bundle import (
    CARD,
    MANIFEST,
    checked,
    copy,
    digest_of,
    failures,
    home,
    hub_of,
    is_address,
    parts_of,
    resolve,
    said_of,
)
from framescope.classifier.store.archive import pack, unpack
from framescope.classifier.store.shelf import ShelfError

SUFFIXES = (".tar", ".tar.gz", ".tar.zst")
"""Of an archive's name."""


def push(
    word: str,
    target: str,
    *,
    key: Path | None = None,
    public: bool = False,
    message: str | None = None,
    overwrite: bool = False,
) -> str:
    """Bring a bundle somewhere, byte for byte.

    Parameters
    ----------
    word : str
        As `classifier.bundle.resolve` takes it.
    target : str
        A folder, an address ``hf://ORG/NAME``, or an archive's file.
    key : pathlib.Path or None
        To sign an archive with.
    public : bool
        Of an address that isn't there yet: whether everybody may see it.
    message : str or None
        Of the commit.
    overwrite : bool
        Whether a file that is no archive may be written over.

    Returns
    -------
    str
        Where it is now, with its revision or its digest.

    Raises
    ------
    FramescopeError
        When there is no such bundle, or it can't be written there.
    """
    folder = resolve(word)
    manifest = checked(folder)
    if is_address(target):
        return _uploaded(folder, manifest, target, public=public, message=message)
    if target.endswith(SUFFIXES):
        return f"{target} (SHA-256 {pack(folder, Path(target), key, overwrite=overwrite)})"
    copied(folder, Path(target))
    return f"{target} ({digest_of(manifest)[:12]})"


def pull(
    source: str,
    output: Path,
    *,
    key: Path | None = None,
    expected: str | None = None,
    unverified: bool = False,
) -> str:
    """Bring a bundle here, into a folder, every file held against its digest.

    Parameters
    ----------
    source : str
        An address, an archive's file, or what else `classifier.bundle.resolve` takes.
    output : pathlib.Path
    key, expected, unverified
        Of an archive, as `unpack` takes them.

    Returns
    -------
    str
        What it is: its digest, with the revision of an address.

    Raises
    ------
    FramescopeError
        When there is no such bundle, nothing vouches for it, or `output` is something else.
    """
    if source.endswith(SUFFIXES):
        return unpack(Path(source), output, key, expected, unverified=unverified).bundle[:12]
    folder = resolve(source)
    copied(folder, output)
    revision = f", revision {folder.name}" if is_address(source) else ""
    return f"{digest_of(checked(output))[:12]}{revision}"


def copied(folder: Path, output: Path) -> None:
    """Copy a bundle into a folder of its own; raises `FramescopeError` where it may not be."""
    place, root = output.resolve(), home().resolve()
    if place == folder.resolve():
        raise ShelfError(f"{output}: is where the bundle lies; give another folder")
    if place.is_relative_to(root):
        raise ShelfError(
            f"{output}: lies in the folder of promoted bundles; type: framescope bundles promote"
        )
    copy(folder, output)


def _uploaded(
    folder: Path, manifest: Any, address: str, *, public: bool, message: str | None
) -> str:
    repository, revision = parts_of(address)
    if revision is not None:
        raise ShelfError(f"{address}: a commit is made by pushing; leave out @{revision}")
    api = hub_of(address).HfApi(
        endpoint=os.environ.get("HF_ENDPOINT"),
        library_name="framescope",
        library_version=__version__,
    )
    try:
        api.create_repo(repository, private=not public, exist_ok=True)
        done = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=[CARD, MANIFEST, *manifest["files"]],
            commit_message=message or f"{manifest['name']}, {digest_of(manifest)[:12]}",
        )
    except failures() as error:
        raise ShelfError(
            f"{address}: can't be pushed ({said_of(error)}); see that the address, the network "
            "and your token (hf auth login) are right"
        ) from None
    return f"hf://{repository}@{done.oid}"
