"""Labels that are likely wrong, by confident learning (Northcutt, Jiang, Chuang, 2021).

A label is held against what a model gives that learned nothing from it. Those that its class'
rate of noise makes wrong, and that the model gives less than one chance in ten, are named: the
first is cleanlab's `find_label_issues`, the second keeps those out that are only unsure.

The model is quick and made on the spot: for each signal a logistic regression on what a bundle
says of the sentence (its log-odds of every signal) and on the sentence's n-grams, fitted five
times, each time on four fifths of the articles. So a signal that no bundle knows is looked at too.
With a bundle named, its own probabilities are taken, since it never saw these labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import need
from framescope.classifier.models import Ngrams, count, weigh
from framescope.classifier.records import Span
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.data import Examples, examples_of_articles
from framescope.training.labels.labelled import LabelledArticle
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle

CONFIRMED = "confirmed"
"""The key of a sentence whose labels were looked at again and are right: true, or the signals."""

MOST_LIKELY = 0.1
"""The chance that a model gives to a label, from which it isn't named."""

_FOLDS = 5
_FEWEST = 10  # labels of each answer, from which anything is said of a signal
_WEIGHT = 0.3  # of a log-odds of unit spread, beside n-grams of unit length


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is likely wrong.

    `article` and `sentence` say where, from 0; `given` is the label, `chance` what the model gives
    to a "yes" there, and `usual` what it gives on average to sentences that are labelled the same.
    `words` are those that speak for "yes" where the label is "no", as far as the bundle knows the
    signal.
    """

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
        said = f"labelled {self.given}, and its chance of 1 is {self.chance:.2f}"
        said += f", where those labelled {self.given} have {self.usual:.2f} on average"
        return said + (f"; for 1 speaks: {', '.join(self.words)}" if self.words else "")


@dataclass(frozen=True, slots=True)
class Suspects:
    """What was found, the surest first, among how many labels, and what was not looked at."""

    found: tuple[Suspect, ...]
    labels: int
    unread: tuple[str, ...]


def find_suspects(
    found: Sequence[LabelledArticle], bundle: Bundle, *, own: bool = False, seed: int = 0
) -> Suspects:
    """Look for labels that are likely wrong.

    Labels between 0 and 1 are doubts already, and left out; so are those of sentences that say
    ``"confirmed": true``, or name the signal there, and labels of whole articles.

    Parameters
    ----------
    found : sequence of LabelledArticle
    bundle : Bundle
        Whose log-odds sentences are described by.
    own : bool
        Take its probabilities as they are, of the signals that it gives.
    seed : int
        Of the folds.

    Raises
    ------
    FramescopeError
        Without cleanlab.
    """
    need("cleanlab", "looking for likely label errors needs", "annotate")
    articles = [replace(one.article, id=str(at)) for at, one in enumerate(found)]
    # What a sentence is read with depends on where it stands, so that whole articles are read.
    rows = examples_of_articles("exchange", iter(articles), bundle.registry)
    if not len(rows):
        return Suspects((), 0, ("likely errors: there is no sentence",))
    prediction = bundle.model.predict(rows.sentences)
    known = _Known(found, rows)
    features = None if own else _features(rows, prediction.proba)
    suspects: list[tuple[int, Suspect]] = []
    lacking: dict[str, list[str]] = defaultdict(list)
    labels = 0
    for signal in rows.signals:
        if BY_NAME[signal].level is Level.ARTICLE:
            continue
        at = np.flatnonzero(np.isin(rows.column(signal), (0, 1)))
        given = rows.column(signal)[at].astype(np.int64)
        if own and signal not in bundle.signals:
            lacking[f"{bundle.name} doesn't give them"].append(signal)
            continue
        if features is None:
            chance = prediction.proba[at, bundle.signals.index(signal)].astype(float)
        else:
            chance = _out_of_fold(features[at], given, known.groups[at], seed)
        if chance is None or np.bincount(given, minlength=2).min() < _FEWEST:
            lacking[f"fewer than {_FEWEST} labels of an answer"].append(signal)
            continue
        labels += len(at)
        for place in _issues(given, chance):
            usual = float(chance[given == given[place]].mean())
            row = int(at[place])
            if not known.is_confirmed(row, signal):
                one = known.suspect(row, signal, int(given[place]), float(chance[place]), usual)
                suspects.append((row, one))
    wanted = [(r, s.signal) for r, s in suspects if not s.given and s.signal in bundle.signals]
    spoken = dict(zip(wanted, prediction.evidence(wanted), strict=True))
    ranked = sorted(
        (
            replace(
                one, words=_words(spoken.get((row, one.signal), ()), articles[known.at(row)].text)
            )
            for row, one in suspects
        ),
        key=lambda one: (abs(1 - one.given - one.chance), one.article, one.sentence, one.signal),
    )
    unread = (f"likely errors of {', '.join(names)}: {why}" for why, names in lacking.items())
    return Suspects(tuple(ranked), labels, tuple(unread))


@dataclass(frozen=True)
class _Known:
    """Rows, and which articles and sentences they are of."""

    found: Sequence[LabelledArticle]
    rows: Examples

    def at(self, row: int) -> int:
        """The article of a row, among those given."""
        return int(self.rows.sentences[row].article_id.rpartition("/")[2])

    @property
    def groups(self) -> NDArray[np.str_]:
        """The articles of rows, which several annotators share."""
        return np.array([self.found[self.at(r)].article.id for r in range(len(self.rows))], np.str_)

    def is_confirmed(self, row: int, signal: str) -> bool:
        items = self.found[self.at(row)].record.get("sentences") or ()
        number = self.rows.sentences[row].index
        said: Any = items[number].get(CONFIRMED) if number < len(items) else None
        return said is True or (isinstance(said, list) and signal in said)

    def suspect(self, row: int, signal: str, given: int, chance: float, usual: float) -> Suspect:
        sentence = self.rows.sentences[row]
        name = self.found[self.at(row)].name
        return Suspect(name, sentence.index, sentence.text, signal, given, chance, usual)


def _features(rows: Examples, proba: NDArray[np.float32]) -> Any:
    """Lay out what regressions are fitted on, sparse, shape (n_rows, n_features)."""
    from scipy.sparse import csr_matrix, hstack
    from scipy.special import logit

    odds = logit(np.clip(proba.astype(float), 1e-4, 1 - 1e-4))
    spread = np.maximum(odds.std(axis=0), 1e-6)
    parts = [csr_matrix(_WEIGHT * (odds - odds.mean(axis=0)) / spread)]
    texts = [sentence.text for sentence in rows.sentences]
    try:
        blocks = (
            Ngrams.learn(texts, "word", 1, 2, 2, 20_000),
            Ngrams.learn(texts, "char", 2, 4, 3, 20_000),
        )
    except ValueError:  # too little text to have n-grams that come again
        return parts[0]
    return hstack([weigh(blocks, count(blocks, texts)), *parts], format="csr")


def _out_of_fold(
    features: Any, given: NDArray[np.int64], groups: NDArray[np.str_], seed: int
) -> NDArray[np.float64] | None:
    """Give the chance of 1 by regressions that saw nothing of the article; None with too few."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    folds = min(_FOLDS, len(np.unique(groups)), int(np.bincount(given, minlength=2).min()))
    if folds < 2:
        return None
    chance = np.zeros(len(given))
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for learned, kept in split.split(given, given, groups):
        if len(np.unique(given[learned])) < 2:
            return None
        line = LogisticRegression(solver="liblinear", dual=True, tol=0.1, random_state=seed)
        chance[kept] = line.fit(features[learned], given[learned]).predict_proba(features[kept])[
            :, 1
        ]
    return chance


def _issues(given: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.intp]:
    """Give the places of the labels that are likely wrong."""
    from cleanlab.filter import find_label_issues

    both = np.stack([1 - chance, chance], axis=1)
    issues = find_label_issues(given, both, filter_by="both", n_jobs=1)
    unlikely = both[np.arange(len(given)), given] < MOST_LIKELY
    return np.flatnonzero(issues & unlikely)


def _words(spans: Sequence[Span], text: str) -> tuple[str, ...]:
    return tuple(f"“{text[span.start : span.end]}”" for span in spans[:3])
