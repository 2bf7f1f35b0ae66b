"""A batch at work: started, resumed, extended; and the check and the report at its end."""

import errno
import json
import shlex
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.batch.folder import SUMMARY, RunError, RunFolder, RunProgress
from framescope.classifier.batch.job import Job, prepare
from framescope.classifier.batch.local import LocalEngine, stop_signals
from framescope.classifier.batch.ray_engine import RayEngine
from framescope.classifier.batch.schema import VERSION, whole
from framescope.classifier.batch.stages import Counts, Loaded, Position, Shard, sum_counts
from framescope.classifier.errors import FramescopeError, StoppedError
from framescope.classifier.inputs import ListedFile
from framescope.classifier.records import counted
from numpy.typing import NDArray

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run(job: Job) -> dict[str, Any]:
    """Run a batch to its end and return its summary; raises `StoppedError` otherwise."""
    folder, manifest, files = prepare(job)
    with folder.locked():
        if manifest != (folder.manifest() if folder.exists() else None):
            raise RunError(f"{job.output}: another process has written it meanwhile; type it again")
        folder.clear_drafts()
        if manifest is not None and job.resume and manifest["finished"]:
            job.tell(f"{folder.path} is finished; there is nothing to resume")
            return folder.summary()
        return _Round(job, folder, manifest, files).complete()


class _Round:
    """The inputs that are read now: all of a new run, the rest, or those that are added."""

    def __init__(
        self, job: Job, folder: RunFolder, manifest: dict[str, Any] | None, files: list[ListedFile]
    ) -> None:
        self.job, self.folder, self.manifest, self.files = job, folder, manifest, files
        known = folder.shard_records()
        first = 0 if manifest is None else len(known)
        if manifest is not None and job.resume:
            first = int(manifest["rounds"][-1]["shards"][0])
        self.done = set(known)
        self.start = _position(known, first)
        sizes = [one.size for one in files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        read = max((one["read"] for n, one in known.items() if n >= first), default=0)
        so_far = sum_counts(one["counts"] for one in known.values()), total, read, len(known)
        self.progress = RunProgress(folder, *so_far, quiet=job.quiet)

    def complete(self) -> dict[str, Any]:
        """Bring the round to its end, and return the summary."""
        begun, folder = time.monotonic(), self.folder
        make = RayEngine if self.job.engine == "ray" else LocalEngine
        engine = make(self.job, folder, self.progress)
        with self.progress.shown():
            try:
                try:
                    self._record(engine.start())
                    engine.run(self.files, self.start, self.done, self._commit)
                finally:
                    with stop_signals():
                        engine.close()  # which frees memory for the rest
                summary = self._finish(time.monotonic() - begun)
                self.progress.update(state="finished", force=True)
                return summary
            except (StoppedError, KeyboardInterrupt) as error:
                status = getattr(error, "status", 130)
                raise self._stopped("interrupted", status, "interrupted") from None
            except FramescopeError as error:
                if not folder.exists():
                    raise
                raise self._stopped(str(error), 2, "stopped") from None
            except OSError as error:
                why = f"{folder.path}: can't be written ({error.strerror or error})"
                more = "; free some space" if error.errno in _FULL else ""
                raise self._stopped(why + more, 2, "stopped") from None
            finally:
                with stop_signals():
                    folder.clear_drafts()

    def _record(self, loaded: Loaded) -> None:
        """Write the manifest of a new round, or compare the runtime with the one before."""
        job, folder = self.job, self.folder
        before, now = (one["model"]["runtime"] for one in (self.manifest or loaded, loaded))
        if before != now:
            job.tell(f"{now} runs the model, {before} did: rounding may differ")
        if job.resume and self.manifest is not None:
            return
        number = 0 if self.manifest is None else len(self.manifest["rounds"])
        folder.shards.mkdir(exist_ok=True)
        folder.write_listing(number, self.files)
        if self.manifest is None:
            about = {"framescope": __version__, "schema": VERSION}
            self.manifest = {**about, **loaded, "options": job.options, "rounds": []}
        self.manifest["rounds"].append({
            "inputs": [whole(one) for one in job.inputs],
            "directory": whole(str(Path.cwd())),
            "files": len(self.files), "bytes": sum(one.size or 0 for one in self.files),
            "shards": [self.start.shard, None],
        })  # fmt: skip
        self.manifest["finished"] = False
        folder.write_manifest(self.manifest)

    def _commit(self, shard: Shard, draft: Path, counts: Counts) -> None:
        done = {"after": asdict(shard.after), "read": shard.read, "counts": counts}
        self.folder.commit(draft, shard.start.shard, {"input_id": shard.start.input_id, **done})
        self.progress.counts.update(counts)
        self.progress.read = max(self.progress.read, shard.read)
        self.progress.shards += 1

    def _finish(self, seconds: float) -> dict[str, Any]:
        """Check that nothing is missing, and write the summary."""
        folder, manifest = self.folder, self.manifest
        assert manifest is not None
        records = folder.shard_records()
        sums = sum_counts(one["counts"] for one in records.values())
        summary = {**sums, **_check(folder, records), "shards": len(records)}
        summary["seconds"] = round(seconds, 1)  # of the last start
        folder.write(SUMMARY, summary)
        manifest["rounds"][-1]["shards"][1] = len(records) - 1
        manifest["finished"] = True
        folder.write_manifest(manifest)
        return summary

    def _stopped(self, why: str, status: int, state: str) -> StoppedError:
        if not self.folder.exists():
            return StoppedError(f"{why}; nothing had been scored yet", status)
        with suppress(OSError), stop_signals():  # the disk may be full
            self.progress.update(state=state, force=True)
        kept = f"{self.progress.counts['articles']:,} articles are kept in {self.folder.path}"
        return StoppedError(f"{why}; {kept}; resume it with: {self.job.to_resume()}", status)


def _position(known: Mapping[int, Mapping[str, Any]], first: int) -> Position:
    """Return where the first shard begins that isn't known, of a round that begins with `first`."""
    shard = next(number for number in count(first) if number not in known)
    if shard > first:
        return Position(**known[shard - 1]["after"])
    return Position(shard, known[shard - 1]["after"]["input_id"] if shard else 0)


def status(summary: Mapping[str, Any]) -> int:
    """Return the exit status: 0, 1 if some records failed, 2 if nothing was scored."""
    return 2 if not summary["scored"] else 1 if summary["errors"] else 0


def report(summary: Mapping[str, Any], path: Path) -> str:
    """Return a few lines on what was done, and how to go on."""
    done = [f"{summary['scored']:,} of {counted(summary['articles'], 'article', ',')} scored"]
    if summary["noted"]:
        done.append(f"{summary['noted']:,} not scored (the column note says why)")
    if summary["errors"]:
        told = ", ".join(f"{number:,} {stage}" for stage, number in summary["failures"].items())
        done.append(f"{counted(summary['errors'], 'record', ',')} failed ({told})")
    copies = [f"{summary['equal_texts']:,} repeat the text of another"]
    if passages := summary["passages"]:
        reused = summary["reused"]
        copies.append(f"{reused:,} of {passages:,} passages ({reused / passages:.1%}) reused")
    run = shlex.quote(str(path))
    lines = (
        f"{'; '.join(done)}, in {summary['seconds']:,} s",
        "; ".join(copies),
        f"query it: framescope query {run}; see it: framescope overview {run} -o page.html",
    )
    return "\n".join(f"framescope: {line}" for line in lines)


def _check(folder: RunFolder, records: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Check that no row is missing; count the errors by stage, and the copies of texts."""
    failures: Counter[str] = Counter()
    # Eight bytes of each: of millions there is no room for all, and none is likely to be met twice.
    digests: list[NDArray[np.uint64]] = []
    expected = 0
    for shard, record in sorted(records.items()):
        path, counts = folder.shard(shard), record["counts"]
        stages, texts = _column(path, "inputs", "stage"), _column(path, "articles", "text_digest")
        rows = record["input_id"], len(stages), len(texts)
        if rows != (expected, counts["records"], counts["articles"]):
            raise RunError(f"{path}: rows are missing; delete it, then type --resume")
        expected += counts["records"]
        failures.update(stage for stage in stages if stage is not None)
        digests.append(np.array([int(digest[:16], 16) for digest in texts], np.uint64))
    found = np.concatenate(digests)
    copies = len(found) - len(np.unique(found))
    return {"failures": dict(sorted(failures.items())), "equal_texts": copies}


def _column(shard: Path, table: str, name: str) -> list[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = shard / f"{table}.parquet"
    try:
        if path.is_file():
            found: list[Any] = pq.read_table(path, columns=[name]).column(name).to_pylist()
            return found
        with path.with_suffix(".jsonl").open(encoding="utf-8") as lines:
            return [json.loads(line).get(name) for line in lines]
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = f"can't be read ({' '.join(str(error).split())[:200]})"
        raise RunError(f"{path}: {reason}; delete {shard}, then type --resume") from None
