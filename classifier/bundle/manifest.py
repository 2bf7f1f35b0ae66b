"""What a bundle says of itself: `manifest.json`, read and held against itself, and digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

from framescope.classifier.errors import BundleError, SignalError, how_to_upgrade
from framescope.classifier.models import (
    TFIDF_FILES,
    TRANSFORMER_FILES,
    Calibration,
    Model,
    load_tfidf,
    load_transformer,
    read_json,
)
from framescope.classifier.outlets import Registry
from framescope.classifier.taxonomy import DEFINITIONS, declare, from_records, in_order

FORMAT = 2
"""2: who says what is the model's; before, signals read what rules of grammar found."""
MANIFEST = "manifest.json"
CARD = "README.md"

# The one table that knows the kinds of model.
KINDS: Mapping[str, Callable[[Path, Calibration, Registry | None], Model]] = {
    "baseline": load_tfidf,
    "transformer": load_transformer,
}
FILES: Mapping[str, Set[str]] = {"baseline": TFIDF_FILES, "transformer": TRANSFORMER_FILES}
"""What a bundle of a kind holds at least, each with its digest."""

_REQUIRED = ("name", "kind", "signals", "thresholds", "calibration", "languages", "files")


def digest_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a bundle's manifest, which holds the digest of every file."""
    record = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(record.encode()).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check a manifest, without loading the model.

    Signals that it defines, and that nothing has defined before, are known from then on.

    Raises
    ------
    BundleError
        When it is missing, no manifest, of another format, or names unknown signals.
    """
    path = folder / MANIFEST
    try:
        manifest = read_json(path)
    except FileNotFoundError:
        raise BundleError(
            f"{folder}: not a bundle (no {MANIFEST}); "
            "make one with: framescope train baseline --corpora DIR --output FOLDER"
        ) from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: damaged manifest ({error}); get the bundle anew") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BundleError(f"{path}: not a framescope manifest (no format version)")
    if manifest["format"] > FORMAT:
        raise BundleError(
            f"{path}: bundle format {manifest['format']} is newer than this version reads "
            f"({FORMAT}); get a newer framescope: {how_to_upgrade()}"
        )
    if manifest["format"] < FORMAT:
        kind = manifest.get("kind")
        again = kind if isinstance(kind, str) and kind in KINDS else "|".join(KINDS)
        raise BundleError(
            f"{path}: bundle format {manifest['format']} reads what rules of grammar found, which "
            f"this version no longer has; retrain it: framescope train {again} "
            "--corpora DIR --output FOLDER"
        )
    missing = [key for key in _REQUIRED if key not in manifest]
    if missing:
        raise BundleError(f"{path}: damaged manifest (no {', '.join(missing)}); get it anew")
    define(manifest, folder, keep=True)
    flaw = _flaw(manifest)
    if flaw is not None:
        raise BundleError(f"{path}: {flaw}")
    return manifest


def define(manifest: Mapping[str, Any], folder: Path, *, keep: bool = False) -> None:
    """Make the signals known that a bundle was trained with and that don't ship.

    `keep` leaves what is known by such a name as it is.

    Raises
    ------
    BundleError
        When the manifest doesn't define them as signals are defined.
    SignalError
        When another bundle, or the user's file, defines one otherwise.
    """
    if DEFINITIONS not in manifest:
        return
    path = str(folder / MANIFEST)
    try:
        found = from_records(manifest[DEFINITIONS], path)
    except SignalError as error:
        raise BundleError(f"{error}; get the bundle anew") from None
    declare(found, path, keep=keep)


def _flaw(manifest: Mapping[str, Any]) -> str | None:
    """Say what doesn't hold together in a manifest; None when everything does."""
    kind, signals, files = manifest["kind"], manifest["signals"], manifest["files"]
    if not isinstance(kind, str) or kind not in KINDS:
        return f"unknown kind of model '{kind}'; known: {', '.join(KINDS)}"
    damaged = "damaged manifest ({}); get the bundle anew"
    if not isinstance(manifest["name"], str):
        return damaged.format("name is no text")
    for key in ("signals", "languages"):
        if not isinstance(manifest[key], list) or not all(
            isinstance(n, str) for n in manifest[key]
        ):
            return damaged.format(f"{key} is no list of names")
    try:
        if list(in_order(signals)) != signals:
            return damaged.format("signals are out of order")
    except SignalError as error:
        return f"{error}; upgrade framescope, or retrain"
    for key in ("thresholds", "calibration"):
        if not isinstance(manifest[key], dict) or list(manifest[key]) != signals:
            return damaged.format(f"{key} doesn't match the signals")
    if not all(map(_is_number, manifest["thresholds"].values())):
        return damaged.format("thresholds are no numbers")
    elsewhere = manifest.get("thresholds_elsewhere", {})
    if not isinstance(elsewhere, dict) or not all(
        isinstance(own, dict) and set(own) <= set(signals) and all(map(_is_number, own.values()))
        for own in elsewhere.values()
    ):
        return damaged.format("thresholds_elsewhere are no numbers by corpus and signal")
    lines = manifest["calibration"].values()
    if not all(isinstance(x, list) and len(x) == 2 and all(map(_is_number, x)) for x in lines):
        return damaged.format("calibration is no slope and intercept a signal")
    if not isinstance(files, dict) or not all(
        Path(name).name == name and isinstance(expected, str) for name, expected in files.items()
    ):
        return damaged.format("files are no names and digests")
    if without := sorted(FILES[kind] - files.keys()):
        return damaged.format(f"no digest of {without[0]}")
    return None


def _is_number(value: object) -> bool:
    # `read_json` has refused what is not finite.
    return isinstance(value, int | float) and not isinstance(value, bool)
