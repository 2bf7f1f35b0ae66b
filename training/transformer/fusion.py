"""Fits what stands between citations and decisions (`classifier.models.fusion`) on held-out rows.

A citation is right when somebody marked one whose content and whose source it shares characters
with. Rows of corpora that mark in a wider sense than the guidelines take no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from framescope.classifier.models import (
    CITATION_FEATURES,
    KIND_FEATURES,
    KINDS,
    SENTENCE_FEATURES,
    Fusion,
    FusionFeatures,
    Regressions,
    Resolved,
    Said,
    Words,
    features_of,
)
from framescope.classifier.records import SourceKind
from framescope.training.data import Examples, Mark, RowCitation
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit

# How firmly weights are held: what a standard deviation of a feature may add to the log-odds costs
# as much as two sentences that are wrong.
_STRENGTH = 2.0
_LEAST_SPREAD = 0.05  # of a feature, so that one that hardly varies is held as well
_EXCLUSIVE = tuple(kind.value for kind in SourceKind)
# What may speak for a signal beside its vote, and for a kind: what is its own. The articles to fit
# on are few; with every feature most signals and kinds were decided worse in articles left out.
# `unsourced_assertion` has nothing but its vote, which no citation of others improved.
_FOR_SIGNAL: Mapping[str, Sequence[str]] = {
    "attributed": ("vote", "cited"),
    "named_source": ("vote", "cited", "named"),
    "unnamed_source": ("vote", "unnamed"),
    "vague_source": ("vote", "vague"),
    "government_attribution": ("vote", "government"),
    "state_media_attribution": ("vote", "state_media", "names state media"),
    "quoted": ("vote", "quoted share", "quoted content"),
    "reported": ("vote", "cited", "quoted share", "quoted content"),
}
_FOR_ANY_KIND = ("known: outlet", "known: antecedent", "source")


@dataclass(frozen=True)
class Heard:
    """What the encoder and the registry say of rows.

    `logits` are its votes, of shape (n_rows, n_signals), by `signals`; `state_media` says which
    rows name state media.
    """

    resolved: Resolved
    logits: NDArray[np.float32]
    signals: Sequence[str]
    state_media: Sequence[bool]

    def features(self, fusion: Fusion, rows: Examples) -> FusionFeatures:
        """Lay out what a fusion decides by."""
        return features_of(
            fusion, self.resolved, rows.sentences, self.logits, self.signals, self.state_media
        )


def fit_fusion(rows: Examples, heard: Heard) -> Fusion:
    """Fit citations, kinds and signals, and the chance from which a citation is shown.

    Parameters
    ----------
    rows : Examples
        That nothing was learned from. Citations are fitted on those where they are marked, signals
        on all that label them.
    heard : Heard
    """
    nothing = Regressions((), {})
    fusion = Fusion(nothing, nothing, nothing, 0.5)
    at = _rows(rows)
    plain = heard.features(fusion, rows)
    citation, right = _citations(rows, heard, plain, at)
    of_citations = Regressions(CITATION_FEATURES, {"right": _line(citation, right)})
    kinds = _kinds(rows, heard, plain, at)
    chances = expit(of_citations.log_odds(citation)["right"])
    found = sum(len(given or ()) for given in rows.citations)
    fusion = Fusion(of_citations, kinds, nothing, _threshold(chances, right, found))
    lines = {}
    features = heard.features(fusion, rows).sentences
    for signal, own in _FOR_SIGNAL.items():
        if signal not in rows.signals or signal not in features:
            continue
        labels = rows.column(signal)
        known = ~np.isnan(labels)
        positive = labels[known] >= 0.5
        if positive.any() and not positive.all():
            lines[signal] = _of_own(features[signal][known], positive, SENTENCE_FEATURES, own)
    return Fusion(of_citations, kinds, Regressions(SENTENCE_FEATURES, lines), fusion.threshold)


def _rows(rows: Examples) -> dict[tuple[str, int], int]:
    keys = zip(rows.article.tolist(), rows.sentences, strict=True)
    return {(article, sentence.index): row for row, (article, sentence) in enumerate(keys)}


def _annotated(rows: Examples) -> Iterable[tuple[int, tuple[RowCitation, ...]]]:
    return ((row, given) for row, given in enumerate(rows.citations) if given is not None)


def _citations(
    rows: Examples, heard: Heard, features: FusionFeatures, at: Mapping[tuple[str, int], int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give the features of all citations found where citations are marked, and which are right."""
    given, right = [], []
    for row, marked in _annotated(rows):
        given += features.citations[row]
        said = heard.resolved.said[row]
        right += [_match(rows, at, row, one, marked) is not None for one in said]
    return np.array(given).reshape(-1, len(CITATION_FEATURES)), np.array(right, np.bool_)


def _kinds(
    rows: Examples, heard: Heard, features: FusionFeatures, at: Mapping[tuple[str, int], int]
) -> Regressions:
    """Fit the kinds on the citations that are right."""
    given, truth = [], []
    for row, marked in _annotated(rows):
        for one, line in zip(heard.resolved.said[row], features.kind_features[row], strict=True):
            match = _match(rows, at, row, one, marked)
            if match is not None and match.kind is not None:
                given.append(line)
                truth.append((match.kind.value, match.government, match.state_media))
    x = np.array(given).reshape(-1, len(KIND_FEATURES))
    holds = {kind: np.array([one == kind for one, _, _ in truth], np.bool_) for kind in _EXCLUSIVE}
    for number, name in enumerate(KINDS[len(_EXCLUSIVE) :], 1):
        holds[name] = np.array([one[number] for one in truth], np.bool_)
    lines = {}
    for name in KINDS:
        own = (f"words: {name}", f"sentence: {name}", f"known: {name}", *_FOR_ANY_KIND)
        lines[name] = _of_own(x, holds[name], KIND_FEATURES, own)
    return Regressions(KIND_FEATURES, lines)


def _match(
    rows: Examples,
    at: Mapping[tuple[str, int], int],
    row: int,
    one: Said,
    given: Sequence[RowCitation],
) -> RowCitation | None:
    """Find the marked citation whose content and source a found one shares characters with."""
    for marked in given:
        if any(_meet(words, mark) for words in one.content for mark in marked.content):
            if one.source is None or marked.source is None:
                if one.source is None and marked.source is None:
                    return marked
                continue
            place = at.get((str(rows.article[row]), marked.source.sentence))
            if place == one.source.row and _meet(one.source, marked.source):
                return marked
    return None


def _meet(words: Words, mark: Mark) -> bool:
    return words.start < mark.end and mark.start < words.end


def _of_own(
    x: NDArray[np.float64], y: NDArray[np.bool_], features: Sequence[str], own: Sequence[str]
) -> tuple[float, ...]:
    """Fit one regression to some of the features; the others weigh nothing.

    The first of its own is the encoder's word, whose weight is held near 1: what is rare is decided
    by the encoder alone.
    """
    columns = [features.index(name) for name in own]
    *weights, intercept = _line(x[:, columns], y, np.eye(len(own))[0])
    line = np.zeros(len(features))
    line[columns] = weights
    return (*map(float, line), intercept)


def _line(
    x: NDArray[np.float64], y: NDArray[np.bool_], centre: NDArray[np.float64] | None = None
) -> tuple[float, ...]:
    """Fit one logistic regression: its weights, held near `centre` (0), and the intercept last."""
    if centre is None:
        centre = np.zeros(x.shape[1])
    if not len(x):
        return (*map(float, centre), 0.0)
    scale = np.maximum(x.std(axis=0), _LEAST_SPREAD)
    wanted = y.astype(float)

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ line[:-1] + line[-1]
        away = (line[:-1] - centre) * scale
        fit = -(wanted * log_expit(z) + (1 - wanted) * log_expit(-z)).sum()
        error = expit(z) - wanted
        gradient = np.append(x.T @ error + 2 * _STRENGTH * away * scale, error.sum())
        return float(fit + _STRENGTH * (away**2).sum()), gradient

    start = np.append(centre, 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-30.0, 30.0)] * len(start))
    return tuple(map(float, found.x))


def _threshold(chances: NDArray[np.float64], right: NDArray[np.bool_], marked: int) -> float:
    """Choose the chance from which citations are shown: that of the best F1."""
    if not len(chances) or not right.any():
        return 0.5
    order = np.argsort(-chances, kind="stable")
    hits = np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + marked)
    best = int(f1.argmax())
    below = chances[order[best + 1]] if best + 1 < len(order) else chances[order[best]]
    return float((chances[order[best]] + below) / 2)
