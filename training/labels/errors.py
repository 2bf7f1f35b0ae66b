"""Labels that are likely wrong, each judged relative to those of its own answer.

A model that didn't learn the label scores the sentence: a logistic regression per signal, on a
bundle's log-odds of every signal and on the sentence's n-grams, in five folds of whole articles; or
a bundle that never saw the labels. A line through the scores (Platt scaling) gives how much more
often such a score stands by the other answer, whatever the share of yes; with `WRONG` of either
answer's labels taken to be wrong, that ratio gives the chance that this one is (Bayes' rule).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.models import Ngrams, count, weigh
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.data import Examples, examples_of_articles
from framescope.training.labels.reading import LabelledArticle
from numpy.typing import NDArray

CONFIRMED = "confirmed"  # the key of verified labels: true, or the names of the signals
WRONG = 0.05  # the share of either answer's labels that is taken to be wrong
SURE = 0.5  # the chance of being wrong from which a label is a finding
LISTED = 0.2  # from which it is listed
_FOLDS = 5
_FEWEST = 10  # labels of each answer that a signal needs
_WEIGHT = 0.3  # of log-odds of unit spread, relative to n-grams of unit length


@dataclass(frozen=True, slots=True)
class LikelyError:
    """A label that may be wrong, how likely that is, and the probability of 1."""

    article: str
    sentence: int
    text: str
    signal: str
    given: int
    chance: float
    wrong: float
    words: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """The reason, in words."""
        reason = f"labelled {self.given}, wrong with a chance of {self.wrong:.0%}"
        return reason + (f"; evidence for 1: {', '.join(self.words)}" if self.words else "")


class LikelyErrors(NamedTuple):
    """What may be wrong, the likeliest first, among how many `labels`, and what was not checked."""

    found: tuple[LikelyError, ...]
    labels: int
    unread: tuple[str, ...]

    @property
    def sure(self) -> int:
        """The number of those that are more likely wrong than right."""
        return sum(one.wrong >= SURE for one in self.found)


def find_errors(
    found: Sequence[LabelledArticle], bundle: Bundle, *, own: bool = False, seed: int = 0
) -> LikelyErrors:
    """Look for labels that are likely wrong; `own` takes the bundle's probabilities as they are."""
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
    for signal in (one for one in rows.signals if BY_NAME[one].level is not Level.ARTICLE):
        if own and signal not in bundle.signals:
            lacking[f"{bundle.name} doesn't give them"].append(signal)
            continue
        at = np.flatnonzero(np.isin(rows.column(signal), (0, 1)))
        given, chance = rows.column(signal)[at].astype(np.int64), None
        if (enough := np.bincount(given, minlength=2).min() >= _FEWEST) and features is not None:
            chance = _out_of_fold(features[at], given, groups[at], seed)
        elif enough:
            chance = prediction.proba[at, bundle.signals.index(signal)].astype(float)
        if chance is None:
            lacking[f"fewer than {_FEWEST} labels of an answer"].append(signal)
            continue
        labels += len(at)
        wrong = chance_of_error(given, chance)
        for place in np.flatnonzero(wrong >= LISTED):
            row = int(at[place])
            one, sentence = found[position[row]], rows.sentences[row]
            if not _is_confirmed(one, sentence.index, signal):
                label = signal, int(given[place]), float(chance[place]), float(wrong[place])
                errors.append((row, LikelyError(one.name, sentence.index, sentence.text, *label)))
    wanted = [(r, e.signal) for r, e in errors if not e.given and e.signal in bundle.signals]
    evidence = dict(zip(wanted, prediction.evidence(wanted), strict=True))
    ranked = []
    for row, error in errors:
        text, spans = articles[position[row]].text, evidence.get((row, error.signal), ())
        words = tuple(f"“{text[span.start : span.end]}”" for span in spans[:3])
        ranked.append(replace(error, words=words))
    ranked.sort(key=lambda e: (-e.wrong, e.article, e.sentence, e.signal))
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


def chance_of_error(given: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that each label is wrong, by the probabilities of 1 without that label."""
    from scipy.special import expit, logit
    from sklearn.linear_model import LogisticRegression

    odds = logit(np.clip(chance, 1e-4, 1 - 1e-4))[:, None]
    line = LogisticRegression(C=np.inf).fit(odds, given)
    if line.coef_[0, 0] <= 0:  # higher where the answer is 0: the scores tell nothing of it
        return np.full(len(given), WRONG)
    # Less the odds of the shares, this is the ratio of how often either answer has such a score.
    ratio = line.decision_function(odds) - logit(given.mean())
    wrong: NDArray[np.float64] = expit(logit(WRONG) + np.where(given == 1, -ratio, ratio))
    return wrong
