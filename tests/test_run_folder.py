"""What a training leaves beside its bundle, and that one which was killed goes on."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
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
from framescope.classifier.errors import FramescopeError, TrainingError
from framescope.training import Track
from framescope.training.corpora import read_exchange
from framescope.training.data import Data, Examples
from framescope.training.recipes import Recipe
from framescope.training.runs import TrainingRun, check_run_folder, make_baseline, need_tracker
from framescope.training.runs.curves import LearningCurves, read_curves
from framescope.training.runs.environment import code, environment, peak_memory
from framescope.training.runs.run_folder import lessons_of

RECIPE = Recipe("toy", ["house"], seed=3, baseline={"strengths": [1.0, 0.1], "mixes": ["words"]})
QUICK = """
corpora = ["house"]
encoder = "{encoder}"
epochs = 6
[transformer]
learning_rate = 2e-3
head_learning_rate = 1e-2
batch_tokens = 128
max_tokens = 64
patience = 6
"""


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(toys.examples(), ("exchange",), 13, "0" * 64)


def begun(output: Path, data: Data, recipe: Recipe = RECIPE, **more: Any) -> TrainingRun:
    return TrainingRun.begin(output, "baseline", recipe, data, options={}, **more)


def record_of(output: Path) -> dict[str, Any]:
    return json.loads((output.with_name(output.name + ".run") / "run.json").read_text())


# --- what shaped it -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def baseline_run(tmp_path_factory, data) -> Path:
    """The bundle of a baseline that was made with its run's folder beside it."""
    output = tmp_path_factory.mktemp("run") / "bundle"
    with begun(output, data) as run:
        make_baseline(data, output, 3, run.log, RECIPE.baseline, run, "baseline-toy")
    return output


def test_all_that_shaped_a_run_is_written_down(baseline_run, data) -> None:
    folder = baseline_run.with_name("bundle.run")
    assert tomllib.loads((folder / "recipe.toml").read_text()) == RECIPE.to_record()
    record = record_of(baseline_run)
    assert record["status"] == "finished"
    assert record["seeds"] == {"training": 3, "split": 13}
    assert record["data"]["split"]["signature"] == data.signature
    assert record["rows"] == {
        corpus: dict(Counter(data.examples.part[data.examples.corpus == corpus].tolist()))
        for corpus in dict.fromkeys(data.examples.corpus.tolist())
    }
    assert record["code"]["version"] == __version__
    (start,) = record["starts"]
    assert start["status"] == "finished"
    assert not start["resumed"]
    assert 50 < start["peak_memory_mb"] < 4000
    assert len((folder / "log.txt").read_text().splitlines()) > 3


def test_what_was_tried_is_a_table(baseline_run, data) -> None:
    with (baseline_run.with_name("bundle.run") / "cross-validation.csv").open() as file:
        rows = list(csv.DictReader(file))
    chosen = json.loads((baseline_run / "manifest.json").read_text())["settings"]
    assert {row["signal"] for row in rows} == set(toys.SIGNALS)
    for name in toys.SIGNALS:
        (one,) = [row for row in rows if row["signal"] == name and row["chosen"] == "1"]
        assert float(one["c"]) == chosen[name]["c"]
        score = float(one["average_precision"])
        assert score == pytest.approx(chosen[name]["cv_average_precision"], abs=1e-4)
    assert {float(row["c"]) for row in rows} == {1.0, 0.1}
    assert {row["mix"] for row in rows} == {"words"}
    figures = record_of(baseline_run)["figures"]
    assert set(figures) == {f"cv_average_precision.{name}" for name in toys.SIGNALS}


def test_code_and_machine_are_named() -> None:
    assert code()["version"] == __version__
    if "commit" in code():
        assert re.fullmatch(r"[0-9a-f]{40}", code()["commit"])
    found = environment()
    assert found["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}.")
    assert found["libraries"]["numpy"] == np.__version__
    assert "pytest" not in found["libraries"]  # by which nothing is trained
    assert found["cores"] >= 1


@pytest.mark.slow
def test_memory_grows_with_what_is_held() -> None:
    if peak_memory() is None:
        pytest.skip("nobody says how much memory a process held")
    lines = (
        "import numpy as np; from framescope.training.runs.environment import peak_memory as peak",
        "before = peak(); held = np.ones(300_000_000, np.uint8); held = None",
        "print(peak() - before)",
    )
    grown = subprocess.run(
        [sys.executable, "-c", "; ".join(lines)], capture_output=True, text=True, check=True
    )
    assert 250e6 < int(grown.stdout) < 350e6


# --- a baseline is the same again -----------------------------------------------------------------


def test_the_same_again_is_the_same_bytes(baseline_run, data, tmp_path) -> None:
    make_baseline(data, tmp_path / "b", 3, lambda _: None, RECIPE.baseline, name="baseline-toy")
    files = {path.name: path.read_bytes() for path in baseline_run.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()} == files
    assert {"manifest.json", "README.md", "weights.npz"} <= files.keys()


def test_another_seed_is_another_manifest(baseline_run, data, tmp_path) -> None:
    make_baseline(data, tmp_path / "b", 4, lambda _: None, RECIPE.baseline, name="baseline-toy")
    name = "manifest.json"
    assert (tmp_path / "b" / name).read_bytes() != (baseline_run / name).read_bytes()


# --- how it ends ----------------------------------------------------------------------------------


def test_bad_input_leaves_no_folder(tmp_path, data) -> None:
    with pytest.raises(TrainingError, match="bad"), begun(tmp_path / "b", data):
        raise TrainingError("bad")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "stopped"), (ZeroDivisionError, "failed")]
)
def test_how_a_run_ends_is_written_down(tmp_path, data, error, status) -> None:
    with pytest.raises(error), begun(tmp_path / "b", data):
        raise error
    record = record_of(tmp_path / "b")
    assert record["status"] == record["starts"][-1]["status"] == status


def checkpoint(output: Path) -> Path:
    """Leave a checkpoint as a run that is killed does."""
    folder = output.with_name(output.name + ".run") / "checkpoint"
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(b"kept")
    return folder / "checkpoint.safetensors"


def test_a_run_that_was_killed_goes_on_in_its_folder(tmp_path, data) -> None:
    output = tmp_path / "b"
    first = begun(output, data)  # and never ends
    first.curves(20, {"loss": 2.0})
    first.curves(40, {"loss": 1.0})
    kept = checkpoint(output)
    with begun(output, data) as second:
        assert second.resumed
        second.curves(30, {"loss": 1.5})
    assert kept.exists()
    assert [line["step"] for line in read_curves(second.curves.path)] == [20, 30]
    assert [start["resumed"] for start in record_of(output)["starts"]] == [False, True]


def test_what_was_made_before_the_first_checkpoint_is_kept(tmp_path, data) -> None:
    asked = lessons_of(tmp_path / "b")
    begun(tmp_path / "b", data)
    asked.mkdir()
    assert begun(tmp_path / "b", data).resumed
    assert asked.exists()
    assert not begun(tmp_path / "b", data, replace(RECIPE, seed=4)).resumed
    assert not asked.exists()


def test_a_run_of_something_else_that_is_not_done_is_refused(tmp_path, data) -> None:
    output = tmp_path / "b"
    begun(output, data)
    kept = checkpoint(output)
    before = record_of(output)
    for recipe, rows in (
        (replace(RECIPE, seed=4), data),
        (RECIPE, replace(data, signature="1" * 64)),
        (replace(RECIPE, weights={"claim": 2.0}), data),
    ):
        with pytest.raises(TrainingError, match="another recipe or other data, which isn't done"):
            begun(output, rows, recipe)
    assert kept.exists()
    assert record_of(output) == before


def test_a_run_that_is_done_makes_place(tmp_path, data) -> None:
    output = tmp_path / "b"
    with begun(output, data) as run:
        run.curves(20, {"loss": 2.0})
    with begun(output, data, replace(RECIPE, seed=4)) as again:
        assert not again.resumed
    assert read_curves(again.curves.path) == []
    assert record_of(output)["seeds"]["training"] == 4


def test_what_is_no_runs_folder_is_left_alone(tmp_path, data) -> None:
    folder = tmp_path / "b.run"
    folder.mkdir()
    check_run_folder(tmp_path / "b")  # empty: it may be
    (folder / "notes.txt").write_text("mine")
    for make in (check_run_folder, lambda output: begun(output, data)):
        with pytest.raises(TrainingError, match="not the folder of a run; choose another --output"):
            make(tmp_path / "b")
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (tmp_path / "c.run").write_text("a file")
    with pytest.raises(TrainingError, match="not the folder of a run"):
        check_run_folder(tmp_path / "c")


# --- what was added -------------------------------------------------------------------------------


def added(rows: Examples, parts: dict[str, str]) -> Data:
    """Rows of the toy articles as those of files that were added, in these parts."""
    names = np.array([f"added/{name.removeprefix('toy/')}" for name in rows.article.tolist()])
    return Data(
        replace(
            rows,
            article=names,
            corpus=np.full(len(names), "added"),
            part=np.array([parts.get(name, "train") for name in names.tolist()]),
        ),
        ("added",),
        13,
        "0" * 64,
        added={"mine.jsonl": "1" * 64},
    )


def test_what_was_added_is_kept_by_part(tmp_path) -> None:
    mine = toys.write_exchange(tmp_path / "mine.jsonl", 12)
    parts = {"added/3": "test", "added/5": "validation", "added/7": "unseen_outlet"}
    of_file = added(toys.examples(11), parts)  # of the twelfth no row was left
    with begun(tmp_path / "b", of_file, added=[mine]) as run:
        folder = run.folder / "added"
    ids = {path.stem: {one.id for one in read_exchange(path)} for path in folder.iterdir()}
    assert ids == {
        "train": {str(n) for n in range(11)} - {"3", "5", "7"},
        "test": {"3"},
        "validation": {"5"},
        "unseen_outlet": {"7"},
        "removed": {"11"},
    }
    given = {one.id: one for one in read_exchange(mine)}
    for path in folder.iterdir():
        assert all(one == given[one.id] for one in read_exchange(path))
    assert record_of(tmp_path / "b")["added"]["articles"]["train"] == 8


# --- curves ---------------------------------------------------------------------------------------


def test_a_line_that_was_cut_off_and_what_is_no_number_are_left_out(tmp_path) -> None:
    path = tmp_path / "curves.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    LearningCurves(path)(2, {"loss": 1.0, "validation_loss": float("nan")})
    assert read_curves(path) == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]


def test_a_tracker_that_is_not_installed_says_how_to_get_it(monkeypatch) -> None:
    for track in Track:
        monkeypatch.setitem(sys.modules, track.value, None)
        with pytest.raises(FramescopeError, match=rf"{track} needs {track}; type: pip install"):
            need_tracker(track)


def curves_of_tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    names = found.Tags()["scalars"]
    return {name: [(one.step, one.value) for one in found.Scalars(name)] for name in names}


@pytest.mark.slow
def test_curves_go_on_in_tensorboard_and_in_mlflow(tmp_path, data) -> None:
    from mlflow import MlflowClient

    output, track = tmp_path / "b", tuple(Track)
    first = begun(output, data, track=track)
    for step in (20, 40):
        first.curves(step, {"loss": 100 / step})
    for tracker in first.curves.trackers:  # as they are written while a run lasts
        if hasattr(tracker, "_writer"):
            tracker._writer.flush()
    checkpoint(output)
    with begun(output, data, track=track) as second:
        for step in (40, 60):
            second.curves(step, {"loss": 100 / step})
        second.figures["validation"] = 0.5
    wanted = [(20, 5.0), (40, 2.5), (60, pytest.approx(100 / 60))]
    found = curves_of_tensorboard(second.folder / "tensorboard")
    assert found == {"loss": wanted}

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("framescope").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == wanted
    assert run.info.status == "FINISHED"
    assert run.data.metrics["validation"] == 0.5
    assert run.data.params["seed"] == "3"
    kept = {one.path for one in client.list_artifacts(run.info.run_id)}
    assert kept == {"recipe.toml", "run.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"b.run", "mlflow.db", "mlflow-artifacts"}


@pytest.mark.slow
def test_a_store_that_is_none_is_one_line(tmp_path, data) -> None:
    (tmp_path / "mlflow.db").write_text("no database, but a text that is long enough " * 99)
    with pytest.raises(TrainingError) as raised:
        begun(tmp_path / "b", data, track=(Track.MLFLOW,))
    assert "mlflow.db: no store that MLflow can write to (" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "b.run").exists()


# --- a kill ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_that_is_killed_ends_as_one_that_is_not(tmp_path, encoder, monkeypatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    mine = toys.write_exchange(tmp_path / "mine.jsonl", 60)
    recipe = tmp_path / "quick.toml"
    recipe.write_text(QUICK.format(encoder=encoder))

    def started(output: Path) -> subprocess.Popen[str]:
        words = ["train", "transformer", "--data", mine, "--recipe", recipe, "--output", output]
        line = [sys.executable, "-m", "framescope", *map(str, words)]
        return subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    process = started(whole)
    said = process.communicate()[1]
    assert process.returncode == 0, said

    process = started(broken)
    assert process.stderr is not None
    for line in process.stderr:
        if re.match(r"fine-tuning, loss .*: 100 of", line):
            process.kill()
            break
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert record_of(broken)["status"] == "running"
    kept = list((tmp_path / "broken.run" / "checkpoint").glob("*.safetensors"))
    assert len(kept) == 1

    process = started(broken)
    said = process.communicate()[1]
    assert process.returncode == 0, said
    assert "going on with the run in" in said
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert {path.name: path.read_bytes() for path in broken.iterdir()} == files
    curves = [read_curves(tmp_path / f"{one}.run" / "curves.jsonl") for one in ("whole", "broken")]
    assert curves[0] == curves[1]
    assert len([line for line in curves[0] if "validation_loss" in line]) == 6
    record = record_of(broken)
    assert record["status"] == "finished"
    assert [start["resumed"] for start in record["starts"]] == [False, True]
    assert not kept[0].exists()
    assert record["starts"][-1]["peak_memory_mb"] < 4000
