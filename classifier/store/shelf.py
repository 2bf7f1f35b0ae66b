"""Bundles under names: their versions, which of them is current, and their history.

A version is copied beside the others and named in the pointer afterwards, which is a small file
that is replaced at once: whoever is killed between the two leaves what was current as it was. The
history is a file of JSON lines that is only added to; each line is on the disk before what it tells
of is done. Only `Shelf.writing` gives the right to change a name.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framescope.classifier.bundle import (
    CARD,
    HISTORY,
    KINDS,
    MANIFEST,
    NAME,
    POINTER,
    Promoted,
    checked,
    digest_of,
    home,
    promoted_names,
)
from framescope.classifier.errors import FramescopeError

_LOCK = ".lock"
_DRAFT = ".draft-"
_PATIENCE = 20.0  # seconds that another writer is waited for; one copies for less


class ShelfError(FramescopeError):
    """A folder of bundles that can't be used as asked."""


@dataclass(frozen=True)
class Shelf:
    """A folder of bundles.

    Attributes
    ----------
    root : pathlib.Path
        `classifier.bundle.home` unless given; made when something is first written.
    """

    root: Path

    @classmethod
    def of_user(cls) -> Shelf:
        """Give the folder where `--model NAME` looks."""
        return cls(home())

    def names(self) -> tuple[str, ...]:
        """Name what was promoted, sorted."""
        return promoted_names(self.root)

    def find(self, name: str) -> Promoted | None:
        """Find what was promoted under a name; None where nothing was. Raises `BundleError`."""
        return Promoted.read(self.root / name)

    def the(self, name: str | None) -> Promoted:
        """Find a name that must be there; the only one, where none is given.

        Raises
        ------
        ShelfError
            When there is none, or there are several and none is given.
        """
        names = self.names()
        if name is None:
            if len(names) != 1:
                there = f"there are {', '.join(names)}" if names else "nothing was promoted yet"
                raise ShelfError(f"{self.root}: {there}; give a NAME")
            name = names[0]
        found = self.find(name)
        if found is None:
            there = f"there are {', '.join(names)}" if names else "nothing was promoted yet"
            raise ShelfError(f"{name}: not in {self.root}; {there}")
        return found

    def check_name(self, name: str) -> None:
        """Refuse what no promoted bundle may be called.

        Raises
        ------
        ShelfError
            For a name of what ships, one with other signs than letters, digits, dots, dashes and
            underscores, and one that differs from another in capitals only.
        """
        if name in KINDS:
            raise ShelfError(f"{name}: is what ships, and stays it; choose another name with --as")
        if not NAME.fullmatch(name):
            raise ShelfError(
                f"{name}: no name for a bundle; with --as, give one of letters, digits, dots, "
                "dashes and underscores, 64 at most, that begins with a letter or a digit"
            )
        for other in (*KINDS, *self.names()):
            if other != name and other.casefold() == name.casefold():
                raise ShelfError(f"{name}: differs from {other} in capitals only; see --as")

    def check_writable(self) -> None:
        """Refuse a place that can't be written, before the work; raises `ShelfError`."""
        place = self.root.absolute()
        there = next(path for path in (place, *place.parents) if path.exists())
        if not (there.is_dir() and os.access(there, os.W_OK)):
            raise ShelfError(f"{self.root}: can't be written; see FRAMESCOPE_BUNDLES")

    def history(self, name: str) -> tuple[Mapping[str, Any], ...]:
        """Read what happened under a name, the oldest first; none where nothing did.

        A last line that is not whole, of whoever was killed while writing it, is left out.

        Raises
        ------
        ShelfError
            When another line can't be read.
        """
        path = self.root / name / HISTORY
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ShelfError(f"{path}: can't be read ({error.strerror})") from None
        found = []
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError) as error:
                if number == len(lines):
                    break
                raise ShelfError(f"{path}:{number}: damaged ({error}); mend the line") from None
            if isinstance(record, dict):
                found.append(record)
        return tuple(found)

    @contextmanager
    def writing(self, name: str) -> Iterator[Writer]:
        """Keep other processes from writing, and give what may.

        Raises
        ------
        ShelfError
            When the folder can't be written, or another process writes it for long.
        """
        import fcntl

        try:
            (self.root / name).mkdir(parents=True, exist_ok=True)
            number = os.open(self.root / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            reason = f"can't be written ({error.strerror}); see FRAMESCOPE_BUNDLES"
            raise ShelfError(f"{self.root}: {reason}") from None
        try:
            until = time.monotonic() + _PATIENCE
            while True:
                try:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        reason = "another process is writing it; wait for it, and try again"
                        raise ShelfError(f"{self.root}: {reason}") from None
                    time.sleep(0.05)
            yield Writer(self, name)
        except OSError as error:
            reason = f"can't be written ({error.strerror or error}); what was current still is"
            raise ShelfError(f"{self.root / name}: {reason}") from None
        finally:
            os.close(number)


@dataclass(frozen=True)
class Writer:
    """What may change a name, while no other process does."""

    shelf: Shelf
    name: str

    @property
    def folder(self) -> Path:
        """The name's own."""
        return self.shelf.root / self.name

    def record(self, event: str, **facts: Any) -> None:
        """Add a line to the history; it is on the disk when this returns."""
        line = {"event": event, "when": datetime.now(UTC).isoformat(timespec="seconds"), **facts}
        text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
        path = self.folder / HISTORY
        new = not path.exists()
        with path.open("a+b") as file:
            if file.tell() and _last_byte(file.fileno()) != b"\n":
                # Of somebody who was killed: it stays, on a line of its own that isn't read.
                file.truncate(_whole(path))
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if new:
            _sync(self.folder)

    def add(self, source: Path, manifest: Mapping[str, Any]) -> int:
        """Copy a bundle beside the other versions, and give its number; nothing points to it yet.

        Parameters
        ----------
        source : pathlib.Path
        manifest : mapping
            Of the bundle that was judged. What is copied must be that one.

        Returns
        -------
        int
            That of a version with the same digest, where it is there and whole.

        Raises
        ------
        BundleError, ShelfError
            When what lies in `source` is not, or no longer, that bundle.
        """
        digest = digest_of(manifest)
        found = self.shelf.find(self.name)
        versions = {} if found is None else found.versions
        for number, known in versions.items():
            if known == digest and found is not None:
                checked(found.path(number))
                return number
        for left in self.folder.glob(f"{_DRAFT}*"):  # of whoever was killed on the way
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)
        number = max(versions, default=0) + 1
        target = self.folder / str(number)
        shutil.rmtree(target, ignore_errors=True)  # of whoever was killed before it was named
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=self.folder))
        try:
            for name in (CARD, MANIFEST, *manifest["files"]):
                shutil.copyfile(source / name, draft / name)
                _sync(draft / name)
            if digest_of(checked(draft)) != digest:
                raise ShelfError(f"{source}: changed while it was judged; promote it again")
            draft.chmod(0o777 & ~_umask())
            _sync(draft)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        _sync(self.folder)
        return number

    def point(self, number: int, kind: str, digest: str | None, why: str, **facts: Any) -> Promoted:
        """Make a version the current one, at once and for everybody, and record it.

        Parameters
        ----------
        number : int
        kind : str
            Of a name that is new.
        digest : str or None
            Of a version that is new.
        why : str
            ``promoted`` or ``rolled back``.
        """
        found = self.shelf.find(self.name) or Promoted(self.folder, kind)
        versions = {**found.versions, **({} if digest is None else {number: digest})}
        new = replace(found, current=number, versions=versions)
        path = self.folder / POINTER
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self.folder, prefix=_DRAFT, delete=False
        ) as file:
            file.write(new.to_text())
            file.flush()
            os.fsync(file.fileno())
        draft = Path(file.name)
        draft.chmod(0o666 & ~_umask())
        draft.replace(path)
        _sync(self.folder)
        self.record("current", why=why, version=number, before=found.current,
                    digest=versions.get(number), **facts)  # fmt: skip
        return new

    def mend(self) -> None:
        """Record a pointer that was moved by whoever was killed before it was written down."""
        found = self.shelf.find(self.name)
        try:
            history = self.shelf.history(self.name)
        except ShelfError:  # a damaged history must not stand in the way back
            return
        moves = [one for one in history if one.get("event") == "current"]
        known = moves[-1]["version"] if moves else None
        if found is not None and found.current != known:
            self.record(
                "current", why="found so", version=found.current, before=known or 0,
                digest=found.versions.get(found.current),
            )  # fmt: skip


def roll_back(
    shelf: Shelf,
    name: str | None = None,
    to: int | None = None,
    by: str | None = None,
    reason: str | None = None,
) -> tuple[Promoted, int]:
    """Make an earlier version the current one again, at once.

    Parameters
    ----------
    shelf : Shelf
    name : str or None
        May be left out where there is one only.
    to : int or None
        A version; 0 is what ships. Else the one whose place the current one took.
    by, reason : str or None
        For the history.

    Returns
    -------
    tuple of Promoted and int
        As it is now, and the version that was current.

    Raises
    ------
    FramescopeError
        When there is no such name or version, or what it names is damaged.
    """
    name = shelf.the(name).name
    with shelf.writing(name) as writer:
        writer.mend()
        found = shelf.the(name)
        number = _former(shelf, found) if to is None else to
        if number == found.current:
            raise ShelfError(f"{name}@{number}: is current already; see: bundles show {name}")
        path = found.path(number)
        if number:
            checked(path)
        new = writer.point(number, found.kind, None, "rolled back", by=by, reason=reason)
    return new, found.current


def _former(shelf: Shelf, found: Promoted) -> int:
    """Find the version whose place the current one took when it was promoted."""
    if found.current == 0:
        raise ShelfError(
            f"{found.name}: is what ships, and nothing was before it; give a version with --to"
        )
    moves = [
        one
        for one in shelf.history(found.name)
        if one.get("event") == "current"
        and one.get("version") == found.current
        and one.get("why") != "rolled back"
    ]
    before = moves[-1].get("before") if moves else None
    if not isinstance(before, int):
        raise ShelfError(
            f"{found.name}: its history doesn't say what was before; give a version with --to"
        )
    return before


def _last_byte(number: int) -> bytes:
    end = os.lseek(number, 0, os.SEEK_END)
    return os.pread(number, 1, end - 1)


def _whole(path: Path) -> int:
    """How many bytes of a file are whole lines."""
    return path.read_bytes().rfind(b"\n") + 1


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
