"""Labels that are likely wrong, by confident learning (Northcutt, Jiang and Chuang, 2021).

A label is listed when cleanlab names it and a model that didn't learn it gives it a chance under
`MOST_LIKELY`. The model is a logistic regression per signal, on a bundle's log-odds of every signal
and on the sentence's n-grams, in five folds of whole articles; so signals that no bundle knows are
covered. A bundle that never saw the labels can be used as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import need
from framescope.classifier.models import Ngrams, count, weigh
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.data import Examples, examples_of_articles
from framescope.training.labels.reading import LabelledArticle
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle

CONFIRMED = "confirmed"  # the key of verified labels: true, or the names of the signals
MOST_LIKELY = 0.1  # a label to which a model gives this probability isn't listed
_FOLDS = 5
_FEWEST = 10  # labels of each answer that a signal needs
_WEIGHT = 0.3  # of log-odds of unit spread, relative to n-grams of unit length


@dataclass(frozen=True, slots=True)
class LikelyError:
    """A label that is likely wrong, the probability of 1, and its mean for labels of that value."""

    article: str
    sentence: int
    text: str
    signal: str
    given: int
    chance: float
    usual: float
    words: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The reason, in words."""
        reason = f"labelled {self.given}, and its chance of 1 is {self.chance:.2f}"
        reason += f", where those labelled {self.given} have {self.usual:.2f} on average"
        return reason + (f"; for 1 speaks: {', '.join(self.words)}" if self.words else "")


@dataclass(frozen=True, slots=True)
class LikelyErrors:
    """The likely errors, the surest first, among how many `labels`, and what was not checked."""

    found: tuple[LikelyError, ...]
    labels: int
    unread: tuple[str, ...]


def find_errors(
    found: Sequence[LabelledArticle], bundle: Bundle, *, own: bool = False, seed: int = 0
) -> LikelyErrors:
    """Look for labels that are likely wrong, in sentences that a bundle describes.

    Labels between 0 and 1, labels of whole articles and labels marked as `CONFIRMED` are skipped.
    `own` uses the bundle's probabilities as they are, for the signals that it gives.
    """
    need("cleanlab", "looking for likely label errors needs", "annotate")
    # Positions in place of ids, which several annotators share; whole articles, for the context.
    articles = [replace(one.article, id=str(at)) for at, one in enumerate(found)]
    rows = examples_of_articles("exchange", iter(articles), bundle.registry)
    if not len(rows):
        return LikelyErrors((), 0, ("likely errors: there is no sentence",))
    position = [int(sentence.article_id.rpartition("/")[2]) for sentence in rows.sentences]
    groups = np.array([found[at].article.id for at in position])
    prediction = bundle.model.predict(rows.sentences)
    features = None if own else _features(rows, prediction.proba)
    errors: list[tuple[int, LikelyError]] = []
    lacking: dict[str, list[str]] = defaultdict(list)
    labels = 0
    for signal in rows.signals:
        if BY_NAME[signal].level is Level.ARTICLE:
            continue
        if own and signal not in bundle.signals:
            lacking[f"{bundle.name} doesn't give them"].append(signal)
            continue
        at = np.flatnonzero(np.isin(rows.column(signal), (0, 1)))
        given, chance = rows.column(signal)[at].astype(np.int64), None
        if np.bincount(given, minlength=2).min() >= _FEWEST:
            if features is None:
                chance = prediction.proba[at, bundle.signals.index(signal)].astype(float)
            else:
                chance = _out_of_fold(features[at], given, groups[at], seed)
        if chance is None:
            lacking[f"fewer than {_FEWEST} labels of an answer"].append(signal)
            continue
        labels += len(at)
        for place in _issues(given, chance):
            row = int(at[place])
            one, sentence = found[position[row]], rows.sentences[row]
            if not _is_confirmed(one, sentence.index, signal):
                usual = float(chance[given == given[place]].mean())
                label = signal, int(given[place]), float(chance[place]), usual
                errors.append((row, LikelyError(one.name, sentence.index, sentence.text, *label)))
    wanted = [(r, e.signal) for r, e in errors if not e.given and e.signal in bundle.signals]
    evidence = dict(zip(wanted, prediction.evidence(wanted), strict=True))
    ranked = []
    for row, error in errors:
        text, spans = articles[position[row]].text, evidence.get((row, error.signal), ())
        words = tuple(f"“{text[span.start : span.end]}”" for span in spans[:3])
        ranked.append(replace(error, words=words))
    ranked.sort(key=lambda e: (abs(1 - e.given - e.chance), e.article, e.sentence, e.signal))
    unread = (f"likely errors of {', '.join(names)}: {why}" for why, names in lacking.items())
    return LikelyErrors(tuple(ranked), labels, tuple(unread))


def _is_confirmed(one: LabelledArticle, number: int, signal: str) -> bool:
    items = one.record.get("sentences") or ()
    confirmed: Any = items[number].get(CONFIRMED) if number < len(items) else None
    return confirmed is True or (isinstance(confirmed, list) and signal in confirmed)


def _features(rows: Examples, proba: NDArray[np.float32]) -> Any:
    """Return what the regressions are fitted on, sparse, shape (n_rows, n_features)."""
    from scipy.sparse import csr_matrix, hstack
    from scipy.special import logit

    odds = logit(np.clip(proba.astype(float), 1e-4, 1 - 1e-4))
    spread = np.maximum(odds.std(axis=0), 1e-6)
    parts = [csr_matrix(_WEIGHT * (odds - odds.mean(axis=0)) / spread)]
    texts = [sentence.text for sentence in rows.sentences]
    try:
        learn = Ngrams.learn
        blocks = learn(texts, "word", 1, 2, 2, 20_000), learn(texts, "char", 2, 4, 3, 20_000)
    except ValueError:  # too little text for n-grams that repeat
        return parts[0]
    return hstack([weigh(blocks, count(blocks, texts)), *parts], format="csr")


def _out_of_fold(
    features: Any, given: NDArray[np.int64], groups: NDArray[np.str_], seed: int
) -> NDArray[np.float64] | None:
    """Return probabilities from regressions that saw nothing of the article; None with too few."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    if (folds := min(_FOLDS, len(np.unique(groups)))) < 2:
        return None
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    parts = list(split.split(given, given, groups))
    if any(len(np.unique(given[learned])) < 2 for learned, _ in parts):
        return None
    line = LogisticRegression(solver="liblinear", dual=True, tol=0.1, random_state=seed)
    chance = cross_val_predict(line, features, given, cv=parts, method="predict_proba")
    return np.asarray(chance[:, 1])


def _issues(given: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.intp]:
    from cleanlab.filter import find_label_issues

    both = np.stack([1 - chance, chance], axis=1)
    issues = find_label_issues(given, both, filter_by="both", n_jobs=1)
    unlikely = both[np.arange(len(given)), given] < MOST_LIKELY
    return np.flatnonzero(issues & unlikely)
