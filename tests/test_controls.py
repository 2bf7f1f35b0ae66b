"""Controls: predictors that don't read the text, and shuffled labels."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import typer
from framescope.eval.commands import studies as study_cli
from framescope.eval.metrics import scores as figures
from framescope.eval.rows.benchmarks import Benchmark
from framescope.eval.rows.scored import Evaluation
from framescope.eval.studies import controls
from harness import bundle, examples
from typer.testing import CliRunner

RNG = np.random.default_rng(3)
CLAIM = Benchmark("invented", "test", "claim", "sentence", "article", "macro_f1")


def outlets_of(rows):
    """Name outlets by article: four of them, one unknown."""
    number = np.array([int(article.partition("/")[2]) for article in rows.article])
    return np.array(["", "The Ferryman", "Orrin Post", "Vesk Daily"])[number // 2 % 4]


ROWS = examples(articles=60)
ROWS = replace(ROWS, outlet=outlets_of(ROWS))
A, B = bundle("a", ("claim", "hyperpartisan")), bundle("b", ("claim", "hyperpartisan"), 0.4)


def evaluation(rows=ROWS, a=A, b=B):
    return Evaluation((a, b), rows)


def checked(benchmark=CLAIM, rows=ROWS, a=A, b=B):
    (found,) = controls.run(replace(evaluation(rows, a, b), benchmarks=(benchmark,)))
    return found


def control(found, name):
    return {one.name: one for one in found.controls}[name]


# --- predictors without the text ------------------------------------------------------------------


def test_an_outlets_rate_is_drawn_to_the_rate_of_all():
    taught = np.array(["Orrin Post"] * 15 + ["Vesk Daily"] * 5)
    labels = np.array([True] * 15 + [False] * 5)
    asked = np.array(["Orrin Post", "Vesk Daily"])
    orrin, vesk = controls.outlet_rates(taught, labels, asked)
    assert orrin == pytest.approx((15 + 5 * 0.75) / 20)
    assert vesk == pytest.approx(5 * 0.75 / 10)


def test_an_unseen_or_unknown_outlet_has_no_rate():
    taught = np.array(["Orrin Post", "", "Orrin Post"])
    rates = controls.outlet_rates(taught, np.array([True, True, False]), np.array(["", "Zed", "A"]))
    assert np.isnan(rates).all()
    none = controls.outlet_rates(np.array([""]), np.array([True]), np.array(["", "Orrin Post"]))
    assert np.isnan(none).all()


def test_length_is_learned_from_where_it_tells_and_undefined_from_one_answer():
    lengths = np.array([10.0, 12, 14, 200, 220, 240] * 5)
    scores = controls.length_scores(lengths, lengths > 100, np.array([11.0, 230]))
    assert scores[0] < 0.5 < scores[1]
    assert np.isnan(controls.length_scores(lengths, lengths > 0, lengths)).all()


@pytest.mark.parametrize("metric", ["f1", "macro_f1"])
def test_the_threshold_is_the_best_of_all(metric):
    truth = RNG.random(200) < 0.3
    proba = np.round(np.clip(RNG.random(200) * 0.7 + 0.2 * truth, 0, 1), 2).astype(np.float32)
    chosen = figures.figure(metric, truth, proba, controls.best_threshold(metric, truth, proba))
    best = max(figures.figure(metric, truth, proba, float(step)) for step in np.unique(proba))
    assert chosen == pytest.approx(best)


def test_always_yes_gets_what_the_metrics_say_and_both_bundles_stand_beside():
    found = checked()
    always = control(found, "always yes")
    test = ROWS.where(ROWS.part == "test")
    truth = test.column("claim") == 1
    assert always.n == len(truth) == found.n
    assert always.value == pytest.approx(figures.macro_f1(truth, np.ones(len(truth), bool)))
    assert (always.a, always.b) == (found.a, found.b)
    assert found.b > found.a


def test_the_outlet_control_leaves_out_rows_of_unknown_outlets_for_the_bundles_too():
    found = checked()
    outlet = control(found, "outlet name only")
    test = ROWS.where((ROWS.part == "test") & (ROWS.outlet != ""))
    truth = test.column("claim") == 1
    scores = np.array([float(s.text.split()[-1]) for s in test.sentences], np.float32)
    assert outlet.n == len(truth) < found.n
    assert outlet.a == pytest.approx(figures.macro_f1(truth, scores >= np.float32(0.5)))


def test_an_outlet_that_decides_the_label_is_caught_by_its_name_alone():
    label = (ROWS.outlet == "Orrin Post").astype(np.float32)
    rows = replace(ROWS, labels=np.stack([label, label], axis=1))
    found = checked(rows=rows)
    assert control(found, "outlet name only").value == 1


def test_where_no_outlet_was_seen_the_outlet_control_is_undefined():
    test = ROWS.part == "test"
    rows = replace(ROWS, outlet=np.where(test, "Zed", ROWS.outlet))
    outlet = control(checked(rows=rows), "outlet name only")
    assert outlet.n == 0
    assert math.isnan(outlet.value)
    assert math.isnan(outlet.b)


def test_the_length_of_an_article_is_that_of_all_its_sentences():
    label = np.array([int(article.partition("/")[2]) < 30 for article in ROWS.article])
    long = tuple(
        replace(s, text=f"{'very ' * 40}{s.text}") if yes and s.index == 2 else s
        for s, yes in zip(ROWS.sentences, label, strict=True)
    )
    labels = np.stack([label, label], axis=1).astype(np.float32)
    rows = replace(ROWS, sentences=long, labels=labels)
    found = checked(replace(CLAIM, signal="hyperpartisan"), rows)
    assert found.n == 30
    assert control(found, "length only").value > 0.9


# --- shuffled labels ------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["f1", "macro_f1", "average_precision"])
def test_shuffled_labels_bring_a_good_score_down_to_chance(metric):
    truth = RNG.random(300) < 0.2
    proba = np.clip(0.6 * truth + RNG.random(300) * 0.4, 0, 1).astype(np.float32)
    found = controls.shuffled(metric, truth, proba, 0.5, seed=1)
    assert found.fell
    assert found.mean < figures.figure(metric, truth, proba, 0.5) - 0.3
    assert found.p == pytest.approx(1 / (controls.SHUFFLES + 1))


def test_a_score_without_skill_is_no_better_than_with_shuffled_labels():
    truth = np.arange(400) % 4 == 0
    proba = RNG.permutation(np.linspace(0, 1, 400)).astype(np.float32)
    assert controls.shuffled("average_precision", truth, proba, 0.5, seed=1).p > 0.01


def test_a_figure_that_stays_up_did_not_fall():
    assert not controls.Shuffled(0.7, 0.02, 0.5, 0.5).fell


def test_shuffling_a_single_answer_is_undefined():
    found = controls.shuffled(
        "average_precision", np.zeros(9, bool), np.zeros(9, np.float32), 0.5, seed=0
    )
    assert math.isnan(found.mean)
    assert not found.fell


# --- together -------------------------------------------------------------------------------------


def test_a_bundle_that_lacks_the_signal_is_undefined_and_the_other_is_measured():
    found = checked(a=bundle("a", ("hyperpartisan",)))
    assert math.isnan(found.a)
    assert found.b > 0.5
    assert math.isnan(control(found, "always yes").a)


def test_benchmarks_that_the_examples_lack_are_passed_over():
    absent = replace(CLAIM, corpus="elsewhere"), replace(CLAIM, part="unseen_outlet")
    found = controls.run(replace(evaluation(), benchmarks=(*absent, CLAIM)))
    assert [one.benchmark for one in found] == [CLAIM]


@pytest.fixture
def command(monkeypatch):
    from framescope.classifier import bundles
    from framescope.eval.rows import held_out

    monkeypatch.setattr(bundles, "load", lambda name: {"a": A, "b": B}[name])
    monkeypatch.setattr("framescope.eval.rows.BENCHMARKS", (CLAIM,))
    monkeypatch.setattr(
        "framescope.eval.rows.held_out_of_corpora",
        lambda *_, **__: held_out.HeldOut(ROWS, "split invented"),
    )
    app = typer.Typer()
    app.command()(study_cli.controls)
    app.callback()(lambda: None)

    def call(*options):
        return CliRunner().invoke(app, ["controls", "--a", "a", "--b", "b", *options])

    return call


def test_the_command_prints_tables_and_says_undefined(command):
    done = command()
    assert done.exit_code == 0, done.output
    assert "outlet name only" in done.output
    assert "split invented" in done.output


def test_json_has_null_where_nothing_is_defined(command, monkeypatch):
    from framescope.eval.rows import held_out

    unnamed = replace(ROWS, outlet=np.full(len(ROWS), ""))
    monkeypatch.setattr(
        "framescope.eval.rows.held_out_of_corpora",
        lambda *_, **__: held_out.HeldOut(unnamed, "split invented"),
    )
    done = command("--format", "json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.output)
    (one,) = record["benchmarks"]
    assert one["controls"][1]["value"] is None
    assert one["shuffled_b"]["fell"] is True


def test_a_signal_without_a_benchmark_is_refused(command):
    done = command("--signal", "doubt")
    assert done.exit_code != 0
    assert "no benchmark" in str(done.exception)
