"""Fitting the baseline: hyper-parameters by grouped cross-validation, a signal at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import (
    BothForms,
    Calibration,
    Ngrams,
    Reader,
    TextForm,
    TfidfModel,
    count,
)
from framescope.training import DEFAULT_SEED
from framescope.training.baseline.counted import MIXES, CountedRows, Task
from framescope.training.data import Examples
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry


Balance = Literal["balanced"] | None

# Where 10 is chosen, 30 and 100 were tried too and were not better by more than a tie.
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BALANCES: tuple[Balance, ...] = (None, "balanced")

# What the mean of a sentence's neighbours counts beside its own words.
NEIGHBOURS = (0.0, 0.1, 0.2, 0.3, 0.5)

# A setting that is less simple has to be better by more than this.
_TIE = 0.001


@dataclass(frozen=True, slots=True)
class Setting:
    """Hyper-parameters of one regression.

    `mix` is a key of `MIXES`, `c` the inverse strength of the L2 penalty, `balance` says whether
    both classes weigh the same, and `neighbours` what the sentences beside one count.
    """

    mix: str = "both"
    c: float = 1.0
    balance: Balance = None
    neighbours: float = 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A setting and its cross-validated average precision."""

    setting: Setting
    score: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for a signal, and from what.

    It was fitted on so many `rows` and `positives`: articles, where the signal is one of articles.
    `score` is the cross-validated average precision; NaN where there was too little to compare
    settings by. `trials` are everything tried, in order.
    """

    rows: int
    positives: int
    setting: Setting
    score: float
    trials: tuple[Trial, ...]

    def __str__(self) -> str:
        setting = self.setting
        weights = ", balanced" if setting.balance else ""
        beside = f", neighbours {setting.neighbours:g}" if setting.neighbours else ""
        return (
            f"{setting.mix}, C={setting.c:g}{weights}{beside}; cross-validated average precision "
            f"{self.score:.3f} ({self.positives:,} of {self.rows:,})"
        )

    def to_record(self) -> dict[str, Any]:
        """Give the choice without its trials, for a manifest."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            **asdict(self.setting),
            "cv_average_precision": round(self.score, 4) if self.trials else None,
            "tried": len(self.trials),
        }


def best(trials: Sequence[Trial]) -> Trial:
    """Find the best by score; of those that are as good, the first, which is the simplest."""
    found = trials[0]
    for trial in trials[1:]:
        if trial.score > found.score + _TIE:
            found = trial
    return found


Progress = Callable[[str], None]

# On few rows one draw of the folds says little: these are drawn several times. It costs seconds.
_SMALL = 3000
_REPEATS = 5

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


class BaselineRecipe:
    """Recipe of the baseline, in scikit-learn's conventions.

    The vocabulary is shared by all signals. For each signal the mix of blocks and the penalty are
    chosen first, together; then, with that mix, class weights and the penalty again; and last what
    neighbours count. A label between 0 and 1 is learned as it is; folds are drawn, and settings
    judged, by whether it is a half at least.

    Parameters
    ----------
    mixes, strengths, balances : sequence
        The grid, simpler first: names in `MIXES`, values of C, class weights.
    folds : int
        Folds of the cross-validation; whole groups are held out. Signals with few rows are
        folded several times.
    least : int
        Training rows an n-gram must occur in.
    most_words, most_characters : int
        Sizes of the two vocabularies; with their weights they set the size of the bundle.
    seed : int
        Draws the folds, and orders the solver's steps.
    registry : Registry, optional
        Whose outlets are read as placeholders; without it names are read as they are.
    progress : callable, optional
        Is told one line a step.

    Attributes
    ----------
    model_ : TfidfModel
        Not calibrated.
    choices_ : dict of str to Choice
        By signal.
    left_out_ : tuple of str
        Signals whose training rows are not of both classes; the model doesn't give them.
    """

    model_: TfidfModel
    choices_: dict[str, Choice]
    left_out_: tuple[str, ...]

    def __init__(
        self,
        *,
        mixes: Sequence[str] = tuple(MIXES),
        strengths: Sequence[float] = STRENGTHS,
        balances: Sequence[Balance] = BALANCES,
        folds: int = 3,
        least: int = 3,
        most_words: int = 36_000,
        most_characters: int = 24_000,
        seed: int = DEFAULT_SEED,
        registry: Registry | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.mixes = mixes
        self.strengths = strengths
        self.balances = balances
        self.folds = folds
        self.least = least
        self.most_words = most_words
        self.most_characters = most_characters
        self.seed = seed
        self.registry = registry
        self.progress = progress

    def fit(self, examples: Examples) -> BaselineRecipe:
        """Fit every signal on the rows of part ``train`` that have it.

        Raises
        ------
        TrainingError
            When no signal has training rows of both classes.
        """
        train = examples.where(examples.part == "train")
        usable = tuple(s for s in train.signals if _has_both(train.column(s)))
        self.left_out_ = tuple(s for s in train.signals if s not in usable)
        if not usable:
            raise TrainingError(
                "nothing to learn: no signal has training rows with and without it; "
                "check --corpora, and that the examples were split"
            )
        table = self._table(train)
        self.choices_ = {}
        weights, intercepts = [], []
        for number, signal in enumerate(usable, start=1):
            task = table.task(signal)
            choice = self._choose(task)
            self.choices_[signal] = choice
            features = task.mixed(choice.setting.mix)
            regression = self._regression(features, task.targets, choice.setting)
            weights.append(task.spread(regression.coef_[0], choice.setting.mix))
            intercepts.append(regression.intercept_[0])
            self._tell(f"{number}/{len(usable)} {signal}: {choice}")
        self.model_ = TfidfModel(
            usable,
            table.blocks,
            np.array(weights, dtype=np.float64),
            np.array(intercepts, dtype=np.float64),
            Calibration.identity(usable),
            Reader(self.registry),
            np.array([choice.setting.neighbours for choice in self.choices_.values()]),
        )
        return self

    def _table(self, train: Examples) -> CountedRows:
        # The vocabulary and idf look at no label, so learning them once on all training rows, and
        # not in each fold, lets nothing of a held-out fold's labels through.
        self._tell(f"reading the n-grams of {len(train):,} sentences")
        texts = BothForms.of(Reader(self.registry), train.sentences)
        typed = [texts.texts[row] for row in texts.rows[TextForm.TYPED]]
        # Characters 2 to 4, not 5: cross-validated average precision on the training rows of PTC,
        # BABE and NewsSD-ENG is the same within 0.002, with a third fewer features. Counting
        # punctuation as words is worth 0.004 there; 1 + ln(tf) over tf, 0.002.
        try:
            blocks = (
                Ngrams.learn(typed, "word", 1, 2, self.least, self.most_words),
                Ngrams.learn(typed, "char", 2, 4, self.least, self.most_characters),
            )
        except ValueError as error:
            raise TrainingError(f"too little text to learn from ({error})") from None
        return CountedRows(train, blocks, count(blocks, texts.texts), texts.rows)

    def _choose(self, task: Task) -> Choice:
        rows, positives = len(task.labels), int(task.labels.sum())
        folds = self._folds(task)
        if not folds:
            return Choice(rows, positives, Setting(), float("nan"), ())
        trials = [
            trial
            for mix in self.mixes
            for trial in self._trials(task, folds, [Setting(mix, c) for c in self.strengths])
        ]
        mix = best(trials).setting.mix
        weighted = [
            Setting(mix, c, balance)
            for balance, c in product(self.balances, self.strengths)
            if balance is not None
        ]
        trials += self._trials(task, folds, weighted)
        if task.has_neighbours:
            setting = best(trials).setting
            beside = [replace(setting, neighbours=share) for share in NEIGHBOURS if share]
            trials += self._trials(task, folds, beside)
        chosen = best(trials)
        return Choice(rows, positives, chosen.setting, chosen.score, tuple(trials))

    def _folds(self, task: Task) -> list[Fold]:
        """Draw the rows to fit on and those held out, for each fold that can be scored."""
        from sklearn.model_selection import StratifiedGroupKFold

        if len(np.unique(task.groups)) < self.folds or min(np.bincount(task.labels)) < self.folds:
            return []
        repeats = _REPEATS if len(task.labels) <= _SMALL else 1
        return [
            (fitted, held)
            for repeat in range(repeats)
            for fitted, held in StratifiedGroupKFold(
                self.folds, shuffle=True, random_state=self.seed + repeat
            ).split(task.labels, task.labels, task.groups)
            if len(np.unique(task.labels[fitted])) == 2 and task.labels[held].any()
        ]

    def _trials(
        self, task: Task, folds: Sequence[Fold], settings: Sequence[Setting]
    ) -> list[Trial]:
        """Score settings of one mix: mean average precision, folds weighing by their positives.

        The folds' scores are not pooled: where groups are outlets the folds' shares of positives
        differ widely, and their intercepts with them.
        """
        from sklearn.metrics import average_precision_score

        if not settings:
            return []
        features = task.mixed(settings[0].mix)
        around = task.mixed(settings[0].mix, around=True) if settings[0].neighbours else None
        scores = np.zeros((len(folds), len(settings)))
        for number, (fitted, held) in enumerate(folds):
            inside, outside = features[fitted], features[held]
            line, weights = None, None
            for column, setting in enumerate(settings):
                if line is None or (setting.c, setting.balance) != weights:
                    line = self._regression(inside, task.targets[fitted], setting).coef_[0]
                    weights = setting.c, setting.balance
                found = outside @ line
                if around is not None:
                    found = found + setting.neighbours * (around[held] @ line)
                scores[number, column] = average_precision_score(task.labels[held], found)
        sizes = [task.labels[held].sum() for _, held in folds]
        means = np.average(scores, axis=0, weights=sizes)
        return [Trial(*pair) for pair in zip(settings, means.tolist(), strict=True)]

    def _regression(self, features: Any, targets: NDArray[np.float64], setting: Setting) -> Any:
        from sklearn.linear_model import LogisticRegression

        labels, weights = (targets >= 0.5).astype(np.int64), None
        # A regression takes labels of 0 and 1 only. The cross-entropy with a target between is
        # that of the row twice, once with either label, weighed by the target.
        doubtful = np.flatnonzero((targets > 0) & (targets < 1))
        if len(doubtful):
            from scipy.sparse import vstack

            certain = np.maximum(targets, 1 - targets)
            weights = np.concatenate([certain, 1 - certain[doubtful]])
            features = vstack([features, features[doubtful]], format="csr")
            labels = np.concatenate([labels, 1 - labels[doubtful]])

        # The dual solver is the fastest of scikit-learn's on wide sparse data. At this tolerance
        # the ranking is the same as at a tenth of it (average precision to four digits on PTC).
        regression = LogisticRegression(
            C=setting.c,
            class_weight=setting.balance,
            solver="liblinear",
            dual=True,
            tol=0.1,
            max_iter=1000,
            random_state=self.seed,
        )
        return regression.fit(features, labels, sample_weight=weights)

    def _tell(self, line: str) -> None:
        if self.progress is not None:
            self.progress(line)


def _has_both(labels: NDArray[np.float32]) -> bool:
    known = labels[~np.isnan(labels)]
    return bool((known >= 0.5).any() and (known < 0.5).any())
