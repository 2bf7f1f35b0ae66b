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
import logging
import math
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
from typing import Any, Self

from framescope.classifier import __version__
from framescope.classifier.errors import FramescopeError, TrainingError, need
from framescope.classifier.files import atomic_write
from framescope.classifier.inputs import to_record
from framescope.classifier.runtime import instructions, peak_memory
from framescope.training import Track
from framescope.training.baseline import BaselineTrainer
from framescope.training.corpora import ADDED
from framescope.training.data import PARTS, REMOVED, Added, Data, Examples
from framescope.training.recipes import Recipe

_CLONE = Path(__file__).resolve().parents[2]
_FORMAT = 1
_MARK = "framescope_run"
RECORD, RECIPE, LOG, CURVES = "run.json", "recipe.toml", "log.txt", "curves.jsonl"
TRIALS, BY_PART, EVENTS = "cross-validation.csv", "added", "tensorboard"
CHECKPOINT, TARGETS = "checkpoint", "targets"
_OURS = (RECORD, RECIPE, LOG, CURVES, TRIALS, BY_PART, EVENTS, CHECKPOINT, TARGETS, "lessons")
_EXPERIMENT = "framescope"
_STATUS = {"finished": "FINISHED", "stopped": "KILLED"}  # else FAILED


def run_folder(output: Path) -> Path:
    """Return the folder of the run that makes a bundle."""
    output = output if output.name else output.absolute()  # "." has no name of its own
    return output.with_name(output.name + ".run")


def check_run_folder(output: Path) -> None:
    """Raise `TrainingError` when the run's folder exists and is something else."""
    folder = run_folder(output)
    ours = folder.is_dir() and (_record_of(folder) or not any(folder.iterdir()))
    if not ours and (folder.exists() or folder.is_symlink()):
        what = "exists and is not the folder of a run; choose another --output"
        raise TrainingError(f"{folder}: {what}")


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

    One that ended before anything was learned, by bad input, leaves no folder.
    """

    folder: Path
    record: dict[str, Any]  # the content of ``run.json``
    curves: LearningCurves
    resumed: bool = False
    figures: dict[str, float] = field(default_factory=dict)  # measured at the end
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
        """Make the folder beside the bundle `output`, or resume in it if its run is the same."""
        folder = run_folder(output)
        check_run_folder(output)
        of_data: dict[str, Any] = {"corpora": [*data.corpora], "digests": dict(data.digests)}
        of_data |= {"added": sorted(data.added.values()), "signals": [*data.examples.signals]}
        of_data["split"] = data.split_record()
        shape: dict[str, Any] = {"kind": kind, "options": dict(options)}
        shape |= {"encoder": encoder and dict(encoder), "data": of_data}
        decides = json.dumps({**shape, "recipe": recipe.to_record()}, sort_keys=True)
        identity = hashlib.sha256(decides.encode()).hexdigest()
        earlier = _record_of(folder)
        unfinished = bool(earlier) and earlier.get("status") != "finished"
        resumed = unfinished and earlier.get("identity") == identity
        if unfinished and not resumed and _has_learned(folder):
            what = "a run of another recipe or other data, which isn't done"
            raise TrainingError(f"{folder}: {what}; delete it, or choose another --output")
        starts = [*(earlier["starts"] if resumed else ()), {"at": _now(), "resumed": resumed}]
        record: dict[str, Any] = {_MARK: _FORMAT, "status": "running", "identity": identity}
        record |= {"output": output.name, "command": shlex.join(sys.argv), "code": _code()}
        record |= {"seeds": {"training": recipe.seed, "split": data.seed}, **shape}
        record |= {"rows": _rows(data.examples), "environment": _environment(), "starts": starts}
        record["mlflow"] = earlier.get("mlflow") if resumed else None
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
            files = [self.folder / name for name in (RECIPE, RECORD, TRIALS)]
            asked = {**recipe.to_record(), "code": self.record["code"]}
            store = output.absolute().with_name("mlflow.db")
            one = MLflow(store, output.name, self.record["mlflow"], asked, files)
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

    def tell(self, line: str) -> None:
        """Show a line, and append it to the log."""
        print(line, file=sys.stderr)
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
            "peak_memory_mb": None if (peak := peak_memory()) is None else round(peak / 1e6),
        }
        self._save()
        self.curves.end(status, self.figures)

    def _save(self) -> None:
        text = json.dumps(self.record, indent=1, ensure_ascii=False, default=str)
        atomic_write(self.folder / RECORD, text + "\n")


def _clear(folder: Path) -> None:
    for path in (folder / name for name in _OURS):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _has_learned(folder: Path) -> bool:
    return any((folder / CHECKPOINT).glob("[!.]*.safetensors"))


def _rows(rows: Examples) -> dict[str, dict[str, int]]:
    counts = Counter(zip(rows.corpus.tolist(), rows.part.tolist(), strict=True))
    corpora = dict.fromkeys(rows.corpus.tolist())
    return {c: {p: counts[c, p] for p in PARTS if (c, p) in counts} for c in corpora}


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


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
    found = {"python": platform.python_version(), "platform": platform.platform()}
    cores = len(affinity(0)) if affinity else os.cpu_count()
    machine = {"processor": _processor(), "instructions": instructions(), "cores": cores}
    gpu = torch.cuda.get_device_name() if torch and torch.cuda.is_available() else None
    return {**found, **machine, "gpu": gpu, "libraries": dict(sorted(libraries.items()))}


def _processor() -> str:
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        if found := re.search(r"^model name\s*: (.*)", text, re.MULTILINE):
            return found[1]
    return platform.processor()


@dataclass
class LearningCurves:
    """Writes what is measured while training, one line of JSON per step, and to trackers."""

    path: Path
    trackers: list[TensorBoard | MLflow] = field(default_factory=list)
    _begun: bool = False

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        """Write what was measured at a step; infinities and NaN are left out."""
        found = {name: float(one) for name, one in values.items() if math.isfinite(one)}
        if not self._begun:  # a resumed run writes the steps after its checkpoint again
            self._begun = True
            before = [line for line in read_curves(self.path) if line["step"] < step]
            lines = "".join(json.dumps(line) + "\n" for line in before)
            atomic_write(self.path, lines, durable=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **found}) + "\n")
        for tracker in self.trackers:
            tracker.log(step, found)

    def end(self, status: str, values: Mapping[str, float]) -> None:
        """Tell the trackers how the run ended."""
        for tracker in self.trackers:
            tracker.end(status, values)


def read_curves(path: Path) -> list[dict[str, Any]]:
    """Read what `LearningCurves` wrote, except a last line that was cut off."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return found


class TensorBoard:
    """Writes event files: ``tensorboard --logdir FOLDER`` shows them."""

    def __init__(self, folder: Path) -> None:
        need_tracker(Track.TENSORBOARD)
        self.folder = folder
        self._writer: Any = None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write a step; what an interrupted run wrote after it is no longer shown."""
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self.folder), purge_step=step, flush_secs=10)
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def end(self, status: str, values: Mapping[str, float]) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()


class MLflow:
    """Writes to a local SQLite store: ``mlflow ui --backend-store-uri sqlite:///FILE``."""

    def __init__(
        self, store: Path, name: str, run: str | None, recipe: dict[str, Any], files: Sequence[Path]
    ) -> None:
        client = need_tracker(Track.MLFLOW).MlflowClient
        self.files, self._last = files, -1
        try:
            self._client = client(f"sqlite:///{store.absolute()}")
            found = self._client.get_experiment_by_name(_EXPERIMENT)
            place = store.with_name("mlflow-artifacts").absolute().as_uri()
            experiment = found and found.experiment_id
            experiment = experiment or self._client.create_experiment(_EXPERIMENT, place)
            runs = {one.info.run_id: one for one in self._client.search_runs([experiment])}
            if run is not None and run in runs:
                self.run = run
                self._client.update_run(run, status="RUNNING")
                names = runs[run].data.metrics
                past = [m for name in names for m in self._client.get_metric_history(run, name)]
                self._last = max((one.step for one in past), default=-1)
            else:
                from pandas import json_normalize

                self.run = str(self._client.create_run(experiment, run_name=name).info.run_id)
                for key, value in json_normalize(recipe).iloc[0].items():
                    self._client.log_param(self.run, key, value)
        except Exception as error:  # of MLflow, or of the database below it
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            what = f"no store that MLflow can write to ({reason})"
            how = "move it away, or choose an --output elsewhere"
            raise TrainingError(f"{store}: {what}; {how}") from None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write a step, unless the run wrote it before it was interrupted."""
        if step > self._last:
            for name, value in values.items():
                self._client.log_metric(self.run, name, value, step=step)

    def end(self, status: str, values: Mapping[str, float]) -> None:
        """Keep figures and files, and close the run."""
        for name, value in values.items():
            self._client.log_metric(self.run, name, value)
        for path in self.files:
            if path.is_file():
                self._client.log_artifact(self.run, str(path))
        self._client.set_terminated(self.run, _STATUS.get(status, "FAILED"))


def need_tracker(track: Track) -> Any:
    """Import what a tracker needs; raises `FramescopeError` without the extra."""
    if track is Track.MLFLOW:  # nothing is sent anywhere, and its store's messages are hidden
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
    return need(track.value, f"--track {track.value} needs", "tracking")
