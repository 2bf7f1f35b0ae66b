"""The curves of a training: in the run's folder, and in TensorBoard or MLflow."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from framescope.classifier.errors import TrainingError, need
from framescope.classifier.files import atomic_write
from framescope.training import Track

_EXPERIMENT = "framescope"
_STATUS = {"finished": "FINISHED", "stopped": "KILLED"}  # else FAILED


class LearningCurves:
    """Writes what is measured while training, one line of JSON per step, and to trackers.

    A resumed run writes the steps after its checkpoint again: what it had written of them before is
    removed first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trackers: list[TensorBoard | MLflow] = []
        self._begun = False

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        """Write what was measured at a step; infinities and NaN are left out."""
        found = {name: float(one) for name, one in values.items() if math.isfinite(one)}
        if not self._begun:
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
    """Writes to a local SQLite store: ``mlflow ui --backend-store-uri sqlite:///FILE``.

    Runs share the store, and artefacts lie beside it; `run` is the id of a resumed run.
    """

    def __init__(
        self,
        store: Path,
        name: str,
        run: str | None,
        parameters: Mapping[str, Any],
        artefacts: Sequence[Path],
    ) -> None:
        client = need_tracker(Track.MLFLOW).MlflowClient
        self.artefacts = artefacts
        self._last = -1
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
                self.run = str(self._client.create_run(experiment, run_name=name).info.run_id)
                for key, value in _flat(parameters):
                    self._client.log_param(self.run, key, value)
        except Exception as error:  # of MLflow, or of the database below it
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TrainingError(
                f"{store}: no store that MLflow can write to ({reason}); move it away, or choose "
                "an --output elsewhere"
            ) from None

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write a step, unless the run wrote it before it was interrupted."""
        if step > self._last:
            for name, value in values.items():
                self._client.log_metric(self.run, name, value, step=step)

    def end(self, status: str, values: Mapping[str, float]) -> None:
        """Keep figures and files, and close the run."""
        for name, value in values.items():
            self._client.log_metric(self.run, name, value)
        for path in self.artefacts:
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


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Join the keys of tables within tables by dots."""
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value
