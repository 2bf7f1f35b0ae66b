"""Fit the baseline: logistic regressions on shared n-grams, tuned by grouped cross-validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, reduce
from itertools import chain, pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from framescope.classifier import models
from framescope.classifier.errors import TrainingError
from framescope.classifier.outlets import Registry
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training import DEFAULT_SEED
from framescope.training.data import Examples
from framescope.training.recipes import BaselineSettings
from numpy.typing import NDArray
from scipy.sparse import hstack, vstack
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

#: The factors by which each mix multiplies the blocks (words, characters) before fitting.
MIXES: dict[str, tuple[float, float]] = {
    "words": (1.0, 0.0),
    "characters": (0.0, 1.0),
    "words over characters": (1.0, 0.5),
    "both": (1.0, 1.0),
}
NEIGHBOURS = (0.1, 0.2, 0.3, 0.5)  # how much their mean may count besides the own words
_TIE = 0.001  # a setting that is less simple has to be better by more than this
# On few rows one draw of the folds says little, so they are drawn several times.
_SMALL, _REPEATS = 3000, 5

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True)
class Setting:
    """Hyper-parameters of one regression: a key of `MIXES`, and the inverse L2 penalty `c`."""

    mix: str = "both"
    c: float = 1.0
    balance: Literal["balanced"] | None = None
    neighbours: float = 0.0


# Settings, in the order in which they were tried, with cross-validated average precision.
Trials = dict[Setting, float]


class Choice(NamedTuple):
    """The setting of a signal; without trials there was too little to compare settings by."""

    rows: int
    positives: int
    setting: Setting
    trials: Trials

    @property
    def score(self) -> float:
        """Cross-validated average precision; NaN without trials."""
        return self.trials.get(self.setting, math.nan)

    def __str__(self) -> str:
        setting = self.setting
        more = ", balanced" if setting.balance else ""
        more += f", neighbours {setting.neighbours:g}" if setting.neighbours else ""
        figures = f"{self.score:.3f} ({self.positives:,} of {self.rows:,})"
        what = f"{setting.mix}, C={setting.c:g}{more}"
        return f"{what}; cross-validated average precision {figures}"

    def to_record(self) -> dict[str, Any]:
        """Return the choice without its trials, for a manifest."""
        score = round(self.score, 4) if self.trials else None
        tried = {"cv_average_precision": score, "tried": len(self.trials)}
        return {"rows": self.rows, "positives": self.positives, **asdict(self.setting), **tried}


def best(trials: Trials) -> Setting:
    """Return the first setting, and so the simplest, of those that are as good as the best."""
    return reduce(lambda kept, one: one if trials[one] > trials[kept] + _TIE else kept, trials)


@dataclass(eq=False)
class BaselineTrainer:
    """Fits the baseline, with a vocabulary that all signals share; `model` isn't calibrated."""

    settings: BaselineSettings
    seed: int = DEFAULT_SEED
    registry: Registry | None = None
    tell: Callable[[str], None] = lambda line: None
    model: models.TfidfModel = field(init=False)
    choices: dict[str, Choice] = field(init=False)

    def fit(self, examples: Examples) -> BaselineTrainer:
        """Fit each signal on its training rows; raise `TrainingError` if none has both classes."""
        train = examples.where(examples.part == "train")
        columns = zip(train.signals, train.labels.T, strict=True)
        usable = tuple(s for s, of in columns if (of >= 0.5).any() and (of < 0.5).any())
        if not usable:
            what = "nothing to learn: no signal has training rows with and without it"
            raise TrainingError(f"{what}; check --corpora, and that the examples were split")
        table, self.choices = self.count(train), {}
        weights, intercepts = [], []
        for number, signal in enumerate(usable, start=1):
            task = table.task(signal)
            choice = self.choices[signal] = self.choose(task)
            mix = choice.setting.mix
            regression = self.regression(task.mixed(mix), task.targets, choice.setting)
            weights.append(task.spread(regression.coef_[0], mix))
            intercepts.append(regression.intercept_[0])
            self.tell(f"{number}/{len(usable)} {signal}: {choice}")
        neighbours = np.array([choice.setting.neighbours for choice in self.choices.values()])
        self.model = models.TfidfModel(
            usable, table.blocks, np.array(weights), np.array(intercepts),
            models.Calibration.identity(usable), models.Reader(self.registry), neighbours,
        )  # fmt: skip
        return self

    def count(self, train: Examples) -> CountedRows:
        """Count the n-grams of all rows."""
        self.tell(f"reading the n-grams of {len(train):,} sentences")
        chosen = self.settings
        words = "word", 1, 2, chosen.least, chosen.most_words
        # With characters up to 5 precision is the same, and features are half as many again.
        characters = "char", 2, 4, chosen.least, chosen.most_characters
        return CountedRows.of(train, self.registry, words, characters)

    def choose(self, task: Task) -> Choice:
        """Choose mix and penalty of one signal; then class weights; and last that of neighbours."""
        rows, positives = len(task.labels), int(task.labels.sum())
        if not (folds := self.folds(task)):
            return Choice(rows, positives, Setting(), {})
        strengths = self.settings.strengths
        trials: Trials = {}
        for mix in self.settings.mixes:
            trials |= self._trials(task, folds, [Setting(mix, c) for c in strengths])
        balanced = [Setting(best(trials).mix, c, "balanced") for c in strengths]
        trials |= self._trials(task, folds, balanced)
        if task.around is not None:
            shares = [replace(best(trials), neighbours=share) for share in NEIGHBOURS]
            trials |= self._trials(task, folds, shares)
        return Choice(rows, positives, best(trials), trials)

    def folds(self, task: Task) -> list[Fold]:
        """Return the rows to fit on and those held out, for each fold that can be scored."""
        labels, groups, n = task.labels, task.groups, self.settings.folds
        if len(np.unique(groups)) < n or min(np.bincount(labels)) < n:
            return []
        seeds = range(self.seed, self.seed + (_REPEATS if len(labels) <= _SMALL else 1))
        drawn = (StratifiedGroupKFold(n, shuffle=True, random_state=seed) for seed in seeds)
        pairs = chain.from_iterable(one.split(labels, labels, groups) for one in drawn)
        return [(a, b) for a, b in pairs if len(np.unique(labels[a])) == 2 and labels[b].any()]

    def _trials(self, task: Task, folds: Sequence[Fold], settings: Sequence[Setting]) -> Trials:
        """Score settings of one mix: mean average precision, folds weighing by their positives."""
        features = task.mixed(settings[0].mix)
        around = task.mixed(settings[0].mix, around=True) if settings[0].neighbours else None
        scores = np.zeros((len(folds), len(settings)))
        for number, (fitted, held) in enumerate(folds):
            inside, outside, line = features[fitted], features[held], None
            for column, setting in enumerate(settings):
                if line is None or around is None:  # neighbours change nothing of the regression
                    line = self.regression(inside, task.targets[fitted], setting).coef_[0]
                found = outside @ line
                if around is not None:
                    found = found + setting.neighbours * (around[held] @ line)
                scores[number, column] = average_precision_score(task.labels[held], found)
        means = np.average(scores, axis=0, weights=[task.labels[held].sum() for _, held in folds])
        return dict(zip(settings, means.tolist(), strict=True))

    def regression(self, features: Any, targets: NDArray[np.float64], setting: Setting) -> Any:
        """Fit a logistic regression of scikit-learn's to targets from 0 to 1."""
        labels, weights = (targets >= 0.5).astype(np.int64), None
        # The cross-entropy with a target between 0 and 1, which scikit-learn doesn't take, is that
        # of the row twice, once with either label, weighed by the target.
        doubtful = np.flatnonzero((targets > 0) & (targets < 1))
        if len(doubtful):
            certain = np.maximum(targets, 1 - targets)
            weights = np.concatenate([certain, 1 - certain[doubtful]])
            features = vstack([features, features[doubtful]], format="csr")
            labels = np.concatenate([labels, 1 - labels[doubtful]])
        # The fastest solver on wide sparse data; a tenth of this tolerance ranks the same.
        regression = LogisticRegression(
            C=setting.c, class_weight=setting.balance, solver="liblinear", dual=True, tol=0.1,
            max_iter=1000, random_state=self.seed,
        )  # fmt: skip
        return regression.fit(features, labels, sample_weight=weights)


@dataclass(frozen=True, eq=False)
class CountedRows:
    """The training rows, counted once for all signals."""

    train: Examples
    blocks: tuple[models.Ngrams, ...]
    counts: Any
    rows: Mapping[models.TextForm, NDArray[np.intp]]

    @classmethod
    def of(cls, train: Examples, registry: Registry | None, *learned: Any) -> CountedRows:
        """Learn vocabularies, as `models.Ngrams.learn` does, and count the n-grams of all rows."""
        texts = models.BothForms.of(models.Reader(registry), train.sentences)
        typed = [texts.texts[row] for row in texts.rows[models.TextForm.TYPED]]
        try:
            blocks = tuple(models.Ngrams.learn(typed, *one) for one in learned)
        except ValueError as error:
            raise TrainingError(f"too little text to learn from ({error})") from None
        return cls(train, blocks, models.count(blocks, texts.texts), texts.rows)

    def task(self, signal: str) -> Task:
        """Take the rows that have the signal; articles, where it is one of articles."""
        labels = self.train.column(signal)
        rows = np.flatnonzero(~np.isnan(labels))
        counts, around = self.counts[self.rows[models.form_of(signal)][rows]], None
        if BY_NAME[signal].level is Level.ARTICLE:
            names = self.train.article[rows]
            _, first, article = np.unique(names, return_index=True, return_inverse=True)
            counts, rows = models.pool_counts(counts, article, len(first)), rows[first]
        elif self.neighbours[rows].nnz:
            near = np.unique(self.neighbours[rows].indices)  # labelled or not
            theirs = self.counts[self.rows[models.form_of(signal)][near]]
            around = self._parts(self.neighbours[rows][:, near] @ models.weigh(self.blocks, theirs))
        parts = self._parts(models.weigh(self.blocks, counts))
        return Task(parts, labels[rows].astype(np.float64), self.train.group[rows], around)

    @cached_property
    def neighbours(self) -> Any:
        """The average over each row's neighbours, as a sparse matrix."""
        return models.beside(self.train.sentences)

    def _parts(self, weighed: Any) -> tuple[Any, ...]:
        edges = pairwise([0, *np.cumsum([len(block) for block in self.blocks])])
        return tuple(weighed[:, start:end] for start, end in edges)


@dataclass(frozen=True, eq=False)
class Task:
    """The input of one regression; `around` are the features of rows' neighbours on average."""

    parts: tuple[Any, ...]
    targets: NDArray[np.float64]
    groups: NDArray[np.str_]
    around: tuple[Any, ...] | None = None

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The targets as 0 or 1, by which folds are drawn and settings judged."""
        return (self.targets >= 0.5).astype(np.int64)

    def mixed(self, mix: str, *, around: bool = False) -> Any:
        """Lay a mix's features, or its neighbours', side by side; unused blocks are left out."""
        parts = self.around if around and self.around is not None else self.parts
        pairs = zip(MIXES[mix], parts, strict=True)
        return hstack([factor * part for factor, part in pairs if factor], format="csr")

    def spread(self, weights: NDArray[np.float64], mix: str) -> NDArray[np.float64]:
        """Return weights of a mix's features as weights of all features unmixed."""
        factors = np.repeat(MIXES[mix], [part.shape[1] for part in self.parts])
        spread = np.zeros(len(factors))
        spread[factors > 0] = factors[factors > 0] * weights
        return spread
