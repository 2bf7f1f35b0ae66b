"""A batch is checked, and started, resumed or extended; the check and the report at its end."""

import errno
import json
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import chain, count, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__, bundles
from framescope.classifier.batch.engines import LocalEngine, RayEngine, stop_signals
from framescope.classifier.batch.folder import SUMMARY, RunError, RunFolder, RunProgress
from framescope.classifier.batch.schema import SAME_ROWS, VERSION, whole
from framescope.classifier.batch.stages import Counts, Job, Loaded, Position, Shard, sum_counts
from framescope.classifier.errors import FramescopeError, InputError, StoppedError
from framescope.classifier.inputs import InputOptions, ListedFile, list_inputs, read_list
from framescope.classifier.records import counted
from numpy.typing import NDArray

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SHOWN = 3  # files that are named of those that differ


def run(job: Job) -> dict[str, Any]:
    """Run a batch to its end and return its summary; raises `StoppedError` otherwise."""
    folder, manifest, files = _prepare(job)
    with folder.locked():
        if manifest != (folder.manifest() if folder.exists() else None):
            raise RunError(f"{job.output}: another process has written it meanwhile; type it again")
        folder.clear_drafts()
        if manifest is not None and job.resume and manifest["finished"]:
            job.tell(f"{folder.path} is finished; there is nothing to resume")
            return folder.summary()
        return _Round(job, folder, manifest, files).complete()


def _prepare(job: Job) -> tuple[RunFolder, dict[str, Any] | None, list[ListedFile]]:
    """Return the run's folder, its manifest if there is one, and the files of this round."""
    if job.address is not None and job.engine != "ray":
        raise RunError("--address is that of a Ray cluster; give --engine ray with it")
    folder = RunFolder(job.output)
    _check_output(job, folder)
    manifest = folder.manifest() if folder.exists() else None
    files = _list_files(job, folder, manifest)
    if manifest is not None:
        _check_same(job, manifest)
        if job.resume:
            _check_unchanged(folder.listing(len(manifest["rounds"]) - 1), files, job.output)
        else:
            files = _new_only(job, folder, manifest, files)
    return folder, manifest, files


def _check_output(job: Job, folder: RunFolder) -> None:
    path = job.output
    if path.exists() and not path.is_dir():
        raise InputError(path, "is a file; give --output a folder")
    if not path.absolute().parent.is_dir():
        raise InputError(path, "can't be made; give --output a folder in one that exists")
    if job.resume and job.add:
        raise RunError("--resume and --add can't be given together; give one of them")
    if folder.exists():
        if not (job.resume or job.add):
            reason = "holds a run; type --resume to resume it, --add to extend it, or give another"
            raise RunError(f"{path}: {reason} --output")
        if job.add and not folder.manifest()["finished"]:
            raise RunError(f"{path}: isn't finished; type --resume first, then extend it")
    elif job.resume or job.add:
        # A run that was stopped before anything was scored left nothing, and is started.
        if job.add or not job.inputs:
            raise RunError(f"{path}: holds no run; start one without --resume and --add")
    elif path.is_dir() and not folder.is_blank():
        raise RunError(f"{path}: is a folder with something else in it; give another --output")


def _list_files(job: Job, folder: RunFolder, manifest: dict[str, Any] | None) -> list[ListedFile]:
    if job.inputs:
        listed = read_list(sys.stdin.buffer) if "-" in job.inputs else []
        if "-" in job.inputs and not listed:
            raise InputError("standard input", "is an empty list; write one input a line")
        names = [listed if given == "-" else [given] for given in job.inputs]
        files = _found(list(chain.from_iterable(names)), job)
    elif manifest is not None and job.resume:
        before = folder.listing(len(manifest["rounds"]) - 1)
        files = [now for one in before if (now := _as_it_is(one)) is not None]
        begun = manifest["rounds"][-1].get("directory")
        if not files and begun not in (None, str(Path.cwd())):
            reason = f"its inputs are named as from {begun}; go there (cd {shlex.quote(begun)})"
            raise RunError(f"{job.output}: {reason}, and type it again")
    else:
        raise InputError("input", "is missing; give files, folders, patterns, or - for a list")
    if not files:
        raise InputError("input", "holds no file; give files, folders, or patterns of files")
    return files


def _found(names: Sequence[str], job: Job) -> list[ListedFile]:
    """List what is there; of several inputs, one that isn't is listed too, and becomes an error."""
    patterns = {"include": job.include, "exclude": job.exclude}
    quiet = InputOptions(**patterns, follow_links=job.follow_links)
    options = replace(quiet, tell=job.tell)
    try:
        files = list_inputs(names, options)
    except InputError:
        bad = {}
        for name in names:
            try:
                list_inputs([name], quiet)
            except InputError as error:
                bad[name] = error
        good = [name for name in names if name not in bad]
        if not good:
            raise
        for why in bad.values():
            job.tell(str(why))
        files = list_inputs(good, options) + [ListedFile(name, 0) for name in bad]
    own = f"{job.output.absolute()}{os.sep}"
    return [one for one in files if not os.path.abspath(one.name).startswith(own)]  # noqa: PTH100


def _as_it_is(file: ListedFile) -> ListedFile | None:
    try:
        return list_inputs([file.name])[0]
    except InputError:
        return file if file == ListedFile(file.name, 0) else None


def _check_same(job: Job, manifest: Mapping[str, Any]) -> None:
    before, now = manifest["options"], job.options
    words = bundles.defaults() if job.setup.model is None else (job.setup.model,)
    differing = []
    for model, word in zip_longest((manifest["model"], manifest.get("other")), words):
        found = bundles.read_manifest(bundles.resolve(word)) if word else None
        digest = found and bundles.digest_of(found)
        if digest != (model and model["digest"]):
            then = f"{model['name']}, {model['digest'][:12]} then" if model else "none then"
            today = f"{word}, {digest[:12]} now" if digest else "none now"
            differing.append(f"the model ({then}; {today})")
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            field = name.removesuffix("-column")
            option = name if field == name else f"column {field}"
            then, today = _shown(before.get(name)), _shown(now.get(name))
            differing.append(f"--{option} ({then} then, {today} now)")
    if manifest["framescope"] not in SAME_ROWS or manifest.get("schema", VERSION) != VERSION:
        differing.append(f"framescope ({manifest['framescope']} then, {__version__} now)")
    if differing:
        reason = f"was started otherwise: {'; '.join(differing)}"
        remedy = "give what it was started with, or another --output"
        raise RunError(f"{job.output}: {reason}; {remedy}")


def _shown(value: Any) -> str:
    if value is None or value is False:
        return "not given"
    return "given" if value is True else f"{value:,}" if isinstance(value, int) else str(value)


def _check_unchanged(before: Sequence[ListedFile], now: Sequence[ListedFile], output: Path) -> None:
    then, found = ({one.name: one for one in files} for files in (before, now))
    changes = {
        "changed": [name for name, one in then.items() if found.get(name, one) != one],
        "gone": [name for name in then if name not in found],
        "new": [name for name in found if name not in then],
    }
    told = [
        f"{len(names):,} {what} ({', '.join(names[:_SHOWN])}{', ...' * (len(names) > _SHOWN)})"
        for what, names in changes.items()
        if names
    ]
    if told:
        reason = f"its inputs have changed: {'; '.join(told)}"
        remedy = "put them back, or start another --output (--add adds new files to a finished run)"
        raise RunError(f"{output}: {reason}; {remedy}")
    if list(then) != list(found):
        raise RunError(f"{output}: its inputs come in another order; give them as they were")


def _new_only(
    job: Job, folder: RunFolder, manifest: Mapping[str, Any], files: Sequence[ListedFile]
) -> list[ListedFile]:
    """Return the files that a run has not read yet; there must be some."""
    known = {one.name: one for n in range(len(manifest["rounds"])) for one in folder.listing(n)}
    fresh = [one for one in files if one.name not in known]
    changed = sum(known.get(one.name, one) != one for one in files)
    told = f"; {changed:,} have changed since, and are not read again" if changed else ""
    if not fresh:
        raise RunError(f"{folder.path}: has all of these inputs already{told}")
    if told:
        job.tell(f"{folder.path}: has some of these inputs already{told}")
    return fresh


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
        shard = next(number for number in count(first) if number not in known)
        after = known[shard - 1]["after"] if shard else {"input_id": 0}
        # A round begins with the first of its files.
        self.start = Position(**after) if shard > first else Position(shard, after["input_id"])
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
