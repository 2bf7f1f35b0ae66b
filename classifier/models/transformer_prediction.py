"""What the transformer found in sentences: probabilities, and the words that speak for them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.models.evidence import chunks, is_telling, standing_out, trimmed, undivided
from classifier.models.heads import Heads
from classifier.models.passages import Tokens
from classifier.models.placeholders import Form, form_of
from classifier.values import Sentence, Span


@dataclass(frozen=True)
class Outputs:
    """What the encoder says of each sentence's tokens.

    Attributes
    ----------
    tokens : list of Tokens
    votes, tags : list of ndarray of float32, shapes (n_tokens, n_signals or n_tags)
    """

    tokens: list[Tokens]
    votes: list[NDArray[np.float32]]
    tags: list[NDArray[np.float32]]


@dataclass(frozen=True)
class TransformerPrediction:
    """What the encoder found.

    Attributes
    ----------
    logits, proba : ndarray of float32, shape (n_sentences, n_signals)
        Before and after calibration.
    sentences : tuple of Sentence
    tokens : list of Tokens
    votes, tags : list of ndarray of float32, shapes (n_tokens, n_signals or n_tags)
        Of each sentence's tokens, in its neutral form.
    heads : Heads
    typed : Outputs or None
        The same in the typed form; None when nothing was read twice.
    """

    logits: NDArray[np.float32]
    proba: NDArray[np.float32]
    sentences: tuple[Sentence, ...]
    tokens: list[Tokens]
    votes: list[NDArray[np.float32]]
    tags: list[NDArray[np.float32]]
    heads: Heads
    typed: Outputs | None = None

    def evidence(self, row: int, signal: str) -> tuple[Span, ...]:
        """Spans of a technique, or the words whose votes weigh most, strongest first."""
        if not self.tokens[row].ids:
            return ()
        if signal in self.heads.tags:
            return self._spans(row, signal)
        return self._words(row, signal)

    def _spans(self, row: int, signal: str) -> tuple[Span, ...]:
        """Runs of tokens over the tag's threshold; else the one around the strongest token."""
        column = self.heads.tags.index(signal)
        logits = self.tags[row][:, column]
        # A flagged sentence always shows something: where no token reaches the threshold, those
        # within one logit of the strongest.
        threshold, strongest = self.heads.tag_thresholds[column], float(logits.max())
        if strongest < threshold:
            threshold = strongest - 1.0
        inside = np.concatenate([[False], logits >= threshold, [False]])
        edges = np.flatnonzero(np.diff(inside.astype(np.int8)))
        found = [
            self._span(row, int(first), int(end), signal, _sigmoid(float(logits[first:end].max())))
            for first, end in zip(edges[::2], edges[1::2], strict=True)
        ]
        text, base = self.sentences[row].text, self.sentences[row].start
        worded = [s for s in found if any(map(str.isalnum, text[s.start - base : s.end - base]))]
        joined = _joined(worded)
        telling = [s for s in joined if is_telling(text[s.start - base : s.end - base])] or joined
        return tuple(sorted(telling, key=lambda s: -(s.score or 0.0)))

    def _words(self, row: int, signal: str) -> tuple[Span, ...]:
        """Words by the sum of their tokens' shares in the sentence's logit."""
        sentence, column = self.sentences[row], self.heads.signals.index(signal)
        tokens, votes = self.tokens[row], self.votes[row]
        if self.typed is not None and form_of(signal) is Form.TYPED:
            tokens, votes = self.typed.tokens[row], self.typed.votes[row]
        words = undivided(chunks(sentence.text), tokens.offsets)
        if not words:  # white space, of which some tokenizers make tokens
            return ()
        ends = [end for _, end in words]
        scores = np.zeros(len(words))
        for (start, _), vote in zip(tokens.offsets, votes, strict=True):
            scores[min(bisect_right(ends, start), len(words) - 1)] += vote[column]
        return tuple(
            Span(sentence.start + start, sentence.start + end, signal, float(f"{score:.4g}"))
            for start, end, score in standing_out(sentence.text, words, scores / len(votes))
        )

    def _span(self, row: int, first: int, end: int, signal: str, score: float) -> Span:
        """Characters of a run of tokens, widened to whole words, without punctuation around."""
        offsets, sentence = self.tokens[row].offsets, self.sentences[row]
        text = sentence.text
        start, stop = offsets[first][0], offsets[end - 1][1]
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while stop < len(text) and text[stop].isalnum() and text[stop - 1].isalnum():
            stop += 1
        start, stop = trimmed(text, start, stop)
        return Span(sentence.start + start, sentence.start + stop, signal, score)


def _sigmoid(logit: float) -> float:
    return float(f"{1.0 / (1.0 + np.exp(-logit)):.4g}")


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
