"""The fine-tuned encoder, served by ONNX Runtime: no torch, no transformers."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import Calibration, pool_articles
from classifier.errors import BundleError
from classifier.models.embeddings import EMBEDDINGS, Embeddings
from classifier.models.evidence import chunks, is_telling, standing_out, trimmed, undivided
from classifier.models.findings import FINDINGS, findings
from classifier.models.heads import HEADS, Heads
from classifier.models.passages import Packer, Passage, Tokens, by_length, with_rows
from classifier.sources.placeholders import Form, Reader, form_of
from classifier.taxonomy import BY_NAME, Level
from classifier.types import Sentence, Span

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from classifier.sources.registry import Registry

ENCODER = "encoder.onnx"
TOKENIZER = "tokenizer.json"

_BATCH_TOKENS = 2048  # enough to keep two cores busy, little enough to stay in their caches


class TransformerModel:
    """A `Model` over an exported encoder.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Takes ``embedded`` (n_passages, n_tokens, hidden) and ``mask`` (n_passages, n_tokens); gives
        ``votes`` (n_passages, n_tokens, n_signals) and ``tags`` (n_passages, n_tokens, n_tags).
    embeddings : Embeddings
    packer : Packer
    heads : Heads
    calibration : Calibration
    """

    def __init__(
        self,
        session: InferenceSession,
        embeddings: Embeddings,
        packer: Packer,
        heads: Heads,
        calibration: Calibration,
    ) -> None:
        self.signals = heads.signals
        self.heads = heads
        self.calibration = calibration
        self._session = session
        self._embeddings = embeddings
        self._packer = packer
        self._tag_columns = [self.signals.index(tag) for tag in heads.tags]
        self._article_columns = [
            i for i, s in enumerate(self.signals) if BY_NAME[s].level is Level.ARTICLE
        ]
        self._typed_columns = [i for i, s in enumerate(self.signals) if form_of(s) is Form.TYPED]

    def predict(self, sentences: Sequence[Sentence]) -> TransformerPrediction:
        """Encode whole passages once; sentences, spans and reasons come from the same pass.

        Passages that name state media are encoded twice: the signals that go by an outlet's type
        read them in the typed form, the others in the neutral one.
        """
        tokens = self._packer.tokenize(sentences)
        neutral = self._read(tokens, self._packer.pack(sentences, tokens))
        typed = self._read_typed(sentences, neutral)
        logits = np.zeros((len(sentences), len(self.signals)), np.float32)
        for row in range(len(sentences)):
            logits[row] = self._pool(neutral.votes[row], neutral.tags[row])
            if typed.votes[row] is not neutral.votes[row]:
                found = self._pool(typed.votes[row], typed.tags[row])
                logits[row, self._typed_columns] = found[self._typed_columns]
        if self.heads.findings:
            logits += findings(sentences) @ np.asarray(self.heads.findings, np.float32).T
        logits = pool_articles(logits, sentences, self._article_columns)
        return TransformerPrediction(
            logits,
            self.calibration.apply(logits),
            tuple(sentences),
            neutral.tokens,
            neutral.votes,
            neutral.tags,
            self.heads,
            typed,
        )

    def _read_typed(self, sentences: Sequence[Sentence], neutral: Outputs) -> Outputs:
        """Read what differs in the typed form; the rest is what was read before."""
        tokens, differing = self._packer.retokenize(sentences, neutral.tokens)
        if not differing or not self._typed_columns:
            return neutral
        passages = with_rows(self._packer.pack(sentences, tokens), differing)
        read = self._read(tokens, passages)
        rows = {row for passage in passages for row in passage.rows}
        votes, tags = list(neutral.votes), list(neutral.tags)
        for row in rows:
            votes[row], tags[row] = read.votes[row], read.tags[row]
        return Outputs(tokens, votes, tags)

    def _read(self, tokens: list[Tokens], passages: Sequence[Passage]) -> Outputs:
        """Encode passages; sentences in none of them have no outputs."""
        votes = [np.zeros((0, len(self.signals)), np.float32)] * len(tokens)
        tags = [np.zeros((0, len(self.heads.tags)), np.float32)] * len(tokens)
        for group in by_length(passages, _BATCH_TOKENS):
            batch = self._packer.batch(group, tokens)
            given = {"embedded": self._embeddings.look_up(batch.ids), "mask": batch.mask}
            all_votes, all_tags = self._session.run(["votes", "tags"], given)
            for b, row, start, end in batch.places:
                votes[row], tags[row] = all_votes[b, start:end], all_tags[b, start:end]
        return Outputs(tokens, votes, tags)

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities, shape (n_sentences, n_signals)."""
        return self.predict(sentences).proba

    def logits(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Log-odds before calibration, shape (n_sentences, n_signals)."""
        return self.predict(sentences).logits

    def _pool(self, votes: NDArray[np.float32], tags: NDArray[np.float32]) -> NDArray[np.float32]:
        """A sentence's logits: the mean vote of its tokens, plus its strongest tag."""
        if not len(votes):
            return np.zeros(len(self.signals), np.float32)
        logits: NDArray[np.float32] = votes.mean(axis=0)
        if self._tag_columns:
            logits[self._tag_columns] += tags.max(axis=0) * np.asarray(self.heads.gain, np.float32)
        return logits


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


def load(
    folder: Path, calibration: Calibration, registry: Registry | None = None
) -> TransformerModel:
    """Load the model of a bundle.

    Parameters
    ----------
    folder : pathlib.Path
    calibration : Calibration
    registry : Registry, optional
        Whose outlets it recognises; the one that ships unless given. A model that was trained
        without placeholders reads names as they are.

    Raises
    ------
    BundleError
        When one of its files can't be read, or they don't belong together.
    """
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
    from tokenizers import Tokenizer

    options = SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    )
    options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
    try:
        heads = Heads.load(folder)
        with np.load(folder / EMBEDDINGS, allow_pickle=False) as arrays:
            embeddings = Embeddings(arrays["table"], arrays["scale"])
        packer = Packer(
            Tokenizer.from_file(str(folder / TOKENIZER)),
            heads.max_tokens,
            heads.context,
            Reader.of(registry) if heads.placeholders else None,
        )
        session = InferenceSession(
            str(folder / ENCODER), options, providers=["CPUExecutionProvider"]
        )
        _check(session, embeddings, heads)
        return TransformerModel(session, embeddings, packer, heads, calibration)
    except Exception as error:  # each library has its own, down to bare Exception
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BundleError(f"{folder}: the transformer can't be loaded ({reason})") from None


def _check(session: InferenceSession, embeddings: Embeddings, heads: Heads) -> None:
    """Refuse files that don't belong together.

    Raises
    ------
    ValueError
        When they don't.
    """
    given = {found.name: found.shape[-1] for found in session.get_outputs()}
    hidden = next(found.shape[-1] for found in session.get_inputs() if found.name == "embedded")
    fits = (
        given == {"votes": len(heads.signals), "tags": len(heads.tags)}
        and len(heads.tags) == len(heads.gain) == len(heads.tag_thresholds)
        and [len(row) for row in heads.findings] in ([], [len(FINDINGS)] * len(heads.signals))
        and embeddings.table.shape == (len(embeddings.scale), hidden)
        and heads.max_tokens > 2
    )
    if not fits:
        raise ValueError(f"its files don't belong together: {HEADS}, {EMBEDDINGS}, {ENCODER}")


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
