"""A bundle is loaded: every digest is checked before anything is read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier.bundle.addresses import resolve
from framescope.classifier.bundle.manifest import (
    CARD,
    KINDS,
    define,
    digest,
    digest_of,
    read_manifest,
)
from framescope.classifier.errors import BundleError
from framescope.classifier.models import DOMAIN, MAX_FILE, Calibration, Model, TrainingDomain
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.runtime import instructions


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


def load(model: str | Path, registry: Registry | None = None) -> Bundle:
    """Load a bundle and check every file's digest.

    Parameters
    ----------
    model : str or pathlib.Path
        A bundle's folder, or any name that `resolve` takes.
    registry : Registry or None
        Whose outlets the model recognises; the one that ships unless given.

    Raises
    ------
    BundleError
        When the bundle is missing, damaged, without a card, or of a format that this version
        doesn't read.
    SignalError
        When it was trained with a signal of the user's own that means something else in the
        user's file, or in another bundle.
    """
    folder = resolve(model)
    manifest = checked(folder)
    define(manifest, folder)
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


def checked(folder: Path) -> dict[str, Any]:
    """Read a bundle's manifest, and hold every file against its digest, without loading the model.

    Raises
    ------
    BundleError
        When it is no bundle, or damaged, or has no card: its licences would be unknown.
    """
    manifest = read_manifest(folder)
    if not (folder / CARD).is_file():
        raise BundleError(f"{folder}: a bundle without its card ({CARD}); get the bundle anew")
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path}: missing from the bundle; get the bundle anew")
        if path.stat().st_size > MAX_FILE:
            raise BundleError(f"{path}: larger than any bundle's file; get the bundle anew")
        if digest(path) != expected:
            raise BundleError(f"{path}: damaged (its digest differs from the manifest's)")
    return manifest
