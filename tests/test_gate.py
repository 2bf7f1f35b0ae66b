"""The gate: floors are kept, raised by measuring, and lowered only with a reason; the card."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ceilings import of_polnear
from framescope.classifier import bundles
from framescope.classifier.outlets.registry.registry import load
from framescope.eval.metrics import METRICS
from framescope.eval.release import gate
from framescope.eval.release.gate import Floors, GateError
from framescope.eval.rows import BENCHMARK_BY_NAME, BENCHMARKS, Evaluation, held_out_of_corpora
from framescope.eval.suite import measure_suite
from framescope.training.corpora.catalogue import CORPORA
from framescope.training.labels import measure_agreement as agreement
from framescope.training.labels import passes, read_annotators
from harness import BAD, GOOD, ROWS, examples

NAME = "claimbuster/test/claim"


def measured(model, floors=Floors(), rows=ROWS, **options):  # noqa: B008 - a value
    return list(gate.measure(Evaluation((model,), rows, **options), floors))


HIGH = gate.raised(measured(GOOD), Floors(), {})


# --- floors ---------------------------------------------------------------------------------------


def test_a_figure_above_its_floor_passes_and_one_below_is_missed():
    (same,), (worse,) = measured(GOOD, HIGH), measured(BAD, HIGH)
    assert not same.missed
    assert not same.changed
    assert worse.missed
    assert worse.figure.value < worse.floor


def test_other_rows_or_other_labels_are_another_benchmark():
    (fewer,) = measured(GOOD, HIGH, ROWS.where(ROWS.article != "claimbuster/1"))
    assert fewer.changed
    (undefined,) = measured(GOOD, HIGH, replace(ROWS, labels=np.zeros_like(ROWS.labels)))
    assert undefined.changed
    assert undefined.missed
    assert np.isnan(undefined.figure.value)


def test_a_better_bundle_raises_the_floor_and_slack_leaves_it():
    low = gate.raised(measured(BAD), Floors(), {})
    high = gate.raised(measured(GOOD, low), low, {})
    assert high.floors[NAME]["floor"] > low.floors[NAME]["floor"]
    assert high.regressions == ()
    assert gate.raised(measured(GOOD, HIGH), HIGH, {}).floors == HIGH.floors
    (few,) = measured(GOOD, rows=examples(articles=8, corpus="claimbuster"))
    assert few.positives < 20
    assert gate.raised([few], Floors(), {}).floors == {}


def test_a_floor_is_lowered_only_with_a_reason_that_is_kept(tmp_path):
    with pytest.raises(GateError, match=r"claimbuster/test/claim .*--allow-regression"):
        gate.raised(measured(BAD, HIGH), HIGH, {})
    with pytest.raises(GateError, match="not lowered: ptc/test/doubt"):
        gate.raised(measured(GOOD, HIGH), HIGH, {"ptc/test/doubt": "for the sake of it"})
    low = gate.raised(measured(BAD, HIGH), HIGH, {NAME: "labels were wrong"})
    (regression,) = low.regressions
    assert regression["reason"] == "labels were wrong"
    assert regression["to"] < regression["from"]
    low.write(tmp_path / "floors.json")
    assert Floors.read(tmp_path / "floors.json") == low


def test_damaged_floors_are_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "floors.json"
    path.write_text(json.dumps({"floors": {}}))
    with pytest.raises(GateError, match=r"floors\.json"):
        Floors.read(path)


# --- the card -------------------------------------------------------------------------------------


def test_figures_are_written_into_the_manifest_and_the_card(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "a", "files": {}}))
    (tmp_path / "README.md").write_text("# A\n\n## What it can't do\n\n- Much.\n")
    checks = measured(GOOD, draws=100)
    gate.write_card(tmp_path, checks)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (one,) = manifest["metrics"]
    assert one["benchmark"] == NAME
    assert one["low"] <= one["value"] <= one["high"]
    assert (one["n"], one["groups"]) == (200, 40)
    card = (tmp_path / "README.md").read_text()
    assert gate.card_section(manifest["metrics"]) in card
    assert card.index("## How good it is") < card.index("## What it can't do")
    gate.write_card(tmp_path, checks)
    assert (tmp_path / "README.md").read_text() == card
    gate.write_card(tmp_path, [replace(checks[0], figure=gate.Estimate(np.nan))])
    assert "| undefined |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("kind", ["baseline", "transformer"])
@pytest.mark.slow
def test_the_card_that_ships_says_what_is_measured(kind):
    pytest.importorskip("datasets")
    shipped = bundles.load(kind)
    rows = held_out_of_corpora(None, [shipped], allow_other_split=False).examples
    metrics = shipped.manifest["metrics"]
    assert gate.card_section(metrics) in (shipped.path / "README.md").read_text(encoding="utf-8")
    ours = {one["benchmark"]: one for one in metrics if one["benchmark"].startswith("house/")}
    assert len(ours) > 20
    again = {one["benchmark"]: one for one in gate.card_records(measured(shipped, rows=rows))}
    assert again.keys() == ours.keys()
    for name, one in again.items():
        # Another processor's int8 rounds a little differently.
        assert one["value"] == pytest.approx(ours[name]["value"], abs=0.01), name
        assert (one["rows"], one["n"]) == (ours[name]["rows"], ours[name]["n"]), name


# --- what ships -----------------------------------------------------------------------------------


def test_every_benchmark_is_of_a_corpus_that_labels_its_signal_and_has_a_metric():
    assert len(BENCHMARK_BY_NAME) == len(BENCHMARKS)
    for one in BENCHMARKS:
        assert one.signal in CORPORA[one.corpus].card.signals, one.name
        assert one.metric in {metric.name for metric in METRICS}, one.name


def test_the_ceilings_of_our_own_labels_are_the_agreement_that_ships():
    labelled = read_annotators(passes()).values()
    found = agreement(*([one.record for one in articles] for articles in labelled), draws=1)
    alphas = {one.signal: one.alpha for one in found}
    ours = [one for one in BENCHMARKS if one.corpus in ("house", "standoff")]
    assert ours
    for one in ours:
        assert one.ceiling.value == pytest.approx(alphas[one.signal], abs=0.0005), one.name


@pytest.mark.slow
def test_the_ceilings_of_polnear_are_what_its_annotators_agree_on():
    root = os.environ.get("FRAMESCOPE_CORPORA")
    if not root or not (Path(root) / "polnear").is_dir():
        pytest.skip("needs the public corpora")
    alphas = of_polnear(Path(root), load())
    theirs = [one for one in BENCHMARKS if one.corpus == "polnear"]
    assert theirs
    for one in theirs:
        assert one.ceiling.value == pytest.approx(alphas[one.signal].alpha, abs=0.0005), one.name


@pytest.mark.slow
def test_the_transformer_that_ships_passes_the_gate_on_what_ships():
    pytest.importorskip("datasets")
    shipped = bundles.load("transformer")
    rows = held_out_of_corpora(None, [shipped], allow_other_split=False).examples
    checks = measured(shipped, Floors.read(gate.FLOORS), rows)
    held = [one for one in checks if one.floor is not None]
    assert len(held) > 10
    assert [one.benchmark.name for one in held if one.changed or one.missed] == []
    suite = measure_suite(shipped, draws=100)
    assert [result.name for result in suite.missed] == []
    assert len([result for result in suite.results if result.limits is not None]) > 10
