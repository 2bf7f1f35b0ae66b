"""Controls: predictors that don't read the text."""

import json
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import SignalError
from framescope.eval.commands import judge
from framescope.eval.metrics import single_figure
from framescope.eval.rows import Benchmark, Evaluation, HeldOut
from framescope.eval.studies import controls
from harness import BOTH, bundle, examples
from typer.testing import CliRunner

CLAIM = Benchmark("invented", "test", "claim", "article", "macro_f1")
_PLAIN = examples(articles=60)
_NUMBER = np.array([int(article.partition("/")[2]) for article in _PLAIN.article])
# Four outlets by article, one of them unknown.
_OUTLETS = np.array(["", "The Ferryman", "Orrin Post", "Vesk Daily"])[_NUMBER // 2 % 4]
ROWS = replace(_PLAIN, outlet=_OUTLETS)
A, B = bundle("a", BOTH), bundle("b", BOTH, 0.4)


def checked(benchmark=CLAIM, rows=ROWS, a=A, b=B):
    (found,) = controls.run(Evaluation((a, b), rows, benchmarks=(benchmark,)))
    return found


def control(found, name):
    return {one.name: one for one in found.controls}[name]


def test_an_outlets_rate_is_drawn_to_the_rate_of_all_and_undefined_where_unknown():
    outlets = np.array(["Orrin Post"] * 15 + ["Vesk Daily"] * 5)
    labels = np.arange(20) < 15
    orrin, vesk, *unknown = controls.outlet_rates(
        outlets, labels, np.array(["Orrin Post", "Vesk Daily", "", "Zed", "A"])
    )
    assert orrin == pytest.approx((15 + 5 * 0.75) / 20)
    assert vesk == pytest.approx(5 * 0.75 / 10)
    assert np.isnan(unknown).all()
    none = controls.outlet_rates(np.array([""]), labels[:1], np.array(["", "Orrin Post"]))
    assert np.isnan(none).all()


def test_both_bundles_are_judged_on_the_rows_that_a_control_can_score():
    found = checked()
    test = ROWS.where(ROWS.part == "test")
    truth = test.column("claim") == 1
    always, outlet = control(found, "always yes"), control(found, "outlet name only")
    assert always.n == len(truth) == found.n
    ones = np.ones(len(truth), np.float32)
    assert always.value == pytest.approx(single_figure("macro_f1", truth, ones, 0.5))
    assert (always.a, always.b) == (found.a, found.b)
    assert found.b > found.a
    known = test.outlet != ""
    scores = np.array([float(s.text.split()[-1]) for s in test.sentences], np.float32)
    assert outlet.n == known.sum() < found.n
    expected = single_figure("macro_f1", truth[known], scores[known], 0.5)
    assert outlet.a == pytest.approx(expected)


@pytest.fixture
def command(monkeypatch):
    rows = replace(ROWS, outlet=np.full(len(ROWS), ""))
    monkeypatch.setattr(bundles, "load", lambda name: {"a": A, "b": B}[name])
    monkeypatch.setattr("framescope.eval.rows.BENCHMARKS", (CLAIM,))
    monkeypatch.setattr(
        "framescope.eval.rows.held_out_of_corpora", lambda *_, **__: HeldOut(rows, "split invented")
    )

    def call(*options):
        words = ["controls", "--a", "a", "--b", "b", *options]
        return CliRunner().invoke(judge.app, words, catch_exceptions=False).output

    return call


def test_the_command_shows_the_controls_that_can_score_a_row(command):
    assert all(words in command() for words in ("length only", "split invented"))
    (one,) = json.loads(command("--format", "json"))["benchmarks"]
    assert [of["name"] for of in one["controls"]] == ["always yes", "length only"]
    with pytest.raises(SignalError, match="no benchmark"):
        command("--signal", "doubt")
