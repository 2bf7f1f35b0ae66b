"""The model store: bundles promoted under a name; bundles at ``hf://`` addresses; copying them.

The folder of a name holds ``current.json`` (the pointer), ``history.jsonl`` and its versions; 0 is
the bundle of that kind that ships. A version is whole before the pointer, which is replaced
atomically, names it. ``HF_ENDPOINT`` names another hub.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from framescope.classifier import SHIPPED, __version__
from framescope.classifier.bundles import manifest as manifests
from framescope.classifier.errors import BundleError, how_to_upgrade, need
from framescope.classifier.files import LockedError, atomic_write, locked, sync
from framescope.classifier.models import MAX_FILE, read_json

DEFAULT, MULTILINGUAL = "transformer", "multilingual"
ENVIRONMENT = "FRAMESCOPE_BUNDLES"  # the variable that names the store's folder
POINTER = "current.json"
HISTORY = "history.jsonl"
_FORMAT = 1  # of the pointer
_LOCK = ".lock"
_PATIENCE = 20.0  # seconds to wait for another writer; copying a bundle takes less
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VERSION = re.compile(rf"({_NAME.pattern})(?:@(\d{{1,9}}))?")
_PACKED = re.compile(r"\.tar(\.zst|\.gz)?$")
_ADDRESS = re.compile(r"hf:/{1,2}((?:[\w.-]+/)?[\w.-]+)(?:@([\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HINT = "check the address, the network and your token (hf auth login)"


def home() -> Path:
    """Return the store's folder: ``FRAMESCOPE_BUNDLES``, or one among the user's data."""
    if folder := os.environ.get(ENVIRONMENT):
        return Path(folder)
    from platformdirs import user_data_path

    return user_data_path("framescope") / "bundles"


@dataclass(frozen=True)
class Promoted:
    """A name in the store."""

    folder: Path
    kind: str  # of `KINDS`, or `MULTILINGUAL`: version 0 is the shipped bundle of this kind
    current: int = 0
    versions: Mapping[int, str] = field(default_factory=dict)  # the digest of each manifest

    @property
    def name(self) -> str:
        """The name, as ``--model`` takes it."""
        return self.folder.name

    def path(self, version: int | None = None) -> Path:
        """Return the folder of a version, by default the current one; check its manifest."""
        number = self.current if version is None else version
        if number == 0:
            return SHIPPED / self.kind
        if number not in self.versions:
            there = ", ".join(map(str, (0, *sorted(self.versions))))
            known = f"{self.name} has {there} (0 ships with framescope; current: {self.current})"
            raise BundleError(f"{self.name}@{number}: no such version; {known}")
        path = self.folder / str(number)
        if manifests.digest_of(manifests.read_manifest(path)) != self.versions[number]:
            reason = "is not what was promoted (its digest differs)"
            back = f"go back with: framescope bundles rollback {self.name}"
            raise BundleError(f"{path}: {reason}; {back}")
        return path


def shipped() -> tuple[str, ...]:
    """Return the names of the bundles that ship: one of each kind, and one of many languages."""
    return (*manifests.KINDS, *([MULTILINGUAL] if (SHIPPED / MULTILINGUAL).is_dir() else ()))


def is_address(word: str) -> bool:
    """Return whether a bundle has to be downloaded."""
    return word.startswith("hf:/")


def _parse(address: str) -> tuple[str, str | None]:
    match = _ADDRESS.fullmatch(address)
    if match is None or ".." in address:
        raise BundleError(f"{address}: not an address; write hf://ORG/NAME or hf://ORG/NAME@COMMIT")
    return match[1], match[2]


def _client(address: str) -> tuple[Any, dict[str, Any]]:
    """Import huggingface_hub, without its progress bars; return it and the settings of a call."""
    hub = need("huggingface_hub", f"{address}: addresses need", "hub")
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    named = {"library_name": "framescope", "library_version": __version__}
    return hub, {"endpoint": os.environ.get("HF_ENDPOINT"), **named}


@contextmanager
def _explained(address: str, done: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

    try:
        yield
    except (HfHubHTTPError, HTTPError, HFValidationError, OSError) as error:
        why = next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
        raise BundleError(f"{address}: can't be {done} ({why.rstrip('.')}); {_HINT}") from None


def fetch(address: str) -> Path:
    """Download a bundle; return the folder that caches it, which is named after its revision."""
    repository, revision = _parse(address)
    hub, settings = _client(address)
    try:
        with _explained(address, "fetched"):
            folder = _download(hub, settings, repository, manifests.MANIFEST, revision).parent
            for name in (manifests.CARD, *manifests.read_manifest(folder)["files"]):
                _download(hub, settings, repository, name, folder.name)
    except BundleError as error:
        reason = str(error).partition(": ")[2] or str(error)
        raise BundleError(f"{address}: {reason}") from None
    return folder


def _download(hub: Any, settings: Any, repository: str, name: str, revision: str | None) -> Path:
    if revision is not None and _COMMIT.fullmatch(revision):  # which needs no network
        cached = hub.try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
    if not hub.constants.HF_HUB_OFFLINE:
        url = hub.hf_hub_url(repository, name, revision=revision, endpoint=settings["endpoint"])
        size = hub.get_hf_file_metadata(url, **settings).size
        if size is not None and size > MAX_FILE:
            raise BundleError(f"{name}: too large for a bundle's file; use another bundle")
    return Path(hub.hf_hub_download(repository, name, revision=revision, **settings))


def split_name(word: str) -> tuple[str, int | None] | None:
    """Return the name and the version of ``NAME`` or ``NAME@VERSION``; None for any other word."""
    match = _VERSION.fullmatch(word)
    return match and (match[1], None if match[2] is None else int(match[2]))


def _promoted(word: str) -> tuple[Promoted, int | None] | None:
    parts = split_name(word)
    if parts is None or parts[0] in shipped():
        return None
    found = ModelStore().find(parts[0])
    return None if found is None else (found, parts[1])


def resolve(model: str | Path) -> Path:
    """Return the folder of a shipped name, a promoted ``NAME[@VERSION]``, an address, a folder."""
    word, path = str(model), Path(model)
    if word in shipped():
        return SHIPPED / word
    if is_address(word):
        return fetch(word)
    if not (isinstance(model, Path) and path.is_dir()) and (found := _promoted(word)) is not None:
        return found[0].path(found[1])
    if path.is_dir():
        return path
    if path.is_file() and _PACKED.search(path.name):
        how = f"mkdir my-bundle && tar -xf {model} -C my-bundle"
        raise BundleError(f"{model}: a packed bundle; unpack it, and use the folder: {how}")
    names = (*shipped(), *ModelStore().names())
    close = get_close_matches(word.partition("@")[0], names, n=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    wanted = f"give a bundle's folder, or one of {', '.join(names)}"
    raise BundleError(f"{model}: no such bundle; {wanted}{hint}")


def defaults() -> tuple[str, ...]:
    """Return the bundles that score without ``--model``: the first is for English."""
    return tuple(name for name in (DEFAULT, MULTILINGUAL) if name in shipped())


def pinned(model: str | None) -> str | None:
    """Return a model's word with the version or revision that it means now, for a run to keep."""
    if model is not None and is_address(model):
        return f"{model.partition('@')[0]}@{fetch(model).name}"
    if model is not None and (found := _promoted(model)) is not None:
        return f"{found[0].name}@{found[0].current if found[1] is None else found[1]}"
    return model


def push(word: str, target: str, *, public: bool = False) -> str:
    """Copy a bundle to a folder or an address; return where it is, with its digest or revision."""
    folder = resolve(word)
    manifest = manifests.verify(folder)
    if not is_address(target):
        _copy(folder, Path(target))
        return f"{target} ({manifests.digest_of(manifest)[:12]})"
    repository, revision = _parse(target)
    if revision is not None:
        raise BundleError(f"{target}: pushing makes a new commit; leave out @{revision}")
    hub, settings = _client(target)
    api = hub.HfApi(**settings)
    with _explained(target, "pushed"):
        api.create_repo(repository, private=not public, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=[manifests.CARD, manifests.MANIFEST, *manifest["files"]],
            commit_message=f"{manifest['name']}, {manifests.digest_of(manifest)[:12]}",
        )
    return f"hf://{repository}@{commit.oid}"


def pull(source: str, output: Path) -> str:
    """Copy a bundle into a folder; return its digest, with the revision of an address."""
    folder = resolve(source)
    _copy(folder, output)
    revision = f", revision {folder.name}" if is_address(source) else ""
    return f"{manifests.digest_of(manifests.read_manifest(output))[:12]}{revision}"


def _copy(folder: Path, output: Path) -> None:
    place, root = output.resolve(), home().resolve()
    if place == folder.resolve():
        raise BundleError(f"{output}: is the bundle itself; give another folder")
    if place.is_relative_to(root):
        raise BundleError(f"{output}: lies in the model store; type: framescope bundles promote")
    manifests.copy(folder, output)


@dataclass(frozen=True)
class ModelStore:
    """The folder of promoted bundles, created when something is first written."""

    root: Path = field(default_factory=home)  # where ``--model NAME`` looks

    def names(self) -> tuple[str, ...]:
        """Return the promoted names, sorted."""
        return tuple(sorted(path.parent.name for path in self.root.glob(f"*/{POINTER}")))

    def find(self, name: str) -> Promoted | None:
        """Read a name's pointer; return None where nothing was promoted."""
        path = self.root / name / POINTER
        try:
            record = read_json(path)
            if record["format"] > _FORMAT:
                newer = f"format {record['format']} is newer than this version reads ({_FORMAT})"
                raise BundleError(f"{path}: {newer}; get a newer framescope: {how_to_upgrade()}")
            kind, current = str(record["kind"]), int(record["current"])
            versions = {int(number): str(one) for number, one in record["versions"].items()}
            if kind not in (*manifests.KINDS, MULTILINGUAL) or current not in (0, *versions):
                raise ValueError("its current version doesn't exist")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            hint = f"its {HISTORY} says which version was current"
            raise BundleError(f"{path}: damaged ({reason}); {hint}") from None
        return Promoted(path.parent, kind, current, versions)

    def get(self, name: str | None) -> Promoted:
        """Return what was promoted under a name, by default the only one; or raise an error."""
        names = self.names()
        there = f"there are {', '.join(names)}" if names else "nothing was promoted yet"
        if name is None and len(names) != 1:
            raise BundleError(f"{self.root}: {there}; give a NAME")
        if (found := self.find(names[0] if name is None else name)) is None:
            raise BundleError(f"{name}: not in {self.root}; {there}")
        return found

    def check_name(self, name: str) -> None:
        """Raise `BundleError` for a name that no promoted bundle may have."""
        if name in shipped():
            raise BundleError(f"{name}: is the shipped bundle; choose another name with --as")
        if not _NAME.fullmatch(name):
            signs = "letters, digits, dots, dashes and underscores, 64 at most"
            how = f"with --as, give one of {signs}, that begins with a letter or a digit"
            raise BundleError(f"{name}: no name for a bundle; {how}")
        for other in (*shipped(), *self.names()):
            if other != name and other.casefold() == name.casefold():
                raise BundleError(f"{name}: differs from {other} in capitals only; see --as")

    def check_writable(self) -> None:
        """Raise `BundleError` where the store can't be written, before the work."""
        place = self.root.absolute()
        there = next(path for path in (place, *place.parents) if path.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            raise BundleError(f"{self.root}: can't be written; see {ENVIRONMENT}")

    def history(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Return the events of a name, the oldest first; ignore a killed process' half line."""
        path = self.root / name / HISTORY
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise BundleError(f"{path}: can't be read ({error.strerror})") from None
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(json.loads(line) if line.strip() else None)
            except (ValueError, RecursionError) as error:
                if number < len(lines):
                    why = f"damaged ({error}); repair the line"
                    raise BundleError(f"{path}:{number}: {why}") from None
        return tuple(record for record in found if isinstance(record, dict))

    def promotions(self, name: str) -> list[Mapping[str, Any]]:
        """Return the events that made a version of a name current, without rollbacks."""
        moves = (one for one in self.history(name) if one.get("event") == "current")
        return [one for one in moves if one.get("why") != "rolled back"]

    @contextmanager
    def writing(self, name: str) -> Iterator[StoreWriter]:
        """Lock the store, and yield what may change a name."""
        folder = self.root / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with locked(self.root / _LOCK, _PATIENCE):
                yield StoreWriter(self, name, folder)
        except LockedError:
            reason = "another process is writing it; wait for it, and try again"
            raise BundleError(f"{self.root}: {reason}") from None
        except OSError as error:
            reason = f"can't be written ({error.strerror or error})"
            same = f"the current version hasn't changed; see {ENVIRONMENT}"
            raise BundleError(f"{folder}: {reason}; {same}") from None


@dataclass(frozen=True)
class StoreWriter:
    """Changes a name while no other process does."""

    store: ModelStore
    name: str
    folder: Path

    def record(self, event: str, **facts: Any) -> None:
        """Append an event to the history; it is on the disk when this returns."""
        line = {"event": event, "when": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
        text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
        with (self.folder / HISTORY).open("a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)  # without a killed process' half line
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        sync(self.folder)

    def add(self, source: Path, manifest: Mapping[str, Any]) -> int:
        """Copy the bundle that was judged by `manifest`; return its version, not yet current."""
        digest = manifests.digest_of(manifest)
        found = self.store.find(self.name) or Promoted(self.folder, manifest["kind"])
        for number, known in found.versions.items():
            if known == digest:
                manifests.verify(found.path(number))
                return number
        for left in self.folder.glob(".*"):  # by a process that was killed
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
        number = max(found.versions, default=0) + 1
        target = self.folder / str(number)
        manifests.copy(source, target)
        if manifests.digest_of(manifests.read_manifest(target)) != digest:
            shutil.rmtree(target)
            raise BundleError(f"{source}: changed while it was judged; promote it again")
        return number

    def point(self, number: int, kind: str, digest: str | None, why: str, **facts: Any) -> Promoted:
        """Make a version current, and record `why`; `kind` is for a new name."""
        found = self.store.find(self.name) or Promoted(self.folder, kind)
        versions = {**found.versions, **({} if digest is None else {number: digest})}
        of_each = {str(one): versions[one] for one in sorted(versions)}
        record = {"format": _FORMAT, "kind": found.kind, "current": number, "versions": of_each}
        atomic_write(self.folder / POINTER, json.dumps(record, indent=1) + "\n")
        self.record("current", why=why, version=number, before=found.current,
                    digest=versions.get(number), **facts)  # fmt: skip
        return replace(found, current=number, versions=versions)

    def repair(self) -> None:
        """Record a pointer that a process moved and, being killed, didn't record."""
        found = self.store.find(self.name)
        try:
            history = self.store.history(self.name)
        except BundleError:  # a damaged history must not prevent a rollback
            return
        moves = [one for one in history if one.get("event") == "current"]
        known = moves[-1]["version"] if moves else None
        if found is not None and found.current != known:
            self.record(
                "current", why="found so", version=found.current, before=known or 0,
                digest=found.versions.get(found.current),
            )  # fmt: skip


def roll_back(
    store: ModelStore, name: str | None, to: int | None, by: str | None, reason: str | None
) -> tuple[Promoted, int]:
    """Make an earlier version current, by default that before; return the name, and what was."""
    name = store.get(name).name
    with store.writing(name) as writer:
        writer.repair()
        found = store.get(name)
        number = _replaced(store, found) if to is None else to
        if number == found.current:
            raise BundleError(f"{name}@{number}: is current already; see: bundles show {name}")
        if number:
            manifests.verify(found.path(number))
        new = writer.point(number, found.kind, None, "rolled back", by=by, reason=reason)
    return new, found.current


def _replaced(store: ModelStore, found: Promoted) -> int:
    if found.current == 0:
        raise BundleError(f"{found.name}: version 0 was the first; give a version with --to")
    moves = [one for one in store.promotions(found.name) if one.get("version") == found.current]
    if not moves or not isinstance(before := moves[-1].get("before"), int):
        reason = "its history doesn't say what was current before; give a version with --to"
        raise BundleError(f"{found.name}: {reason}")
    return before
