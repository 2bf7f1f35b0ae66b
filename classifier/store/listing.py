"""What is known of bundles without loading them: by the manifest, the pointer and the history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from framescope.classifier.bundle import (
    CARD,
    KINDS,
    MANIFEST,
    Promoted,
    digest_of,
    is_address,
    read_manifest,
    resolve,
    split_name,
)
from framescope.classifier.errors import BundleError
from framescope.classifier.store.shelf import Shelf

Facts = Mapping[str, Any]


def bundle_facts(folder: Path) -> dict[str, Any]:
    """Say what a bundle's manifest says of it, in short.

    Raises
    ------
    BundleError
        When it is no bundle, or has no card.
    """
    manifest = read_manifest(folder)
    if not (folder / CARD).is_file():
        raise BundleError(f"{folder}: a bundle without its card ({CARD}); get the bundle anew")
    return {
        "bundle": manifest["name"],
        "kind": manifest["kind"],
        "digest": digest_of(manifest),
        "format": manifest["format"],
        "signals": len(manifest["signals"]),
        "code_version": manifest.get("code_version"),
        "path": str(folder),
    }


def listed(shelf: Shelf) -> list[dict[str, Any]]:
    """List what ships and every version of what was promoted.

    Returns
    -------
    list of dict
        As `bundle_facts`, with ``name``, ``version``, ``current``, ``promoted`` (when) and
        ``state``: ``ships``, ``ok``, or why a bundle can't be used.
    """
    found = [
        {"name": kind, "version": None, "current": None, "promoted": None, "state": "ships",
         **bundle_facts(resolve(kind))}
        for kind in KINDS
    ]  # fmt: skip
    for name in shelf.names():
        found += _versions(shelf, name)
    return found


def _versions(shelf: Shelf, name: str) -> Iterator[dict[str, Any]]:
    nothing = dict.fromkeys(
        ("bundle", "kind", "digest", "format", "signals", "code_version", "path")
    )
    try:
        one = shelf.find(name)
        when = _promoted_when(shelf.history(name))
    except BundleError as error:
        yield {"name": name, "version": None, "current": None, "promoted": None,
               "state": str(error), **nothing}  # fmt: skip
        return
    assert one is not None
    for number in ([0] if one.current == 0 else []) + sorted(one.versions):
        head = {
            "name": name, "version": number, "current": number == one.current,
            "promoted": when.get(number), "state": "ok" if number else "ships",
        }  # fmt: skip
        try:
            yield {**head, **bundle_facts(one.path(number))}
        except BundleError as error:
            digest = one.versions.get(number)
            yield {**head, **nothing, "digest": digest, "state": str(error)}


def _promoted_when(history: tuple[Facts, ...]) -> dict[int, str]:
    moves = (one for one in history if one.get("event") == "current")
    return {one["version"]: one["when"] for one in moves if one.get("why") != "rolled back"}


def described(word: str, shelf: Shelf) -> dict[str, Any]:
    """Say everything that a bundle says of itself, and what happened under its name.

    Parameters
    ----------
    word : str
        As `classifier.bundle.resolve` takes it.

    Raises
    ------
    BundleError
        When it is no bundle, or has no card.
    """
    taken_apart = split_name(word)
    name = taken_apart[0] if taken_apart and taken_apart[0] not in KINDS else None
    history = shelf.history(name) if name is not None else ()
    promoted: Promoted | None = shelf.find(name) if name is not None else None
    if promoted is None and history and not Path(word).is_dir():
        # A name under which everything was refused has a history, and nothing else.
        return {"name": name, "history": list(history)}
    folder = resolve(word)
    manifest = read_manifest(folder)
    facts = bundle_facts(folder)
    size = sum((folder / one).stat().st_size for one in (MANIFEST, CARD, *manifest["files"])
               if (folder / one).is_file())  # fmt: skip
    found: dict[str, Any] = {
        "name": word, **facts, "bytes": size, "languages": manifest["languages"],
        "thresholds": manifest["thresholds"], "corpora": manifest.get("corpora", []),
        "earlier_corpora": manifest.get("earlier_corpora", []),
        "split": manifest.get("split"), "seed": manifest.get("seed"),
        "settings": manifest.get("settings", {}), "metrics": manifest.get("metrics", []),
    }  # fmt: skip
    if is_address(word):
        found["revision"] = folder.name
    if promoted is not None:
        found["current"], found["versions"] = promoted.current, dict(promoted.versions)
        found["history"] = list(history)
    return found
