"""Spans of persuasion techniques: whether the right characters have the right technique.

A predicted span seldom has the very borders of the gold one, so each earns the share of its
characters that the other side covers. With

    C(s, t, h) = |s ∩ t| / h * δ(l(s), l(t))

precision is the sum of C(s, t, |s|) over all pairs, divided by the number of predicted spans;
recall that of C(s, t, |t|), divided by the number of gold spans; F1 their harmonic mean. Pairs are
of one article, sums run over all articles. Two tasks share the formula:

- span identification (subtask SI of SemEval-2020 task 11; Da San Martino et al., 2020,
  doi:10.18653/v1/2020.semeval-1.186): δ is always 1, whatever the technique;
- fragments with their technique (FLC; Da San Martino et al., 2019, doi:10.18653/v1/D19-1565): δ is
  1 where both have one technique, otherwise 0.

Spans of one side that share a character (in FLC: and their technique) are merged first; otherwise
a character would be counted twice, and precision could exceed 1. Spans that merely touch stay two.
Without predictions precision is NaN, without gold spans recall; the papers set both to 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from framescope.classifier.records import Sentence
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.metrics import ratio
from framescope.eval.rows import Floats
from framescope.training.data import Examples


class LabelledSpan(NamedTuple):
    """Characters of an article, by its id, and their technique."""

    article: str
    start: int
    end: int
    label: str


def gold_spans(rows: Examples) -> list[LabelledSpan]:
    """Join the annotated spans that were cut at sentences' ends; each once.

    ``rows``: whole articles, sentence by sentence.
    """
    pieces: dict[tuple[str, str], list[tuple[int, int, Sentence]]] = defaultdict(list)
    for sentence, spans in zip(rows.sentences, rows.spans, strict=True):
        for span in spans:
            if span.signal in TECHNIQUES:
                pieces[sentence.article_id, span.signal].append((span.start, span.end, sentence))
    whole: list[LabelledSpan] = []
    for (article, technique), found in pieces.items():
        before: Sentence | None = None
        for start, end, sentence in sorted(found, key=lambda piece: piece[:2]):
            # The next piece of a span begins where the next sentence does.
            runs_on = (
                before is not None
                and sentence.index == before.index + 1
                and start == sentence.start
                and whole[-1].end == before.end
            )
            if runs_on:
                whole[-1] = whole[-1]._replace(end=end)
            else:
                whole.append(LabelledSpan(article, start, end, technique))
            before = sentence
    return list(dict.fromkeys(whole))


def merge(
    spans: Iterable[LabelledSpan], *, labelled: bool = False
) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Merge spans that overlap, by article and, where labels count, by label."""
    merged: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for article, start, end, label in sorted(spans):
        merged[article, label if labelled else ""].append((start, end))
    for key, places in merged.items():
        joined: list[tuple[int, int]] = []
        for start, end in sorted(places):
            if joined and start < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        merged[key] = joined
    return merged


def sums_by_article(
    predicted: Iterable[LabelledSpan],
    gold: Iterable[LabelledSpan],
    articles: Sequence[str],
    *,
    labelled: bool = False,
) -> Floats:
    """Return the sums that figures are made of, by article, so that articles can be resampled.

    Shape (m, 4): covered shares of the predicted spans, predicted spans, covered shares of the gold
    spans, gold spans. Spans of other articles are left out.
    """
    sides = merge(predicted, labelled=labelled), merge(gold, labelled=labelled)
    sums = {article: np.zeros(4) for article in articles}
    for at, own, other in ((0, *sides), (2, *sides[::-1])):
        for key, places in own.items():
            for start, end in places if key[0] in sums else ():
                covered = sum(
                    max(0, min(end, stop) - max(start, first)) for first, stop in other.get(key, ())
                )
                sums[key[0]][at : at + 2] += covered / (end - start), 1
    return np.array(list(sums.values())).reshape(-1, 4)


def of_sums(sums: Floats) -> Floats:
    """Return precision, recall and F1, shape (..., 3), of sums of the rows of `sums_by_article`.

    F1 is 0 where there are gold spans and nothing of them was found.
    """
    found, predicted, covered, gold = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    precision, recall = ratio(found, predicted), ratio(covered, gold)
    total = np.nan_to_num(precision) + recall
    f1 = np.where(total > 0, ratio(2 * np.nan_to_num(precision) * recall, total), 0.0)
    return np.stack([precision, recall, np.where(gold > 0, f1, np.nan)], axis=-1)
