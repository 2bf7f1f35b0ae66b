"""Spans of techniques, read off what the tokens of a flagged sentence say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from framescope.classifier.models.passages import Heads, Tokens
from framescope.classifier.models.reasons import is_telling, trimmed
from framescope.classifier.records import Sentence, Span
from numpy.typing import NDArray

_LEAST = 1e-6  # a chance is held between this and its complement, so that its log-odds are finite


def stretches(inside: NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Give the stretches of tokens that lie inside a span: first and end.

    Two with at most `gap` tokens between them are one.
    """
    found: list[tuple[int, int]] = []
    for at in np.flatnonzero(inside).tolist():
        if found and at - found[-1][1] <= gap:
            found[-1] = found[-1][0], at + 1
        else:
            found.append((at, at + 1))
    return found


def likely(logits: NDArray[np.float32], threshold: float, gap: int) -> list[tuple[int, int]]:
    """Give the stretches over a threshold; where there are none, those around the strongest token.

    A flagged sentence always shows something: those within one logit of it.
    """
    limit = np.float32(threshold)
    if logits.max() < limit:
        limit = np.float32(logits.max() - 1.0)
    return stretches(logits >= limit, gap)


def log_odds_of_span(weights: Sequence[float], strongest: float, chance: float) -> float:
    """Give how sure a span is, by its strongest token's logit and its sentence's chance."""
    if not weights:
        return strongest
    chance = min(max(chance, _LEAST), 1 - _LEAST)
    token, sentence, intercept = weights
    return token * strongest + sentence * log(chance / (1 - chance)) + intercept


@dataclass(frozen=True)
class Tagged:
    """A sentence, and the logit of each of its tokens lying in a span of one technique."""

    sentence: Sentence
    tokens: Tokens
    logits: NDArray[np.float32]  # shape (n_tokens,)

    def spans(self, heads: Heads, column: int, chance: float) -> tuple[Span, ...]:
        """Give the spans, the surest first: whole words, none of punctuation alone.

        `column` is that of the technique among the tags, and `chance` the sentence's.
        """
        signal = heads.tags[column]
        found = []
        for first, end in likely(self.logits, heads.tag_thresholds[column], heads.tag_gap):
            strongest = float(self.logits[first:end].max())
            score = _sigmoid(log_odds_of_span(heads.span_scores, strongest, chance))
            found.append(self._span(first, end, signal, score))
        joined = _joined([span for span in found if any(map(str.isalnum, self._text(span)))])
        telling = [span for span in joined if is_telling(self._text(span))] or joined
        return tuple(sorted(telling, key=lambda span: -(span.score or 0.0)))

    def _text(self, span: Span) -> str:
        base = self.sentence.start
        return self.sentence.text[span.start - base : span.end - base]

    def _span(self, first: int, end: int, signal: str, score: float) -> Span:
        """Characters of a run of tokens, widened to whole words, without punctuation around."""
        text, offsets = self.sentence.text, self.tokens.offsets
        start, stop = offsets[first][0], offsets[end - 1][1]
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while stop < len(text) and text[stop].isalnum() and text[stop - 1].isalnum():
            stop += 1
        start, stop = trimmed(text, start, stop)
        base = self.sentence.start
        return Span(base + start, base + stop, signal, score)


def _sigmoid(logit: float) -> float:
    return float(f"{1.0 / (1.0 + exp(-logit)):.4g}")


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Join spans that touch or overlap after widening to words."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start <= joined[-1].end + 1:
            last = joined.pop()
            score = max(last.score or 0.0, span.score or 0.0)
            span = Span(last.start, max(last.end, span.end), span.signal, score)
        joined.append(span)
    return joined
