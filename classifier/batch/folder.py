"""A run on disk: a folder of shards, each of which is there whole or not at all.

RUN/
manifest.json     what was run: inputs, bundle, options; `--resume` compares with it
listing/0.parquet the files of the first inputs; 1.parquet of those that were added; ...
parts/000000/     a shard: inputs, articles, sentences, citations, spans
progress.json     how far the run is
summary.json      how it ended
lock              held by the process that writes
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from framescope.classifier.batch.schema import need_pyarrow
from framescope.classifier.errors import FramescopeError
from framescope.classifier.files import LockedError, atomic_write, locked, replacing, sync
from framescope.classifier.inputs import ListedFile
from framescope.classifier.taxonomy import DEFINITIONS, declare, from_records

FORMAT = 1
"""Of the folder; a newer one is refused."""
MANIFEST, SUMMARY, PROGRESS = "manifest.json", "summary.json", "progress.json"
SHARD = "shard.json"
"""Of a shard: where it begins, where the next does, and what is in it."""


class RunError(FramescopeError):
    """A run that can't be started, resumed, or read."""


class RunFolder:
    """A run's folder.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shards = path / "parts"

    def exists(self) -> bool:
        """Whether a run was started there."""
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
        """Read how the run ended; empty if it hasn't."""
        path = self.path / SUMMARY
        if not path.is_file():
            return {}
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found

    def is_blank(self) -> bool:
        """Whether there is only what a start leaves that was killed before there was a run."""
        left = (one.name for one in self.path.iterdir())
        return not self.committed() and all(
            name in ("lock", "listing", self.shards.name)
            or (name.startswith(".") and MANIFEST in name)
            for name in left
        )

    def committed(self) -> list[int]:
        """List the numbers of the shards that are there, in order."""
        if not self.shards.is_dir():
            return []
        return sorted(int(one.name) for one in self.shards.iterdir() if one.name.isdecimal())

    def shard(self, number: int) -> Path:
        """Return the path of a shard."""
        return self.shards / f"{number:06d}"

    def parts(self, table: str) -> list[Path]:
        """List the files of a table, in order."""
        name = f"{table}.{self.manifest()['options']['format']}"
        return [self.shard(number) / name for number in self.committed()]

    def shard_records(self) -> dict[int, dict[str, Any]]:
        """Read `SHARD` of each shard."""
        found = {}
        for number in self.committed():
            path = self.shard(number) / SHARD
            try:
                found[number] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                reason = f"can't be read ({error}); delete its folder, then type --resume"
                raise RunError(f"{path}: {reason}") from None
        return found

    def write(self, name: str, record: Mapping[str, Any], *, durable: bool = True) -> None:
        """Write a file of JSON atomically; `durable` as of `classifier.files.atomic_write`."""
        data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        atomic_write(self.path / name, data, durable=durable)

    def draft(self, number: int) -> Path:
        """Make an empty folder for the files of a shard."""
        path = self.shards / f".{number:06d}.{os.getpid()}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def commit(self, draft: Path, number: int) -> None:
        """Make a draft a shard, in one step.

        The files are on the disk before the name is, and the name before this returns.
        """
        for file in sorted(draft.iterdir()):
            sync(file)
        sync(draft)
        draft.rename(self.shard(number))
        sync(self.shards)

    def clear_drafts(self) -> None:
        """Delete what a process that was killed had begun to write."""
        for path in [*self.shards.glob(".*"), *self.path.glob(".*.json*")]:
            # Its workers may still write for a moment; a draft that stays is in nobody's way.
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def write_listing(self, number: int, files: Sequence[ListedFile]) -> None:
        """Write the input files of a round."""
        pa = need_pyarrow()
        import pyarrow.parquet as pq

        rows = {
            # As bytes: a name on a disk need not be UTF-8, and is looked for again.
            "name": pa.array([os.fsencode(one.name) for one in files], pa.binary()),
            "size": pa.array([one.size for one in files], pa.int64()),
            "modified": pa.array([one.modified for one in files], pa.string()),
        }
        path = self._listing(number)
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as part:
            pq.write_table(pa.table(rows), part, compression="zstd")

    def listing(self, number: int) -> list[ListedFile]:
        """Read the input files of a round."""
        need_pyarrow()
        import pyarrow.parquet as pq

        rows = pq.read_table(self._listing(number)).to_pylist()
        return [ListedFile(os.fsdecode(r["name"]), r["size"], r["modified"]) for r in rows]

    def _listing(self, number: int) -> Path:
        return self.path / "listing" / f"{number}.parquet"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing.

        Raises
        ------
        RunError
            When another one does.
        """
        with ExitStack() as stack:
            try:
                self.path.mkdir(exist_ok=True)
                stack.enter_context(locked(self.path / "lock"))
            except LockedError as error:
                reason = f"another process (number {error}) is writing it; wait for it, or stop it"
                raise RunError(f"{self.path}: {reason}") from None
            except OSError as error:
                reason = f"can't be written ({error.strerror}); give another --output"
                raise RunError(f"{self.path}: {reason}") from None
            yield
