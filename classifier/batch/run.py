"""A batch at work: begun, gone on with, extended; and what is said when it ends."""

from __future__ import annotations

import errno
import json
import os
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.batch.ending import check_whole, equal_texts, failures
from framescope.classifier.batch.engine import Engine, LocalEngine, heeding
from framescope.classifier.batch.folder import FORMAT, MANIFEST, SHARD, SUMMARY, RunError, RunFolder
from framescope.classifier.batch.job import (
    Job,
    changed_options,
    check_output,
    listed_files,
    new_only,
    other_options,
    refuse_changed,
    refuse_other,
    tell_user,
)
from framescope.classifier.batch.progress import RunProgress
from framescope.classifier.batch.schema import VERSION, need_pyarrow, whole
from framescope.classifier.batch.shards import Position, Shard
from framescope.classifier.batch.stages import Counts, Loaded
from framescope.classifier.errors import FramescopeError, StoppedError
from framescope.classifier.inputs import InputOptions, ListedFile
from framescope.classifier.taxonomy import DEFINITIONS

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def run(job: Job) -> dict[str, Any]:
    """Run a batch to its end.

    Returns
    -------
    dict
        The summary, as ``summary.json`` holds it.

    Raises
    ------
    FramescopeError
        When it can't be begun: nothing was written, or what there is stays as it was.
    StoppedError
        When it was interrupted, or can't go on: what was done is kept, and the message says how to
        go on.
    """
    folder, manifest, files = prepared(job)
    with folder.locked():
        if manifest != (folder.manifest() if folder.exists() else None):
            raise RunError(f"{job.output}: another process has written it meanwhile; type it again")
        return _Run(job, folder, manifest, files).done()


def prepared(job: Job) -> tuple[RunFolder, dict[str, Any] | None, list[ListedFile]]:
    """Look at what is asked for, and list its inputs; nothing is written.

    Returns
    -------
    RunFolder, dict or None, list of ListedFile
        The run's folder, its manifest where there is one, and what is to be read; of a run that is
        gone on with, what was read of it too.

    Raises
    ------
    FramescopeError
        When the run can't be begun, gone on with, or extended.
    """
    if job.address is not None and job.engine != "ray":
        raise RunError("--address is that of a Ray cluster; give --engine ray with it")
    need_pyarrow()
    folder = RunFolder(job.output)
    check_output(job, folder)
    manifest = folder.manifest() if folder.exists() else None
    files = listed_files(job, folder, manifest)
    if manifest is not None:
        refuse_other(job, manifest)
        if job.resume:
            number = len(manifest["rounds"]) - 1
            refuse_changed(folder.listing(number), files, job.output)
        else:
            files = new_only(job, folder, manifest, files)
    return folder, manifest, files


@dataclass
class _Run:
    """A run at work."""

    job: Job
    folder: RunFolder
    manifest: dict[str, Any] | None
    files: list[ListedFile]

    def done(self) -> dict[str, Any]:
        """Bring it to its end."""
        job, folder = self.job, self.folder
        folder.clear_drafts()
        known = folder.shard_records()
        counts = Counts()
        for record in known.values():
            counts.add(record["counts"])
        if self.manifest is not None and job.resume and self.manifest["finished"]:
            tell_user(job, f"{folder.path} is finished; there is nothing to go on with")
            return folder.summary()
        start = self._start(known)
        begun = time.monotonic()
        sizes = [one.size for one in self.files]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        ours = [r for n, r in known.items() if n >= self._first(known)]
        read = max((record["read"] for record in ours), default=0)
        progress = RunProgress(folder, counts, total, read, quiet=job.quiet)
        progress.shards = len(known)

        def commit(found: Shard, draft: Path, done: Mapping[str, int]) -> None:
            record = {
                "input_id": found.start.input_id,
                "after": asdict(found.after),
                "read": found.read,
                "counts": dict(done),
            }
            (draft / SHARD).write_text(json.dumps(record) + "\n", encoding="utf-8")
            folder.commit(draft, found.start.shard)
            counts.add(done)
            progress.read = max(progress.read, found.read)
            progress.shards += 1

        engine = _engine(job, folder, progress)
        with progress.shown():
            try:
                try:
                    loaded = engine.start()
                    self._record(loaded, start)
                    engine.run(self.files, start, set(known), commit)
                finally:
                    with heeding([]):  # who is impatient now is to be told all the same
                        engine.close()  # what is left to do needs no memory beside its
                summary = self._finish(time.monotonic() - begun)
                progress.update(state="finished", force=True)
            except StoppedError as error:
                raise self._stopped(progress, str(error), error.status, "interrupted") from None
            except KeyboardInterrupt as error:
                status = getattr(error, "status", 130)
                raise self._stopped(progress, "interrupted", status, "interrupted") from None
            except FramescopeError as error:
                if not folder.exists():
                    raise
                raise self._stopped(progress, str(error), 2, "stopped") from None
            except OSError as error:
                why = f"{folder.path}: can't be written ({error.strerror or error})"
                more = "free some space" if error.errno in _FULL else "see to it"
                raise self._stopped(progress, f"{why}; {more}", 2, "stopped") from None
            finally:
                with heeding([]):
                    folder.clear_drafts()
        return summary

    def _first(self, known: Mapping[int, Any]) -> int:
        """Say with which shard the round begins."""
        if self.manifest is None:
            return 0
        if self.job.resume:
            return int(self.manifest["rounds"][-1]["shards"][0])
        return len(known)

    def _start(self, known: Mapping[int, Mapping[str, Any]]) -> Position:
        """Say where the first shard begins that isn't there."""
        first = self._first(known)
        shard = first
        while shard in known:
            shard += 1
        if shard > first:
            return Position(**known[shard - 1]["after"])
        return Position(shard, known[shard - 1]["after"]["input_id"] if shard else 0)

    def _record(self, loaded: Loaded, start: Position) -> None:
        """Write down what is run, before any of it is there; or see that it is the same."""
        job, folder = self.job, self.folder
        before = loaded.runtime if self.manifest is None else self.manifest["model"]["runtime"]
        if before != loaded.runtime:
            tell_user(job, f"{loaded.runtime} runs the model, {before} did: rounding may differ")
        if job.resume and self.manifest is not None:
            return
        number = 0 if self.manifest is None else len(self.manifest["rounds"])
        folder.path.mkdir(exist_ok=True)
        folder.shards.mkdir(exist_ok=True)
        folder.write_listing(number, self.files)
        if self.manifest is None:
            model = {
                "name": loaded.model,
                "digest": loaded.digest,
                "runtime": loaded.runtime,
                "path": job.setup.model,
            }
            self.manifest = {
                "format": FORMAT,
                "framescope": __version__,
                "schema": VERSION,
                "model": model,
                "signals": list(loaded.signals),
                **({DEFINITIONS: loaded.definitions} if loaded.definitions else {}),
                "thresholds": loaded.thresholds,
                "options": job.options,
                "rounds": [],
            }
        self.manifest["rounds"].append(
            {
                "inputs": [whole(one) for one in job.inputs],
                "directory": whole(str(Path.cwd())),
                "files": len(self.files),
                "bytes": sum(one.size or 0 for one in self.files),
                "shards": [start.shard, None],
            }
        )
        self.manifest["finished"] = False
        folder.write(MANIFEST, self.manifest)

    def _finish(self, seconds: float) -> dict[str, Any]:
        """Check that nothing is missing, and write the summary."""
        folder, manifest = self.folder, self.manifest
        assert manifest is not None
        records = folder.shard_records()
        check_whole(folder, records)
        counts = Counts()
        for record in records.values():
            counts.add(record["counts"])
        summary = {
            **asdict(counts),
            "failures": failures(folder),
            "equal_texts": equal_texts(folder),
            "shards": len(records),
            "seconds": round(seconds, 1),  # of the last start
        }
        folder.write(SUMMARY, summary)
        manifest["rounds"][-1]["shards"][1] = len(records) - 1
        manifest["finished"] = True
        folder.write(MANIFEST, manifest)
        return summary

    def _stopped(self, progress: RunProgress, why: str, status: int, state: str) -> StoppedError:
        folder, done = self.folder, progress.counts
        if not folder.exists():
            return StoppedError(f"{why}; nothing had been scored yet", status)
        with suppress(OSError), heeding([]):  # the disk is full, say
            progress.update(state=state, force=True)
        resumed = f"framescope batch --output {shlex.quote(str(folder.path))} --resume"
        kept = f"{done.articles:,} articles are kept in {folder.path}"
        return StoppedError(f"{why}; {kept}; go on with: {self._again(resumed)}", status)

    def _again(self, words: str) -> str:
        """Say the options that were given again, which are compared."""
        setup = self.job.setup
        if setup.model != "transformer":
            words += f" --model {shlex.quote(setup.model)}"
        return " ".join([words, *changed_options(self.job), *other_options(self.job)])


def _engine(job: Job, folder: RunFolder, progress: RunProgress) -> Engine:
    options = InputOptions(job.columns, job.allow_private)
    if job.engine == "ray":
        from framescope.classifier.batch.cluster import RayEngine

        return RayEngine(folder, job.setup, options, job.workers, progress, job.address)
    return LocalEngine(folder, job.setup, options, job.workers or cores(), progress)


def cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
