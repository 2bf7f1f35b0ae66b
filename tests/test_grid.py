"""The command `framescope eval batch`, on invented articles and bundles made by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import toys
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError, StoppedError
from framescope.classifier.files import locked
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.tfidf import Ngrams, TfidfModel
from framescope.eval.compare.footprint import Footprint
from framescope.eval.grid import compute, parse_benchmarks
from framescope.eval.metrics import MeanPart, mean_of_figures
from framescope.eval.rows import Scores
from grids import batch, cells, labelled, table, typed, without_costs


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
    manifest = toys.MANIFEST_BY_HAND | {"name": "weaker", "signals": list(names)}
    manifest["thresholds"] = dict.fromkeys(names, 0.5)
    manifest["calibration"] = {name: [1.0, 0.0] for name in names}
    bundles.write(folder, manifest, "# Weaker\n", save_weaker)
    return folder


@pytest.fixture
def one(tmp_path) -> Path:
    return labelled(tmp_path / "one.jsonl", range(12))


@pytest.fixture
def two(tmp_path) -> Path:
    return labelled(tmp_path / "two.jsonl", range(20, 36))


@pytest.fixture(autouse=True)
def computed(monkeypatch) -> list[str]:
    """The cells that are computed, without their footprints."""
    names: list[str] = []
    cell = compute.compute_cell

    def counted(found, *given, **options):
        names.append(f"{found.bundle} on {found.benchmark}")
        return cell(found, *given, **options)

    monkeypatch.setattr(compute, "compute_cell", counted)
    monkeypatch.setattr(compute, "measure_footprint", lambda *_: Footprint(1000, 2000))
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    return names


def test_corpora_parts_and_files_are_benchmarks(tmp_path):
    mine = tmp_path / "mine.jsonl"
    found = parse_benchmarks(["house", "babe/test", str(mine), "house"])
    assert [(one.name, one.corpus, one.parts) for one in found] == [
        ("house", "house", ("test", "unseen_outlet")),
        ("babe/test", "babe", ("test",)),
        ("mine.jsonl", None, ("test",)),
    ]
    assert [one.ships for one in found] == [True, False, True]
    assert {"ptc", "house", "standoff"} <= {one.name for one in parse_benchmarks(["corpora"])}
    twice = parse_benchmarks(["house", "house/test"])
    with pytest.raises(FramescopeError, match="house/test: shares rows with house"):
        compute.GridManifest((), twice, 1, 0, False, None, "")


def test_figures_and_differences_are_those_of_a_single_run(small_bundle, weaker, one, tmp_path):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, weaker, "--benchmarks", one, "--draws", 300, "--seed", 5)
    best, other = (found["name"] for found in table(run)["bundles"])
    assert (best, other) == ("by-hand", "weaker")
    words = ("--a", small_bundle, "--b", weaker, "--data", one, "--draws", 300, "--seed", 5)
    single = json.loads(typed(*words, "--format", "json"))
    rows = {row["signal"]: row for row in single["rows"]}
    for place, name in (("a", best), ("b", other)):
        cell = cells(run)[name, "one.jsonl"]
        assert cell["data"] == single["data"]
        assert cell["digest"] == single[place]["digest"]
        assert len(cell["rows"]["test"]) == len(cell["scores"]) == 64
        assert cell["sentences"] == sum(n % 3 + 2 for n in range(12))
        assert cell["seconds"] > 0
    (benchmark,) = table(run)["benchmarks"]
    assert {found["signal"] for found in benchmark["figures"]} == {"claim", "vague_source"}
    for found in benchmark["figures"]:
        row, place = rows[found["signal"]], "a" if found["bundle"] == best else "b"
        assert found["value"] == row[place]["average_precision"]
        assert [found["low"], found["high"]] == row[f"intervals_{place}"]["average_precision"]
        for count in ("n", "n_groups", "positives"):
            assert found[count] == row[count]
        between = row["differences"]["average_precision"] if place == "b" else None
        assert found["difference"] == between


def test_the_best_comes_first_with_its_cost_on_a_page(small_bundle, weaker, one, two, tmp_path):
    run, same = tmp_path / "run", tmp_path / "same"
    shutil.copytree(small_bundle, same)
    said = batch(run, "--models", weaker, small_bundle, same, "--benchmarks", one, two)
    assert said.index("by-hand") < said.index("weaker")
    found = table(run)
    assert found["ranked_by"] == ["one.jsonl", "two.jsonl"]
    first, equal, second = found["bundles"]
    assert [one["rank"] for one in found["bundles"]] == [1, 1, 3]
    assert (first["tied"], equal["tied"], second["tied"]) == (False, True, False)
    assert first["difference"] is None
    between = second["difference"]
    assert between["value"] == pytest.approx(second["mean"]["value"] - first["mean"]["value"])
    assert between["low"] <= between["value"] <= between["high"] < 0
    means = [one["mean"]["value"] for one in first["benchmarks"].values()]
    assert first["mean"]["value"] == pytest.approx(np.mean(means))
    assert first["cost"]["bytes"] == 1000
    assert first["cost"]["seconds_per_1000_sentences"] > 0
    assert "Every figure" in (run / "index.html").read_text()
    text = (run / "table.md").read_text()
    assert all(one in text for one in ("| 1 | by-hand |", "| 1 | same |"))


def test_what_is_bad_fails_alone_and_the_others_are_computed(
    small_bundle, one, tmp_path, monkeypatch
):
    damaged = tmp_path / "damaged"
    shutil.copytree(small_bundle, damaged)
    (damaged / "weights.npz").write_bytes(b"no weights")
    broken, unlabelled = tmp_path / "broken.jsonl", tmp_path / "unlabelled.jsonl"
    broken.write_text("{no json\n")
    unlabelled.write_text(json.dumps({"id": "a", "text": "The ferry left Orrin."}) + "\n")
    defect = labelled(tmp_path / "defect.jsonl", range(3))
    cell = compute.compute_cell

    def failing(found, *given, **options):
        if found.benchmark == "defect.jsonl":
            raise ZeroDivisionError("by nought")
        return cell(found, *given, **options)

    monkeypatch.setattr(compute, "compute_cell", failing)
    run = tmp_path / "run"
    said = batch(
        run, "--models", damaged, small_bundle, tmp_path / "none",
        "--benchmarks", broken, one, unlabelled, defect, "nothing", "babe", status=1,
    )  # fmt: skip
    assert "18 of 18 cells computed now; 17 failed" in said
    why = {(one["bundle"], one["benchmark"]): one["why"] for one in table(run)["failed"]}
    assert "digest differs" in why["damaged", "one.jsonl"]
    assert "no such bundle" in why["none", "one.jsonl"]
    assert "broken.jsonl, line 1" in why["by-hand", "broken.jsonl"]
    assert "no row of part test is labelled" in why["by-hand", "unlabelled.jsonl"]
    assert why["by-hand", "defect.jsonl"] == "ZeroDivisionError: by nought"
    assert "no such file, and no corpus" in why["by-hand", "nothing"]
    assert "pass --corpora DIR" in why["by-hand", "babe"]
    assert [found["rank"] for found in table(run)["bundles"]] == [1, None, None]
    assert table(run)["ranked_by"] == ["one.jsonl"]


def test_what_failed_is_tried_again_and_dropped_when_not_named(
    small_bundle, tmp_path, one, computed
):
    late, run = tmp_path / "late", tmp_path / "run"
    batch(run, "--models", small_bundle, late, tmp_path / "none", "--benchmarks", one, status=1)
    shutil.copytree(small_bundle, late)
    computed.clear()
    batch(run, "--resume", "--models", late)
    assert computed == ["late on one.jsonl"]
    assert [found["name"] for found in table(run)["bundles"]] == ["by-hand", "late"]


def test_a_run_that_was_stopped_is_resumed_and_broken_cells_are_computed_again(
    small_bundle, weaker, one, two, tmp_path, computed, monkeypatch
):
    words = ("--models", small_bundle, weaker, "--benchmarks", one, two)
    batch(tmp_path / "whole", *words)
    computed.clear()
    cell, run = compute.compute_cell, tmp_path / "run"

    def stopped(*given, **options):
        if len(computed) == 2:
            raise KeyboardInterrupt
        return cell(*given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(compute, "compute_cell", stopped)
        with pytest.raises(StoppedError, match=r"2 of 4 cells computed; resume .* --resume") as e:
            batch(run, *words)
    assert e.value.status == 130
    assert not (run / "table.json").exists()
    computed.clear()
    (broken,) = run.glob("cells/by-hand-one*.npz")
    broken.write_bytes(broken.read_bytes()[:-40])
    batch(run, *words, "--resume")
    assert computed == ["by-hand on one.jsonl", "weaker on one.jsonl", "weaker on two.jsonl"]
    assert without_costs(run) == without_costs(tmp_path / "whole")
    computed.clear()
    batch(run, "--resume")
    assert computed == []


def test_a_run_is_extended_without_computing_the_old_again(
    small_bundle, weaker, one, two, tmp_path, computed
):
    run = tmp_path / "run"
    batch(run, "--models", small_bundle, "--benchmarks", one)
    kept = {path: path.read_bytes() for path in run.glob("cells/*")}
    computed.clear()
    batch(run, "--resume", "--models", weaker)
    assert computed == ["weaker on one.jsonl"]
    batch(run, "--resume", "--benchmarks", two)
    assert computed[1:] == ["by-hand on two.jsonl", "weaker on two.jsonl"]
    assert {path: path.read_bytes() for path in kept} == kept
    batch(tmp_path / "whole", "--models", small_bundle, weaker, "--benchmarks", one, two)
    assert without_costs(run) == without_costs(tmp_path / "whole")


def refused(run: Path, *words: object, match: str) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(FramescopeError, match=match) as error:
        batch(run, *words)
    assert "\n" not in str(error.value)
    after = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert {**after, run / ".lock": b""} == {**before, run / ".lock": b""}


def test_what_differs_from_the_run_is_refused_and_nothing_is_changed(small_bundle, one, tmp_path):
    run, copy = tmp_path / "run", tmp_path / "copy"
    shutil.copytree(small_bundle, copy)
    words = ("--models", copy, "--benchmarks", one)
    batch(run, *words)
    refused(run, *words, match="resume or extend it with --resume")
    refused(run, "--resume", "--draws", 500, match="--draws 2000, now 500")
    refused(run, "--resume", "--seed", 3, match="--seed 0, now 3")
    refused(run, "--resume", "--allow-seen", match="--allow-seen False, now True")
    with locked(run / ".lock"):
        refused(run, "--resume", match="another process is computing it")
    manifest = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(manifest.replace("0.5", "0.25"))
    refused(run, "--resume", match="copy: has changed since")
    (copy / "manifest.json").write_text(manifest)
    one.write_text(one.read_text().replace("ferry", "tram"))
    refused(run, "--resume", match=r"one\.jsonl: has changed since")
    one.unlink()
    refused(run, "--resume", match=r"one\.jsonl: is no longer there")
    path = run / "manifest.json"
    whole = path.read_text()
    for text, match in (
        (whole.replace('"format": 4', '"format": 9'), "was written by framescope"),
        (whole.replace('"seed"', '"sead"'), "is damaged"),
        (whole[:50], "is damaged"),
    ):
        path.write_text(text)
        refused(run, "--resume", match=match)


def part(seed: int, groups: int = 12, skill: float = 0.3) -> MeanPart:
    rng = np.random.default_rng(seed)
    truth = rng.random(6 * groups) < 0.4
    proba = (rng.random(len(truth)) * 0.6 + skill * truth).astype(np.float32)
    return MeanPart("average_precision", truth, np.repeat(np.arange(groups), 6), Scores(proba, 0.5))


def test_differences_of_means_are_paired_draw_by_draw():
    better = [part(1, skill=0.35), part(2, skill=0.35)]
    a, b = (mean_of_figures(parts, 400, 0) for parts in ([part(1), part(2)], better))
    none = a.less(a)
    assert (none.value, none.low, none.high) == (0, 0, 0)
    between, own = b.less(a), b.estimate()
    assert between.value == pytest.approx(b.value - a.value)
    assert 0 < between.high - between.low < own.high - own.low
