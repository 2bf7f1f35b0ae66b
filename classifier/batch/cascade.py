"""The cascade: the baseline settles what is clear, the transformer reads the rest.

What the encoder reads at once, a passage, is settled where of every reported signal the share of
decisions that the transformer is expected to make otherwise is below a limit. How likely that is of
a sentence follows from how far its log-odds, by the baseline, lie from the threshold. What was
measured of two bundles, and what it costs, is a `Clearness`; `framescope eval cascade` writes it.

What is settled has the baseline's decisions, with its log-odds moved so that its threshold falls on
the transformer's; of citations those that the form of an article gives. What is not settled is read
as it would be without a cascade: passages are filled from the front, so that those that are left
hold the same sentences. It differs in two ways: whoever is cited by a pronoun is looked for among
the sentences that are left, and so is what an article's other sentences say of a source; and a
passage that names state media is cut anew in its typed form.

An article of which anything is settled has no distance to what was learned from, so that nothing in
it is left undecided. Its own signals are told from what either model says of its sentences; one
that is settled as a whole has the baseline's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from framescope.classifier import bundles
from framescope.classifier.batch.clearness import BASELINE, Clearness, clearness
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import BundleError
from framescope.classifier.models import (
    TOKENIZER,
    ArticleStage,
    Packer,
    Passage,
    PassageCache,
    Prediction,
    Reader,
    TrainingDomain,
    pool_articles,
)
from framescope.classifier.records import Citation, Sentence, Span
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from numpy.typing import NDArray

_TINY = 1e-7  # from 0 and 1, that a probability's log-odds are finite

Floats = NDArray[np.float64]
Single = NDArray[np.float32]
Bools = NDArray[np.bool_]


def log_odds(proba: NDArray[np.floating[Any]]) -> Floats:
    """Give the log-odds of probabilities, finite for 0 and 1 too."""
    inside = np.clip(proba.astype(np.float64), _TINY, 1 - _TINY)
    found: Floats = np.log(inside) - np.log1p(-inside)
    return found


def thresholds_of(one: Bundle) -> Single:
    """Give a bundle's thresholds in the order of its signals, as scores are held against them."""
    return np.array([one.thresholds[signal] for signal in one.signals], np.float32)


def margins(proba: Single, thresholds: Single) -> Floats:
    """Say how far probabilities lie above their thresholds, in log-odds; both (..., n_signals)."""
    return log_odds(proba) - log_odds(thresholds)


def packer_of(transformer: Bundle) -> Packer:
    """Give what cuts articles into passages as a transformer does.

    Raises
    ------
    BundleError
        When the bundle has no encoder.
    """
    from tokenizers import Tokenizer

    if TOKENIZER not in transformer.manifest["files"]:
        raise BundleError(f"{transformer.path}: has no encoder to spare; give a transformer")
    heads = transformer.model.heads  # type: ignore[attr-defined]
    return Packer(
        Tokenizer.from_file(str(transformer.path / TOKENIZER)),
        heads.max_tokens,
        heads.context,
        Reader.of(transformer.registry) if heads.placeholders else None,
    )


def clear(passages: Sequence[Passage], chances: Floats, limits: Floats) -> list[Passage]:
    """Keep the passages in which the mean chance of each signal is within its limit.

    Parameters
    ----------
    passages : sequence of Passage
    chances : ndarray, shape (n_sentences, n_signals)
        That the transformer decides otherwise.
    limits : ndarray, shape (n_signals,)
    """
    return [one for one in passages if (chances[list(one.rows)].mean(axis=0) <= limits).all()]


class CascadeModel:
    """A `classifier.models.Model` of two: the second reads what the first doesn't settle.

    Parameters
    ----------
    baseline, transformer : Bundle
        Of the same signals.
    known : Clearness
    wanted : sequence of str
        The signals that are reported.

    Attributes
    ----------
    settled : int
        Passages that were, since it was made.

    Raises
    ------
    BundleError
        When the bundles give different signals.
    """

    def __init__(
        self, baseline: Bundle, transformer: Bundle, known: Clearness, wanted: Sequence[str]
    ) -> None:
        if baseline.signals != transformer.signals:
            raise BundleError(
                f"{transformer.path}: gives other signals than {baseline.path}; "
                "a cascade is of two bundles with the same: retrain one of them"
            )
        self.signals = transformer.signals
        self.known = known
        self.settled = 0
        self._baseline, self._transformer = baseline, transformer
        self._wanted = in_order(wanted)
        self._columns = [self.signals.index(signal) for signal in self._wanted]
        self._limits = known.limits(self._wanted)
        self._packer = packer_of(transformer)
        self._above = log_odds(thresholds_of(transformer))

    @property
    def runtime(self) -> str:
        """The library that computes what isn't settled, and its version."""
        return self._transformer.model.runtime

    @property
    def cache(self) -> PassageCache | None:
        """What remembers passages that were encoded."""
        found: PassageCache | None = self._transformer.model.cache  # type: ignore[attr-defined]
        return found

    @cache.setter
    def cache(self, cache: PassageCache | None) -> None:
        self._transformer.model.cache = cache  # type: ignore[attr-defined]

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Settle what is clear, and have the rest read; whole articles in order."""
        first = self._baseline.model.predict(sentences)
        done = self.passages(sentences, first.proba)
        self.settled += len(done)
        if not done:
            return self._transformer.model.predict(sentences)
        settled = np.zeros(len(sentences), np.bool_)
        settled[[row for passage in done for row in passage.rows]] = True
        left = np.flatnonzero(~settled).tolist()
        second = self._transformer.model.predict([sentences[row] for row in left])
        proba = self.mixed(first.proba, second.proba, settled, sentences)
        return CascadePrediction(proba, tuple(sentences), settled, first, second)

    def predict_proba(self, sentences: Sequence[Sentence]) -> Single:
        """Calibrated probabilities, shape (n_sentences, n_signals)."""
        return self.predict(sentences).proba

    def passages(self, sentences: Sequence[Sentence], proba: Single) -> list[Passage]:
        """Find the passages that are settled by what the baseline says, (n, n_signals)."""
        if not len(sentences):
            return []
        far = margins(proba, thresholds_of(self._baseline))[:, self._columns]
        chances = self.known.chances(self._wanted, far)
        # Where no sentence is clear no passage is, and nothing need be cut into tokens.
        _, first, article = np.unique(
            [s.article_id for s in sentences], return_index=True, return_inverse=True
        )
        least = np.full((len(first), chances.shape[1]), np.inf)
        np.minimum.at(least, article, chances)
        within: Bools = np.all(least <= self._limits, axis=1)
        rows = np.flatnonzero(within[article]).tolist()
        if not rows:
            return []
        some = [sentences[row] for row in rows]
        tokens, _, _ = self._packer.tokenize_both(some)
        found = [
            replace(passage, rows=tuple(rows[row] for row in passage.rows))
            for passage in self._packer.pack(some, tokens)
        ]
        return clear(found, chances, self._limits)

    def mixed(
        self, first: Single, second: Single, settled: Bools, sentences: Sequence[Sentence]
    ) -> Single:
        """Put the probabilities of two models together.

        Parameters
        ----------
        first : ndarray, shape (n_sentences, n_signals)
            The baseline's.
        second : ndarray, shape (n_left, n_signals)
            The transformer's, of those that aren't settled.
        settled : ndarray, shape (n_sentences,)
        sentences : sequence of Sentence
        """
        proba = self._moved(first)
        proba[~settled] = second
        self._tell_articles(proba, settled, sentences)
        return proba

    def _moved(self, proba: Single) -> Single:
        """Give the baseline's probabilities, moved so that its decisions are by our thresholds."""
        limits, ours = thresholds_of(self._baseline), thresholds_of(self._transformer)
        odds = margins(proba, limits) + self._above
        found: Single = (0.5 * (1.0 + np.tanh(0.5 * odds))).astype(np.float32)
        below = np.nextafter(ours, np.float32(0))
        return np.where(proba >= limits, np.maximum(found, ours), np.minimum(found, below))

    def _tell_articles(self, proba: Single, settled: Bools, sentences: Sequence[Sentence]) -> None:
        """Tell articles of which a part is settled from all their sentences, in place."""
        columns = [i for i, s in enumerate(self.signals) if BY_NAME[s].level is Level.ARTICLE]
        _, article = np.unique([s.article_id for s in sentences], return_inverse=True)
        share = np.bincount(article, settled) / np.bincount(article)
        of_row = share[article]
        rows = np.flatnonzero((of_row > 0) & (of_row < 1)).tolist()
        if not columns or not rows:
            return
        own, some = proba[rows], [sentences[row] for row in rows]
        if self._stage is None:
            odds = pool_articles(log_odds(own).astype(np.float32), some, columns)
            own = (0.5 * (1.0 + np.tanh(0.5 * odds))).astype(np.float32)
        else:
            nothing = np.zeros_like(own)
            odds = self._stage.log_odds(nothing, own, self.signals, some)
            own = self._transformer.model.calibration.apply(odds)  # type: ignore[attr-defined]
        for column in columns:
            proba[rows, column] = own[:, column]

    @cached_property
    def _stage(self) -> ArticleStage | None:
        record = self._transformer.model.heads.articles  # type: ignore[attr-defined]
        return None if record is None else ArticleStage.from_record(record)


@dataclass(frozen=True)
class CascadePrediction:
    """What two models found; see `classifier.models.Prediction`."""

    proba: Single
    sentences: tuple[Sentence, ...]
    settled: Bools  # shape (n_sentences,)
    first: Prediction  # of all sentences
    second: Prediction  # of those that aren't settled

    @cached_property
    def _place(self) -> NDArray[np.intp]:
        """Of a sentence that isn't settled, its row in the second prediction."""
        return np.cumsum(~self.settled) - 1

    @property
    def vectors(self) -> Single | None:
        """Where passages lie; NaN in the whole of an article of which anything is settled."""
        known = self.second.vectors
        if known is None:
            return None
        found = np.full((len(self.sentences), known.shape[1]), np.nan, np.float32)
        found[~self.settled] = known
        touched = {
            s.article_id for s, done in zip(self.sentences, self.settled, strict=True) if done
        }
        found[[s.article_id in touched for s in self.sentences]] = np.nan
        return found

    @property
    def citations(self) -> tuple[tuple[Citation, ...], ...]:
        """The transformer's; where it has not read, those that the form of the article gives."""
        return tuple(
            first if done else self.second.citations[at]
            for first, done, at in zip(
                self.first.citations, self.settled, self._place.tolist(), strict=True
            )
        )

    def evidence(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Give the words that speak for signals, by the model that decided them."""
        ours = [at for at, (row, _) in enumerate(wanted) if self.settled[row]]
        theirs = [at for at, (row, _) in enumerate(wanted) if not self.settled[row]]
        found: list[tuple[Span, ...]] = [()] * len(wanted)
        first = self.first.evidence([wanted[at] for at in ours])
        second = self.second.evidence(
            [(int(self._place[wanted[at][0]]), wanted[at][1]) for at in theirs]
        )
        for at, spans in zip((*ours, *theirs), (*first, *second), strict=True):
            found[at] = spans
        return found


class _Domain(TrainingDomain):
    """A training domain that says of NaN that it doesn't know."""

    def distance(self, vectors: Single) -> Floats:
        """NaN of an article that was not read as a whole, which is far from nothing."""
        known = ~np.isnan(vectors).any(axis=1)
        found = np.full(len(vectors), np.nan)
        found[known] = super().distance(vectors[known])
        return found


def cascaded(transformer: Bundle, signals: Sequence[str] | None) -> tuple[Bundle, CascadeModel]:
    """Put the baseline that ships before a transformer.

    Parameters
    ----------
    transformer : Bundle
    signals : sequence of str or None
        That are reported; None for all.

    Returns
    -------
    Bundle
        The transformer's, but for its model.
    CascadeModel
        That model.

    Raises
    ------
    CascadeError
        When nothing was measured of it.
    """
    known = clearness(str(transformer.path), signals)
    baseline = bundles.load(BASELINE, transformer.registry)
    model = CascadeModel(baseline, transformer, known, signals or transformer.signals)
    domain = transformer.domain and _Domain(**vars(transformer.domain))
    return replace(transformer, model=model, domain=domain), model
