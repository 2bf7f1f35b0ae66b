"""Fits what stands between citations and decisions (`classifier.models.fusion`) on held-out rows.

A citation is right when somebody marked one whose content and whose source it shares characters
with. Rows of corpora that mark in a wider sense than the guidelines take no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.models import (
    CITATION_FEATURES,
    KIND_FEATURES,
    KIND_SIGNALS,
    KINDS,
    SENTENCE_FEATURES,
    SOURCING,
    Fusion,
    Known,
    Regressions,
    Said,
    Words,
    citation_features,
    kind_features,
    quoted_share,
    sentence_features,
    sigmoid,
)
from classifier.values import SourceKind
from training.data import Examples, Mark, RowCitation

_STRENGTH = 1.0  # of the prior: scikit-learn's C
_EXCLUSIVE = len(SourceKind)


@dataclass(frozen=True)
class Heard:
    """What the encoder and the registry say of rows: what a stage is fitted on.

    `votes` has shape (n_rows, n_signals), by `signals`; `known` goes with `said`, and
    `state_media` says which rows name state media.
    """

    said: Sequence[Sequence[Said]]
    known: Sequence[Sequence[Known | None]]
    votes: NDArray[np.float32]
    signals: Sequence[str]
    state_media: Sequence[bool]

    def vote(self, signal: str) -> NDArray[np.float32]:
        """The votes on one signal, shape (n_rows,)."""
        column: NDArray[np.float32] = self.votes[:, list(self.signals).index(signal)]
        return column


def fit_fusion(rows: Examples, heard: Heard) -> Fusion:
    """Fit citations, kinds and signals, and the chance from which a citation is shown.

    Parameters
    ----------
    rows : Examples
        That nothing was learned from. Citations are fitted on those where they are marked, signals
        on all that label them.
    heard : Heard
    """
    at = _rows(rows)
    citation, right = _citations(rows, heard, at)
    stage = Regressions(CITATION_FEATURES, {"right": _line(citation, right)})
    chances = sigmoid(stage.log_odds(citation)["right"]) if len(citation) else np.zeros(0)
    found = sum(len(given or ()) for given in rows.citations)
    threshold = _threshold(chances, right, found)
    kinds = _kinds(rows, heard, at)
    fused = Fusion(stage, kinds, Regressions(SENTENCE_FEATURES, {}), threshold)
    features = sentences(rows, heard, fused)
    lines = {
        signal: _line(features[signal][known], labels[known] >= 0.5)
        for signal in SOURCING
        if signal in rows.signals and signal in heard.signals
        for labels in [rows.column(signal)]
        for known in [~np.isnan(labels)]
        if len(np.unique(labels[known] >= 0.5)) == 2
    }
    return Fusion(stage, kinds, Regressions(SENTENCE_FEATURES, lines), threshold)


def sentences(rows: Examples, heard: Heard, stage: Fusion) -> dict[str, NDArray[np.float64]]:
    """Give each signal's features of all rows, shape (n_rows, n_features)."""
    found: dict[str, list[list[float]]] = {signal: [] for signal in SOURCING}
    attributed = heard.vote("attributed")
    of_kinds = np.stack([heard.vote(signal) for signal in KIND_SIGNALS], axis=1)
    votes = {s: heard.vote(s) for s in SOURCING if s in heard.signals}
    for row, (said, known) in enumerate(zip(heard.said, heard.known, strict=True)):
        sentence = rows.sentences[row]
        given = [citation_features(one, sentence, float(attributed[row])) for one in said]
        chances = [float(c) for c in _chances(stage.citation, given)]
        kinds = [
            kind_chances(stage.kinds, kind_features(one, other, of_kinds[row].tolist()))
            for one, other in zip(said, known, strict=True)
        ]
        whole = quoted_share([(0, len(sentence.text))], sentence)
        surest = max(range(len(said)), key=chances.__getitem__, default=None)
        content = given[surest][CITATION_FEATURES.index("quoted")] if surest is not None else 0.0
        for signal, vote in votes.items():
            found[signal].append(
                sentence_features(
                    float(vote[row]), chances, kinds, (whole, content), heard.state_media[row]
                )
            )
    return {signal: np.array(lines) for signal, lines in found.items() if lines}


def kind_chances(kinds: Regressions, features: Sequence[float]) -> list[float]:
    """Give how likely a source is of each of `KINDS`: of the first three it is one."""
    odds = kinds.log_odds(np.asarray([features]))
    scores = np.array([odds[kind][0] for kind in KINDS[:_EXCLUSIVE]])
    chances = np.exp(scores - scores.max())
    on_top = [float(sigmoid(odds[kind])[0]) for kind in KINDS[_EXCLUSIVE:]]
    return [*(chances / chances.sum()).tolist(), *on_top]


def _chances(stage: Regressions, given: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    if not given:
        return np.zeros(0)
    return sigmoid(stage.log_odds(np.asarray(given))["right"])


def _rows(rows: Examples) -> dict[tuple[str, int], int]:
    keys = zip(rows.article.tolist(), rows.sentences, strict=True)
    return {(article, sentence.index): row for row, (article, sentence) in enumerate(keys)}


def _annotated(rows: Examples) -> Iterable[tuple[int, tuple[RowCitation, ...]]]:
    return ((row, given) for row, given in enumerate(rows.citations) if given is not None)


def _citations(
    rows: Examples, heard: Heard, at: Mapping[tuple[str, int], int]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Give the features of all citations found where citations are marked, and which are right."""
    attributed = heard.vote("attributed")
    features, right = [], []
    for row, given in _annotated(rows):
        for one in heard.said[row]:
            features.append(citation_features(one, rows.sentences[row], float(attributed[row])))
            right.append(_match(rows, at, row, one, given) is not None)
    return np.array(features).reshape(-1, len(CITATION_FEATURES)), np.array(right, np.bool_)


def _kinds(rows: Examples, heard: Heard, at: Mapping[tuple[str, int], int]) -> Regressions:
    """Fit the kinds on the citations that are right."""
    of_kinds = np.stack([heard.vote(signal) for signal in KIND_SIGNALS], axis=1)
    features, truth = [], []
    for row, given in _annotated(rows):
        for one, known in zip(heard.said[row], heard.known[row], strict=True):
            marked = _match(rows, at, row, one, given)
            if marked is not None and marked.kind is not None:
                features.append(kind_features(one, known, of_kinds[row].tolist()))
                truth.append((marked.kind.value, marked.government, marked.state_media))
    x = np.array(features).reshape(-1, len(KIND_FEATURES))
    lines = _lines(x, [kind for kind, _, _ in truth])
    for number, name in enumerate(KINDS[_EXCLUSIVE:], 1):
        lines[name] = _line(x, np.array([one[number] for one in truth], np.bool_))
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


def _line(x: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, ...]:
    """Fit one logistic regression: its weights, and the intercept last."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(y)) < 2:
        width = x.shape[1] if x.ndim > 1 else 0
        return (*([0.0] * width), 4.0 if len(y) and y[0] else -4.0)
    fitted = LogisticRegression(C=_STRENGTH, max_iter=2000).fit(x, y)
    return (*map(float, fitted.coef_[0]), float(fitted.intercept_[0]))


def _lines(x: NDArray[np.float64], y: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Fit the exclusive kinds together; one that doesn't occur is never likely."""
    from sklearn.linear_model import LogisticRegression

    never = (*([0.0] * len(KIND_FEATURES)), -8.0)
    lines = dict.fromkeys(KINDS[:_EXCLUSIVE], never)
    if len(set(y)) < 2:
        return lines | dict.fromkeys(y, (*never[:-1], 0.0))
    fitted = LogisticRegression(C=_STRENGTH, max_iter=2000).fit(x, y)
    coefficients, intercepts = fitted.coef_, fitted.intercept_
    if len(fitted.classes_) == 2:  # one line for the second of them
        coefficients = np.concatenate([np.zeros_like(coefficients), coefficients])
        intercepts = np.concatenate([np.zeros_like(intercepts), intercepts])
    for kind, line, intercept in zip(fitted.classes_, coefficients, intercepts, strict=True):
        lines[str(kind)] = (*map(float, line), float(intercept))
    return lines


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
