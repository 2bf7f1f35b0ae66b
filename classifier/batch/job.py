"""What a batch is asked to do, and what is checked before it is started or resumed."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from framescope.classifier import __version__, bundles
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.schema import SAME_ROWS
from framescope.classifier.batch.stages import Setup
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import InputOptions, ListedFile, list_inputs, read_list
from framescope.classifier.output import tell

_SHOWN = 3  # files that are named of those that differ


@dataclass(frozen=True)
class Job:
    """What a batch is asked to do; the attributes are the command's options."""

    inputs: Sequence[str]  # "-": a list of them on standard input; empty: as the run was started
    output: Path
    setup: Setup = field(default_factory=Setup)
    columns: Mapping[str, str] = field(default_factory=dict)
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    allow_private: bool = False
    workers: int | None = None
    resume: bool = False
    add: bool = False
    quiet: bool = False
    engine: str = "local"
    address: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What decides a run's rows besides its inputs and its bundle."""
        setup = self.setup
        return {
            "format": setup.format,
            "signal": None if setup.signals is None else list(setup.signals),
            "sources": setup.sources and _digest(setup.sources),
            "evidence": setup.evidence,
            **({"experimental": True} if setup.experimental else {}),
            "max-characters": setup.max_characters,
            "max-seconds": setup.max_seconds,
            "allow-private": self.allow_private,
            **{f"{name}-column": column for name, column in self.columns.items()},
        }

    def tell(self, line: str) -> None:
        """Print a line for the user, unless they want quiet."""
        if not self.quiet:
            tell(line)

    def to_resume(self) -> str:
        """Return the command that resumes the run, with all options that aren't the defaults."""
        setup, plain = self.setup, Job((), Path()).options
        given: dict[str, Any] = {"model": None if setup.model == Setup.model else setup.model}
        given |= {k: value for k, value in self.options.items() if value != plain.get(k)}
        if setup.sources:
            given["sources"] = setup.sources
        given["column"] = [f"{name}={column}" for name, column in self.columns.items()]
        engine = None if self.engine == "local" else self.engine
        given |= {"workers": self.workers, "engine": engine, "address": self.address}
        words = [f"framescope batch --output {shlex.quote(str(self.output))} --resume"]
        words += [
            f"--{name}" if one is True else f"--{name} {shlex.quote(str(one))}"
            for name, value in given.items()
            if value is not None and not name.endswith("-column")
            for one in (value if isinstance(value, list) else [value])
        ]
        return " ".join(words)


def _digest(path: str) -> str:
    try:
        return bundles.digest(Path(path))
    except OSError as error:
        reason = f"cannot be opened ({error.strerror}); give --sources a file of outlets"
        raise InputError(path, reason) from None


def prepare(job: Job) -> tuple[RunFolder, dict[str, Any] | None, list[ListedFile]]:
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


def _list_files(
    job: Job, folder: RunFolder, manifest: Mapping[str, Any] | None
) -> list[ListedFile]:
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
    quiet = InputOptions(include=job.include, exclude=job.exclude)
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
    """Refuse another bundle, version or option, which would make other rows."""
    model, before, now = manifest["model"], manifest["options"], job.options
    digest = bundles.digest_of(bundles.read_manifest(bundles.resolve(job.setup.model)))
    differing = []
    if digest != model["digest"]:
        then = f"{model['name']}, {model['digest'][:12]} then"
        differing.append(f"the model ({then}; {job.setup.model}, {digest[:12]} now)")
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            field = name.removesuffix("-column")
            option = name if field == name else f"column {field}"
            then, today = _shown(before.get(name)), _shown(now.get(name))
            differing.append(f"--{option} ({then} then, {today} now)")
    if manifest["framescope"] not in SAME_ROWS:
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
    """Refuse to resume a run whose inputs have changed."""
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
    known = {
        one.name: one for number in range(len(manifest["rounds"])) for one in folder.listing(number)
    }
    fresh = [one for one in files if one.name not in known]
    changed = sum(known.get(one.name, one) != one for one in files)
    told = f"; {changed:,} have changed since, and are not read again" if changed else ""
    if not fresh:
        raise RunError(f"{folder.path}: has all of these inputs already{told}")
    if told:
        job.tell(f"{folder.path}: has some of these inputs already{told}")
    return fresh
