"""The folder of a run, beside the bundle that it makes: everything that shaped it, and how it went.

``recipe.toml`` the resolved recipe, ``run.json`` data, code, seeds, machine and every start,
``curves.jsonl``, ``log.txt``, of a baseline ``cross-validation.csv``, the added files by part
(``added/``), and until the bundle is written the checkpoint.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from framescope.classifier import __version__
from framescope.classifier.errors import FramescopeError, TrainingError
from framescope.classifier.files import atomic_write
from framescope.classifier.inputs import to_record
from framescope.classifier.runtime import instructions
from framescope.training import Track
from framescope.training.corpora import ADDED
from framescope.training.data import PARTS, REMOVED, Added, Data, Examples
from framescope.training.runs.card import split_record
from framescope.training.runs.tracking import LearningCurves, MLflow, TensorBoard

if TYPE_CHECKING:
    from framescope.training.baseline import BaselineTrainer
    from framescope.training.recipes import Recipe

_CLONE = Path(__file__).resolve().parents[2]
_FORMAT = 1
_MARK = "framescope_run"
RECORD, RECIPE, LOG, CURVES = "run.json", "recipe.toml", "log.txt", "curves.jsonl"
TRIALS, BY_PART, EVENTS = "cross-validation.csv", "added", "tensorboard"
CHECKPOINT, TARGETS = "checkpoint", "targets"
_OURS = (RECORD, RECIPE, LOG, CURVES, TRIALS, BY_PART, EVENTS, CHECKPOINT, TARGETS, "lessons")


def run_folder(output: Path) -> Path:
    """Return the folder of the run that makes a bundle."""
    output = output if output.name else output.absolute()  # "." has no name of its own
    return output.with_name(output.name + ".run")


def check_run_folder(output: Path) -> None:
    """Raise `TrainingError` when the run's folder exists and is something else."""
    folder = run_folder(output)
    ours = folder.is_dir() and (_record_of(folder) or not any(folder.iterdir()))
    if not ours and (folder.exists() or folder.is_symlink()):
        raise TrainingError(
            f"{folder}: exists and is not the folder of a run; choose another --output"
        )


def _record_of(folder: Path) -> dict[str, Any]:
    """Read the record of a run; empty where there is none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and _MARK in record else {}


@dataclass
class TrainingRun:
    """A run while it lasts, as a context manager that records its end, however it ends.

    One that ended before anything was learned, by bad input, leaves no folder. `record` is the
    content of ``run.json``, and `figures` are measured at the end.
    """

    folder: Path
    record: dict[str, Any]
    curves: LearningCurves
    resumed: bool = False
    figures: dict[str, float] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)

    @classmethod
    def begin(
        cls,
        output: Path,
        kind: str,
        recipe: Recipe,
        data: Data,
        *,
        options: Mapping[str, Any],
        added: Sequence[Path] = (),
        encoder: Mapping[str, str] | None = None,
        track: Sequence[Track] = (),
    ) -> Self:
        """Make the folder beside the bundle `output`, or resume in it if its run is the same.

        `options` are what else decides about the run: corpora and signals that are left out, say.

        Raises `TrainingError` when the folder is something else, or that of another run that isn't
        done, and `FramescopeError` without the extra that `track` needs.
        """
        folder = run_folder(output)
        check_run_folder(output)
        shape = {
            "kind": kind,
            "options": dict(options),
            "encoder": encoder and dict(encoder),
            "data": {
                "corpora": list(data.corpora),
                "digests": dict(data.digests),
                "added": sorted(data.added.values()),
                "signals": list(data.examples.signals),
                "split": split_record(data),
            },
        }
        decides = json.dumps({**shape, "recipe": recipe.to_record()}, sort_keys=True)
        identity = hashlib.sha256(decides.encode()).hexdigest()
        earlier = _record_of(folder)
        unfinished = bool(earlier) and earlier.get("status") != "finished"
        resumed = unfinished and earlier.get("identity") == identity
        if unfinished and not resumed and _has_learned(folder):
            raise TrainingError(
                f"{folder}: a run of another recipe or other data, which isn't done; delete it, or "
                "choose another --output"
            )
        record = {
            _MARK: _FORMAT,
            "status": "running",
            "identity": identity,
            "output": output.name,
            "command": shlex.join(sys.argv),
            "code": _code(),
            "seeds": {"training": recipe.seed, "split": data.seed},
            **shape,
            "rows": _rows(data.examples),
            "environment": _environment(),
            "starts": [*(earlier["starts"] if resumed else ()), {"at": _now(), "resumed": resumed}],
            "mlflow": earlier.get("mlflow") if resumed else None,
        }
        run = cls(folder, record, LearningCurves(folder / CURVES), resumed)
        run._track(track, output, recipe)
        if not resumed:
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        run._save()  # first of all, so that the folder is known as a run's
        (folder / RECIPE).write_text(recipe.to_toml(), encoding="utf-8")
        if added:
            record["added"] = run._keep_added(data, added)
            run._save()
        return run

    def _track(self, track: Sequence[Track], output: Path, recipe: Recipe) -> None:
        if Track.TENSORBOARD in track:
            self.curves.trackers.append(TensorBoard(self.folder / EVENTS))
        if Track.MLFLOW in track:
            artefacts = [self.folder / name for name in (RECIPE, RECORD, TRIALS)]
            parameters = {**recipe.to_record(), "code": self.record["code"]}
            store = output.absolute().with_name("mlflow.db")
            one = MLflow(store, output.name, self.record["mlflow"], parameters, artefacts)
            self.record["mlflow"] = one.run
            self.curves.trackers.append(one)

    def _keep_added(self, data: Data, added: Sequence[Path]) -> dict[str, Any]:
        """Write the added articles by part: the bundle is judged by those held out."""
        folder = self.folder / BY_PART
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        rows = data.examples.where(data.examples.corpus == ADDED)
        stay = rows.where(rows.part != REMOVED)  # of an article some rows may
        part_of = dict(zip(stay.article.tolist(), stay.part.tolist(), strict=True))
        lines: dict[str, list[str]] = defaultdict(list)
        for article in Added.read(added).articles:
            part = part_of.get(f"{ADDED}/{article.id}", REMOVED)
            lines[part].append(json.dumps(to_record(article), ensure_ascii=False) + "\n")
        for part, found in lines.items():
            (folder / f"{part}.jsonl").write_text("".join(found), encoding="utf-8")
        articles = {part: len(lines[part]) for part in PARTS if part in lines}
        return {"files": dict(data.added), "articles": articles}

    def log(self, line: str) -> None:
        """Append a line to the log."""
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(f"{_now()} {line}\n")

    def keep_trials(self, trainer: BaselineTrainer) -> None:
        """Write what the baseline tried for each signal, and what it chose."""
        names = ("signal", "mix", "c", "balance", "neighbours", "average_precision", "chosen")
        with (self.folder / TRIALS).open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(names)
            for signal, choice in trainer.choices.items():
                for one, score in choice.trials.items():
                    values = one.mix, one.c, one.balance or "", one.neighbours
                    table.writerow((signal, *values, f"{score:.5f}", int(one == choice.setting)))
                if choice.trials:
                    self.figures[f"cv_average_precision.{signal}"] = round(choice.score, 5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        early = not self.resumed and not _has_learned(self.folder)
        if isinstance(error, FramescopeError) and early:
            _clear(self.folder)
            with suppress(OSError):  # something else is in it
                self.folder.rmdir()
            self.curves.end("failed", {})
            return
        stopped = isinstance(error, KeyboardInterrupt)
        status = "finished" if error is None else "stopped" if stopped else "failed"
        self.record |= {"status": status, "figures": dict(self.figures)}
        self.record["starts"][-1] |= {
            "until": _now(),
            "status": status,
            "seconds": round(time.perf_counter() - self._began, 1),
            "peak_memory_mb": _peak_memory(),
        }
        self._save()
        self.curves.end(status, self.figures)

    def _save(self) -> None:
        text = json.dumps(self.record, indent=1, ensure_ascii=False, default=str)
        atomic_write(self.folder / RECORD, text + "\n")


def _clear(folder: Path) -> None:
    """Remove what an earlier run left."""
    for path in (folder / name for name in _OURS):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _has_learned(folder: Path) -> bool:
    return any((folder / CHECKPOINT).glob("[!.]*.safetensors"))


def _rows(rows: Examples) -> dict[str, dict[str, int]]:
    """Count the rows of each corpus, by part."""
    found = {}
    for corpus in dict.fromkeys(rows.corpus.tolist()):
        counts = Counter(rows.part[rows.corpus == corpus].tolist())
        found[corpus] = {part: counts[part] for part in PARTS if part in counts}
    return found


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


# --- code and machine -----------------------------------------------------------------------------


def _code() -> dict[str, Any]:
    """Return the version, and in a clone the commit and whether tracked files differ from it."""

    def ask(*words: str) -> str:
        line = ["git", "-C", str(_CLONE), *words]
        done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=30)
        return done.stdout.strip()

    found: dict[str, Any] = {"version": __version__}
    if (_CLONE / ".git").exists():
        with suppress(OSError, subprocess.SubprocessError):  # no git, or another user's clone
            changed = bool(ask("status", "--porcelain", "--untracked-files=no"))
            found |= {"commit": ask("rev-parse", "HEAD"), "changed": changed}
    return found


def _environment() -> dict[str, Any]:
    """Return the machine, and the version of every library that training needs."""
    torch = sys.modules.get("torch")  # a run that doesn't import it uses no GPU
    affinity = getattr(os, "sched_getaffinity", None)
    libraries = {}
    for line in requires("framescope") or ():
        if "extra ==" not in line or re.search(r"extra == .training.", line):
            name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
            with suppress(PackageNotFoundError):
                libraries[name] = version(name)
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _found(r"^model name\s*: (.*)", "/proc/cpuinfo") or platform.processor(),
        "instructions": instructions(),
        "cores": len(affinity(0)) if affinity else os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None,
        "libraries": dict(sorted(libraries.items())),
    }


def _peak_memory() -> int | None:
    """Return the most memory that this process has held, in megabytes, where it is known."""
    # `resource` would count the memory of the process that this one was forked from.
    found = _found(r"^VmHWM:\s*(\d+) kB", "/proc/self/status")
    return round(int(found) * 1024 / 1e6) if found else None


def _found(pattern: str, path: str) -> str | None:
    with suppress(OSError):
        found = re.search(pattern, Path(path).read_text(encoding="utf-8"), re.MULTILINE)
        return found[1] if found else None
    return None
