"""The tasks on persuasion techniques, as the shared tasks pose them, on held-out articles.

- Span identification (SI) and fragments with their technique (FLC): `eval.studies.spans`.
- Technique classification (TC), gold spans given, and techniques by article: `eval.studies.spans`.

What a bundle predicts is what a reader sees. Its spans are the evidence of the flags it gives; for
SI those of ``any_technique``, where it gives that signal. A gold span is labelled by how probable
each technique is in its sentences and how well the evidence for it fits the span; it gets as many
labels as it has gold ones.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.models import Prediction
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.metrics import (
    MIN_GROUPS,
    Cell,
    Estimate,
    Interval,
    Section,
    Table,
    decide,
    draw,
    percentile,
)
from framescope.eval.rows import Evaluation, Floats, is_positive
from framescope.eval.studies.spans import (
    Spans,
    TechniqueFigures,
    article_figures,
    classification,
    of_articles,
    of_sums,
    sums_by_article,
)
from framescope.training.data import Examples
from numpy.typing import NDArray

ANY = "any_technique"
UNMATCHED = 0.3
"""What a technique counts without evidence at the span; evidence that fits it counts 1 more. Of
0.1, 0.3 and 1 the best on the validation parts of both corpora, for both models."""


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """One bundle on the articles of one part.

    ``identification``, ``fine_grained``: precision, recall and F1 of SI and FLC, with 95% intervals
    over articles.
    """

    identification: tuple[Estimate, Estimate, Estimate]
    fine_grained: tuple[Estimate, Estimate, Estimate]
    classification: TechniqueFigures
    by_article: TechniqueFigures


def measure(evaluation: Evaluation) -> Iterator[tuple[str, Examples, list[TaskFigures | None]]]:
    """Measure the bundles on every part of every corpus that marks spans of techniques.

    Gives the part, its rows, and each bundle's figures; None for one without the fourteen
    techniques. Their spans go with one pass over a part's rows alone, which is made here: the
    scores of other passes may differ from its own in the last digits.
    """
    examples = evaluation.examples
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        for part in evaluation.parts:
            numbers = evaluation.numbers(corpus, (part,), TECHNIQUES)
            rows = examples.where(numbers[examples.part[numbers] == part])
            if any(span.signal in TECHNIQUES for of_row in rows.spans for span in of_row):
                yield (
                    f"{corpus}/{part}",
                    rows,
                    [
                        figures(bundle, rows, draws=evaluation.draws, seed=evaluation.seed)
                        if set(TECHNIQUES) <= set(bundle.signals)
                        else None
                        for bundle in evaluation.bundles
                    ],
                )


def figures(bundle: Bundle, rows: Examples, *, draws: int, seed: int) -> TaskFigures:
    """Measure one bundle.

    ``bundle``: gives the fourteen techniques. ``rows``: whole articles, sentence by sentence, with
    their spans. ``draws``, ``seed``: of the resampling of articles.
    """
    prediction = bundle.model.predict(rows.sentences)
    flagged, spans, marked = _predicted(bundle, prediction, rows.sentences)
    proba = prediction.proba[:, [bundle.signals.index(technique) for technique in TECHNIQUES]]
    gold = _gold(rows)
    names = np.unique(rows.article)
    of_any = marked if ANY in bundle.signals else spans
    columns = np.stack([rows.column(technique) for technique in TECHNIQUES], axis=1)
    _, truth = of_articles(columns, rows.article)
    _, found = of_articles(flagged.astype(np.float64), rows.article)
    return TaskFigures(
        _estimates(sums_by_article(of_any, gold, names), draws, seed),
        _estimates(sums_by_article(spans, gold, names, labelled=True), draws, seed),
        classification(_labelled(rows, gold, proba, prediction), gold),
        article_figures(truth, is_positive(found)),
    )


def _predicted(
    bundle: Bundle, prediction: Prediction, sentences: Sequence[Sentence]
) -> tuple[NDArray[np.bool_], Spans, Spans]:
    """Give the flags of the techniques, their spans, and those of any technique."""
    columns = [(bundle.signals.index(name), bundle.thresholds[name]) for name in TECHNIQUES]
    flagged = np.stack([decide(prediction.proba[:, k], limit) for k, limit in columns], axis=1)
    wanted = [(row, TECHNIQUES[k]) for row, k in np.argwhere(flagged).tolist()]
    marked = []
    if ANY in bundle.signals:
        some = decide(prediction.proba[:, bundle.signals.index(ANY)], bundle.thresholds[ANY])
        marked = [(row, ANY) for row in np.flatnonzero(some).tolist()]
    spans, of_any = (
        Spans.of(
            [
                (sentences[row].article_id, span.start, span.end, name)
                for (row, name), found in zip(asked, prediction.evidence(asked), strict=True)
                for span in found
            ]
        )
        for asked in (wanted, marked)
    )
    return flagged, spans, of_any


def _gold(rows: Examples) -> Spans:
    """Put together the spans that were clipped to sentences; one technique's, once each."""
    pieces = defaultdict(list)
    for sentence, spans in zip(rows.sentences, rows.spans, strict=True):
        for span in spans:
            if span.signal in TECHNIQUES:
                pieces[sentence.article_id, span.signal].append((span.start, span.end, sentence))
    whole: list[tuple[str, int, int, str]] = []
    for (article, technique), found in pieces.items():
        before: Sentence | None = None
        for start, end, sentence in sorted(found, key=lambda piece: piece[:2]):
            # A span that runs over a sentence's end was cut there: its next piece begins where
            # the next sentence does.
            runs_on = (
                before is not None
                and sentence.index == before.index + 1
                and start == sentence.start
                and whole[-1][2] == before.end
            )
            if runs_on:
                whole[-1] = (article, whole[-1][1], end, technique)
            else:
                whole.append((article, start, end, technique))
            before = sentence
    return Spans.of(dict.fromkeys(whole))


def _labelled(
    rows: Examples, gold: Spans, proba: NDArray[np.float32], prediction: Prediction
) -> Spans:
    """Label each gold span, as often as it has labels."""
    by_article: dict[str, list[int]] = defaultdict(list)
    for row, sentence in enumerate(rows.sentences):
        by_article[sentence.article_id].append(row)
    columns = gold.article.tolist(), gold.start.tolist(), gold.end.tolist()
    inside_of = {
        (article, start, end): [
            row
            for row in by_article[article]
            if rows.sentences[row].start < end and start < rows.sentences[row].end
        ]
        for article, start, end in zip(*columns, strict=True)
    }
    overlapping = sorted({row for inside in inside_of.values() for row in inside})
    wanted = [(row, name) for row in overlapping for name in TECHNIQUES]
    evidence = dict(zip(wanted, prediction.evidence(wanted), strict=True))
    found = []
    for (article, start, end), count in Counter(zip(*columns, strict=True)).items():
        inside = inside_of[article, start, end]
        fit = [
            max((_alike(e, start, end) for r in inside for e in evidence[r, name]), default=0.0)
            for name in TECHNIQUES
        ]
        scores = proba[inside].max(axis=0) * (UNMATCHED + np.array(fit))
        best = np.argsort(-scores, kind="stable")[:count]
        found += [(article, start, end, TECHNIQUES[k]) for k in best]
    return Spans.of(found)


def _alike(evidence: Span, start: int, end: int) -> float:
    """Give the Jaccard index of two spans' characters."""
    shared = min(evidence.end, end) - max(evidence.start, start)
    return max(shared, 0) / (max(evidence.end, end) - min(evidence.start, start))


def _estimates(sums: Floats, draws: int, seed: int) -> tuple[Estimate, Estimate, Estimate]:
    """Precision, recall and F1, with intervals from drawing articles."""
    values, n = of_sums(sums.sum(axis=0)).tolist(), len(sums)
    found = [Interval(math.nan, math.nan)] * len(values)
    if n >= MIN_GROUPS:
        drawn = np.concatenate([of_sums(w @ sums) for w in draw(n, draws, seed, draws)])
        found = [percentile(column, n) for column in drawn.T]
    first, second, third = map(Estimate.of, values, found)
    return first, second, third


def section(evaluation: Evaluation) -> Section | None:
    """Lay the figures out; None where no corpus marks spans."""
    tasks = list(measure(evaluation))
    if not tasks:
        return None
    spans: list[tuple[Cell, ...]] = []
    labels: list[tuple[Cell, ...]] = []
    single: list[tuple[Cell, ...]] = []
    for name, rows, of_bundles in tasks:
        counts = len(np.unique(rows.article)), len(_gold(rows))
        for model, found in zip(evaluation.names, of_bundles, strict=True):
            if found is None:
                continue
            given, used = found.classification, found.by_article
            spans += [
                (name, "SI", model, *counts, *found.identification),
                (name, "FLC", model, *counts, *found.fine_grained),
            ]
            labels += [
                (name, task, model, one.units, one.micro_f1, one.macro_f1,
                 f"{one.averaged} of {len(TECHNIQUES)}")
                for task, one in (("TC", given), ("article", used))
            ]  # fmt: skip
            single += [
                (f"{name}: {technique}", model, used.gold[technique], used.by_technique[technique],
                 given.gold[technique], given.by_technique[technique])
                for technique in TECHNIQUES
                if not math.isnan(used.by_technique[technique])
            ]  # fmt: skip
    return Section(
        "SI: were the right characters marked (SemEval-2020 task 11, partial overlap). FLC: with "
        "the right technique. TC: the technique of gold spans. Article: the techniques that an "
        "article uses. Published on other articles: SI 0.516 and TC 0.621 micro-F1 on the test "
        "set of SemEval-2020 (Da San Martino et al., 2020); by article 0.581 micro and 0.418 "
        "macro for GPT-4 (Sprenkamp et al., 2023).",
        (
            Table(
                "Spans, precision, recall and F1 with 95% intervals over articles",
                ("part", "task", "model", "articles", "spans", "precision", "recall", "F1"),
                tuple(spans),
            ),
            Table(
                "Techniques, micro- and macro-F1",
                ("part", "task", "model", "n", "micro-F1", "macro-F1", "techniques with gold"),
                tuple(labels),
            ),
            Table(
                "F1 of each technique",
                ("part", "model", "articles", "by article", "spans", "of gold spans"),
                tuple(single),
            ),
        ),
    )
