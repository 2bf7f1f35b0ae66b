"""Uncertainty: sets fitted on validation hold on rows like it, and fall short on others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from framescope.eval.rows.benchmarks import Benchmark
from framescope.eval.rows.scored import Evaluation
from framescope.eval.studies import uncertainty
from harness import bundle, examples

CLAIM = Benchmark("invented", "test", "claim", "sentence", "article", "macro_f1")


def measured(rows, skill=0.3):
    evaluation = Evaluation(
        (bundle("a", ["claim"]), bundle("b", ["claim"], skill)), rows, benchmarks=(CLAIM,)
    )
    return list(uncertainty.measure(evaluation))


def with_validation(articles=120):
    rows = examples(articles=articles)
    part = np.where(rows.part == "train", "validation", rows.part)
    return replace(rows, part=part)


def test_coverage_is_met_on_rows_like_those_it_was_fitted_on():
    for one in measured(with_validation()):
        assert one.fitted_on == 300
        assert one.low <= one.sets.coverage <= one.high
        assert one.by_class.coverage_yes == pytest.approx(0.9, abs=0.06)


def test_coverage_falls_short_where_scores_mislead():
    rows = with_validation()
    # In the rows held out the words that the model goes by stand in the other sentences.
    labels = rows.labels.copy()
    held = rows.part == "test"
    labels[held, 0] = 1 - labels[held, 0]
    _, skilled = measured(replace(rows, labels=labels), skill=0.39)
    assert skilled.sets.coverage < skilled.low


def test_without_a_validation_part_there_are_no_sets_but_risk():
    one, _ = measured(examples(articles=40))
    assert one.fitted_on == 0
    assert one.sets is None
    assert len(one.kept.risk) == 100


def test_groups_are_outlets_and_short_ones_are_counted():
    rows = with_validation()
    number = np.array([int(name.partition("/")[2]) for name in rows.article])
    rows = replace(rows, outlet=np.where(number % 4 == 1, "Orrin Post", "Vesk Daily"))
    labels = rows.labels.copy()
    wrong = (rows.part == "test") & (rows.outlet == "Orrin Post")
    labels[wrong, 0] = 1 - labels[wrong, 0]
    _, skilled = measured(replace(rows, labels=labels), skill=0.39)
    assert (skilled.groups, skilled.short) == (2, 1)


def test_the_section_names_what_is_undefined():
    evaluation = Evaluation((bundle("a", ["claim"]), bundle("b", ["hyperpartisan"])), examples())
    assert uncertainty.section(evaluation) is None
    section = uncertainty.section(replace(evaluation, benchmarks=(CLAIM,)))
    covered, risked = section.tables
    assert [row[1] for row in covered.rows] == ["a"]  # b doesn't give the signal
    assert covered.rows[0][3] is None
    assert risked.rows[0][2] == 60
