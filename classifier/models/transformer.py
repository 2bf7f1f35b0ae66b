"""The fine-tuned encoder, served by ONNX Runtime: no torch, no transformers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.errors import BundleError
from classifier.models.calibration import Calibration, pool_articles
from classifier.models.embeddings import EMBEDDINGS, Embeddings
from classifier.models.findings import FINDINGS, findings
from classifier.models.heads import HEADS, Heads
from classifier.models.passages import Packer, Passage, Tokens, by_length, with_rows
from classifier.models.placeholders import Form, Reader, form_of
from classifier.models.transformer_prediction import Outputs, TransformerPrediction
from classifier.taxonomy import BY_NAME, Level
from classifier.values import Sentence

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from classifier.sources import Registry

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
