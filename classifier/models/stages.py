"""What follows a model's predictions: articles told from sentences, and heads from labels.

A logistic regression reads how much of the article carries each sentence-level signal: on average,
at its start, and where it carries most. The training data is summed up as centres among the vectors
of its articles; an article is as far as the nearest, and held-out articles say how far is far. In a
far article a framing signal counts only where the answer "no" can be excluded at a coverage of 90%:
class-conditional split conformal limits (Angelopoulos & Bates, 2021,
doi:10.48550/arXiv.2107.07511), fitted on validation rows.

Heads are logistic regressions that a user's labels added to a bundle. A head reads, of each
sentence, the log-odds of all signals, the mean vector of its tokens, where the model has one, and
n-grams of words. The model itself, and so all other signals, stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import BundleError
from framescope.classifier.models import base
from framescope.classifier.models.base import Calibration, Model, Prediction, TextForm, form_of
from framescope.classifier.models.citation_scorer import Regressions
from framescope.classifier.models.evidence import names_by_article, telling_words
from framescope.classifier.models.tfidf import TfidfModel
from framescope.classifier.models.tfidf import load as load_tfidf
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

DOMAIN = "domain.npz"
FAR = 0.98  # the share of held-out articles that lie nearer, from which an article is far
FEWEST_SENTENCES = 5  # of an article; the vector of fewer is mostly chance

Floats = NDArray[np.float32]
_ARRAYS = ("mean", "axes", "centres", "held_out", "yes", "no")
_LEAD = 5  # sentences
_TOP_SHARE = 0.1  # of the sentences, those that carry a signal most
_PLACES = ("mean", "lead", "top")


def article_features(signals: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features of sentence-level signals."""
    return (*(f"{place}: {signal}" for place in _PLACES for signal in signals), "log sentences")


def features_of_articles(
    proba: Floats, sentences: Sequence[Sentence]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the features of articles, and the row of each sentence's article there."""
    names, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    rows = np.zeros((len(names), len(_PLACES) * proba.shape[1] + 1))
    for number in range(len(names)):
        own = proba[article == number].astype(np.float64)
        most = max(1, round(_TOP_SHARE * len(own)))
        top = np.sort(own, axis=0)[-most:]
        means = [part.mean(axis=0) for part in (own, own[:_LEAD], top)]
        rows[number] = np.concatenate([*means, [np.log(len(own))]])
    return rows, article


@dataclass(frozen=True)
class ArticleStage:
    """The fitted regressions."""

    signals: tuple[str, ...]  # of sentences, which they read
    outputs: Regressions  # an output per article-level signal
    # the calibration of the signals when the regressions were fitted, where the bundle was
    # calibrated again: articles keep their scores
    fitted_on: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {k: value for k, value in asdict(self).items() if k != "fitted_on" or value}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ArticleStage:
        """Read what `to_record` wrote; raise `ValueError` where it is of other features."""
        signals = tuple(record["signals"])
        outputs = Regressions.from_record(record["outputs"], article_features(signals))
        fitted_on = {
            signal: (float(slope), float(intercept))
            for signal, (slope, intercept) in record.get("fitted_on", {}).items()
        }
        if not fitted_on.keys() <= set(signals):
            raise ValueError("the article stage was fitted on other signals")
        return cls(signals, outputs, fitted_on)

    def reads(self, calibration: Calibration) -> Calibration:
        """Return the calibration of what it reads: the bundle's, except for `fitted_on`."""
        if not self.fitted_on:
            return calibration
        return Calibration.from_record({**calibration.to_record(), **self.fitted_on})

    def log_odds(
        self, logits: Floats, proba: Floats, names: Sequence[str], sentences: Sequence[Sentence]
    ) -> Floats:
        """Replace the logits of article-level signals by those of the articles."""
        if not len(sentences):
            return logits
        columns = [names.index(signal) for signal in self.signals]
        rows, article = features_of_articles(proba[:, columns], sentences)
        found = logits.copy()
        for output, values in self.outputs.log_odds(rows).items():
            found[:, names.index(output)] = values[article]
        return found


@dataclass(frozen=True)
class TrainingDomain:
    """The training data, summed up."""

    mean: Floats  # shape (d,)
    axes: Floats  # shape (d, k): from a vector, less the mean, to directions of equal spread
    centres: Floats  # shape (c, k)
    held_out: Floats  # the distances of held-out articles, sorted
    # shape (n_signals,): the probabilities from which, and up to which, an answer is in the
    # conformal set; NaN where there were too few rows
    yes: Floats
    no: Floats

    def raw(self, vectors: Floats) -> Floats:
        """Return the distance of vectors, shape (n, d), to the nearest centre."""
        if not len(vectors):
            return np.zeros(0, np.float32)
        placed = (vectors - self.mean) @ self.axes
        apart = placed[:, None, :] - self.centres[None]
        found: Floats = np.sqrt((apart**2).sum(axis=2)).min(axis=1)
        return found

    def distance(self, vectors: Floats) -> NDArray[np.float64]:
        """Return the share of held-out articles that lie nearer than each vector."""
        nearer = np.searchsorted(self.held_out, self.raw(vectors), side="left")
        return nearer / max(len(self.held_out), 1)

    def sure(self, proba: Floats) -> NDArray[np.bool_]:
        """Return where "no" can be excluded, shape (n, n_signals)."""
        found: NDArray[np.bool_] = (proba > self.no) & (proba >= self.yes)
        return found

    def save(self, folder: Path) -> None:
        """Write `DOMAIN` into a folder."""
        np.savez_compressed(folder / DOMAIN, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, folder: Path, signals: int) -> TrainingDomain:
        """Read what `save` wrote; raise `ValueError` where its parts, or the signals, don't fit."""
        arrays = base.read_arrays(folder / DOMAIN, _ARRAYS)
        found = cls(**{name: arrays[name].astype(np.float32) for name in _ARRAYS})
        d, k = found.axes.shape if found.axes.ndim == 2 else (-1, -1)
        fits = (
            found.mean.shape == (d,)
            and found.centres.shape[1:] == (k,)
            and len(found.centres)
            and found.held_out.ndim == 1
            and found.yes.shape == found.no.shape == (signals,)
        )
        if not fits:
            raise ValueError(f"{DOMAIN}: its arrays don't fit together")
        return found


def vectors_of_articles(vectors: Floats, sentences: Sequence[Sentence]) -> tuple[Floats, list[int]]:
    """Return the mean of sentences' vectors, and the number of sentences, per article."""
    groups = groupby(sentences, key=lambda sentence: sentence.article_id)
    counts = [sum(1 for _ in group) for _, group in groups]
    ends = np.cumsum(counts)
    means = [vectors[end - n : end].mean(axis=0) for end, n in zip(ends, counts, strict=True)]
    width = vectors.shape[1] if vectors.ndim == 2 else 0
    return np.array(means, np.float32).reshape(len(means), width), counts


BEFORE = "before"  # under which the manifest of a bundle with heads keeps what it said without them
_WEIGHTS = ("of_logits", "of_means")


@dataclass(frozen=True, eq=False)
class LinearHeads:
    """Heads that were fitted together, one per signal."""

    ngrams: TfidfModel  # of words, with the intercepts
    of_logits: Floats  # shape (n_heads, n_signals): weights of the log-odds of the model below
    of_means: Floats  # shape (n_heads, d): and of its mean vectors

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that have a head, in taxonomy order."""
        return self.ngrams.signals

    def save(self, folder: Path, number: int) -> None:
        """Write the files of the heads of this number into a folder."""
        self.ngrams.save(folder, f"heads-{number}-")
        arrays = {name: getattr(self, name) for name in _WEIGHTS}
        np.savez_compressed(folder / f"heads-{number}.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path, number: int, registry: Registry | None) -> LinearHeads:
        """Read what `save` wrote; raise `BundleError` where it is damaged."""
        ngrams = load_tfidf(folder, None, registry, f"heads-{number}-")
        with base.whole(path := folder / f"heads-{number}.npz"):
            arrays = {k: x.astype(np.float32) for k, x in base.read_arrays(path, _WEIGHTS).items()}
            if [len(array) for array in arrays.values()] != [len(ngrams.signals)] * len(_WEIGHTS):
                raise ValueError("its arrays are of other signals")
        return cls(ngrams, **arrays)


def rounds_of_heads(files: Iterable[str]) -> int:
    """Return how often heads were added to a bundle that has these files."""
    return sum(name.startswith("heads-") and name.count("-") == 1 for name in files)


class HeadedModel:
    """A `classifier.models.Model`: another one, and heads, whose signals it takes from them."""

    def __init__(self, below: Model, heads: LinearHeads, calibration: Calibration | None) -> None:
        self.below = below
        self.heads = heads
        self.signals = in_order({*below.signals, *heads.signals})
        self.runtime = below.runtime
        self.calibration = calibration or Calibration.identity(self.signals)
        kept = [s for s in below.signals if s not in heads.signals]
        self._kept = [self.signals.index(s) for s in kept]
        self._kept_below = [below.signals.index(s) for s in kept]
        self._headed = [self.signals.index(s) for s in heads.signals]
        fits = heads.of_logits.shape[1] == len(below.signals)
        if not fits or self.calibration.signals != self.signals:
            raise BundleError("heads of another model; get the bundle again")

    @property
    def cache(self) -> Any:
        """The cache of the model below, if it can have one."""
        return self.below.cache  # type: ignore[attr-defined]

    @cache.setter
    def cache(self, cache: Any) -> None:
        self.below.cache = cache  # type: ignore[attr-defined]

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences; citations and the evidence of other signals are the model's below."""
        heads, under = self.heads, self.below.predict(sentences)
        own = heads.ngrams.predict(sentences)
        added = own.logits + under.logits @ heads.of_logits.T
        if under.means is not None:
            added += under.means @ heads.of_means.T
        of_articles = np.flatnonzero(heads.ngrams.of_articles).tolist()
        logits = np.zeros((len(sentences), len(self.signals)), np.float32)
        logits[:, self._kept] = under.logits[:, self._kept_below]
        logits[:, self._headed] = base.pool_articles(added, sentences, of_articles)

        def shares(row: int, form: TextForm, of_logits: Floats, of_means: Floats) -> base.Doubles:
            """Pass the weights of heads on to what they read."""
            of_heads = of_logits[self._headed]
            below = of_heads @ heads.of_logits
            below[self._kept_below] += of_logits[self._kept]
            assert under.shares is not None
            assert own.shares is not None
            shared = under.shares(row, form, below, of_means + of_heads @ heads.of_means)
            return shared + own.shares(row, form, of_heads, of_means)

        def evidence(wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
            """Find the words that add most to a head's log-odds; spans stay those of the tags."""
            tagged = {s for s in self.below.signals if BY_NAME[s].level is Level.SPAN}
            kept = [pair for pair in wanted if pair[1] in tagged or pair[1] not in heads.signals]
            found = dict(zip(kept, under.evidence(kept), strict=True))
            nothing = np.zeros(heads.of_means.shape[1], np.float32)
            names = names_by_article(sentences)
            for row, signal in set(wanted) - set(kept):
                at, one = self.signals.index(signal), sentences[row]
                line = np.eye(1, len(self.signals), at, dtype=np.float32)[0]
                scores = shares(row, form_of(signal), line, nothing)
                found[row, signal] = telling_words(one, signal, scores, names[one.article_id])
            return [found[pair] for pair in wanted]

        proba = self.calibration.apply(logits)
        return replace(under, proba=proba, logits=logits, evidence=evidence, shares=shares)
