"""The gate: floors are held, raised by measuring, and lowered only with a reason."""

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
from framescope.eval.rows import BENCHMARK_BY_NAME as BY_NAME
from framescope.eval.rows import BENCHMARKS, Evaluation
from framescope.eval.rows import held_out_of_corpora as of_corpora
from framescope.eval.suite import Suite, measure_suite
from framescope.training.corpora.catalogue import CORPORA
from framescope.training.labels.agreement import agreement, passes
from framescope.training.labels.annotators import read
from harness import BAD, GOOD, ROWS, examples


def judged(model, floors=gate.Floors(), rows=ROWS):  # noqa: B008 - a value
    return gate.judge(list(gate.measured(Evaluation((model,), rows))), floors)


def test_every_benchmark_is_of_a_corpus_that_labels_its_signal_and_has_a_metric():
    assert len(BY_NAME) == len(BENCHMARKS)
    for one in BENCHMARKS:
        assert one.signal in CORPORA[one.corpus].card.signals, one.name
        assert one.metric in {metric.name for metric in METRICS}, one.name


def test_the_ceilings_of_our_own_labels_are_the_agreement_that_ships():
    found = agreement(*map(read, passes()), draws=100)
    alphas = {one.signal: one.alpha for one in found}
    ours = [one for one in BENCHMARKS if one.corpus in ("house", "standoff")]
    assert ours
    for one in ours:
        assert one.ceiling is not None
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
        assert one.ceiling is not None
        assert one.ceiling.value == pytest.approx(alphas[one.signal].alpha, abs=0.0005), one.name


def test_a_figure_over_its_floor_passes_and_one_under_it_is_missed():
    floors = gate.raised(judged(GOOD), gate.Floors())
    (same,) = judged(GOOD, floors)
    (worse,) = judged(BAD, floors)
    assert not same.missed
    assert not same.changed
    assert worse.missed
    assert worse.measured.figure.value < worse.floor


def test_an_undefined_figure_misses_its_floor():
    floors = gate.raised(judged(GOOD), gate.Floors())
    nobody = replace(ROWS, labels=np.zeros_like(ROWS.labels))
    (one,) = judged(GOOD, floors, nobody)
    assert np.isnan(one.measured.figure.value)
    assert one.missed
    assert one.changed


def test_other_rows_or_other_labels_are_another_benchmark():
    floors = gate.raised(judged(GOOD), gate.Floors())
    (fewer,) = judged(GOOD, floors, ROWS.where(ROWS.article != "claimbuster/1"))
    assert fewer.changed
    labels = ROWS.labels.copy()
    labels[5, 0] = 1 - labels[5, 0]
    (relabelled,) = judged(GOOD, floors, replace(ROWS, labels=labels))
    assert relabelled.changed


def test_a_better_bundle_raises_the_floor():
    low = gate.raised(judged(BAD), gate.Floors())
    high = gate.raised(judged(GOOD, low), low)
    name = "claimbuster/test/claim"
    assert high.floors[name]["floor"] > low.floors[name]["floor"]
    assert high.regressions == ()


def test_a_floor_is_lowered_only_with_a_reason_that_is_kept(tmp_path):
    high = gate.raised(judged(GOOD), gate.Floors())
    with pytest.raises(gate.GateError, match=r"claimbuster/test/claim .*--allow-regression"):
        gate.raised(judged(BAD, high), high)
    with pytest.raises(gate.GateError, match="not lowered: ptc/test/doubt"):
        gate.raised(judged(GOOD, high), high, {"ptc/test/doubt": "for the sake of it"})
    low = gate.raised(judged(BAD, high), high, {"claimbuster/test/claim": "labels were wrong"})
    (regression,) = low.regressions
    assert regression["reason"] == "labels were wrong"
    assert regression["to"] < regression["from"]
    gate.write(low, tmp_path / "floors.json")
    assert gate.read(tmp_path / "floors.json") == low


def test_a_figure_within_the_slack_leaves_the_floor_as_it_was():
    high = gate.raised(judged(GOOD), gate.Floors())
    assert gate.raised(judged(GOOD, high), high).floors == high.floors


def test_benchmarks_with_few_positives_get_no_floor():
    few = examples(articles=8, corpus="claimbuster")
    (one,) = judged(GOOD, rows=few)
    assert one.measured.positives < 20
    assert gate.raised([one], gate.Floors()).floors == {}


def test_damaged_floors_are_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "floors.json"
    path.write_text(json.dumps({"floors": {}}))
    with pytest.raises(gate.GateError, match=r"floors\.json"):
        gate.read(path)


def signature(verdicts, suite):
    return gate.Gate(GOOD, gate.FLOORS, gate.Floors(), verdicts, suite).signature


def test_two_runs_have_one_signature_and_other_rows_another():
    one, two = judged(GOOD), judged(GOOD)
    suite = Suite("good", "1" * 64, "2" * 64, 100, 0, ())
    first = signature(one, suite)
    assert signature(two, suite) == first
    fewer = judged(GOOD, rows=ROWS.where(ROWS.article != "claimbuster/1"))
    assert signature(fewer, suite) != first
    assert signature(one, replace(suite, cases_digest="3" * 64)) != first


@pytest.mark.slow
def test_the_transformer_that_ships_passes_the_gate_on_what_ships():
    pytest.importorskip("datasets")
    shipped = bundles.load("transformer")
    rows = of_corpora(None, [shipped], allow_other_split=False).examples
    verdicts = gate.judge(list(gate.measured(Evaluation((shipped,), rows))), gate.read())
    held = [one for one in verdicts if one.floor is not None]
    assert len(held) > 10
    assert [one.measured.benchmark.name for one in held if one.changed] == []
    assert [one.measured.benchmark.name for one in held if one.missed] == []


@pytest.mark.slow
def test_the_transformer_that_ships_keeps_the_limits_of_the_behavioural_suite():
    suite = measure_suite(bundles.load("transformer"), draws=100)
    assert [result.name for result in suite.missed] == []
    limited = [result for result in suite.results if result.limits is not None]
    assert len(limited) > 10
