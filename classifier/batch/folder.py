"""A run on disk, and how far it is: a folder of shards, each of which is there whole or not at all.

RUN/
manifest.json     what was run: inputs, bundle, options; `--resume` compares with it
listing/0.parquet the files of the first inputs; 1.parquet of those that were added; ...
parts/000000/     a shard: inputs, articles, sentences, citations, spans; and their checksums
progress.json     how far the run is
summary.json      how it ended
lock              held by the process that writes
"""

import json
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import Any
from zlib import crc32

from framescope.classifier import output as outputs
from framescope.classifier.batch.schema import need_pyarrow
from framescope.classifier.batch.stages import Counts
from framescope.classifier.errors import FramescopeError
from framescope.classifier.files import LockedError, atomic_write, locked, replacing, sync
from framescope.classifier.inputs import ListedFile
from framescope.classifier.records import counted
from framescope.classifier.taxonomy import DEFINITIONS, declare, from_records

FORMAT = 1  # of the folder; a newer one is refused
MANIFEST, SUMMARY, PROGRESS = "manifest.json", "summary.json", "progress.json"
SHARD = "shard.json"  # of a shard: where it begins and the next does, what is in it, its files
_KEPT = ".kept"  # ends the name of a shard while another takes its place
_MINUTE = 60.0  # seconds over which the rate is taken
_WRITTEN = 2.0  # seconds between two states of `PROGRESS`


class RunError(FramescopeError):
    """A run that can't be started, resumed, or read."""


class RunFolder:
    """A run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shards = path / "parts"

    def exists(self) -> bool:
        """Whether a run was started there."""
        return (self.path / MANIFEST).is_file()

    def manifest(self) -> dict[str, Any]:
        """Read what was run; raises `RunError` without a run, or for one of a newer format."""
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
        found.setdefault("experimental", [])  # 0.3 knew none
        return found

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write what is run."""
        self.write(MANIFEST, {"format": FORMAT, **manifest})

    def summary(self) -> dict[str, Any]:
        """Read how the run ended; empty if it hasn't."""
        path = self.path / SUMMARY
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def is_blank(self) -> bool:
        """Whether there is only what a start leaves that was killed before there was a run."""
        return not self.committed() and all(
            one.name in ("lock", "listing", self.shards.name)
            or (one.name.startswith(".") and MANIFEST in one.name)
            for one in self.path.iterdir()
        )

    def committed(self) -> list[int]:
        """List the numbers of the shards that are there, in order."""
        return sorted(int(one.name) for one in self.shards.glob("*") if one.name.isdecimal())

    def shard(self, number: int) -> Path:
        """Return the path of a shard."""
        return self.shards / f"{number:06d}"

    def parts(self, table: str) -> list[Path]:
        """List the files of a table, in order."""
        name = f"{table}.{self.manifest()['options']['format']}"
        return [self.shard(number) / name for number in self.committed()]

    def parts_of(self, *tables: str) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
        """Read `SHARD` of each part that is whole, and say what is wrong with each other one.

        All that the run had finished have to be there, with the checksums of these tables.
        """
        first, last = self.manifest()["rounds"][-1]["shards"]
        needed = {*self.committed(), *range(first if last is None else last + 1)}

        def read(number: int) -> dict[str, Any] | str:
            path = part = self.shard(number)
            try:
                part.stat()
                path = part / SHARD
                record: dict[str, Any] = json.loads(path.read_bytes())
                sums = {SHARD: record.pop("crc", None), **record.get("files", {})}
                if sums[SHARD] in (None, crc32(json.dumps(record).encode())):
                    files = (part / name for name in sums if name.partition(".")[0] in tables)
                    path = next((p for p in files if crc32(p.read_bytes()) != sums[p.name]), part)
                return record if path == part else f"{path} isn't as it was written"
            except FileNotFoundError as error:
                return f"{error.filename} is missing"
            except (OSError, ValueError, AttributeError) as error:
                return f"{path} can't be read ({error})"

        with ThreadPoolExecutor() as pool:  # checksums of large files keep several cores busy
            found = dict(zip(sorted(needed), pool.map(read, sorted(needed)), strict=True))
        whole = {number: one for number, one in found.items() if not isinstance(one, str)}
        return whole, {number: one for number, one in found.items() if isinstance(one, str)}

    def check(self, *tables: str) -> dict[int, dict[str, Any]]:
        """Read `SHARD` of all parts; raise `RunError` unless they are whole, as in `parts_of`."""
        found, faults = self.parts_of(*tables)
        if faults:
            others = f" ({counted(len(faults) - 1, 'more part')} too)" if len(faults) > 1 else ""
            command = f"framescope batch --output {quote(str(self.path))} --resume"
            reason = f"{next(iter(faults.values()))}{others}; only what is lost is scored anew by"
            raise RunError(f"{reason}: {command}")
        return found

    def write(self, name: str, record: Mapping[str, Any], *, durable: bool = True) -> None:
        """Write a file of JSON atomically."""
        data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        atomic_write(self.path / name, data, durable=durable)

    def draft(self, number: int) -> Path:
        """Make an empty folder for the files of a shard."""
        path = self.shards / f".{number:06d}.{os.getpid()}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def commit(self, draft: Path, number: int, record: Mapping[str, Any]) -> None:
        """Make a draft a shard in one step: its files are on the disk before its name is."""
        files = {file.name: crc32(file.read_bytes()) for file in sorted(draft.iterdir())}
        record = {**record, "files": files}
        whole = {**record, "crc": crc32(json.dumps(record).encode())}
        (draft / SHARD).write_text(json.dumps(whole) + "\n", encoding="utf-8")
        for file in sorted(draft.iterdir()):
            sync(file)
        sync(draft)
        place = self.shard(number)
        kept = place.with_name(f".{place.name}{_KEPT}")
        if place.exists():  # damaged, or with a record that failed
            place.rename(kept)
        draft.rename(place)
        sync(self.shards)
        shutil.rmtree(kept, ignore_errors=True)

    def clear_drafts(self) -> None:
        """Delete what a process that was killed had begun to write, and undo half a replacement."""
        for path in self.shards.glob(f".*{_KEPT}"):
            place = path.with_name(path.stem[1:])
            if not place.exists():
                path.rename(place)
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

        # As bytes: a name on a disk need not be UTF-8, and is looked for again.
        kinds = {"name": pa.binary(), "modified": pa.string()}
        kinds |= dict.fromkeys(("size", "begin", "end"), pa.int64())
        rows = [{**asdict(one), "name": os.fsencode(one.name)} for one in files]
        path = self._listing(number)
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as part:
            pq.write_table(pa.Table.from_pylist(rows, pa.schema(kinds)), part, compression="zstd")

    def listing(self, number: int) -> list[ListedFile]:
        """Read the input files of a round."""
        import pyarrow.parquet as pq

        path = self._listing(number)
        try:
            rows = pq.read_table(path).to_pylist()
        except (OSError, ValueError) as error:
            reason = f"can't be read ({' '.join(str(error).split())[:200]})"
            raise RunError(
                f"{path}: {reason}; get the file again, or give another --output"
            ) from None
        return [ListedFile(**{**row, "name": os.fsdecode(row["name"])}) for row in rows]

    def _listing(self, number: int) -> Path:
        return self.path / "listing" / f"{number}.parquet"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing; raises `RunError` when another one does."""
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


@dataclass
class RunProgress:
    """Watches a run, which adds to `counts`, and to the bytes `read` and `shards` scored so far."""

    folder: RunFolder
    counts: Counts
    total: int | None  # bytes of the inputs; None if unknown
    read: int  # of those that are scored
    shards: int = 0
    quiet: bool = False

    def __post_init__(self) -> None:
        self._begun, self._first = time.monotonic(), self.read
        self._past: deque[tuple[float, int]] = deque([(self._begun, self.counts["articles"])])
        self._written = self._told = 0.0
        self._bar: Callable[..., None] = lambda **_: None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the progress during a block: a bar on a terminal, else a line a minute."""
        self._told = time.monotonic()
        with outputs.progress(lambda: self.total, quiet=self.quiet) as self._bar:
            self._bar(description="loading the model")
            yield

    def update(self, *, state: str = "running", force: bool = False) -> None:
        """Note what was done by now."""
        now = time.monotonic()
        self._past.append((now, self.counts["articles"]))
        while len(self._past) > 2 and self._past[1][0] <= now - _MINUTE:
            self._past.popleft()
        if force or now - self._written > _WRITTEN:
            self.folder.write(PROGRESS, self.record(state), durable=False)
            self._written = now
        articles, failed = self.counts["articles"], self.counts["errors"]
        done = f"{articles:,} articles, {self.rate:,.1f}/s, {failed:,} failed"
        self._bar(completed=self.read, description=done if articles else "the first part")
        if not (self.quiet or sys.stderr.isatty()) and now - self._told > _MINUTE:
            with suppress(OSError):  # its reader is gone; the run isn't
                outputs.tell(self._line())
            self._told = now

    @property
    def rate(self) -> float:
        """Articles a second, over the last minute."""
        first, last = self._past[0], self._past[-1]
        return (last[1] - first[1]) / max(last[0] - first[0], 1e-9)

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes, at the pace so far; None if unknown."""
        done, rest = self.read - self._first, max((self.total or 0) - self.read, 0)
        return rest * (time.monotonic() - self._begun) / done if self.total and done > 0 else None

    def record(self, state: str) -> dict[str, Any]:
        """Return the content of the file; `state` is running, interrupted, stopped or finished."""
        return {
            "state": state,
            "process": os.getpid(),
            "updated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - self._begun, 1),
            **self.counts,
            "shards": self.shards,
            "bytes_done": self.read,
            "bytes_total": self.total,
            "articles_per_second": round(self.rate, 2),
            "seconds_left": None if self.left is None else round(self.left),
        }

    def _line(self) -> str:
        from rich.filesize import decimal

        total = self.total
        share = f" of {decimal(total)} ({self.read / total:.0%})" if total else ""
        left = "" if self.left is None else f", {_duration(self.left)} left"
        return (
            f"{self.counts['articles']:,} articles, {decimal(self.read)}{share}, "
            f"{self.rate:,.1f} articles/s{left}, {self.counts['errors']:,} failed"
        )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"
