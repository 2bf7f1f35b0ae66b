"""The command `framescope eval batch`, on invented articles and bundles made by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import toys
from framescope.classifier import bundles
from framescope.classifier.errors import StoppedError
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.ngrams import Ngrams
from framescope.classifier.models.tfidf import TfidfModel
from framescope.eval.compare import Footprint
from framescope.eval.grid import judging
from framescope.eval.grid.asked import GridError
from framescope.eval.grid.kept import GridFolder
from grids import article, batch, cells, labelled, table, typed, without_costs


def save_weaker(folder: Path) -> None:
    """Write a model that takes "the" for a claim and "observers" for a source."""
    words = Ngrams("word", 1, 1, ("crowns", "observers", "the"), np.ones(3, np.float32))
    weights = np.zeros((2, 3))
    weights[0, 2] = weights[1, 1] = 3.0
    names = ("claim", "vague_source")
    TfidfModel(names, (words,), weights, np.full(2, -1.0), Calibration.identity(names)).save(folder)


@pytest.fixture(scope="module")
def weaker(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "weaker"
    names = ("claim", "vague_source")
    manifest = {
        **toys.MANIFEST_BY_HAND,
        "name": "weaker",
        "signals": list(names),
        "thresholds": dict.fromkeys(names, 0.5),
        "calibration": {name: [1.0, 0.0] for name in names},
    }
    bundles.write(folder, manifest, "# Weaker\n", save_weaker)
    return folder


@pytest.fixture
def one(tmp_path) -> Path:
    return labelled(tmp_path / "one.jsonl", range(12))


@pytest.fixture
def two(tmp_path) -> Path:
    return labelled(tmp_path / "two.jsonl", range(20, 36))


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch):
    monkeypatch.setattr(judging, "measure_footprint", lambda *_: Footprint(1000, 2000))
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """The cells that are computed, as they are."""
    names: list[str] = []
    cell = judging.Judge.cell

    def counted(self, name, benchmark, *others):
        names.append(f"{name} on {benchmark.name}")
        return cell(self, name, benchmark, *others)

    monkeypatch.setattr(judging.Judge, "cell", counted)
    return names


# --- what it computes ----------------------------------------------------------------------------


def test_figures_and_differences_are_those_of_a_single_run(small_bundle, weaker, one, tmp_path):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, weaker, "--benchmarks", one, "--draws", 300, "--seed", 5)
    best, other = (found["name"] for found in table(run)["bundles"])
    assert (best, other) == ("by-hand", "weaker")
    single = json.loads(
        typed("run", "--a", small_bundle, "--b", weaker, "--data", one, "--draws", 300,
              "--seed", 5, "--format", "json")
    )  # fmt: skip
    rows = {row["signal"]: row for row in single["rows"]}
    assert set(rows) == {"claim", "vague_source"}
    for place, name in (("a", best), ("b", other)):
        cell = cells(run)[name, "one.jsonl"]
        assert cell["data"] == single["data"]
        assert cell["digest"] == single[place]["digest"]
        for found in cell["figures"]:
            row = rows[found["signal"]]
            assert found["figures"] == row[place]
            intervals = {name: [i["low"], i["high"]] for name, i in found["intervals"].items()}
            assert intervals == row[f"intervals_{place}"]
            for count in ("part", "n", "n_groups", "positives"):
                assert found[count] == row[count]
    (benchmark,) = table(run)["benchmarks"]
    held = [found for found in benchmark["figures"] if found["bundle"] == other]
    assert len(held) == 2
    for found in held:
        between = rows[found["signal"]]["differences"]["average_precision"]
        assert found["difference"] == between
    assert any(found["difference"]["value"] < 0 for found in held)


def test_a_cell_has_its_record(small_bundle, one, tmp_path):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, "--benchmarks", one)
    cell = cells(run)["by-hand", "one.jsonl"]
    loaded = bundles.load(small_bundle)
    assert cell["digest"] == loaded.digest
    assert cell["runtime"] == loaded.runtime
    assert (cell["draws"], cell["seed"], cell["framescope"]) == (2000, 0, "0.3.0")
    assert len(cell["rows"]["test"]) == len(cell["scores"]) == len(cell["code"]) == 64
    assert cell["sentences"] == sum(n % 3 + 2 for n in range(12))
    assert cell["seconds"] > 0
    assert (cell["disk"], cell["memory"]) == (1000, 2000)


def test_the_best_comes_first_with_its_cost_on_a_page_of_its_own(
    small_bundle, weaker, one, two, tmp_path
):
    run = tmp_path / "run"
    said = batch(run, "--models", weaker, small_bundle, "--benchmarks", one, two)
    assert said.index("by-hand") < said.index("weaker")
    found = table(run)
    assert found["ranked_by"] == ["one.jsonl", "two.jsonl"]
    first, second = found["bundles"]
    assert (first["rank"], second["rank"]) == (1, 2)
    assert first["difference"] is None
    between = second["difference"]
    assert between["value"] == pytest.approx(second["mean"]["value"] - first["mean"]["value"])
    assert between["low"] <= between["value"] <= between["high"] < 0
    means = [one["mean"]["value"] for one in first["benchmarks"].values()]
    assert first["mean"]["value"] == pytest.approx(np.mean(means))
    assert first["cost"]["bytes"] == 1000
    assert first["cost"]["seconds_per_1000_sentences"] > 0
    page = (run / "index.html").read_text()
    for part in ("Best first", "Cost beside quality", "Every figure", "prefers-color-scheme: dark"):
        assert part in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "<script" not in page
    assert "| 1 | by-hand |" in (run / "table.md").read_text()


def test_bundles_are_ranked_by_the_signals_that_all_of_them_give(
    small_bundle, weaker, one, tmp_path
):
    record = article(40)
    record["labels"] = {"hyperpartisan": 1}
    with one.open("a") as file:
        file.write(json.dumps(record) + "\n")
        file.write(json.dumps({**article(41), "labels": {"hyperpartisan": 0}}) + "\n")
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, weaker, "--benchmarks", one)
    (benchmark,) = table(run)["benchmarks"]
    assert benchmark["signals_in_the_mean"] == ["claim", "vague_source"]
    (alone,) = (f for f in benchmark["figures"] if f["signal"] == "hyperpartisan")
    assert (alone["bundle"], alone["n"], alone["difference"]) == ("by-hand", 2, None)


def test_an_option_takes_several_words_or_is_repeated(small_bundle, weaker, one, two, tmp_path):
    batch(tmp_path / "a", "--models", small_bundle, weaker, "--benchmarks", one, two)
    batch(
        tmp_path / "b", "--models", small_bundle, "--benchmarks", one, "--models", weaker,
        "--benchmarks", two,
    )  # fmt: skip
    assert without_costs(tmp_path / "a") == without_costs(tmp_path / "b")


# --- what fails ----------------------------------------------------------------------------------


def test_what_is_bad_fails_by_itself_and_the_others_go_on(small_bundle, one, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(small_bundle, damaged)
    (damaged / "weights.npz").write_bytes(b"no weights")
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{no json\n")
    unlabelled = tmp_path / "unlabelled.jsonl"
    unlabelled.write_text(json.dumps({"id": "a", "text": "The ferry left Orrin."}) + "\n")
    run = tmp_path / "run"
    said = batch(
        run, "--models", damaged, small_bundle, tmp_path / "none",
        "--benchmarks", broken, one, unlabelled, "nothing", "babe", status=1,
    )  # fmt: skip
    assert "15 of 15 cells computed now; 14 failed" in said
    why = {(one["bundle"], one["benchmark"]): one["why"] for one in table(run)["failed"]}
    assert len(why) == 14
    assert "digest differs" in why["damaged", "one.jsonl"]
    assert "no such bundle" in why["none", "one.jsonl"]
    assert "broken.jsonl, line 1" in why["by-hand", "broken.jsonl"]
    assert "no row of part test is labelled" in why["by-hand", "unlabelled.jsonl"]
    assert "no such file, and no corpus" in why["by-hand", "nothing"]
    assert "pass --corpora DIR" in why["by-hand", "babe"]
    assert [found["rank"] for found in table(run)["bundles"]] == [1, None, None]
    assert table(run)["ranked_by"] == ["one.jsonl"]


def test_a_defect_of_one_cell_is_recorded_with_its_kind(
    small_bundle, one, two, tmp_path, monkeypatch
):
    cell = judging.Judge.cell

    def failing(self, name, benchmark, *others):
        if benchmark.name == "one.jsonl":
            raise ZeroDivisionError("by nought")
        return cell(self, name, benchmark, *others)

    monkeypatch.setattr(judging.Judge, "cell", failing)
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, "--benchmarks", one, two, status=1)
    (found,) = table(run)["failed"]
    assert found["why"] == "ZeroDivisionError: by nought"


def test_when_every_cell_fails_nothing_is_ranked(tmp_path, one):
    run = tmp_path / "run"
    said = batch(run, "--models", tmp_path / "none", "--benchmarks", one, status=2)
    assert "Not ranked" in said
    assert table(run)["bundles"][0]["rank"] is None
    assert "no such bundle" in (run / "index.html").read_text()


def test_what_failed_is_tried_again(small_bundle, tmp_path, one, computed):
    late = tmp_path / "late"
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, late, "--benchmarks", one, status=1)
    shutil.copytree(small_bundle, late)
    computed.clear()
    batch(run, "--resume")
    assert computed == ["late on one.jsonl"]
    assert table(run)["failed"] == []


# --- going on ------------------------------------------------------------------------------------


def test_a_run_that_was_stopped_goes_on_with_what_is_missing(
    small_bundle, weaker, one, two, tmp_path, computed, monkeypatch
):
    words = ("--models", small_bundle, weaker, "--benchmarks", one, two)
    batch(tmp_path / "whole", *words)
    computed.clear()
    cell = judging.Judge.cell

    def stopped(self, *given):
        if len(computed) == 2:
            raise KeyboardInterrupt
        return cell(self, *given)

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(judging.Judge, "cell", stopped)
        with pytest.raises(
            StoppedError, match=r"2 of 4 cells computed; go on with: .* --resume"
        ) as e:
            batch(run, *words)
    assert e.value.status == 130
    assert not (run / "table.json").exists()
    computed.clear()
    batch(run, *words, "--resume")
    assert computed == ["weaker on one.jsonl", "weaker on two.jsonl"]
    assert without_costs(run) == without_costs(tmp_path / "whole")
    computed.clear()
    batch(run, "--resume")
    assert computed == []


def test_a_cell_that_is_not_whole_is_computed_again(small_bundle, one, two, tmp_path, computed):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, "--benchmarks", one, two)
    before = without_costs(run)
    (first,) = run.glob("cells/*one*.npz")
    first.write_bytes(first.read_bytes()[:-40])
    (second,) = run.glob("cells/*two*.json")
    second.write_text(second.read_text()[:80])
    computed.clear()
    batch(run, "--resume")
    assert computed == ["by-hand on one.jsonl", "by-hand on two.jsonl"]
    assert without_costs(run) == before


def test_more_is_added_without_computing_the_old_again(
    small_bundle, weaker, one, two, tmp_path, computed
):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, "--benchmarks", one)
    kept = {path: path.read_bytes() for path in run.glob("cells/*")}
    computed.clear()
    batch(run, "--add", "--models", weaker)
    assert computed == ["weaker on one.jsonl"]
    batch(run, "--add", "--benchmarks", two)
    assert computed[1:] == ["by-hand on two.jsonl", "weaker on two.jsonl"]
    assert {path: path.read_bytes() for path in kept} == kept
    batch(tmp_path / "whole", "--models", small_bundle, weaker, "--benchmarks", one, two)
    assert without_costs(run) == without_costs(tmp_path / "whole")


def test_a_benchmark_of_the_same_name_is_added_under_its_path(small_bundle, one, tmp_path):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, "--benchmarks", one)
    (tmp_path / "b").mkdir()
    other = labelled(tmp_path / "b" / "one.jsonl", range(50, 60))
    batch(run, "--add", "--benchmarks", other)
    assert table(run)["ranked_by"] == ["one.jsonl", str(other)]


# --- what is refused -----------------------------------------------------------------------------


@pytest.fixture
def run(small_bundle, one, tmp_path) -> Path:
    path = tmp_path / "begun"
    batch(path, "--models", small_bundle, "--benchmarks", one)
    return path


def refused(run: Path, *words: object, match: str) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(GridError, match=match) as error:
        batch(run, *words)
    assert "\n" not in str(error.value)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_run_that_is_there_is_neither_begun_again_nor_written_over(run, small_bundle, one):
    refused(run, "--models", small_bundle, "--benchmarks", one, match="--resume.*--add")


def test_a_folder_of_other_things_is_left_alone(tmp_path, small_bundle, one):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    words = ("--models", small_bundle, "--benchmarks", one)
    refused(tmp_path / "notes", *words, match="holds other things")
    refused(tmp_path / "notes", *words, "--resume", match="holds no run")
    with pytest.raises(GridError, match="can't be made"):
        batch(tmp_path / "notes" / "a.txt", *words)


def test_a_new_run_needs_bundles_and_benchmarks(tmp_path, small_bundle):
    with pytest.raises(GridError, match="--models and --benchmarks"):
        batch(tmp_path / "run", "--models", small_bundle)
    assert not (tmp_path / "run").exists()


def test_a_benchmark_that_changed_is_refused(run, one, weaker):
    one.write_text(one.read_text().replace("ferry", "tram"))
    refused(run, "--resume", match=r"one\.jsonl: has changed since")
    refused(run, "--add", "--models", weaker, match=r"one\.jsonl: has changed since")
    one.unlink()
    refused(run, "--resume", match=r"one\.jsonl: is no longer there")


def test_a_bundle_that_changed_is_refused(small_bundle, one, tmp_path):
    copy, run = tmp_path / "copy", tmp_path / "run"
    shutil.copytree(small_bundle, copy)
    batch(run, "--models", copy, "--benchmarks", one)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["thresholds"]["claim"] = 0.25
    (copy / "manifest.json").write_text(json.dumps(manifest))
    refused(run, "--resume", match="copy: has changed since")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--draws", 500], "--draws 2000, now 500"),
        (["--seed", 3], "--seed 0, now 3"),
        (["--allow-other-split"], "--allow-other-split False, now True"),
    ],
)
def test_other_options_are_refused_with_what_differs(run, words, match):
    refused(run, "--resume", *words, match=match)


def test_other_bundles_than_the_run_has_are_refused(run, weaker, small_bundle, two):
    refused(run, "--resume", "--models", small_bundle, weaker, match="lacks weaker; .*--add")
    refused(run, "--resume", "--benchmarks", two, match=r"lacks two\.jsonl")


def test_a_manifest_that_is_damaged_or_newer_is_refused(run):
    path = run / "manifest.json"
    whole = path.read_text()
    path.write_text(whole.replace('"format": 1', '"format": 9'))
    refused(run, "--resume", match="which is newer")
    path.write_text(whole.replace('"seed"', '"sead"'))
    refused(run, "--resume", match="is damaged")
    path.write_text(whole[:50])
    refused(run, "--resume", match="can't be read")


def test_a_second_process_on_the_same_run_is_refused(run):
    with GridFolder(run).locked():
        refused(run, "--resume", match="another process is computing it")
    batch(run, "--resume")
