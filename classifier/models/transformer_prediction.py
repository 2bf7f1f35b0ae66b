"""What the transformer found in sentences: probabilities, and the words that speak for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from classifier.models.evidence import chunks, is_telling, standing_out, trimmed, undivided
from classifier.models.heads import Heads
from classifier.models.passages import Tokens
from classifier.models.placeholders import TextForm, form_of
from classifier.values import Sentence, Span


@dataclass(frozen=True)
class Outputs:
    """What the encoder says of sentences in one of their forms.

    Attributes
    ----------
    votes, tags : list of ndarray of float32, shapes (n_tokens, n_signals or n_tags)
        Of each sentence's tokens.
    logits : ndarray of float32, shape (n_sentences, n_signals)
        Pooled from them.
    """

    tokens: list[Tokens]
    votes: list[NDArray[np.float32]]
    tags: list[NDArray[np.float32]]
    logits: NDArray[np.float32]

    def replaced(self, rows: Iterable[int], other: Outputs) -> Outputs:
        """Take the tokens of some sentences, and what was said of them, from elsewhere."""
        tokens, votes, tags = list(self.tokens), list(self.votes), list(self.tags)
        for row in rows:
            tokens[row], votes[row], tags[row] = (
                other.tokens[row],
                other.votes[row],
                other.tags[row],
            )
        return Outputs(tokens, votes, tags, self.logits)


@dataclass(frozen=True)
class TransformerPrediction:
    """What the encoder found.

    Attributes
    ----------
    logits, proba : ndarray of float32, shape (n_sentences, n_signals)
        Before and after calibration.
    neutral, typed : Outputs
        Of their two forms; one twice, where nothing was read twice.
    """

    logits: NDArray[np.float32]
    proba: NDArray[np.float32]
    sentences: tuple[Sentence, ...]
    neutral: Outputs
    typed: Outputs
    heads: Heads

    def evidence(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Spans of a technique, or the words whose votes weigh most, strongest first."""
        words: dict[tuple[int, bool], _Words] = {}
        found: list[tuple[Span, ...]] = []
        columns = {signal: column for column, signal in enumerate(self.heads.signals)}
        typed = {signal: form_of(signal) is TextForm.TYPED for signal in columns}
        for row, signal in wanted:
            if not self.neutral.tokens[row].ids:
                found.append(())
            elif signal in self.heads.tags:
                found.append(self._spans(row, signal))
            else:
                again = typed[signal] and self.typed.votes[row] is not self.neutral.votes[row]
                read = row, again
                if read not in words:
                    outputs = self.typed if again else self.neutral
                    words[read] = _Words.of(self.sentences[row], outputs, row)
                found.append(words[read].standing_out(signal, columns[signal]))
        return found

    def _spans(self, row: int, signal: str) -> tuple[Span, ...]:
        """Runs of tokens over the tag's threshold; else the one around the strongest token."""
        column = self.heads.tags.index(signal)
        logits = self.neutral.tags[row][:, column].tolist()
        # A flagged sentence always shows something: where no token reaches the threshold, those
        # within one logit of the strongest.
        threshold, strongest = self.heads.tag_thresholds[column], max(logits)
        if strongest < threshold:
            threshold = strongest - 1.0
        # Logits are float32, and so must be what they are held against.
        threshold = float(np.float32(threshold))
        found: list[Span] = []
        inside = groupby(enumerate(logits), key=lambda item: item[1] >= threshold)
        for run in (list(items) for above, items in inside if above):
            score = _sigmoid(max(logit for _, logit in run))
            found.append(self._span(row, run[0][0], run[-1][0] + 1, signal, score))
        text, base = self.sentences[row].text, self.sentences[row].start
        worded = [s for s in found if any(map(str.isalnum, text[s.start - base : s.end - base]))]
        joined = _joined(worded)
        telling = [s for s in joined if is_telling(text[s.start - base : s.end - base])] or joined
        return tuple(sorted(telling, key=lambda s: -(s.score or 0.0)))

    def _span(self, row: int, first: int, end: int, signal: str, score: float) -> Span:
        """Characters of a run of tokens, widened to whole words, without punctuation around."""
        offsets, sentence = self.neutral.tokens[row].offsets, self.sentences[row]
        text = sentence.text
        start, stop = offsets[first][0], offsets[end - 1][1]
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while stop < len(text) and text[stop].isalnum() and text[stop - 1].isalnum():
            stop += 1
        start, stop = trimmed(text, start, stop)
        return Span(sentence.start + start, sentence.start + stop, signal, score)


@dataclass(frozen=True)
class _Words:
    """The words of a sentence in one of its forms.

    Attributes
    ----------
    places : list of (int, int)
        Where each stands in the sentence.
    of_tokens : ndarray of int, shape (n_tokens,)
        The word of each token.
    votes : ndarray of float32, shape (n_tokens, n_signals)
    """

    sentence: Sentence
    places: list[tuple[int, int]]
    of_tokens: NDArray[np.intp]
    votes: NDArray[np.float32]

    @classmethod
    def of(cls, sentence: Sentence, outputs: Outputs, row: int) -> _Words:
        """Find them; none in white space, of which some tokenizers make tokens."""
        places, offsets = chunks(sentence.text), outputs.tokens[row].offsets
        if not places:
            return cls(sentence, [], np.zeros(0, np.intp), outputs.votes[row])
        first, last = np.array(places).T
        starts, ends = np.array(offsets).T
        of_tokens = np.searchsorted(last, starts, side="right")
        if (np.searchsorted(first, ends) - 1 > of_tokens).any():  # a token of several words
            places = undivided(places, offsets)
            of_tokens = np.searchsorted([end for _, end in places], starts, side="right")
        of_tokens = np.minimum(of_tokens, len(places) - 1)
        return cls(sentence, places, of_tokens, outputs.votes[row])

    def standing_out(self, signal: str, column: int) -> tuple[Span, ...]:
        """Those whose tokens' shares in the sentence's logit add up to the most."""
        if not self.places:
            return ()
        base, votes = self.sentence.start, self.votes[:, column]
        scores = np.bincount(self.of_tokens, votes, len(self.places)) / len(votes)
        return tuple(
            Span(base + start, base + end, signal, float(f"{score:.4g}"))
            for start, end, score in standing_out(self.sentence.text, self.places, scores)
        )


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
