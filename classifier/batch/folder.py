"""A run on disk: a folder of parts, each of which is there whole or not at all.

RUN/
manifest.json     what was run: inputs, bundle, options; what a later run is held against
listing/0.parquet the files of the first inputs; 1.parquet of those that were added; ...
parts/000000/     a shard: inputs, articles, sentences, citations, spans
progress.json     how far it is
summary.json      how it ended
lock              held by the process that writes
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from framescope.classifier.batch.schema import need_pyarrow
from framescope.classifier.errors import FramescopeError
from framescope.classifier.inputs import ListedFile
from framescope.classifier.taxonomy import DEFINITIONS, declare, from_records

FORMAT = 1
"""Of the folder; a newer one is refused."""
SUFFIXES = {"parquet": ".parquet", "jsonl": ".jsonl"}
MANIFEST, SUMMARY, PROGRESS = "manifest.json", "summary.json", "progress.json"
LISTING, PARTS = "listing", "parts"
LOCK = "lock"
SHARD = "shard.json"
"""Of a shard: where it begins, where the next does, and what is in it."""
_FIRST = frozenset({LOCK, LISTING, PARTS})


class RunError(FramescopeError):
    """A run that can't be begun, gone on with, or read."""


class RunFolder:
    """A run's folder.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shards = path / PARTS

    def exists(self) -> bool:
        """Whether a run was begun there."""
        return (self.path / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """Read what was run.

        Raises
        ------
        RunError
            When there is no run, or one of a newer format.
        """
        path = self.path / MANIFEST
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            newer = found["format"] > FORMAT
        except FileNotFoundError:
            reason = "holds no run; give a folder that `framescope batch --output` wrote"
            raise RunError(f"{self.path}: {reason}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = f"can't be read ({error}); get the file again, or run the batch again"
            raise RunError(f"{path}: {reason}") from None
        if newer:
            reason = f"was written by framescope {found.get('framescope')}, which is newer"
            raise RunError(f"{path}: {reason}; upgrade to read it")
        if DEFINITIONS in found:
            declare(from_records(found[DEFINITIONS], str(path)), str(path), keep=True)
        return found

    def summary(self) -> dict[str, Any]:
        """Read how it ended; empty where it has not."""
        path = self.path / SUMMARY
        if not path.is_file():
            return {}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def is_blank(self) -> bool:
        """Whether there is nothing but what a start leaves that was killed before it was a run."""
        if self.committed():
            return False
        left = (one.name for one in self.path.iterdir())
        return all(one in _FIRST or one.startswith(f".{MANIFEST}.") for one in left)

    def committed(self) -> list[int]:
        """List the shards that are there, in order."""
        if not self.shards.is_dir():
            return []
        return sorted(int(one.name) for one in self.shards.iterdir() if one.name.isdecimal())

    def parts(self, table: str) -> list[Path]:
        """List the files of a table, in order."""
        suffix = SUFFIXES[self.manifest()["options"]["format"]]
        return [self.shard(number) / f"{table}{suffix}" for number in self.committed()]

    def shard(self, number: int) -> Path:
        """Say where a shard lies."""
        return self.shards / f"{number:06d}"

    def write(self, name: str, record: Mapping[str, Any], *, lasting: bool = True) -> None:
        """Write a file of JSON, so that it is there whole, whatever happens.

        What isn't to be lasting may be an older one after the machine has failed.
        """
        path = self.path / name
        part = path.with_name(f".{name}.{os.getpid()}")
        with part.open("w", encoding="utf-8") as file:
            json.dump(record, file, ensure_ascii=False, indent=2)
            file.write("\n")
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        part.replace(path)
        if lasting:
            sync(self.path)

    def commit(self, draft: Path, number: int) -> None:
        """Make a shard of a folder that holds its five files, in one step.

        The files are on the disk before the name is, and the name before this returns.
        """
        for file in sorted(draft.iterdir()):
            sync(file)
        sync(draft)
        draft.rename(self.shard(number))
        sync(self.shards)

    def shard_records(self) -> dict[int, dict[str, Any]]:
        """Read what each shard that is there says of itself."""
        found = {}
        for number in self.committed():
            path = self.shard(number) / SHARD
            try:
                found[number] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                reason = f"can't be read ({error}); delete its folder, and go on with --resume"
                raise RunError(f"{path}: {reason}") from None
        return found

    def write_listing(self, number: int, files: Sequence[ListedFile]) -> None:
        """Keep what the inputs of a round are."""
        pa = need_pyarrow()
        import pyarrow.parquet as pq

        rows = {
            # As bytes: a name on a disk need not be UTF-8, and is to be found again.
            "name": pa.array([os.fsencode(one.name) for one in files], pa.binary()),
            "size": pa.array([one.size for one in files], pa.int64()),
            "modified": pa.array([one.modified for one in files], pa.string()),
        }
        path = self._listing(number)
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f".{path.name}")
        pq.write_table(pa.table(rows), part, compression="zstd")
        sync(part)
        part.replace(path)
        sync(path.parent)

    def listing(self, number: int) -> list[ListedFile]:
        """Read what the inputs of a round are."""
        need_pyarrow()
        import pyarrow.parquet as pq

        rows = pq.read_table(self._listing(number)).to_pylist()
        return [ListedFile(os.fsdecode(r["name"]), r["size"], r["modified"]) for r in rows]

    def _listing(self, number: int) -> Path:
        return self.path / LISTING / f"{number}.parquet"

    def draft(self, number: int) -> Path:
        """Make an empty folder for a shard."""
        path = self.shards / f".{number:06d}.{os.getpid()}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def clear_drafts(self) -> None:
        """Delete what a process that was killed had begun to write."""
        for path in [*self.shards.glob(".*"), *self.path.glob(".*.json.*")]:
            # Whoever was killed may still be at it for a moment; what stays is in nobody's way.
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing.

        Raises
        ------
        RunError
            When another does.
        """
        import fcntl

        try:
            self.path.mkdir(exist_ok=True)
            opened = (self.path / LOCK).open("a+")
        except OSError as error:
            reason = f"can't be written ({error.strerror}); give another --output"
            raise RunError(f"{self.path}: {reason}") from None
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                who = file.read().strip() or "unknown"
                reason = f"another process (number {who}) is writing it; wait for it, or stop it"
                raise RunError(f"{self.path}: {reason}") from None
            with suppress(OSError):  # of a full disk, which is told when it is to hold more
                file.truncate(0)
                file.write(str(os.getpid()))
                file.flush()
            yield


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
