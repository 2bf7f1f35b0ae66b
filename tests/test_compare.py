"""Comparing two bundles on examples, as tables and as JSON."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.errors import SignalError
from framescope.eval import rows as scored
from framescope.eval.compare.comparison import compare_models, record_of_comparison
from framescope.eval.metrics import METRICS, single_figure
from framescope.eval.rows import Evaluation
from framescope.eval.sections import json_text
from harness import BOTH, FEW, bundle, examples

A, B = bundle("a", BOTH), bundle("b", BOTH, skill=0.3)


def compare(a=A, b=B, rows=None, *, signals=None, progress=None, **options):
    evaluation = Evaluation((a, b), examples() if rows is None else rows, **FEW | options)
    return compare_models(evaluation, signals, progress)


def row_of(comparison, signal, part="test", corpus="invented"):
    (row,) = [r for r in comparison.rows if (r.corpus, r.part, r.signal) == (corpus, part, signal)]
    return row


def test_a_row_counts_the_sentences_of_the_part_and_measures_both_models():
    rows = examples()
    found = row_of(compare(), "claim")
    test = rows.where(rows.part == "test")
    truth = test.column("claim") == 1
    proba = np.array([float(s.text.split()[-1]) for s in test.sentences], np.float32)
    assert (found.n, found.n_groups, found.positives) == (60, 12, truth.sum())
    expected = {name: single_figure(name, truth, proba, 0.5) for name in METRICS}
    assert found.a == pytest.approx(expected)
    assert found.always_yes_f1 == pytest.approx(2 * truth.sum() / (truth.sum() + 60))
    for name, difference in found.differences.items():
        assert difference.value == pytest.approx(found.b[name] - found.a[name])
    assert found.differences["average_precision"].low > 0
    article = row_of(compare(), "hyperpartisan")
    assert (article.n, article.n_groups, article.positives) == (12, 12, 4)


def test_whole_articles_are_scored_in_order_but_only_their_held_out_rows_count():
    rows = examples()
    part = rows.part.copy()
    part[np.flatnonzero(part == "test")[::5]] = "removed"  # the first sentence of every article
    a = bundle("a", BOTH)
    in_order = compare(a, rows=replace(rows, part=part))
    assert row_of(in_order, "claim").n == 48
    (call,) = a.model.calls[1:]
    assert {s.article_id for s in call} == {f"invented/{number}" for number in range(1, 24, 2)}
    assert [s.index for s in call] == [*range(5)] * 12
    shuffled = np.random.default_rng(1).permutation(len(rows))
    again = row_of(compare(a, rows=replace(rows, part=part).where(shuffled)), "claim")
    assert again.a == pytest.approx(row_of(in_order, "claim").a)


def test_long_corpora_are_scored_in_blocks_that_keep_articles_whole(monkeypatch):
    monkeypatch.setattr(scored, "_BLOCK", 12)
    clock = iter(range(0, 100))
    monkeypatch.setattr(scored.time, "perf_counter", lambda: next(clock))
    a, b, steps = bundle("a", BOTH), bundle("b", BOTH), []
    found = compare(a, b, progress=lambda *step: steps.append(step))
    assert [len(block) for block in a.model.calls[1:]] == [15, 15, 15, 15]
    assert row_of(found, "claim").n == 60
    assert (steps[0], steps[-1]) == (("invented: a", 0, 120), ("invented: b", 120, 120))
    # Each block takes a second of this clock, the warm-up none.
    (cost,) = found.costs
    assert [cost.sentences, cost.a, cost.b] == pytest.approx([60, 4 / 0.06, 4 / 0.06])


def test_a_row_is_scored_once_whatever_is_read_off_it():
    a, b = bundle("a", BOTH), bundle("b", BOTH, 0.2)
    evaluation = Evaluation((a, b), examples())
    first, again = (evaluation.articles("invented", ["test"], ["claim"]) for _ in range(2))
    assert len(a.model.calls) == 2  # the warm-up, and all of it
    np.testing.assert_array_equal(first.proba[1], b.model.predict(first.rows.sentences).proba)
    np.testing.assert_array_equal(again.proba[1], first.proba[1])
    assert math.isnan(again.seconds[1])


def test_nothing_to_compare_is_an_error_that_says_what_was_asked():
    with pytest.raises(SignalError, match=r"nothing to compare: .*validation .*doubt"):
        compare(parts=["validation"], signals=["doubt"])
    with pytest.raises(SignalError, match="did you mean claim"):
        compare(signals=["claims"])


def as_record(comparison):
    return json.loads(json_text(record_of_comparison(comparison)))


def test_json_has_every_figure_and_null_for_the_undefined():
    partial = compare(bundle("lower", ["claim"]), bundle("upper", BOTH, 0.4))
    record = as_record(partial)
    claim, article = record["rows"]
    assert set(claim["a"]) == set(METRICS)
    assert claim["differences"]["f1"]["value"] == pytest.approx(claim["b"]["f1"] - claim["a"]["f1"])
    assert article["a"] is None
    assert article["b"] is not None
    assert article["differences"] is None
    assert record["signature"] == partial.signature
    assert record["resampling"] == {"draws": 100, "seed": 0, "level": 0.95}
    assert record["seconds_per_1000_sentences"][0]["a"] >= 0
    rows = examples()
    nobody = compare(rows=replace(rows, labels=np.where(rows.labels == 1, 0, rows.labels)))
    (claim, _) = as_record(nobody)["rows"]
    assert (claim["positives"], claim["a"]["f1"]) == (0, None)
    assert claim["a"]["brier"] > 0
    assert claim["differences"]["f1"] == {"value": None, "low": None, "high": None, "p": None}
