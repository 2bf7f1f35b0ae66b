"""A bundle's folder: the manifest, with the digest of every file, and writing it whole."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, Literal
from unicodedata import normalize

import numpy as np
from framescope.classifier import models
from framescope.classifier.errors import BundleError, SignalError, how_to_upgrade
from framescope.classifier.files import sync
from framescope.classifier.outlets import Registry
from framescope.classifier.taxonomy import DEFINITIONS, declare, from_records, in_order, to_records
from framescope.classifier.validation import validate
from pydantic import BaseModel, ConfigDict, Field

FORMAT = 2  # in format 1 the citations came from grammar rules, which no version reads any more
MANIFEST = "manifest.json"
CARD = "README.md"
SEEN = "seen.npz"  # the `text_digest` of each article that was learned from or calibrated on

# The loader of each kind of model, and the files that a bundle of that kind must have.
KINDS: Mapping[str, Callable[[Path, models.Calibration, Registry | None], models.Model]] = {
    "baseline": models.load_tfidf,
    "transformer": models.load_transformer,
}
FILES = {"baseline": models.TFIDF_FILES, "transformer": models.TRANSFORMER_FILES}

Save = Callable[[Path], None]  # writes the files of a model into a folder
_AGAIN = "get the bundle again"
_WRITTEN = re.compile(r"[^\W_]+")


class _Measured(BaseModel):
    """What is known of a signal in a language."""

    model_config = ConfigDict(strict=True, extra="allow")

    state: Literal["real", "written", "none"]
    n: int = 0
    positives: int = 0
    ap: float | None = None
    low: float | None = None
    high: float | None = None
    precision: float | None = None


class _Manifest(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")

    name: str
    kind: str
    signals: list[str]
    thresholds: dict[str, float]
    thresholds_elsewhere: dict[str, dict[str, float]] = {}
    experimental: list[str] = []
    calibration: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
    languages: list[str]
    measured: dict[str, dict[str, _Measured]] = {}
    files: dict[str, str]


def digest_of(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest, which covers every file of the bundle."""
    record = json.dumps(manifest, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(record.encode()).hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_digest(text: str) -> int:
    """Return eight bytes of the SHA-256 of a text's letters and digits; case doesn't count."""
    # Without letters, nearly all such texts would be the same: then of the text as it stands.
    written = "".join(_WRITTEN.findall(normalize("NFKC", text).casefold()))
    written = written if any(map(str.isalpha, written)) else text
    return int.from_bytes(hashlib.sha256(written.encode(errors="surrogatepass")).digest()[:8])


def read_seen(folder: Path) -> frozenset[int]:
    """Return the digests of the articles that a bundle has seen; none where it keeps no list."""
    if not (path := folder / SEEN).exists():
        return frozenset()
    with models.whole(path):
        return frozenset(models.read_arrays(path, ("digests",))["digests"].tolist())


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and check a manifest; declare the signals that it defines and nothing did before."""
    path = folder / MANIFEST
    try:
        manifest = models.read_json(path)
    except FileNotFoundError:
        how = "framescope train baseline --recipe house --output FOLDER"
        reason = f"not a bundle (no {MANIFEST}); make one with: {how}"
        raise BundleError(f"{folder}: {reason}") from None
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: damaged manifest ({error}); {_AGAIN}") from None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("format"), int):
        raise BundleError(f"{path}: not a framescope manifest (no format version)")
    kind = manifest.get("kind")
    if manifest["format"] > FORMAT:
        reason = f"bundle format {manifest['format']} is newer than this version reads ({FORMAT})"
        raise BundleError(f"{path}: {reason}; get a newer framescope: {how_to_upgrade()}")
    if manifest["format"] < FORMAT:
        again = kind if isinstance(kind, str) and kind in KINDS else "|".join(KINDS)
        reason = f"bundle format {manifest['format']} is too old for this version; retrain it"
        how = f"framescope train {again} --recipe house --output FOLDER"
        raise BundleError(f"{path}: {reason}: {how}")
    if isinstance(kind, str) and kind not in KINDS:
        raise BundleError(f"{path}: unknown kind of model '{kind}'; known: {', '.join(KINDS)}")
    define(manifest, folder, keep=True)
    try:
        validate(_Manifest, manifest)
        _check(manifest)
    except ValueError as error:
        raise BundleError(f"{path}: damaged manifest ({error}); {_AGAIN}") from None
    except SignalError as error:
        raise BundleError(f"{path}: {error}; upgrade framescope, or retrain") from None
    return manifest


def _check(manifest: Mapping[str, Any]) -> None:
    signals, files = manifest["signals"], manifest["files"]
    if list(in_order(signals)) != signals:
        raise ValueError("signals are out of order")
    for key in ("thresholds", "calibration"):
        if list(manifest[key]) != signals:
            raise ValueError(f"{key} doesn't match the signals")
    if any(set(own) - set(signals) for own in manifest.get("thresholds_elsewhere", {}).values()):
        raise ValueError("thresholds_elsewhere names other signals")
    if any(Path(name).name != name for name in files):
        raise ValueError("files are not names and digests")
    if missing := sorted(FILES[manifest["kind"]] - files.keys()):
        raise ValueError(f"no digest of {missing[0]}")


def define(manifest: Mapping[str, Any], folder: Path, *, keep: bool = False) -> None:
    """Declare a bundle's own signals, `keep` those that are there; else they must be the same."""
    if DEFINITIONS not in manifest:
        return
    path = str(folder / MANIFEST)
    try:
        found = from_records(manifest[DEFINITIONS], path)
    except SignalError as error:
        raise BundleError(f"{error}; {_AGAIN}") from None
    declare(found, path, keep=keep)


def verify(folder: Path) -> dict[str, Any]:
    """Return a bundle's manifest after checking every file's digest, without loading the model."""
    manifest = read_manifest(folder)
    check_card(folder)
    for name, expected in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{path}: missing from the bundle; {_AGAIN}")
        if path.stat().st_size > models.MAX_FILE:
            raise BundleError(f"{path}: too large for a bundle's file; {_AGAIN}")
        if digest(path) != expected:
            raise BundleError(f"{path}: damaged (its digest differs from the manifest's)")
    return manifest


def check_card(folder: Path) -> None:
    """Raise `BundleError` for a bundle without its card: its licences would be unknown."""
    if not (folder / CARD).is_file():
        raise BundleError(f"{folder}: a bundle without its card ({CARD}); {_AGAIN}")


def write(
    folder: Path, manifest: Mapping[str, Any], card: str, save: Save, seen: Collection[int] = ()
) -> None:
    """Write a bundle: `save` its model, and the digests of the articles `seen` in its training."""
    with _drafted(folder) as draft:
        save(draft)
        if seen:
            np.savez(draft / SEEN, allow_pickle=False, digests=np.array(sorted(seen), np.uint64))
        (draft / CARD).write_text(card, encoding="utf-8")
        files = {path.name: digest(path) for path in sorted(draft.iterdir()) if path.name != CARD}
        own = {DEFINITIONS: found} if (found := to_records(manifest["signals"])) else {}
        record = {"format": FORMAT, **manifest, **own, "files": files}
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (draft / MANIFEST).write_text(text, encoding="utf-8")


def copy(source: Path, folder: Path) -> None:
    """Copy a bundle: its card, its manifest and the files that it names."""
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
        taken = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
        with suppress(OSError, ValueError):  # a bundle, of any format, may be replaced
            manifest = models.read_json(folder / MANIFEST)
            taken &= not (isinstance(manifest, dict) and {"format", "kind"} <= manifest.keys())
        parent = next(path for path in folder.absolute().parents if path.exists())
        writable = parent.is_dir() and os.access(parent, os.W_OK)
    except OSError:
        taken, writable = False, False
    if taken:
        raise BundleError(f"{folder}: exists and is not a bundle; choose another --output")
    if not writable:
        raise BundleError(f"{folder}: can't be written there; choose another --output")
