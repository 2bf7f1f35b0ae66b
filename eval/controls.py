"""Controls: what a benchmark gives to a model that hasn't read the text, or reads something else.

A predictor that knows only the outlet or the length, one that always says yes, and labels that are
shuffled say what a figure is worth. Within one outlet its name can't help, and an outlet that can
be told from a model's scores is in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.taxonomy import BY_NAME, Level
from eval import metrics
from eval.benchmarks import Benchmark
from eval.metrics import Bools, Floats, decide, is_positive
from eval.scored import Scored, articles_of, rows_of, score
from eval.topics import wholes
from training.examples import Examples, Text
from training.splits import TRAIN

SMOOTHING = 5.0
"""Rows at the overall rate that every outlet is given besides its own."""
SHUFFLES = 100
FOLDS = 5
"""Of the outlet probe; an outlet with fewer articles is left out of it."""
MOST_ROWS = 4_000
"""Rows that the outlet probe is fitted on and judged by; more are thinned by its seed."""
_STEPS = 200  # thresholds tried on the training part

Single = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Control:
    """A predictor without the text, and both bundles on the rows it can say anything of.

    Attributes
    ----------
    name : str
    n : int
        Rows; 0 where it can say nothing.
    value, a, b : float
        The benchmark's figure; NaN where undefined.
    """

    name: str
    n: int
    value: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A bundle judged by labels that are permuted within the part.

    Attributes
    ----------
    mean, spread : float
        Of the figure, over `SHUFFLES` permutations; ``spread`` is the standard deviation.
    chance : float
        What it must come to.
    p : float
        Share of permutations that reach the figure with the true labels, one added to both counts.
    """

    mean: float
    spread: float
    chance: float
    p: float

    @property
    def fell(self) -> bool:
        """Whether the figure falls to chance; where it doesn't, the harness itself is wrong."""
        return abs(self.mean - self.chance) <= 4 * self.spread / math.sqrt(SHUFFLES) + 0.01


@dataclass(frozen=True, slots=True)
class Within:
    """AUC over all pairs of rows, and over the pairs of one outlet; rows of known outlets only.

    Attributes
    ----------
    n, pairs : int
        Rows of known outlets, and pairs of a yes and a no of one outlet.
    overall_a, overall_b, within_a, within_b : float
    survives : float
        Share of b's gain over a that is left within outlets; NaN where b gains nothing.
    """

    n: int
    pairs: int
    overall_a: float
    overall_b: float
    within_a: float
    within_b: float
    survives: float


@dataclass(frozen=True, slots=True)
class Probe:
    """How well the outlet is told from a bundle's scores.

    Attributes
    ----------
    n, articles, outlets : int
    balanced_accuracy : float
        Mean over outlets of the share that is recognised.
    chance : float
        The same for guessing.
    largest : float
        Share of the largest outlet: the accuracy of always naming it.
    """

    n: int
    articles: int
    outlets: int
    balanced_accuracy: float
    chance: float
    largest: float


@dataclass(frozen=True, slots=True)
class Checked:
    """One benchmark.

    Attributes
    ----------
    benchmark : Benchmark
    n, positives : int
    a, b : float
        Both bundles' figures; NaN where undefined, or the bundle lacks the signal.
    controls : tuple of Control
    shuffled_a, shuffled_b : Shuffled
    within : Within
    """

    benchmark: Benchmark
    n: int
    positives: int
    a: float
    b: float
    controls: tuple[Control, ...]
    shuffled_a: Shuffled
    shuffled_b: Shuffled
    within: Within


@dataclass(frozen=True, slots=True)
class Probed:
    """The outlet probe of both bundles on one part of a corpus."""

    corpus: str
    part: str
    a: Probe
    b: Probe


def run(
    a: Bundle, b: Bundle, examples: Examples, benchmarks: Sequence[Benchmark], *, seed: int = 0
) -> Iterator[tuple[list[Checked], list[Probed]]]:
    """Check the benchmarks that the examples have, corpus by corpus.

    Parameters
    ----------
    a, b : Bundle
    examples : Examples
        With their parts.
    benchmarks : sequence of Benchmark
    seed : int
        Of the permutations and of the probe's rows and folds.
    """
    for corpus in dict.fromkeys(one.corpus for one in benchmarks):
        here = [one for one in benchmarks if one.corpus == corpus]
        parts = tuple(dict.fromkeys(one.part for one in here))
        rows = articles_of(examples, corpus, parts, [one.signal for one in here])
        if not len(rows):
            continue
        train = examples.where((examples.corpus == corpus) & (examples.part == TRAIN))
        both = [score(bundle, rows.sentences, lambda _: None)[0] for bundle in (a, b)]
        checked = [
            check(one, rows, train, both[0], both[1], seed=seed)
            for one in here
            if len(rows_of(rows, one.part, one.signal))
        ]
        probed = []
        for part in parts:
            chosen = np.flatnonzero(rows.part == part)
            if not len(chosen):
                continue
            of_part = rows.where(chosen)
            found = [
                probe(scored.proba[chosen], of_part.outlet, wholes(of_part), seed=seed)
                for scored in both
            ]
            probed.append(Probed(corpus, part, *found))
        yield checked, probed


def check(
    benchmark: Benchmark, rows: Examples, train: Examples, a: Scored, b: Scored, *, seed: int = 0
) -> Checked:
    """Check one benchmark.

    Parameters
    ----------
    benchmark : Benchmark
    rows : Examples
        Whole articles of its corpus, as they were scored.
    train : Examples
        The training part of the corpus: what the predictors without text are fitted on.
    a, b : Scored
    seed : int
    """
    signal, metric = benchmark.signal, benchmark.metric
    chosen = rows_of(rows, benchmark.part, signal)
    truth = is_positive(rows.column(signal)[chosen])
    outlets = rows.outlet[chosen]
    given = [_given(scored, signal, chosen) for scored in (a, b)]

    def beside(name: str, proba: Single, threshold: float) -> Control:
        known = ~np.isnan(proba)
        if not known.any():
            return Control(name, 0, math.nan, math.nan, math.nan)
        own = figure(metric, truth[known], proba[known], threshold)
        a_and_b = [figure(metric, truth[known], p[known], t) for p, t in given]
        return Control(name, int(known.sum()), own, a_and_b[0], a_and_b[1])

    learned = rows_of(train, TRAIN, signal)
    taught = is_positive(train.column(signal)[learned]) if len(learned) else np.zeros(0, np.bool_)
    rates = outlet_rates(train.outlet[learned], taught, outlets)
    own_rates = outlet_rates(train.outlet[learned], taught, train.outlet[learned])
    by_length = length_scores(
        _lengths(train, learned, signal), taught, _lengths(rows, chosen, signal)
    )
    own_length = length_scores(
        _lengths(train, learned, signal), taught, _lengths(train, learned, signal)
    )
    controls = (
        beside("always yes", np.ones(len(chosen), np.float32), 0.5),
        beside("outlet name only", rates, best_threshold(metric, taught, own_rates)),
        beside("length only", by_length, best_threshold(metric, taught, own_length)),
    )
    figures = [figure(metric, truth, *one) for one in given]
    shuffles = [shuffled(metric, truth, *one, seed=seed) for one in given]
    return Checked(
        benchmark,
        len(chosen),
        int(truth.sum()),
        figures[0],
        figures[1],
        controls,
        shuffles[0],
        shuffles[1],
        within(truth, given[0][0], given[1][0], outlets),
    )


def figure(metric: str, truth: Bools, proba: Single, threshold: float) -> float:
    """Give one figure of `eval.metrics.METRICS`; NaN where a row has no score."""
    if np.isnan(proba).any():
        return math.nan
    scored = {
        "average_precision": metrics.average_precision,
        "auc": metrics.auc,
        "brier": metrics.brier,
        "ece": metrics.calibration_error,
    }
    if metric in scored:
        return scored[metric](truth, proba)
    decided = {
        "f1": metrics.f1,
        "macro_f1": metrics.macro_f1,
        "precision": metrics.precision,
        "recall": metrics.recall,
    }
    return decided[metric](truth, decide(proba, threshold))


# --- predictors without the text ------------------------------------------------------------------


def outlet_rates(taught: Text, labels: Bools, asked: Text) -> Single:
    """Predict from the outlet's name: its share of yes in training, drawn to that of all.

    NaN for an outlet that is unknown, or wasn't met in training.
    """
    known = taught != ""
    names, index = np.unique(taught[known], return_inverse=True)
    if not len(names):
        return np.full(len(asked), math.nan, np.float32)
    yes = np.bincount(index, weights=labels[known], minlength=len(names))
    rates = (yes + SMOOTHING * labels[known].mean()) / (np.bincount(index) + SMOOTHING)
    place = np.minimum(np.searchsorted(names, asked), len(names) - 1)
    found: Single = np.where(names[place] == asked, rates[place], math.nan).astype(np.float32)
    return found


def length_scores(taught: Floats, labels: Bools, asked: Floats) -> Single:
    """Predict from the logarithm of the length, by logistic regression.

    NaN where training has not both answers.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return np.full(len(asked), math.nan, np.float32)
    model = LogisticRegression().fit(np.log1p(taught)[:, None], labels)
    proba: Single = model.predict_proba(np.log1p(asked)[:, None])[:, 1].astype(np.float32)
    return proba


def best_threshold(metric: str, truth: Bools, proba: Single) -> float:
    """Find the threshold that is best where the predictor was fitted, as bundles have theirs.

    By F1 for a benchmark of F1, else by macro-F1; rows without a score are left out.
    """
    known = ~np.isnan(proba)
    if not known.any():
        return 0.5
    steps = np.unique(np.quantile(proba[known], np.linspace(0, 1, _STEPS), method="lower"))
    by = "f1" if metric == "f1" else "macro_f1"
    values = [figure(by, truth[known], proba[known], float(step)) for step in steps]
    return 0.5 if np.isnan(values).all() else float(steps[int(np.nanargmax(values))])


def shuffled(metric: str, truth: Bools, proba: Single, threshold: float, *, seed: int) -> Shuffled:
    """Judge by permuted labels: any figure that is left doesn't come from the scores."""
    true = figure(metric, truth, proba, threshold)
    if math.isnan(true):
        return Shuffled(math.nan, math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    values = np.array(
        [figure(metric, rng.permutation(truth), proba, threshold) for _ in range(SHUFFLES)]
    )
    p = (int((values >= true).sum()) + 1) / (SHUFFLES + 1)
    chance = _chance(metric, truth, decide(proba, threshold))
    return Shuffled(float(values.mean()), float(values.std()), chance, p)


def _chance(metric: str, truth: Bools, flagged: Bools) -> float:
    """Expected figure of these scores when labels are permuted.

    Of average precision without ties: Bestgen (2015), "Exact expected average precision of the
    random baseline for system evaluation".
    """
    n, yes, q = len(truth), int(truth.sum()), float(flagged.mean())
    share = yes / n
    if metric == "average_precision":
        harmonic = float((1 / np.arange(1, n + 1)).sum())
        return ((yes - 1) / max(n - 1, 1) * (n - harmonic) + harmonic) / n
    f1 = 2 * share * q / (share + q)
    other = 2 - share - q
    of_no = 2 * (1 - share) * (1 - q) / other if other else 0.0
    known = {
        "auc": 0.5,
        "f1": f1,
        "macro_f1": (f1 + of_no) / 2,
        "precision": share,
        "recall": q,
    }
    return known.get(metric, math.nan)


def _given(scored: Scored, signal: str, chosen: NDArray[np.intp]) -> tuple[Single, float]:
    column = scored.column(signal)
    if column is None:
        return np.full(len(chosen), math.nan, np.float32), math.nan
    return column[chosen], scored.thresholds[signal]


def _lengths(rows: Examples, chosen: NDArray[np.intp], signal: str) -> Floats:
    """Characters of each sentence, or of the whole article for an article-level signal."""
    lengths = np.array([len(sentence.text) for sentence in rows.sentences], np.float64)
    if BY_NAME[signal].level is Level.ARTICLE:
        _, article = np.unique(rows.article, return_inverse=True)
        lengths = np.bincount(article, weights=lengths)[article]
    picked: Floats = lengths[chosen]
    return picked


# --- outlets --------------------------------------------------------------------------------------


def within_outlet_auc(truth: Bools, proba: Single, outlets: Text) -> tuple[float, int]:
    """AUC over the pairs of a yes and a no of one outlet, and how many there are.

    Every pair counts alike, so an outlet weighs as many pairs as it has. Rows of unknown outlets
    make no pair. NaN without a pair, or where a row has no score.
    """
    from scipy.stats import rankdata

    known = outlets != ""
    truth, proba, outlets = truth[known], proba[known], outlets[known]
    if not len(truth) or np.isnan(proba).any():
        return math.nan, 0
    _, outlet = np.unique(outlets, return_inverse=True)
    yes = np.bincount(outlet, weights=truth)
    pairs = yes * (np.bincount(outlet) - yes)
    # Ranks within an outlet: with scores below 1, a step of 2 an outlet keeps outlets apart.
    rank = rankdata(proba.astype(np.float64) + 2 * outlet)
    before = np.concatenate([[0], np.cumsum(np.bincount(outlet))[:-1]])
    ranks = np.bincount(outlet, weights=(rank - before[outlet]) * truth)
    won = float((ranks - yes * (yes + 1) / 2).sum())
    total = int(pairs.sum())
    return (won / total if total else math.nan), total


def within(truth: Bools, a: Single, b: Single, outlets: Text) -> Within:
    """Compare two bundles over all pairs of rows, and over those of one outlet.

    The share that survives is the gain within outlets over the gain over all pairs: 1 where b is
    better by what stands in the text, near 0 where it has only learned which outlet is which.
    """
    known = outlets != ""
    overall = [figure("auc", truth[known], proba[known], math.nan) for proba in (a, b)]
    inside = [within_outlet_auc(truth, proba, outlets) for proba in (a, b)]
    gain = overall[1] - overall[0]
    survives = (inside[1][0] - inside[0][0]) / gain if gain > 0 else math.nan
    pairs = max(inside[0][1], inside[1][1])
    return Within(int(known.sum()), pairs, *overall, inside[0][0], inside[1][0], survives)


def probe(proba: Single, outlets: Text, articles: Text, *, seed: int = 0) -> Probe:
    """Tell the outlet from the score vector, by logistic regression over folds of whole articles.

    Outlets do differ in what the scores measure, so a figure over chance is no proof of cheating;
    of two models that are equally good, the one with the lower figure reads less of the outlet.
    Only outlets with `FOLDS` articles, and at most `MOST_ROWS` rows, drawn by the seed.

    Parameters
    ----------
    proba : ndarray of float32, shape (n, k)
    outlets, articles : ndarray of str, shape (n,)
        Empty for an unknown outlet.
    seed : int
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.sort(np.random.default_rng(seed).permutation(len(outlets))[:MOST_ROWS])
    pairs = np.unique(np.stack([outlets[rows], articles[rows]]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    kept = names[(counts >= FOLDS) & (names != "")]
    rows = rows[np.isin(outlets[rows], kept)]
    of, article = outlets[rows], articles[rows]
    n_articles = len(np.unique(article))
    empty = Probe(len(rows), n_articles, len(kept), math.nan, math.nan, math.nan)
    if len(kept) < 2:
        return empty
    # On the scale of log-odds: most scores are near 0, where they differ by factors.
    clipped = np.clip(proba[rows].astype(np.float64), 1e-4, 1 - 1e-4)
    odds = np.log(clipped / (1 - clipped))
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=300)
    )
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    said = cross_val_predict(model, odds, of, groups=article, cv=folds)
    _, sizes = np.unique(of, return_counts=True)
    return replace(
        empty,
        balanced_accuracy=float(balanced_accuracy_score(of, said)),
        chance=1 / len(kept),
        largest=float(sizes.max() / sizes.sum()),
    )
