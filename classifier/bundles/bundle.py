"""Loading a bundle: every digest is checked before anything else is read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier.bundles.manifest import KINDS, define, digest_of, verify
from framescope.classifier.bundles.store import resolve
from framescope.classifier.errors import BundleError
from framescope.classifier.models import DOMAIN, Calibration, Model, TrainingDomain
from framescope.classifier.outlets import Registry, load_registry
from framescope.classifier.runtime import instructions


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle."""

    path: Path
    manifest: Mapping[str, Any]
    model: Model
    registry: Registry | None = None  # whose outlets the model recognises
    domain: TrainingDomain | None = None  # older bundles don't describe their training data

    @property
    def name(self) -> str:
        """The name that reports show."""
        return str(self.manifest["name"])

    @property
    def digest(self) -> str:
        """The `digest_of` the manifest."""
        return digest_of(self.manifest)

    @property
    def runtime(self) -> str:
        """What computes the scores: the library, its version, the processor's instructions."""
        return f"{self.model.runtime}, {instructions()}"

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the model scores, in taxonomy order."""
        return self.model.signals

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The probability at which each signal is flagged."""
        thresholds: Mapping[str, float] = self.manifest["thresholds"]
        return thresholds

    def threshold(self, signal: str, corpus: str) -> float:
        """Return the threshold of a signal on a corpus, which may label it in another sense."""
        elsewhere = self.manifest.get("thresholds_elsewhere", {}).get(corpus, {})
        return float(elsewhere.get(signal, self.thresholds[signal]))

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages it was trained on."""
        return tuple(self.manifest["languages"])


def load(model: str | Path, registry: Registry | None = None) -> Bundle:
    """Load a bundle, as `resolve` takes it, and check every file's digest.

    Parameters
    ----------
    model : str or pathlib.Path
    registry : Registry or None
        Whose outlets the model recognises; by default the shipped registry.

    Raises
    ------
    BundleError
        When the bundle is missing, damaged, or of a format that this version doesn't read.
    SignalError
        When the user's file, or another bundle, defines one of its signals differently.
    """
    folder = resolve(model)
    manifest = verify(folder)
    define(manifest, folder)
    calibration = Calibration.from_record(manifest["calibration"])
    registry = load_registry() if registry is None else registry
    fitted = KINDS[manifest["kind"]](folder, calibration, registry)
    if fitted.signals != tuple(manifest["signals"]):
        raise BundleError(f"{folder}: the model's signals are not those of its manifest")
    return Bundle(folder, manifest, fitted, registry, _domain(folder, manifest))


def _domain(folder: Path, manifest: Mapping[str, Any]) -> TrainingDomain | None:
    if DOMAIN not in manifest["files"]:
        return None
    try:
        return TrainingDomain.load(folder, len(manifest["signals"]))
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"{folder / DOMAIN}: damaged ({error}); get the bundle again") from None
