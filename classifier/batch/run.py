"""A batch is checked, and started, resumed or extended; the check and the report at its end."""

import errno
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__, bundles
from framescope.classifier.batch import stages
from framescope.classifier.batch.engines import LocalEngine, RayEngine, stop_signals
from framescope.classifier.batch.folder import SUMMARY, RunError, RunFolder, RunProgress
from framescope.classifier.batch.schema import SAME_ROWS, TABLES, VERSION, read_rows, whole
from framescope.classifier.batch.stages import Counts, Job, Loaded, Position, Shard, sum_counts
from framescope.classifier.errors import FramescopeError, InputError, StoppedError
from framescope.classifier.inputs import InputOptions, ListedFile, identity, list_inputs, read_list
from framescope.classifier.records import counted
from numpy.typing import NDArray

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SHOWN = 3  # files that are named of those that differ


def run(job: Job) -> dict[str, Any]:
    """Run a batch to its end and return its summary; raises `StoppedError` otherwise."""
    job = replace(job, resume=job.resume or job.retry_failed)
    folder = RunFolder(job.output)
    if job.address is not None and job.engine != "ray":
        raise RunError("--address is that of a Ray cluster; give --engine ray with it")
    _check_output(job, folder)
    manifest = folder.manifest() if folder.exists() else None
    job = job if manifest is None else job.as_started(manifest)
    files = [] if manifest is not None and not job.inputs else _list_files(job)
    if manifest is not None:
        _check_same(job, manifest)
        if job.add:
            files = _new_only(folder, manifest, files, job.tell)
        elif files and not job.retry_failed:
            _check_unchanged(folder.listing(len(manifest["rounds"]) - 1), files, job.output)
    with folder.locked():
        if manifest != (folder.manifest() if folder.exists() else None):
            raise RunError(f"{job.output}: another process has written it meanwhile; type it again")
        folder.clear_drafts()
        this = _Round(job, folder, manifest, [] if job.resume and manifest is not None else files)
        if not (this.plans or (this.failed and job.retry_failed)):
            what = "retry" if job.retry_failed else "resume"
            job.tell(f"{folder.path} is finished; there is nothing to {what}")
            return folder.summary()
        return this.complete()


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


def _list_files(job: Job) -> list[ListedFile]:
    if not job.inputs:
        raise InputError("input", "is missing; give files, folders, patterns, or - for a list")
    listed = read_list(sys.stdin.buffer) if "-" in job.inputs else []
    if "-" in job.inputs and not listed:
        raise InputError("standard input", "is an empty list; write one input a line")
    names = [listed if given == "-" else [given] for given in job.inputs]
    if not (files := _found(list(chain.from_iterable(names)), job)):
        raise InputError("input", "holds no file; give files, folders, or patterns of files")
    return files


def _found(names: Sequence[str], job: Job) -> list[ListedFile]:
    """List what is there; of several inputs, one that isn't is listed too, and becomes an error."""
    options = InputOptions(tell=job.tell, include=job.include, exclude=job.exclude)
    options = replace(options, follow_links=job.follow_links)
    found, bad = dict[Any, ListedFile](), dict[str, InputError]()
    for name in names:
        try:
            for one in list_inputs([name], options):
                found.setdefault(identity(one.name), one)
        except InputError as error:
            bad[name] = error
    if not found:
        raise next(iter(bad.values()))
    for why in bad.values():
        job.tell(str(why))
    files = [*found.values(), *(ListedFile(name, 0) for name in bad)]
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


def _check_files(files: Sequence[ListedFile], directory: str | None, output: Path) -> None:
    """Check that files are as they were listed."""
    now = [found for one in files if (found := _as_it_is(one)) is not None]
    if directory not in (None, str(Path.cwd())) and files and not now:
        reason = f"its inputs are named as from {directory}; go there (cd {shlex.quote(directory)})"
        raise RunError(f"{output}: {reason}, and type it again")
    _check_unchanged(files, now, output)


def _new_only(
    folder: RunFolder, manifest: Mapping[str, Any], files: Sequence[ListedFile], tell: Any
) -> list[ListedFile]:
    """Return the files that a run has not read yet, by whatever link; there must be some."""
    known = {one.name: one for n in range(len(manifest["rounds"])) for one in folder.listing(n)}
    linked = set(map(identity, known))
    fresh = [one for one in files if one.name not in known and identity(one.name) not in linked]
    changed = sum(known.get(one.name, one) != one for one in files)
    told = f"; {changed:,} have changed since, and are not read again" if changed else ""
    if not fresh:
        raise RunError(f"{folder.path}: has all of these inputs already{told}")
    if told:
        tell(f"{folder.path}: has some of these inputs already{told}")
    return fresh


class _Round:
    """What is read now: a new run, what is added to one, or what one lacks."""

    def __init__(
        self, job: Job, folder: RunFolder, manifest: dict[str, Any] | None, files: list[ListedFile]
    ) -> None:
        self.job, self.folder, self.manifest, self.files = job, folder, manifest, files
        rounds = [] if manifest is None else manifest["rounds"]
        self.parts: dict[int, dict[str, Any]] = {}  # those that are whole, by their numbers
        if rounds and job.add:
            self.parts = folder.check(*TABLES)
        elif rounds:
            self.parts, lost = folder.parts_of(*TABLES)
            for why in lost.values():
                job.tell(f"{why}; the part is scored anew")
        self.plans = [stages.Plan(files, self._next())] if files else list(self._missing(rounds))
        self.failed = [n for n, one in self.parts.items() if one["counts"]["errors"]]
        self.behind: list[ListedFile] = []  # of files that failed as a whole, beyond one record
        sizes = [one.size for plan in self.plans for one in plan.files]
        total = sum(one["bytes"] for one in rounds) + sum(one.size or 0 for one in files)
        counts = sum_counts(one["counts"] for one in self.parts.values())
        read = sum(one.get("bytes", 0) for one in self.parts.values())
        state = counts, None if None in sizes else total, read, len(self.parts)
        self.progress = RunProgress(folder, *state, quiet=job.quiet)

    def _next(self) -> Position:
        """Return where another round begins."""
        number = max(self.parts, default=-1) + 1
        return Position(number, self.parts[number - 1]["after"]["input_id"] if number else 0)

    def _missing(self, rounds: Sequence[Mapping[str, Any]]) -> Iterator[stages.Plan]:
        """Plan what the run lacks, each stretch by itself."""
        for number, one in enumerate(rounds):
            first, last = one["shards"]
            end = None if last is None else last + 1
            shards = range(first, max([first, *self.parts]) + 2 if end is None else end)
            for at in shards:
                if at in self.parts or (at > first and at - 1 not in self.parts):
                    continue
                until = next((shard for shard in shards[at - first :] if shard in self.parts), end)
                known = {} if until is None else self.parts.get(until, {})
                start = Position(at, one.get("input_id", 0))
                if at > first:
                    start = Position(**self.parts[at - 1]["after"])
                files = self.folder.listing(number)
                needed = known["after"]["file"] + 1 if known and until != end else None
                _check_files(files[start.file : needed], one.get("directory"), self.job.output)
                yield stages.Plan(files, start, until, known.get("input_id"))

    def complete(self) -> dict[str, Any]:
        """Bring the round to its end, and return the summary."""
        begun, folder = time.monotonic(), self.folder
        make = RayEngine if self.job.engine == "ray" else LocalEngine
        engine = make(self.job, folder, self.progress)
        with self.progress.shown():
            try:
                try:
                    self._record(engine.start())
                    engine.run(self.plans, self._commit)
                    if self.failed and self.job.retry_failed:
                        self._retry(engine)
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
        before, now = (one["model"]["runtime"] for one in (self.manifest or loaded, loaded))
        if before != now:
            self.job.tell(f"{now} runs the model, {before} did: rounding may differ")
        if self.files:
            self.folder.shards.mkdir(exist_ok=True)
            about = {"framescope": __version__, "schema": VERSION}
            options = {"options": self.job.options, "rounds": []}
            self.manifest = self.manifest or {**about, **loaded, **options}
            self._begin(self.files, self.plans[0].start)

    def _begin(self, files: Sequence[ListedFile], start: Position) -> None:
        """Write down that a round begins."""
        assert self.manifest is not None
        self.folder.write_listing(len(self.manifest["rounds"]), files)
        self.manifest["rounds"].append({
            "inputs": [whole(one) for one in self.job.inputs],
            "directory": whole(str(Path.cwd())),
            "files": len(files), "bytes": sum(one.size or 0 for one in files),
            "shards": [start.shard, None], "input_id": start.input_id,
        })  # fmt: skip
        self.manifest["finished"] = False
        self.folder.write_manifest(self.manifest)

    def _commit(self, shard: Shard, draft: Path, counts: Counts) -> None:
        number, size = shard.start.shard, max(0, shard.after.read - shard.start.read)
        after = {"after": asdict(shard.after), "bytes": size, "counts": counts}
        record: dict[str, Any] = {"input_id": shard.start.input_id, **after}
        if shard.again:
            record = self._merged(shard, draft, counts)
        self.folder.commit(draft, number, record)
        self.progress.counts.update(record["counts"])
        if shard.again:
            self.progress.counts.subtract(self.parts[number]["counts"])
        else:
            self.progress.read += size
            self.progress.shards += 1
        self.parts[number] = record

    def _retry(self, engine: Any) -> None:
        """Read again what had failed, then the rest of files that had failed as a whole."""
        self.slices: dict[int, tuple[int, int, ListedFile]] = {}  # of these, by their record
        self.listings: dict[int, list[ListedFile]] = {}
        total = sum(self.parts[number]["counts"]["errors"] for number in self.failed)
        found = list(self._again())
        plan = stages.Plan([file for file, _ in found], again=[place for _, place in found])
        engine.run([plan] if found else [], self._commit)
        if self.behind:
            engine.run([stages.Plan(self.behind, self._next())], self._commit)
        left = sum(self.parts[number]["counts"]["errors"] for number in self.failed)
        told = f"{total - left:,} of {counted(total, 'failed record', ',')} could be read"
        stay = f"; {total - len(found):,} stay, as their files have changed"
        self.job.tell(f"{self.folder.path}: {told}{stay if len(found) < total else ''}")

    def _again(self) -> Iterator[tuple[ListedFile, tuple[int, int]]]:
        """Yield the records that failed, of files that are as they were; and their places."""
        assert self.manifest is not None
        for number, one in enumerate(self.manifest["rounds"]):
            first, last = one["shards"]
            shards = range(first, (max(self.parts) if last is None else last) + 1)
            listing = self.listings[number] = self.folder.listing(number)
            files = {whole(file.name): at for at, file in enumerate(listing)}
            for part in [part for part in self.failed if part in shards]:
                rows = self._inputs(self.folder.shard(part))
                following = part + 1 in shards and self._inputs(self.folder.shard(part + 1))[:1]
                before = Counter[str]()  # records of each file
                if part > first:
                    after = self.parts[part - 1]["after"]
                    before[whole(listing[after["file"]].name)] = after["record"]
                for row, later in zip(rows, [*rows[1:], *(following or [{}])], strict=True):
                    name = row["input"]
                    then = listing[files[name]]
                    at = max(before[name], then.begin)
                    before[name] = at + 1
                    now = _as_it_is(then) if row.get("error") else None
                    ends = later.get("input") != name and not row.get("record")
                    if now is not None and (now == then or (ends and not at)):
                        piece = replace(now, begin=at, end=at + 1)
                        if ends and then.end is None:
                            self.slices[row["input_id"]] = number, files[name], piece
                        yield piece, (part, row["input_id"])

    def _inputs(self, part: Path) -> list[dict[str, Any]]:
        assert self.manifest is not None
        return read_rows(part / f"inputs.{self.manifest['options']['format']}")

    def _merged(self, shard: Shard, draft: Path, counts: Counts) -> dict[str, Any]:
        """Add the other rows of a shard to those that are read again; return its record."""
        assert self.manifest is not None
        numbered = {row["input_id"] for row in self._inputs(draft) if row.get("record")}
        again, old = set(shard.again), self.parts[shard.start.shard]
        found = stages.merge(self.folder.shard(shard.start.shard), draft, again, self.manifest)
        found.update({name: old["counts"][name] + counts[name] for name in ("passages", "reused")})
        # A file that failed as a whole was one record. What is behind the first becomes a round
        # of its own, which is on the disk before the failure is replaced.
        behind, touched = list[ListedFile](), set[int]()
        for input_id in sorted(again & self.slices.keys()):
            number, file, piece = self.slices[input_id]
            then, several = self.listings[number][file], input_id in numbered
            end = piece.end if several else None
            self.listings[number][file] = replace(piece, begin=then.begin, end=end)
            touched |= {number} if several or piece != then else set()
            behind += [replace(piece, begin=piece.end or 0, end=None)] if several else []
        for number in touched:
            self.folder.write_listing(number, self.listings[number])
        if behind:
            if self.behind:
                self.manifest["rounds"].pop()
            self.behind += behind
            self._begin(self.behind, self._next())
        return {**old, "counts": found}

    def _finish(self, seconds: float) -> dict[str, Any]:
        folder, manifest = self.folder, self.manifest
        assert manifest is not None
        sums = sum_counts(one["counts"] for one in self.parts.values())
        summary = {**sums, **_check(folder, self.parts), "shards": len(self.parts)}
        summary["seconds"] = round(seconds, 1)  # of the last start
        folder.write(SUMMARY, summary)
        manifest["rounds"][-1]["shards"][1] = len(self.parts) - 1
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
    """Check that no record is missing; count the errors by stage, and the copies of texts."""
    failures: Counter[str] = Counter()
    # Eight bytes of each: of millions there is no room for all, and none is likely to be met twice.
    digests: list[NDArray[np.uint64]] = []
    expected, form = 0, folder.manifest()["options"]["format"]
    for shard, record in sorted(records.items()):
        path = folder.shard(shard)
        errors = read_rows(path / f"inputs.{form}", "stage")
        texts = read_rows(path / f"articles.{form}", "text_digest")
        if (record["input_id"], record["counts"]["records"]) != (expected, len(errors)):
            reason = "doesn't begin where the part before it ends, or lacks rows"
            raise RunError(f"{path}: {reason}; its inputs were others: start another --output")
        expected += len(errors)
        failures.update(row["stage"] for row in errors if row.get("stage"))
        digests.append(np.array([int(row["text_digest"][:16], 16) for row in texts], np.uint64))
    found = np.concatenate(digests)
    copies = len(found) - len(np.unique(found))
    return {"failures": dict(sorted(failures.items())), "equal_texts": copies}
