"""Persuasion techniques as the shared tasks pose them: found spans, given spans, whole articles.

A predicted span seldom has the very borders of the gold one, so each span of either side earns the
share of its characters that the other side covers: precision is the mean over predicted spans s of
the sum of |s ∩ t| / |s|, recall that over gold spans t of |s ∩ t| / |t|. In span identification (SI
of SemEval-2020 task 11; Da San Martino et al., 2020, doi:10.18653/v1/2020.semeval-1.186) all pairs
of an article count, in FLC (Da San Martino et al., 2019, doi:10.18653/v1/D19-1565) those of one
technique. Spans of one side that share a character (in FLC: and their technique) are merged first.
Predicted spans are the evidence of flags; for SI those of ``any_technique``, where it is given.

Technique classification (TC of the same task) takes the gold spans as given; one that is marked
with several techniques counts once for each. It is labelled by how probable each technique is in
its sentences and how well the evidence for it fits the span.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, product
from typing import NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.models import Prediction
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.metrics import decide, estimates_of_sums, ratio
from framescope.eval.rows import Bools, Evaluation, Floats, Single, is_positive
from framescope.eval.sections import Estimate, Row, Section, table
from framescope.training.corpora import CORPORA
from framescope.training.data import Examples
from numpy.typing import ArrayLike

ANY = "any_technique"
UNMATCHED = 0.3
# What a technique counts without evidence at the span; evidence that fits it counts 1 more. Of 0.1,
# 0.3 and 1 the best on the validation parts of both corpora, for both models.
NOTE = (
    "SI: were the right characters marked (SemEval-2020 task 11, partial overlap). FLC: with the "
    "right technique. Techniques: of whole articles, and of gold spans (TC). Published on other "
    "articles: SI 0.516 and TC 0.621 micro-F1 on the test set of SemEval-2020 (Da San Martino et "
    "al., 2020); by article 0.581 micro and 0.418 macro for GPT-4 (Sprenkamp et al., 2023)."
)


class LabelledSpan(NamedTuple):
    """Characters of an article, by its id, and their technique."""

    article: str
    start: int
    end: int
    label: str


Spans = Sequence[LabelledSpan]


class TechniqueFigures(NamedTuple):
    """Labels that are right, found, and gold, by technique."""

    units: int  # gold spans, or articles with a known label
    hits: Floats
    found: Floats
    gold: Floats

    @property
    def by_technique(self) -> Floats:
        """F1 = 2 hits / (found + gold); NaN without gold labels."""
        return np.where(self.gold > 0, ratio(2 * self.hits, self.found + self.gold), math.nan)

    @property
    def micro_f1(self) -> float:
        """F1 of all labels pooled."""
        total = self.gold.sum()
        return float(2 * self.hits.sum() / (self.found.sum() + total)) if total else math.nan

    @property
    def macro_f1(self) -> float:
        """Mean over the techniques with gold labels."""
        return float(np.nanmean(self.by_technique)) if self.gold.any() else math.nan


def section(evaluation: Evaluation) -> Section | None:
    """Measure the bundles on the corpora that mark spans; None where none does."""
    spans, techniques = list[Row](), list[Row]()
    parts = list(_parts(evaluation))
    for name, rows in parts:
        counts = len(np.unique(rows.article)), len(gold_spans(rows))
        for bundle, model in zip(evaluation.bundles, evaluation.names, strict=True):
            read = not {*bundle.languages}.isdisjoint(rows.lang.tolist())
            if not (read and set(TECHNIQUES) <= set(bundle.signals)):
                continue
            si, flc, *judged = figures(bundle, rows, draws=evaluation.draws, seed=evaluation.seed)
            spans.append((name, "SI", model, *counts, *si))
            spans.append((name, "FLC", model, *counts, *flc))
            techniques += _rows(name, model, *judged)
    if not parts:
        return None
    columns = ("part", "task", "model", "articles", "spans", "precision", "recall", "F1")
    of_techniques = ("part", "model", "F1", "articles", "by article", "spans", "of gold spans")
    tables = (
        table("Spans, with 95% intervals over articles", columns, spans),
        table("Techniques, F1", of_techniques, techniques),
    )
    return Section(NOTE, tables)


def _rows(name: str, model: str, used: TechniqueFigures, given: TechniqueFigures) -> Iterator[Row]:
    yield name, model, "micro", used.units, used.micro_f1, given.units, given.micro_f1
    averaged = [int((one.gold > 0).sum()) for one in (used, given)]
    macro = f"macro, of {averaged[0]} and {averaged[1]}"
    yield name, model, macro, used.units, used.macro_f1, given.units, given.macro_f1
    columns = (of.tolist() for one in (used, given) for of in (one.gold, one.by_technique))
    for technique, m, articles, n, spans in zip(TECHNIQUES, *columns, strict=True):
        if not math.isnan(articles):
            yield name, model, technique, int(m), articles, int(n), spans


def _parts(evaluation: Evaluation) -> Iterator[tuple[str, Examples]]:
    examples = evaluation.examples
    some = {n for n, one in CORPORA.items() if not {*TECHNIQUES} <= {*one.card.signals}}
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        for part in evaluation.parts if corpus not in some else ():
            numbers = evaluation.numbers(corpus, (part,), TECHNIQUES)
            rows = examples.where(numbers[examples.part[numbers] == part])
            if any(span.signal in TECHNIQUES for of_row in rows.spans for span in of_row):
                yield f"{corpus}/{part}", rows


def figures(
    bundle: Bundle, rows: Examples, *, draws: int, seed: int
) -> tuple[list[Estimate], list[Estimate], TechniqueFigures, TechniqueFigures]:
    """Return precision, recall and F1 of SI and of FLC, and figures by article and of TC."""
    prediction = bundle.model.predict(rows.sentences)
    scores = dict(zip(bundle.signals, prediction.proba.T, strict=True))
    flags = {signal: decide(own, bundle.thresholds[signal]) for signal, own in scores.items()}
    proba, flagged, labels = (
        np.stack([of(technique) for technique in TECHNIQUES], axis=1)
        for of in (scores.__getitem__, flags.__getitem__, rows.column)
    )
    spans = _evidence(prediction, rows, flags, TECHNIQUES)
    of_any = _evidence(prediction, rows, flags, (ANY,)) if ANY in flags else spans
    gold, articles = gold_spans(rows), np.unique(rows.article).tolist()
    truth, found = (of_articles(one, rows.article) for one in (labels, flagged))
    sums = (
        sums_by_article(predicted, gold, articles, labelled=labelled)
        for predicted, labelled in ((of_any, False), (spans, True))
    )
    si, flc = (estimates_of_sums(one, of_sums, draws=draws, seed=seed) for one in sums)
    given = _labelled(rows, gold, proba, prediction)
    return si, flc, article_figures(truth, is_positive(found)), classification(given, gold)


def _evidence(
    prediction: Prediction, rows: Examples, flags: Mapping[str, Bools], signals: Sequence[str]
) -> Spans:
    asked = [(row, name) for row in range(len(rows)) for name in signals if flags[name][row]]
    return [
        LabelledSpan(rows.sentences[row].article_id, span.start, span.end, name)
        for (row, name), found in zip(asked, prediction.evidence(asked), strict=True)
        for span in found
    ]


def _labelled(rows: Examples, gold: Spans, proba: Single, prediction: Prediction) -> Spans:
    by_article = defaultdict[str, list[tuple[int, int, int]]](list)
    for row, one in enumerate(rows.sentences):
        by_article[one.article_id].append((row, one.start, one.end))
    inside = {
        (article, start, end): [k for k, a, z in by_article[article] if a < end and start < z]
        for article, start, end, _ in gold
    }
    asked = [*product(sorted(set(chain(*inside.values()))), TECHNIQUES)]
    evidence = dict(zip(asked, prediction.evidence(asked), strict=True))
    found = []
    for (article, start, end), count in Counter(one[:3] for one in gold).items():
        own = inside[article, start, end]
        fit = [
            max((_jaccard(e, start, end) for row in own for e in evidence[row, name]), default=0)
            for name in TECHNIQUES
        ]
        scores = proba[own].max(axis=0) * (UNMATCHED + np.array(fit))
        best = np.argsort(-scores, kind="stable")[:count]
        found += [LabelledSpan(article, start, end, TECHNIQUES[k]) for k in best]
    return found


def _jaccard(evidence: Span, start: int, end: int) -> float:
    shared = min(evidence.end, end) - max(evidence.start, start)
    return max(shared, 0) / (max(evidence.end, end) - min(evidence.start, start))


def classification(predicted: Spans, gold: Spans) -> TechniqueFigures:
    """Judge the labels of gold spans (TC), which may overlap."""
    given, wanted = Counter(predicted), Counter(gold)
    counts = (
        Counter(one.label for one in labels.elements())
        for labels in (given & wanted, given, wanted)
    )
    hits, found, labels = (np.array([one[name] for name in TECHNIQUES], float) for one in counts)
    return TechniqueFigures(len({one[:3] for one in wanted}), hits, found, labels)


def of_articles(values: ArrayLike, article: ArrayLike) -> Floats:
    """Return 1 where a sentence of an article has the technique, NaN if unknown, else 0."""
    matrix = np.asarray(values, np.float64)
    _, row = np.unique(np.asarray(article, np.str_), return_inverse=True)
    has, unknown = np.zeros((2, int(row.max(initial=-1)) + 1, matrix.shape[1]), np.bool_)
    np.logical_or.at(has, row, is_positive(matrix))
    np.logical_or.at(unknown, row, np.isnan(matrix))
    return np.where(has, 1.0, np.where(unknown, np.nan, 0.0))


def article_figures(truth: Floats, flagged: Bools) -> TechniqueFigures:
    """Judge the techniques of whole articles, as `of_articles` returns them; NaN is not judged."""
    known = ~np.isnan(truth)
    positive, given = known & is_positive(truth), known & flagged
    counts = (cells.sum(axis=0).astype(float) for cells in (positive & given, given, positive))
    return TechniqueFigures(int(known.any(axis=1).sum()), *counts)


def gold_spans(rows: Examples) -> Spans:
    """Join the annotated spans of whole articles that were cut at sentences' ends; each once."""
    pieces: dict[tuple[str, str], list[tuple[int, int, Sentence]]] = defaultdict(list)
    for sentence, spans in zip(rows.sentences, rows.spans, strict=True):
        for span in (one for one in spans if one.signal in TECHNIQUES):
            pieces[sentence.article_id, span.signal].append((span.start, span.end, sentence))
    whole: list[LabelledSpan] = []
    for (article, technique), found in pieces.items():
        after: tuple[int, int] | None = None  # the next sentence's index, and where the last ends
        for start, end, sentence in sorted(found, key=lambda piece: piece[:2]):
            # The next piece of a span begins where the next sentence does.
            if whole and after == (sentence.index, whole[-1].end) and start == sentence.start:
                whole[-1] = whole[-1]._replace(end=end)
            else:
                whole.append(LabelledSpan(article, start, end, technique))
            after = sentence.index + 1, sentence.end
    return list(dict.fromkeys(whole))


def merge(spans: Spans, *, labelled: bool) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Merge spans that overlap, by article and, where labels count, by label."""
    merged = defaultdict[tuple[str, str], list[tuple[int, int]]](list)
    for article, start, end, label in sorted(spans):
        joined = merged[article, label if labelled else ""]
        if joined and start < joined[-1][1]:
            first, last = joined.pop()
            start, end = first, max(end, last)
        joined.append((start, end))
    return merged


def sums_by_article(
    predicted: Spans, gold: Spans, articles: Sequence[str], *, labelled: bool = False
) -> Floats:
    """Return covered shares and numbers of predicted, then of gold spans, by article: (m, 4)."""
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
    """Return precision, recall and F1, shape (..., 3), of sums of the rows of `sums_by_article`."""
    found, predicted, covered, gold = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    precision, recall = ratio(found, predicted), ratio(covered, gold)
    total = np.nan_to_num(precision) + recall
    f1 = np.where(total > 0, ratio(2 * np.nan_to_num(precision) * recall, total), 0.0)
    return np.stack([precision, recall, np.where(gold > 0, f1, np.nan)], axis=-1)
