"""A model on disk: a folder with a manifest, its files and their digests."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier import SHIPPED
from classifier.errors import BundleError, SignalError, how_to_upgrade
from classifier.models import (
    DOMAIN,
    MAX_FILE,
    TFIDF_FILES,
    TRANSFORMER_FILES,
    Calibration,
    Model,
    TrainingDomain,
    load_tfidf,
    load_transformer,
    read_json,
)
from classifier.runtime import instructions
from classifier.sources import Registry, load_registry
from classifier.taxonomy import in_order

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


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle.

    Attributes
    ----------
    path : pathlib.Path
    manifest : mapping
        ``manifest.json``: format, name, kind, signals, thresholds, calibration, languages, corpora
        with licences and digests, split, settings, seed, code version, metrics, digests of files.
    model : Model
        Calibrated.
    registry : Registry or None
        Whose outlets the model recognises; None where that isn't known.
    domain : TrainingDomain or None
        What the model learned from; None of a bundle that doesn't say.
    """

    path: Path
    manifest: Mapping[str, Any]
    model: Model
    registry: Registry | None = None
    domain: TrainingDomain | None = None

    @property
    def name(self) -> str:
        """The bundle's name, for the record."""
        return str(self.manifest["name"])

    @property
    def digest(self) -> str:
        """As `digest_of` its manifest."""
        return digest_of(self.manifest)

    @property
    def runtime(self) -> str:
        """What scores are computed with: the library, its version, the processor's instructions."""
        return f"{self.model.runtime}, {instructions()}"

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals it gives, in taxonomy order."""
        return self.model.signals

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The probability at which each signal is flagged."""
        thresholds: Mapping[str, float] = self.manifest["thresholds"]
        return thresholds

    def threshold(self, signal: str, corpus: str) -> float:
        """The probability at which a signal is flagged when it is judged by a corpus' labels.

        One that labels the signal in another sense has a threshold of its own.
        """
        elsewhere = self.manifest.get("thresholds_elsewhere", {}).get(corpus, {})
        return float(elsewhere.get(signal, self.thresholds[signal]))

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages it was trained on."""
        return tuple(self.manifest["languages"])


def digest_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a bundle's manifest, which holds the digest of every file."""
    record = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(record.encode()).hexdigest()


def default_path(kind: str) -> Path:
    """Where the bundle of a kind that ships with the package lies."""
    return SHIPPED / kind


def resolve(model: str | Path) -> Path:
    """The folder meant by ``--model``: a kind that ships, or a path.

    Raises
    ------
    BundleError
        When it is neither.
    """
    if str(model) in KINDS:
        return default_path(str(model))
    path = Path(model)
    if not path.is_dir():
        raise BundleError(
            f"{model}: no such bundle; give a bundle's folder, or one of {', '.join(KINDS)}"
        )
    return path


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check a manifest, without loading the model.

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
    flaw = _flaw(manifest)
    if flaw is not None:
        raise BundleError(f"{path}: {flaw}")
    return manifest


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


def load(model: str | Path, registry: Registry | None = None) -> Bundle:
    """Load a bundle and check every file's digest.

    Parameters
    ----------
    model : str or pathlib.Path
        A bundle's folder, or ``"baseline"`` or ``"transformer"`` for the one that ships.
    registry : Registry or None
        Whose outlets the model recognises; the one that ships unless given.

    Raises
    ------
    BundleError
        When the bundle is missing, damaged, or of a format that this version doesn't read.
    """
    folder = resolve(model)
    manifest = read_manifest(folder)
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path}: missing from the bundle; get the bundle anew")
        if path.stat().st_size > MAX_FILE:
            raise BundleError(f"{path}: larger than any bundle's file; get the bundle anew")
        if digest(path) != expected:
            raise BundleError(f"{path}: damaged (its digest differs from the manifest's)")
    calibration = Calibration.from_record(manifest["calibration"])
    registry = load_registry() if registry is None else registry
    fitted = KINDS[manifest["kind"]](folder, calibration, registry)
    if fitted.signals != tuple(manifest["signals"]):
        raise BundleError(f"{folder}: the model's signals are not those of its manifest")
    return Bundle(folder, manifest, fitted, registry, _domain(folder, manifest))


def _domain(folder: Path, manifest: Mapping[str, Any]) -> TrainingDomain | None:
    """Read what a model learned from; older bundles don't say."""
    if DOMAIN not in manifest["files"]:
        return None
    try:
        return TrainingDomain.load(folder, len(manifest["signals"]))
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"{folder / DOMAIN}: damaged ({error}); get the bundle anew") from None


def write(
    folder: Path, manifest: Mapping[str, Any], card: str, save: Callable[[Path], None]
) -> None:
    """Write a bundle whole, or not at all.

    Parameters
    ----------
    folder : pathlib.Path
        Replaced when it holds a bundle.
    manifest : mapping
        Everything but ``format`` and ``files``, which are added here.
    card : str
        The model card, in Markdown.
    save : callable
        Writes the model's own files into the folder it is given.

    Raises
    ------
    BundleError
        When ``folder`` exists and is something other than a bundle.
    """
    check_writable(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bundle-") as temporary:
        draft, old = Path(temporary) / "new", Path(temporary) / "old"
        draft.mkdir()
        save(draft)
        (draft / CARD).write_text(card, encoding="utf-8")
        files = {path.name: digest(path) for path in sorted(draft.iterdir()) if path.name != CARD}
        record = {"format": FORMAT, **manifest, "files": files}
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (draft / MANIFEST).write_text(text, encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        try:
            draft.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise


def check_writable(folder: Path) -> None:
    """Refuse to replace what is not a bundle, and a place that can't be written.

    Raises
    ------
    BundleError
        When ``folder`` is a file, a folder with other things in it, or in a place without rights.
    """
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
    """Whether a folder holds a manifest of any version, and not somebody else's."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and "format" in manifest and "kind" in manifest
