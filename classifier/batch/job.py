"""What is asked of a batch, and what is looked at before it is begun or gone on with."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framescope.classifier import __version__, bundles
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.stages import Setup
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import ListedFile, list_inputs, read_list
from framescope.classifier.records import printable

_SHOWN = 3  # files that are named of those that differ
LIST = "-"
"""As an input: the list of inputs that standard input holds."""


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Attributes
    ----------
    inputs : sequence of str
        As `inputs.list_inputs` takes them; `LIST` is a list on standard input. Empty when
        a run is gone on with, for those that it was begun with.
    output : pathlib.Path
        The run's folder.
    setup : Setup
    columns : mapping of str to str
        As of `classifier.inputs.InputOptions`.
    include, exclude : sequence of str
    allow_private : bool
    workers : int or None
        Processes that score; None for as many as there are cores.
    resume, add : bool
        Go on with a run that was stopped; extend one that is finished.
    quiet : bool
    engine : str
        ``local`` or ``ray``.
    address : str or None
        Of a Ray cluster.
    """

    inputs: Sequence[str]
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
        """What decides a run's rows beside its inputs and its bundle, by the command's options."""
        setup = self.setup
        return {
            "format": setup.format,
            "signal": None if setup.signals is None else list(setup.signals),
            "sources": setup.sources and _digest(setup.sources),
            "evidence": setup.evidence,
            "max-characters": setup.max_characters,
            "max-seconds": setup.max_seconds,
            "allow-private": self.allow_private,
            **{f"{name}-column": column for name, column in self.columns.items()},
        }


def changed_options(job: Job) -> list[str]:
    """Give the options that aren't as they are by default, as they are typed."""
    words: list[str] = []
    plain = Job((), Path()).options
    for name, value in job.options.items():
        if value == plain.get(name):
            continue
        if name == "sources":
            words.append(f"--sources {shlex.quote(str(job.setup.sources))}")
        elif name.endswith("-column"):
            words.append(f"--column {shlex.quote(f'{_field(name)}={value}')}")
        elif value is True:
            words.append(f"--{name}")
        else:
            values = value if isinstance(value, list) else [value]
            words += [f"--{name} {shlex.quote(str(one))}" for one in values]
    return words


def other_options(job: Job) -> list[str]:
    """Give the options that decide no row, as they were typed."""
    words = [] if job.workers is None else [f"--workers {job.workers}"]
    if job.engine != "local":
        words.append(f"--engine {job.engine}")
    if job.address is not None:
        words.append(f"--address {shlex.quote(job.address)}")
    return words


def _field(option: str) -> str:
    return option.removesuffix("-column")


def _said(value: Any) -> str:
    if value is None or value is False:
        return "not given"
    return "given" if value is True else f"{value:,}" if isinstance(value, int) else str(value)


def _digest(path: str) -> str:
    try:
        return bundles.digest(Path(path))
    except OSError as error:
        reason = f"cannot be opened ({error.strerror}); give --sources a file of outlets"
        raise InputError(path, reason) from None


def tell_user(job: Job, line: str) -> None:
    """Say a line, unless the user wants quiet."""
    if not job.quiet:
        print(f"framescope: {printable(line)}", file=sys.stderr, flush=True)


# --- before it is begun ---------------------------------------------------------------------------


def check_output(job: Job, folder: RunFolder) -> None:
    """Refuse an output that can't be written, or is not what the job goes on with."""
    path = job.output
    if path.exists() and not path.is_dir():
        raise InputError(path, "is a file; give --output a folder")
    if not path.absolute().parent.is_dir():
        raise InputError(path, "can't be made; give --output a folder in one that exists")
    if job.resume and job.add:
        raise RunError("--resume goes on with what was begun, --add extends it; give one of them")
    if folder.exists():
        if not (job.resume or job.add):
            reason = "holds a run; go on with --resume, extend it with --add, or give another"
            raise RunError(f"{path}: {reason} --output")
        if job.add and not folder.manifest()["finished"]:
            raise RunError(f"{path}: isn't finished; go on with --resume, then extend it")
    elif job.resume or job.add:
        # One that was stopped before anything was scored left no run, and is begun.
        if job.add or not job.inputs:
            raise RunError(f"{path}: holds no run; begin one without --resume and --add")
    elif path.is_dir() and not folder.is_blank():
        raise RunError(f"{path}: is a folder with something else in it; give another --output")


def listed_files(
    job: Job, folder: RunFolder, manifest: Mapping[str, Any] | None
) -> list[ListedFile]:
    """List the inputs; those that a run was begun with, where none are given."""
    tell = None if job.quiet else lambda line: tell_user(job, line)
    if job.inputs:
        names = [name for given in job.inputs for name in _named(given)]
        files = _found(names, job, tell)
    elif manifest is not None and job.resume:
        last = manifest["rounds"][-1]
        before = folder.listing(len(manifest["rounds"]) - 1)
        files = [one for before_it in before for one in _still(before_it)]
        begun = last.get("directory")
        if not files and begun not in (None, str(Path.cwd())):
            reason = f"its inputs are named as from {begun}; go there (cd {shlex.quote(begun)})"
            raise RunError(f"{job.output}: {reason}, and type it again")
    else:
        raise InputError("input", "is missing; give files, folders, patterns, or - for a list")
    if not files:
        raise InputError("input", "holds no file; give files, folders, or patterns of files")
    return files


def _found(names: Sequence[str], job: Job, tell: Callable[[str], None] | None) -> list[ListedFile]:
    """List what is there; of several inputs, one that isn't is listed too: it will be an error."""

    def listed(some: Sequence[str]) -> list[ListedFile]:
        return list_inputs(some, include=job.include, exclude=job.exclude, tell=tell)

    try:
        files = listed(names)
    except InputError:
        if len(names) == 1:
            raise
        good, bad = [], {}
        for name in names:
            try:
                list_inputs([name], include=job.include, exclude=job.exclude)
                good.append(name)
            except InputError as error:
                bad[name] = error
        if not good:
            raise
        for why in bad.values():
            tell_user(job, str(why))
        files = listed(good) + [_missing(name) for name in bad]
    own = f"{job.output.absolute()}{os.sep}"
    return [one for one in files if not os.path.abspath(one.name).startswith(own)]  # noqa: PTH100


def _missing(name: str) -> ListedFile:
    return ListedFile(name, 0)


def _still(file: ListedFile) -> list[ListedFile]:
    """Look how a file is now."""
    try:
        return list_inputs([file.name])
    except InputError:
        return [file] if file == _missing(file.name) else []


def _named(given: str) -> list[str]:
    if given != LIST:
        return [given]
    names = read_list(sys.stdin.buffer)
    if not names:
        raise InputError("standard input", "is an empty list; write one input a line")
    return names


def refuse_other(job: Job, manifest: Mapping[str, Any]) -> None:
    """Refuse to go on with another bundle or other options: they would make other rows."""
    differing = []
    digest = bundles.digest_of(bundles.read_manifest(bundles.resolve(job.setup.model)))
    if digest != manifest["model"]["digest"]:
        name = manifest["model"]["name"]
        differing.append(f"the model ({name}, {manifest['model']['digest'][:12]} then; "
                         f"{job.setup.model}, {digest[:12]} now)")  # fmt: skip
    before, now = manifest["options"], job.options
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            option = f"column {_field(name)}" if name.endswith("-column") else name
            differing.append(
                f"--{option} ({_said(before.get(name))} then, {_said(now.get(name))} now)"
            )
    if manifest["framescope"] != __version__:
        differing.append(f"framescope ({manifest['framescope']} then, {__version__} now)")
    if differing:
        reason = f"was begun otherwise: {'; '.join(differing)}"
        raise RunError(f"{job.output}: {reason}; give what it was begun with, or another --output")


def refuse_changed(before: Sequence[ListedFile], now: Sequence[ListedFile], output: Path) -> None:
    """Refuse to go on where the inputs aren't those that the run was begun with."""
    then, found = ({one.name: one for one in files} for files in (before, now))
    changes = {
        "changed": [name for name, one in then.items() if name in found and found[name] != one],
        "gone": [name for name in then if name not in found],
        "new": [name for name in found if name not in then],
    }
    said = [
        f"{len(names):,} {what} ({', '.join(map(str, names[:_SHOWN]))}"
        + (", ..." if len(names) > _SHOWN else "") + ")"
        for what, names in changes.items() if names
    ]  # fmt: skip
    if said:
        reason = f"its inputs are not as they were: {'; '.join(said)}"
        remedy = (
            "put them back, or begin another --output (new files can be added at the end, --add)"
        )
        raise RunError(f"{output}: {reason}; {remedy}")
    if [one.name for one in before] != [one.name for one in now]:
        raise RunError(f"{output}: its inputs come in another order; give them as they were")


def new_only(
    job: Job, folder: RunFolder, manifest: Mapping[str, Any], files: Sequence[ListedFile]
) -> list[ListedFile]:
    """Keep those of the files that a run has not read yet; there must be some."""
    known = {
        one.name: one for number in range(len(manifest["rounds"])) for one in folder.listing(number)
    }
    fresh = [one for one in files if one.name not in known]
    changed = sum(known[one.name] != one for one in files if one.name in known)
    said = f"{changed:,} have changed since, and are not read again"
    if not fresh:
        more = f"; {said}" if changed else ""
        raise RunError(f"{folder.path}: has all of these inputs already{more}")
    if changed:
        tell_user(job, f"of the inputs that {folder.path} has, {said}")
    return fresh
