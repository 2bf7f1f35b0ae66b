"""Comparing two bundles on examples, and writing down what came of it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO
from itertools import pairwise

import numpy as np
import pytest
from framescope.classifier.errors import BundleError, SignalError
from framescope.eval.compare import comparison
from framescope.eval.compare.comparison import record as record_of
from framescope.eval.compare.comparison import section
from framescope.eval.metrics import scores as metrics
from framescope.eval.report import layout
from framescope.eval.rows import scored as module
from harness import BOTH, FEW, Reader, bundle, examples, joined


def compare(a, b, rows, *, signals=None, progress=None, **options):
    evaluation = module.Evaluation((a, b), rows, **options)
    return comparison.compare(evaluation, signals, progress)


def row_of(comparison, signal, part="test", corpus="invented"):
    (row,) = [r for r in comparison.rows if (r.corpus, r.part, r.signal) == (corpus, part, signal)]
    return row


def test_a_row_counts_the_sentences_of_the_part_and_measures_both_models():
    rows = examples()
    found = row_of(compare(bundle("a", BOTH), bundle("b", BOTH, skill=0.3), rows, **FEW), "claim")
    test = rows.where(rows.part == "test")
    truth = test.column("claim") == 1
    scores = np.array([float(s.text.split()[-1]) for s in test.sentences], np.float32)
    assert (found.n, found.n_groups, found.positives) == (60, 12, truth.sum())
    assert found.a == pytest.approx(metrics.measure(truth, scores, 0.5))
    assert found.always_yes_f1 == pytest.approx(metrics.always_yes_f1(truth))
    for name, difference in found.differences.items():
        assert difference.value == pytest.approx(found.b[name] - found.a[name])
    assert found.differences["average_precision"].low > 0


def test_each_model_is_judged_at_its_own_threshold():
    low, high = bundle("low", BOTH, threshold=0.0), bundle("high", BOTH, threshold=0.99)
    found = row_of(compare(low, high, examples(), **FEW), "claim")
    assert found.a["f1"] == pytest.approx(found.always_yes_f1)
    assert found.b["f1"] == 0
    assert found.differences["average_precision"].value == 0


def test_a_bundle_against_itself_shows_no_difference_at_all():
    one = bundle("one", BOTH, skill=0.2)
    for row in compare(one, one, examples(), **FEW).rows:
        for difference in row.differences.values():
            assert difference.value == 0
            assert (difference.low, difference.high) == (0, 0)


def test_an_article_level_signal_counts_one_row_an_article():
    found = row_of(
        compare(bundle("a", BOTH), bundle("b", BOTH), examples(), **FEW), "hyperpartisan"
    )
    assert (found.n, found.n_groups, found.positives) == (12, 12, 4)


def test_unlabelled_rows_do_not_count():
    rows = examples()
    labels = rows.labels.copy()
    labels[np.flatnonzero(rows.part == "test")[:7], 0] = math.nan
    found = compare(bundle("a", BOTH), bundle("b", BOTH), replace(rows, labels=labels), **FEW)
    assert row_of(found, "claim").n == 53


def test_whole_articles_are_scored_in_order_but_only_their_held_out_rows_count():
    rows = examples()
    part = rows.part.copy()
    part[np.flatnonzero(part == "test")[::5]] = "removed"  # the first sentence of every article
    shuffled = np.random.default_rng(1).permutation(len(rows))
    a, b = bundle("a", BOTH), bundle("b", BOTH)
    in_order = compare(a, b, replace(rows, part=part), **FEW)
    assert row_of(in_order, "claim").n == 48
    (scored,) = a.model.calls[1:]
    assert len(scored) == 60
    neighbours = list(pairwise(scored))
    assert all(
        y.index == x.index + 1 if x.article_id == y.article_id else y.index == 0
        for x, y in neighbours
    )
    assert sum(x.article_id != y.article_id for x, y in neighbours) == 11
    again = compare(a, b, replace(rows, part=part).where(shuffled), **FEW)
    assert row_of(again, "claim").a == pytest.approx(row_of(in_order, "claim").a)
    assert row_of(again, "claim").n == 48


def test_articles_of_other_parts_are_not_scored():
    a = bundle("a", BOTH)
    compare(a, bundle("b", BOTH), examples(), **FEW)
    scored = {s.article_id for call in a.model.calls for s in call}
    assert scored == {f"invented/{number}" for number in range(1, 24, 2)}


def test_long_corpora_are_scored_in_blocks_that_keep_articles_whole(monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", 12)
    a, steps = bundle("a", BOTH), []
    found = compare(
        a, bundle("b", BOTH), examples(), **FEW, progress=lambda *step: steps.append(step)
    )
    blocks = a.model.calls[1:]
    assert [len(block) for block in blocks] == [15, 15, 15, 15]
    assert row_of(found, "claim").n == 60
    assert steps[0] == ("invented: a", 0, 120)
    assert steps[-1] == ("invented: b", 120, 120)


def test_seconds_are_for_a_thousand_sentences_without_the_warm_up(monkeypatch):
    clock = iter([0.0, 3.0, 10.0, 16.0])
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    (cost,) = compare(bundle("a", BOTH), bundle("b", BOTH), examples(), **FEW).costs
    assert (cost.corpus, cost.sentences) == ("invented", 60)
    assert (cost.a, cost.b) == pytest.approx((50.0, 100.0))


def test_parts_and_corpora_are_shown_apart():
    one, other = examples(), examples(corpus="other", seed=1)
    other.part[other.part == "train"] = "unseen_outlet"
    found = compare(bundle("a", BOTH), bundle("b", BOTH), joined(one, other), **FEW)
    assert [(r.corpus, r.part, r.signal) for r in found.rows] == [
        ("invented", "test", "claim"),
        ("invented", "test", "hyperpartisan"),
        ("other", "test", "claim"),
        ("other", "test", "hyperpartisan"),
        ("other", "unseen_outlet", "claim"),
        ("other", "unseen_outlet", "hyperpartisan"),
    ]
    assert [cost.corpus for cost in found.costs] == ["invented", "other"]


def test_a_signal_that_one_model_gives_stands_there_without_a_difference():
    found = compare(bundle("a", ["claim"]), bundle("b", BOTH), examples(), **FEW)
    row = row_of(found, "hyperpartisan")
    assert row.a is None
    assert row.b is not None
    assert not row.differences


def test_a_rows_figures_do_not_depend_on_the_other_signals():
    a, b = bundle("a", BOTH), bundle("b", BOTH, skill=0.1)
    whole = compare(a, b, examples(), **FEW)
    alone = compare(a, b, examples(), signals=["hyperpartisan"], **FEW)
    (one,) = alone.rows
    same = row_of(whole, "hyperpartisan")
    # Only the correction for the number of signals follows from how many there are.
    np.testing.assert_equal(one.mcnemar, same.mcnemar)
    np.testing.assert_equal(one.mcnemar_corrected, one.mcnemar)
    defined = {"mcnemar": 0.0, "mcnemar_corrected": 0.0}  # NaN is not equal to itself
    assert replace(one, **defined) == replace(same, **defined)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"parts": ["validation"]}, "validation"),
        ({"signals": ["doubt"]}, "doubt"),
    ],
)
def test_nothing_to_compare_is_an_error_that_says_what_was_asked(chosen, words):
    with pytest.raises(SignalError, match=words):
        compare(bundle("a", BOTH), bundle("b", BOTH), examples(), **FEW, **chosen)


def test_an_unknown_signal_is_an_error_with_the_closest_name():
    with pytest.raises(SignalError, match="did you mean claim"):
        compare(bundle("a", BOTH), bundle("b", BOTH), examples(), signals=["claims"], **FEW)


def test_scores_that_are_no_probabilities_are_refused():
    class Broken(Reader):
        def predict_proba(self, sentences):
            return super().predict_proba(sentences) * np.float32("nan")

    broken = replace(bundle("broken", BOTH), model=Broken(BOTH))
    with pytest.raises(BundleError, match="broken: gives scores that are no probabilities"):
        compare(bundle("a", BOTH), broken, examples(), **FEW)


def test_the_signature_names_what_the_figures_depend_on():
    a, b = bundle("a", BOTH), bundle("b", BOTH)
    one = compare(a, b, examples(), data="split 123", **FEW).signature
    assert one == compare(a, b, examples(), data="split 123", **FEW).signature
    changed = bundle("b", BOTH, threshold=0.4)
    assert one != compare(a, changed, examples(), data="split 123", **FEW).signature
    assert one != compare(a, b, examples(), data="split 124", **FEW).signature
    assert one != compare(a, b, examples(), data="split 123", draws=100, seed=1).signature
    assert "\n" not in one


# Written down


@pytest.fixture(scope="module")
def partial():
    """Article-level only by b, so that there is something undefined; 12 articles."""
    return compare(bundle("lower", ["claim"]), bundle("upper", BOTH, 0.4), examples(), **FEW)


def test_json_has_every_figure_and_null_for_the_undefined(partial):
    rows = examples()
    nobody = replace(rows, labels=np.where(rows.labels == 1, 0, rows.labels))
    record = json.loads(as_json(compare(bundle("a", BOTH), bundle("b", BOTH), nobody, **FEW)))
    (claim, _) = record["rows"]
    assert claim["positives"] == 0
    assert claim["a"]["f1"] is None
    assert claim["a"]["brier"] > 0
    assert claim["differences"]["f1"] == {"value": None, "low": None, "high": None, "p": None}
    record = json.loads(as_json(partial))
    claim, article = record["rows"]
    assert set(claim["a"]) == {metric.name for metric in metrics.METRICS}
    assert claim["differences"]["f1"]["value"] == pytest.approx(claim["b"]["f1"] - claim["a"]["f1"])
    assert article["a"] is None
    assert article["differences"] is None
    assert record["signature"] == partial.signature
    assert record["resampling"] == {"draws": 100, "seed": 0, "level": 0.95}
    assert record["seconds_per_1000_sentences"][0]["a"] >= 0


def printed(comparison, width=80):
    text = StringIO()
    layout.print_section(section(comparison, intervals=False), text, width)
    return text.getvalue()


def as_markdown(comparison):
    return layout.to_markdown(section(comparison))


def as_json(comparison):
    return layout.to_json(record_of(comparison))


def test_the_table_holds_the_counts_the_figures_and_the_time(partial):
    text = printed(partial)
    row = row_of(partial, "claim")
    difference = row.differences["f1"]
    low, high = difference.low, difference.high
    (line,) = [one for one in text.splitlines() if one.startswith("  F1 ") and "[" in one]
    assert line.split() == [
        "F1",
        f"{row.a['f1']:.3f}",
        f"{row.b['f1']:.3f}",
        f"{difference.value:+.3f}",
        f"[{low:+.3f},",
        f"{high:+.3f}]",
        "*",
    ]
    for words in (
        f"n: 60; positive: {row.positives}; groups: 12; always yes, F1: 0.",
        "n: 12; positive: 4; groups: 12; always yes, F1: 0.500",
        "Seconds for 1,000 sentences: lower 0.",
        partial.signature,
    ):
        assert words in text


def test_the_table_fits_80_columns():
    rows = replace(
        examples(corpus="hyperpartisan"), signals=("exaggeration_minimisation", "hyperpartisan")
    )
    names = ("exaggeration_minimisation",)
    a, b = bundle("transformer", names), bundle("transformer-of-another-year", names, 0.4)
    text = printed(compare(a, b, rows, **FEW))
    tabular = text.split("Seconds")[0]
    assert max(map(len, tabular.splitlines())) <= 80
    title, head, signal = tabular.splitlines()[:3]
    assert title == "hyperpartisan, test"
    assert head.split()[:3] == ["figure", "transformer", "transformer-of-an…"]
    assert signal == "exaggeration_minimisation"
    assert "transformer-of-another-year" in text.splitlines()[-1]


def test_the_undefined_is_printed_as_such_and_never_as_a_number(partial):
    lines = [line for line in as_markdown(partial).splitlines() if "hyperpartisan" in line]
    (line,) = lines
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[6] == "undefined"
    assert cells[8] == "undefined"
    assert float(cells[7].split()[0]) >= 0
    assert "nan" not in printed(partial)


def test_markdown_rows_have_as_many_cells_as_the_head(partial):
    lines = [line for line in as_markdown(partial).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 2 * len(comparison.PRINTED)
    assert {line.count("|") for line in lines} == {10}


def test_two_bundles_of_one_name_are_told_apart():
    text = printed(compare(bundle("mine", BOTH), bundle("mine", BOTH, 0.1), examples(), **FEW))
    assert "mine (a)" in text
    assert "mine (b)" in text


def test_an_interval_across_zero_is_not_marked():
    one = bundle("one", BOTH)
    assert " *" not in printed(compare(one, one, examples(), **FEW)).split("Differences are")[0]
