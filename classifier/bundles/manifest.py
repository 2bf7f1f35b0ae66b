"""`manifest.json`: what a bundle says of itself, with the digest of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Annotated, Any

from framescope.classifier.errors import BundleError, SignalError, how_to_upgrade
from framescope.classifier.models import (
    MAX_FILE,
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
from framescope.classifier.validation import validate
from pydantic import BaseModel, ConfigDict, Field

FORMAT = 2
"""In format 1 the citations came from grammar rules, which no version reads any more."""
MANIFEST = "manifest.json"
CARD = "README.md"

KINDS: Mapping[str, Callable[[Path, Calibration, Registry | None], Model]] = {
    "baseline": load_tfidf,
    "transformer": load_transformer,
}
"""The loader of each kind of model."""
FILES: Mapping[str, Set[str]] = {"baseline": TFIDF_FILES, "transformer": TRANSFORMER_FILES}
"""The files that a bundle of each kind must have."""

_AGAIN = "get the bundle again"


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")

    name: str
    kind: str
    signals: list[str]
    thresholds: dict[str, float]
    thresholds_elsewhere: dict[str, dict[str, float]] = {}
    calibration: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
    languages: list[str]
    files: dict[str, str]


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest, which covers every file of the bundle."""
    record = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(record.encode()).hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check a manifest, without loading the model.

    Signals that it defines, and that nothing has defined before, are declared.

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
        raise BundleError(f"{path}: damaged manifest ({error}); {_AGAIN}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BundleError(f"{path}: not a framescope manifest (no format version)")
    kind = manifest.get("kind")
    if manifest["format"] > FORMAT:
        raise BundleError(
            f"{path}: bundle format {manifest['format']} is newer than this version reads "
            f"({FORMAT}); get a newer framescope: {how_to_upgrade()}"
        )
    if manifest["format"] < FORMAT:
        again = kind if isinstance(kind, str) and kind in KINDS else "|".join(KINDS)
        raise BundleError(
            f"{path}: bundle format {manifest['format']} is too old for this version; "
            f"retrain it: framescope train {again} --corpora DIR --output FOLDER"
        )
    if isinstance(kind, str) and kind not in KINDS:
        raise BundleError(f"{path}: unknown kind of model '{kind}'; known: {', '.join(KINDS)}")
    try:
        validate(_Manifest, manifest)
    except ValueError as error:
        raise BundleError(f"{path}: damaged manifest ({error}); {_AGAIN}") from None
    define(manifest, folder, keep=True)
    try:
        _check(manifest)
    except ValueError as error:
        raise BundleError(f"{path}: damaged manifest ({error}); {_AGAIN}") from None
    except SignalError as error:
        raise BundleError(f"{path}: {error}; upgrade framescope, or retrain") from None
    return manifest


def _check(manifest: Mapping[str, Any]) -> None:
    """Raise `ValueError` where the parts of a manifest contradict each other."""
    signals, files = manifest["signals"], manifest["files"]
    if list(in_order(signals)) != signals:
        raise ValueError("signals are out of order")
    for key in ("thresholds", "calibration"):
        if list(manifest[key]) != signals:
            raise ValueError(f"{key} doesn't match the signals")
    for own in manifest.get("thresholds_elsewhere", {}).values():
        if not set(own) <= set(signals):
            raise ValueError("thresholds_elsewhere names other signals")
    if any(Path(name).name != name for name in files):
        raise ValueError("files are not names and digests")
    if missing := sorted(FILES[manifest["kind"]] - files.keys()):
        raise ValueError(f"no digest of {missing[0]}")


def define(manifest: Mapping[str, Any], folder: Path, *, keep: bool = False) -> None:
    """Declare the signals that a bundle was trained with and that don't ship.

    Parameters
    ----------
    manifest : mapping
    folder : pathlib.Path
    keep : bool
        Whether a signal of the same name that is already declared stays as it is.

    Raises
    ------
    BundleError
        When the manifest doesn't define them as signals are defined.
    SignalError
        When another bundle, or the user's file, defines one differently.
    """
    if DEFINITIONS not in manifest:
        return
    path = str(folder / MANIFEST)
    try:
        found = from_records(manifest[DEFINITIONS], path)
    except SignalError as error:
        raise BundleError(f"{error}; {_AGAIN}") from None
    declare(found, path, keep=keep)


def verify(folder: Path) -> dict[str, Any]:
    """Return a bundle's manifest after checking every file's digest, without loading the model.

    Raises
    ------
    BundleError
        When it is no bundle, or damaged, or has no card: its licences would be unknown.
    """
    manifest = read_manifest(folder)
    check_card(folder)
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path}: missing from the bundle; {_AGAIN}")
        if path.stat().st_size > MAX_FILE:
            raise BundleError(f"{path}: too large for a bundle's file; {_AGAIN}")
        if digest(path) != expected:
            raise BundleError(f"{path}: damaged (its digest differs from the manifest's)")
    return manifest


def check_card(folder: Path) -> None:
    """Raise `BundleError` for a bundle without its card."""
    if not (folder / CARD).is_file():
        raise BundleError(f"{folder}: a bundle without its card ({CARD}); {_AGAIN}")
