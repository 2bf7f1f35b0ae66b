"""Fit how spans are read off the tags of tokens, on rows that nothing was learned from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from framescope.classifier.models import TransformerModel, likely, log_odds_of_span, stretches
from framescope.training.calibration.decisions import best_threshold
from framescope.training.data import Examples
from framescope.training.transformer import in_spans, marked
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Spans = Sequence[tuple[int, int]]

_GAPS = (0, 1, 2, 4, 8, 12, 16)
_SHIFTS = (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0)
_ANY = "any_technique"
_FEWEST = 30  # spans right, and wrong, from which a score of spans is fitted


class SpanRule(NamedTuple):
    """How spans are read off tags, in the fields of `classifier.models.Heads`."""

    tag_thresholds: tuple[float, ...]
    tag_gap: int
    span_scores: tuple[float, ...]


class _Row(NamedTuple):
    """A sentence and one tag: its tokens' logits, which of them lie in a span, chance and flag."""

    article: str
    logits: Floats
    inside: Bools
    chance: float
    flagged: bool

    def found(self, threshold: float, gap: int) -> list[tuple[int, int]]:
        """Read the spans off as a report does."""
        return likely(self.logits, threshold, gap) if self.flagged else []


def fit_tags(
    model: TransformerModel, validation: Examples, limits: Mapping[str, float]
) -> SpanRule:
    """Choose how spans are read off the tags of the tokens of flagged sentences.

    For each span signal the logit from which a token lies in a span has the best F1 of tokens. From
    there, all techniques together and any technique for itself are moved to the best F1 of spans,
    with the number of tokens outside, between two stretches, that a span takes in: each span earns
    the share of its tokens that the other side covers (Da San Martino et al., 2019).
    """
    tags = model.heads.tags
    if not tags:
        return SpanRule((), 0, ())
    known = marked(validation, tags)
    some = np.flatnonzero(known.any(axis=1))
    of_tag = _rows(model, validation.where(some), known[some], limits)
    of_tokens = [_token_threshold(own) for own in of_tag]
    groups = [[k for k, tag in enumerate(tags) if (tag == _ANY) is any_] for any_ in (True, False)]

    def best(gap: int) -> list[tuple[float, float]]:
        """Return the best F1 of each group of tags, and the shift of its thresholds."""
        found = []
        for group in groups:
            scores = {shift: _score(of_tag, group, of_tokens, shift, gap) for shift in _SHIFTS}
            shift = max(_SHIFTS, key=lambda one: (scores[one], -abs(one)))
            found.append((scores[shift], shift))
        return found

    gap = max(_GAPS, key=lambda one: (sum(score for score, _ in best(one)), -one))
    thresholds = list(of_tokens)
    for group, (_, shift) in zip(groups, best(gap), strict=True):
        for k in group:
            thresholds[k] += shift
    return SpanRule(tuple(thresholds), gap, _span_scores(of_tag, thresholds, gap))


def _rows(
    model: TransformerModel, rows: Examples, known: Bools, limits: Mapping[str, float]
) -> list[list[_Row]]:
    """Gather, for each tag, the sentences whose spans of it are known."""
    tags = model.heads.tags
    encoding = model.encode(rows.sentences)
    prediction = model.predict(rows.sentences, encoding)
    found: list[list[_Row]] = [[] for _ in tags]
    columns = [model.signals.index(tag) for tag in tags]
    pairs = zip(rows.sentences, rows.spans, encoding.neutral, strict=True)
    for number, (sentence, spans, encoded) in enumerate(pairs):
        inside = in_spans(sentence, encoded.tokens, spans, tags)
        for k in np.flatnonzero(known[number]).tolist() if encoded.tokens.ids else ():
            chance = float(prediction.proba[number, columns[k]])
            flagged, logits = bool(chance >= np.float32(limits[tags[k]])), encoded.tags[:, k]
            found[k].append(_Row(sentence.article_id, logits, inside[:, k], chance, flagged))
    return found


def _token_threshold(rows: Sequence[_Row]) -> float:
    """Return the logit with the best F1 of tokens; an even chance where none lies in a span."""
    if not any(row.inside.any() for row in rows):
        return 0.0
    names = np.repeat([row.article for row in rows], [len(row.inside) for row in rows])
    logits, inside = (np.concatenate([getattr(r, x) for r in rows]) for x in ("logits", "inside"))
    return best_threshold(logits, inside, names, macro=False, seed=0)


def _score(
    of_tag: Sequence[Sequence[_Row]],
    group: Sequence[int],
    thresholds: Sequence[float],
    shift: float,
    gap: int,
) -> float:
    """F1 of the spans of a group of tags, their thresholds moved by a shift."""
    return span_f1(
        (row.found(thresholds[k] + shift, gap), stretches(row.inside, 0))
        for k in group
        for row in of_tag[k]
        if row.flagged or row.inside.any()
    )


def span_f1(pairs: Iterable[tuple[Spans, Spans]]) -> float:
    """F1 of spans: those found and those marked, sentence by sentence."""
    earned, counted = np.zeros(2), np.zeros(2)
    for sides in pairs:
        for k, (mine, theirs) in enumerate((sides, sides[::-1])):
            counted[k] += len(mine)
            for first, end in mine:
                shared = sum(max(0, min(end, e) - max(first, f)) for f, e in theirs)
                earned[k] += shared / (end - first)
    precision, recall = earned / np.maximum(counted, 1)
    return float(2 * precision * recall / max(precision + recall, 1e-9))


def _span_scores(
    of_tag: Sequence[Sequence[_Row]], thresholds: Sequence[float], gap: int
) -> tuple[float, ...]:
    """Fit how likely a span is right, for all tags together: half of its tokens are inside.

    Empty where too few are right or wrong.
    """
    features, right = [], []
    for threshold, rows in zip(thresholds, of_tag, strict=True):
        for row in rows:
            for first, end in row.found(threshold, gap):
                strongest = float(row.logits[first:end].max())
                of_chance = log_odds_of_span((0.0, 1.0, 0.0), strongest, row.chance)
                features.append((strongest, of_chance))
                right.append(row.inside[first:end].mean() >= 0.5)
    if min(sum(right), len(right) - sum(right)) < _FEWEST:
        return ()
    fitted = LogisticRegression(max_iter=1000).fit(np.array(features), np.array(right))
    return tuple(round(float(x), 4) for x in (*fitted.coef_[0], fitted.intercept_[0]))
