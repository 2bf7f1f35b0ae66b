"""The folder that a training leaves beside its bundle, and a killed training that resumes in it."""

import csv
import json
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import toys
from framescope.classifier import __version__
from framescope.classifier.errors import TrainingError
from framescope.training import Track
from framescope.training.corpora import read_exchange
from framescope.training.data import Data
from framescope.training.recipes import BaselineSettings, Recipe
from framescope.training.runs import TrainingRun, check_run_folder, train_baseline
from framescope.training.runs.folder import LearningCurves, read_curves

BASELINE = BaselineSettings(strengths=[1.0, 0.1], mixes=["words"])
RECIPE = Recipe(name="toy", corpora=["house"], seed=3, baseline=BASELINE)


def begun(output: Path, data: Data, recipe: Recipe = RECIPE, **more: Any) -> TrainingRun:
    return TrainingRun.begin(output, "baseline", recipe, data, options={}, **more)


def record_of(output: Path) -> dict[str, Any]:
    return json.loads((output.with_name(output.name + ".run") / "run.json").read_text())


@pytest.fixture(scope="module")
def baseline_run(tmp_path_factory, toy_data) -> Path:
    """The bundle of a baseline that was made with its run's folder beside it."""
    output = tmp_path_factory.mktemp("run") / "bundle"
    with begun(output, toy_data) as run:
        more = {"tell": run.tell, "run": run, "name": "baseline-toy"}
        train_baseline(toy_data, output, RECIPE.baseline, RECIPE.seed, **more)
    return output


def test_all_that_shaped_a_run_is_written_down(baseline_run, toy_data) -> None:
    folder, rows = baseline_run.with_name("bundle.run"), toy_data.examples
    assert tomllib.loads((folder / "recipe.toml").read_text()) == RECIPE.to_record()
    record = record_of(baseline_run)
    assert record["status"] == "finished"
    assert record["seeds"] == {"training": 3, "split": 13}
    assert record["data"]["split"]["signature"] == toy_data.signature
    assert record["rows"] == {
        corpus: dict(Counter(rows.part[rows.corpus == corpus].tolist()))
        for corpus in dict.fromkeys(rows.corpus.tolist())
    }
    assert record["code"]["version"] == __version__
    assert record["environment"]["libraries"]["numpy"] == np.__version__
    assert "pytest" not in record["environment"]["libraries"]  # by which nothing is trained
    (start,) = record["starts"]
    assert (start["status"], start["resumed"]) == ("finished", False)
    assert len((folder / "log.txt").read_text().splitlines()) > 3
    with (folder / "cross-validation.csv").open() as file:
        rows = list(csv.DictReader(file))
    chosen = json.loads((baseline_run / "manifest.json").read_text())["settings"]
    for name in toys.SIGNALS:
        (one,) = [row for row in rows if row["signal"] == name and row["chosen"] == "1"]
        assert float(one["c"]) == chosen[name]["c"]
        score = float(one["average_precision"])
        assert score == pytest.approx(chosen[name]["cv_average_precision"], abs=1e-4)
    assert {(float(row["c"]), row["mix"]) for row in rows} == {(1.0, "words"), (0.1, "words")}
    assert set(record["figures"]) == {f"cv_average_precision.{name}" for name in toys.SIGNALS}


def test_the_same_seed_gives_the_same_bytes(baseline_run, toy_data, tmp_path) -> None:
    train_baseline(toy_data, tmp_path / "again", RECIPE.baseline, 3, name="baseline-toy")
    files, again = (
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (baseline_run, tmp_path / "again")
    )
    assert again == files


def test_bad_input_leaves_no_folder(tmp_path, toy_data) -> None:
    with pytest.raises(TrainingError, match="bad"), begun(tmp_path / "b", toy_data):
        raise TrainingError("bad")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "stopped"), (ZeroDivisionError, "failed")]
)
def test_how_a_run_ends_is_written_down(tmp_path, toy_data, error, status) -> None:
    with pytest.raises(error), begun(tmp_path / "b", toy_data):
        raise error
    record = record_of(tmp_path / "b")
    assert record["status"] == record["starts"][-1]["status"] == status


def checkpoint(output: Path) -> Path:
    """Leave a checkpoint as a run that is killed does."""
    folder = output.with_name(output.name + ".run") / "checkpoint"
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(b"kept")
    return folder / "checkpoint.safetensors"


def test_a_killed_run_resumes_in_its_folder(tmp_path, toy_data) -> None:
    output = tmp_path / "b"
    first = begun(output, toy_data)  # and never ends
    first.curves(20, {"loss": 2.0})
    first.curves(40, {"loss": 1.0})
    kept, targets = checkpoint(output), first.folder / "targets"
    targets.mkdir()
    with begun(output, toy_data) as second:
        assert second.resumed
        second.curves(30, {"loss": 1.5})
    assert kept.exists()
    assert targets.exists()
    assert [line["step"] for line in read_curves(second.curves.path)] == [20, 30]
    assert [start["resumed"] for start in record_of(output)["starts"]] == [False, True]
    with begun(output, toy_data, RECIPE.changed(seed=4)) as another:  # since that one is done
        assert not another.resumed
    assert read_curves(another.curves.path) == []
    assert not targets.exists()


def test_an_unfinished_run_of_something_else_is_refused(tmp_path, toy_data) -> None:
    output = tmp_path / "b"
    begun(output, toy_data)
    kept = checkpoint(output)
    before = record_of(output)
    for recipe, rows in (
        (RECIPE.changed(seed=4), toy_data),
        (RECIPE, replace(toy_data, signature="1" * 64)),
        (RECIPE.changed(weights={"claim": 2.0}), toy_data),
    ):
        with pytest.raises(TrainingError, match="another recipe or other data, which isn't done"):
            begun(output, rows, recipe)
    assert kept.exists()
    assert record_of(output) == before


def test_what_is_no_runs_folder_is_left_alone(tmp_path, toy_data) -> None:
    folder = tmp_path / "b.run"
    folder.mkdir()
    check_run_folder(tmp_path / "b")  # empty: it may be
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="not the folder of a run; choose another --output"):
        begun(tmp_path / "b", toy_data)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_added_articles_are_kept_by_part(tmp_path) -> None:
    mine, rows = toys.write_exchange(tmp_path / "mine.jsonl", 12), toys.examples(11)
    names = np.array([f"added/{name.removeprefix('toy/')}" for name in rows.article.tolist()])
    parts = {"added/3": "test", "added/5": "validation", "added/7": "unseen_outlet"}
    part = np.array([parts.get(name, "train") for name in names.tolist()])
    rows = replace(rows, article=names, corpus=np.full(len(names), "added"), part=part)
    data = Data(rows, ("added",), 13, "0" * 64, added={"mine.jsonl": "1" * 64})
    with begun(tmp_path / "b", data, added=[mine]) as run:
        folder = run.folder / "added"
    found = {path.stem: list(read_exchange(path)) for path in folder.iterdir()}
    kept = {"test": {"3"}, "validation": {"5"}, "unseen_outlet": {"7"}}
    kept["removed"] = {"11"}  # of which no row was left
    kept["train"] = {str(n) for n in range(11)} - {"3", "5", "7"}
    assert {part: {one.id for one in articles} for part, articles in found.items()} == kept
    given = {one.id: one for one in read_exchange(mine)}
    assert all(one == given[one.id] for articles in found.values() for one in articles)
    assert record_of(tmp_path / "b")["added"]["articles"]["train"] == 8


def test_a_line_that_was_cut_off_and_nan_are_left_out(tmp_path) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    LearningCurves(path)(2, {"loss": 1.0, "validation_loss": float("nan")})
    assert read_curves(path) == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]


@pytest.mark.slow
def test_curves_go_on_in_tensorboard_and_in_mlflow(tmp_path, toy_data) -> None:
    from mlflow import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    output, track = tmp_path / "b", tuple(Track)
    first = begun(output, toy_data, track=track)
    for step in (20, 40):
        first.curves(step, {"loss": 100 / step})
    for tracker in first.curves.trackers:  # as they are written while a run lasts
        if hasattr(tracker, "_writer"):
            tracker._writer.flush()
    checkpoint(output)
    with begun(output, toy_data, track=track) as second:
        for step in (40, 60):
            second.curves(step, {"loss": 100 / step})
        second.figures["int8_agreement"] = 0.5
    wanted = [(20, 5.0), (40, 2.5), (60, pytest.approx(100 / 60))]
    found = EventAccumulator(str(second.folder / "tensorboard"))
    found.Reload()
    assert found.Tags()["scalars"] == ["loss"]
    assert [(one.step, one.value) for one in found.Scalars("loss")] == wanted

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("framescope").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == wanted
    assert run.info.status == "FINISHED"
    assert run.data.metrics["int8_agreement"] == 0.5
    assert (run.data.params["seed"], run.data.params["baseline.folds"]) == ("3", "3")
    kept = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert kept == {"recipe.toml", "run.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"b.run", "mlflow.db", "mlflow-artifacts"}
