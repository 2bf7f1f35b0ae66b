"""What ``--model`` may say, and the folder that is meant by it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from framescope.classifier import SHIPPED
from framescope.classifier.bundle.hub import fetched, is_address
from framescope.classifier.bundle.manifest import KINDS
from framescope.classifier.bundle.promoted import promoted, promoted_names
from framescope.classifier.errors import BundleError

_ARCHIVE = re.compile(r"\.tar(\.zst|\.gz)?$")


def default_path(kind: str) -> Path:
    """Where the bundle of a kind that ships with the package lies."""
    return SHIPPED / kind


def resolve(model: str | Path) -> Path:
    """The folder meant by ``--model``.

    Parameters
    ----------
    model : str or pathlib.Path
        A kind that ships; the name of a promoted bundle, whose current version is meant, or
        ``NAME@VERSION``; an address ``hf://ORG/NAME[@REVISION]``, which is fetched; or a folder. A
        promoted name means that bundle wherever it is typed: a folder of the same name is
        ``./NAME``, or a path.

    Raises
    ------
    BundleError
        When it is none of these, or what was promoted is damaged.
    FramescopeError
        When it can't be fetched.
    """
    word = str(model)
    if word in KINDS:
        return default_path(word)
    if is_address(word):
        return fetched(word)
    path = Path(model)
    if not (isinstance(model, Path) and path.is_dir()) and (found := promoted(word)) is not None:
        return found[0].path(found[1])
    if path.is_dir():
        return path
    if path.is_file() and _ARCHIVE.search(path.name):
        raise BundleError(
            f"{model}: no such bundle, but an archive; type: framescope bundles unpack {model}"
        )
    names = (*KINDS, *promoted_names())
    close = get_close_matches(word.partition("@")[0], names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise BundleError(
        f"{model}: no such bundle; give a bundle's folder, or one of {', '.join(names)}{hint}"
    )


def pinned(model: str) -> str:
    """Say what ``--model`` means now, so that it means the same when it is asked again.

    A long run must not change its model when somebody promotes another, so a promoted name gets
    its version, and an address its revision; other words stay as they are.
    """
    if is_address(model):
        path = fetched(model)
        return f"{model.partition('@')[0]}@{path.name}"
    if model not in KINDS and (found := promoted(model)) is not None:
        name, version = found
        return f"{name.name}@{name.current if version is None else version}"
    return model
