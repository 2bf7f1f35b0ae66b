"""Measuring the citation rules against marked attributions."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from classifier.sources.registry.registry import load
from classifier.values.article import Citation, Place, SourceKind
from eval.studies import citations

TEXT = "Relik said that the port was lost. Ships came back at noon."
SPANS = {
    "Source": [[Place(0, 5)]],
    "Cue": [[Place(6, 10)]],
    "Content": [[Place(11, 33)]],
}


def finder(*rows):
    return lambda article, sentences: rows


def cites(source, cue, content):
    return Citation(Place(*source), Place(*cue), (Place(*content),), SourceKind.NAMED)


def test_the_marked_attribution_itself_is_a_hit_in_everything():
    found = citations.counts(TEXT, SPANS, finder((cites((0, 5), (6, 10), (11, 33)),), ()))
    assert (found[:, 0] == found[:, 1]).all()
    assert (found[:, 0] == found[:, 2]).all()
    assert found[:, 0].tolist() == [1, 1, 1, 1, 1, 1, 5]


def test_nothing_found_is_no_hit_and_no_error():
    found = citations.counts(TEXT, SPANS, finder((), ()))
    assert found[:, :2].sum() == 0
    assert found[0, 2] == 1


def test_a_span_matches_from_half_of_the_words_of_the_longer():
    # 3 of 5 words, then 2 of 5: "the port was lost" stands from 16 on.
    half = citations.counts(TEXT, SPANS, finder((cites((0, 5), (6, 10), (20, 33)),), ()))
    less = citations.counts(TEXT, SPANS, finder((cites((0, 5), (6, 10), (25, 33)),), ()))
    row = citations.MEASURES.index("content")
    assert half[row].tolist() == [1, 1, 1]
    assert less[row].tolist() == [0, 1, 1]


def test_a_citation_in_an_unattributed_sentence_costs_precision():
    wrong = cites((35, 40), (41, 45), (46, 58))
    found = citations.counts(TEXT, SPANS, finder((), (wrong,)))
    assert found[0].tolist() == [0, 1, 1]


def test_figures_are_micro_averages_with_an_interval_over_articles():
    hit = np.tile([1, 1, 1], (len(citations.MEASURES), 1))
    miss = np.tile([0, 1, 3], (len(citations.MEASURES), 1))
    figure = citations.figures([hit, miss], draws=200)["sentence"]
    assert (figure.precision, figure.recall) == (0.5, 0.25)
    assert figure.f1.value == pytest.approx(2 * 1 / (2 + 4))
    assert figure.f1.low == 0
    assert figure.f1.high == 1
    assert (figure.gold, figure.articles) == (4, 2)


def test_reads_spans_of_the_first_annotator(tmp_path):
    for folder in ("text", "attributions"):
        (tmp_path / "data" / "dev" / folder).mkdir(parents=True)
    (tmp_path / "data/dev/text/a_2016-01-01_x.txt").write_text(TEXT, encoding="utf-8")
    for annotator, line in (("ann1", "T1\tSource 0 5\tRelik\n"), ("ann2", "T1\tCue 6 10\tsaid\n")):
        path = tmp_path / f"data/dev/attributions/a_2016-01-01_x_{annotator}.ann"
        path.write_text(line + "T2\tContent 11 15;20 24\tthat port\n", encoding="utf-8")
    ((name, text, spans),) = citations.read(tmp_path)
    assert (name, text) == ("a_2016-01-01_x", TEXT)
    assert spans["Source"] == [[Place(0, 5)]]
    assert spans["Cue"] == []
    assert spans["Content"] == [[Place(11, 15), Place(20, 24)]]


POLNEAR = Path(os.environ.get("FRAMESCOPE_CORPORA", "/nonexistent")) / "polnear"


@pytest.mark.skipif(not POLNEAR.is_dir(), reason="the PolNeAR corpus is not here")
@pytest.mark.slow
def test_the_rules_find_the_attributions_of_polnear():
    rules = citations.rules(load())
    some = list(citations.read(POLNEAR))[::60]
    figures = citations.figures([citations.counts(t, s, rules) for _, t, s in some], draws=50)
    assert figures["sentence"].precision > 0.94
    assert figures["sentence"].recall > 0.58
    assert figures["source"].precision > 0.75
    assert figures["content words"].f1.value > 0.7
