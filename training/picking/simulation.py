"""What picking saves: a cheap model learns from growing picks, by each method and by lot.

The model is a pair of logistic regressions, on the plain encoder's vectors and on the baseline's
n-grams; their mean log-odds are judged by average precision on articles that are not picked from.
It begins with sentences drawn by lot, then picks, is given the labels, is fitted again, and picks
more, within the outlets' shares as the command does. What it is held against draws by lot, whatever
the outlet, until the pool is empty. Each repeat draws the pool, the first sentences and the judged
articles anew, the same for each method. `annotation.picking.savings` says what was saved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from framescope.training.picking.choosing import CandidatePlaces, choose
from framescope.training.picking.ground import ALONE, TARGETS, Ground, grounds
from framescope.training.picking.methods import (
    METHODS,
    MIX,
    Floats,
    Knowledge,
    PickError,
    best_threshold,
    rankings,
)
from numpy.typing import NDArray

FIRST, ROUND, ROUNDS = 400, 200, 4
"""Sentences drawn by lot to begin with, sentences a round, and rounds of a method."""
GROWTH = 1.35
"""How much larger each drawing by lot is than the one before, after the methods' rounds."""
POOL = 3000
LOTS = 3
"""How often a repeat draws by lot from the same start; their mean is what methods are held to."""
REPEATS = 20
_C_OF_VECTORS, _C_OF_WORDS = 3.0, 10.0  # by what is learned of sentences drawn by lot

Step = Callable[[int, int], None]
Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class PickingCurves:
    """What came of one setting.

    ``name``: corpus and signals. ``sizes`` and ``by_lot``: picks by lot, and what the model reaches
    with them, shape (repeats, sizes). ``picked``: the same by method, with ``rounds`` picks.
    """

    name: str
    corpus: str
    signals: tuple[str, ...]
    pool: int
    judged: int
    sizes: tuple[int, ...]
    by_lot: Floats
    rounds: tuple[int, ...]
    picked: Mapping[str, Floats]


@dataclass(frozen=True)
class SimulationPlan:
    """What is simulated, on which corpora, and how often; see `simulate`."""

    corpora: tuple[str, ...] = tuple(TARGETS)
    methods: tuple[str, ...] = (*METHODS, MIX)
    repeats: int = REPEATS
    pool: int = POOL
    seed: int = 0

    def __post_init__(self) -> None:
        for kind, names, known in (
            ("--corpus", self.corpora, tuple(TARGETS)),
            ("--by", self.methods, (*METHODS, MIX)),
        ):
            for name in names:
                if name not in known:
                    raise PickError(f"{kind} {name}: is not simulated; give {', '.join(known)}")


def run(
    trial: SimulationPlan, root: Path | None, cache: Path | None, tell: Tell
) -> list[PickingCurves]:
    """Simulate: for each corpus all its signals together, then `ALONE` by itself.

    Parameters
    ----------
    trial : SimulationPlan
    root : pathlib.Path or None
        The folder of corpora.
    cache : pathlib.Path or None
        A folder where the encoder's vectors are kept.
    tell : callable
        Is told what is done.

    Raises
    ------
    FramescopeError
        When a corpus is missing or too small, or there is no encoder.
    """
    loaded = grounds(root, trial.corpora, cache, tell, most=2 * trial.pool)
    found = []
    for ground in (*loaded, *(one.only([ALONE]) for one in loaded)):
        named = partial(_told, tell, f"{ground.corpus} ({', '.join(ground.signals)})")
        found.append(
            simulate(
                ground, trial.methods, repeats=trial.repeats, pool=trial.pool, seed=trial.seed,
                step=named,
            )
        )  # fmt: skip
    return found


def _told(tell: Tell, name: str, done: int, total: int) -> None:
    tell(f"{name}: {done} of {total} repeats")


def simulate(
    ground: Ground,
    methods: Sequence[str] = (*METHODS, MIX),
    *,
    repeats: int = REPEATS,
    pool: int = POOL,
    first: int = FIRST,
    size: int = ROUND,
    rounds: int = ROUNDS,
    seed: int = 0,
    step: Step | None = None,
) -> PickingCurves:
    """Let a model learn from growing picks, by each method and by lot.

    Parameters
    ----------
    ground : Ground
    methods : sequence of str
        Of `METHODS`, and `MIX`; `random` draws by lot within the outlets' shares.
    repeats : int
    pool : int
        Sentences of a repeat, in whole articles drawn by lot.
    first, size, rounds : int
        Sentences drawn by lot to begin with, picks of a round, and rounds.
    seed : int
    step : callable or None
        Is told how many repeats are done, of how many.

    Raises
    ------
    PickError
        When there are too few sentences for the rounds.
    """
    if min(pool, int(ground.pool.sum())) - first <= rounds * size:
        reason = f"fewer than {first + rounds * size:,} sentences to pick from"
        raise PickError(f"corpus '{ground.corpus}': {reason}; get the whole corpus")
    sizes = _sizes(min(pool, int(ground.pool.sum())) - first, rounds, size)
    by_lot: list[list[float]] = []
    picked: dict[str, list[list[float]]] = {name: [] for name in methods}
    judged = 0
    for repeat in range(repeats):
        one = _Repeat.drawn(ground, pool, first, seed * 1000 + repeat)
        judged = len(one.judged)
        lots = [one.by_lot(sizes, number) for number in range(LOTS)]
        by_lot.append(np.mean(lots, axis=0).tolist())
        for name in methods:
            picked[name].append(one.run(name, rounds, size))
        if step is not None:
            step(repeat + 1, repeats)
    return PickingCurves(
        f"{ground.corpus}: {', '.join(ground.signals)}",
        ground.corpus,
        ground.signals,
        min(pool, int(ground.pool.sum())),
        judged,
        sizes,
        np.array(by_lot),
        tuple(size * (number + 1) for number in range(rounds)),
        {name: np.array(rows) for name, rows in picked.items()},
    )


def _sizes(most: int, rounds: int, size: int) -> tuple[int, ...]:
    """Give how many are drawn by lot, from none to all there are."""
    found = [0, *(size * (number + 1) for number in range(rounds))]
    while found[-1] * GROWTH < most:
        found.append(int(found[-1] * GROWTH))
    return (*(n for n in found if n < most), most)


@dataclass(frozen=True, eq=False)
class _Repeat:
    """One repeat: what may be picked and what is judged, drawn by lot; rows count within it."""

    ground: Ground
    pool: NDArray[np.intp]  # the first rows
    judged: NDArray[np.intp]  # the rest
    weights: Floats  # how often each of these counts
    places: CandidatePlaces  # of the pool
    first: tuple[int, ...]  # what is labelled to begin with
    seed: int

    @classmethod
    def drawn(cls, ground: Ground, most: int, first: int, seed: int) -> _Repeat:
        """Draw whole articles to pick from, the first sentences, and articles to judge by."""
        lot = np.random.default_rng(seed)
        pool, judged = np.flatnonzero(ground.pool), np.flatnonzero(~ground.pool)
        articles, number, count = np.unique(
            ground.articles[pool], return_inverse=True, return_counts=True
        )
        order = lot.permutation(len(articles))
        pool = pool[np.isin(number, order[np.cumsum(count[order]) <= most])]
        held, of = np.unique(ground.articles[judged], return_inverse=True)
        drawn = np.bincount(lot.integers(len(held), size=len(held)), minlength=len(held))
        own = ground.where(np.concatenate([pool, judged]))
        size = len(pool)
        places = CandidatePlaces(
            own.outlets[:size].tolist(), own.articles[:size].tolist(), own.texts[:size]
        )
        return cls(
            own, np.arange(size), np.arange(size, len(own.texts)), drawn[of].astype(float), places,
            tuple(lot.permutation(size)[:first].tolist()), seed,
        )  # fmt: skip

    def by_lot(self, sizes: Sequence[int], number: int) -> list[float]:
        """Draw by lot, whatever the outlet, and judge."""
        rest = np.setdiff1d(self.pool, self.first)
        lot = np.random.default_rng([self.seed, number]).permutation(rest).tolist()
        return [self._judge(_Model.fit(self.ground, [*self.first, *lot[:n]])) for n in sizes]

    def run(self, method: str, rounds: int, size: int) -> list[float]:
        """Pick, learn, judge, and again."""
        labelled = list(self.first)
        reached = []
        model = _Model.fit(self.ground, labelled)
        for number in range(rounds):
            known = model.knowledge(self.ground, self.pool, self._far(labelled), self.seed + number)
            ranked = rankings(method, known)
            labelled += [one.row for one in choose(ranked, size, self.places, taken=labelled)]
            model = _Model.fit(self.ground, labelled)
            reached.append(self._judge(model))
        return reached

    def _far(self, labelled: Sequence[int]) -> Floats:
        """Say how far each of the pool lies from the nearest that has labels: one less cosine."""
        vectors = self.ground.vectors[self.pool]
        nearest: Floats = (vectors @ vectors[list(labelled)].T).max(axis=1)
        return 1 - nearest

    def _judge(self, model: _Model) -> float:
        """Give the average precision, the mean over signals."""
        from sklearn.metrics import average_precision_score

        found = []
        for column in range(len(self.ground.signals)):
            truth = self.ground.labels[self.judged, column]
            if (truth * self.weights).any():
                scores = model.both[self.judged, column]
                found.append(average_precision_score(truth, scores, sample_weight=self.weights))
        return float(np.mean(found))


@dataclass(frozen=True, eq=False)
class _Model:
    """Two regressions a signal, on some rows; log-odds of all rows, shape (n, k), by each."""

    vectors: Floats
    words: Floats

    @classmethod
    def fit(cls, ground: Ground, rows: Sequence[int]) -> _Model:
        return cls(
            _log_odds(ground.vectors, ground.labels, rows, _C_OF_VECTORS),
            _log_odds(ground.words, ground.labels, rows, _C_OF_WORDS),
        )

    @property
    def both(self) -> Floats:
        return (self.vectors + self.words) / 2

    def knowledge(
        self, ground: Ground, pool: NDArray[np.intp], far: Floats, seed: int
    ) -> Knowledge:
        """Say what it knows of the pool, as a bundle and another would."""
        one, two = _chance(self.both[pool]), _chance(self.words[pool])
        return Knowledge(
            one, _limits(one), ground.signals, two, _limits(two), ground.vectors[pool], far, seed
        )


def _log_odds(
    features: object, labels: NDArray[np.bool_], labelled: Sequence[int], c: float
) -> Floats:
    from sklearn.linear_model import LogisticRegression

    matrix: NDArray[np.float32] = features  # type: ignore[assignment]
    rows = np.array(labelled)
    found = np.empty(labels.shape)
    for column in range(labels.shape[1]):
        truth = labels[rows, column]
        if truth.all() or not truth.any():
            share = (truth.sum() + 0.5) / (len(rows) + 1)
            found[:, column] = np.log(share / (1 - share))
            continue
        regression = LogisticRegression(
            C=c, solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=0
        )
        found[:, column] = regression.fit(matrix[rows], truth).decision_function(matrix)
    return found


def _chance(log_odds: Floats) -> Floats:
    return 1 / (1 + np.exp(-log_odds))


def _limits(proba: Floats) -> Floats:
    return np.array([best_threshold(column) for column in proba.T])
