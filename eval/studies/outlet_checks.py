"""Whether a figure is the outlet's: AUC within outlets, and the outlet read off the scores."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from framescope.eval.metrics import auc
from framescope.eval.rows import Bools, Single
from framescope.training.data import Text

FOLDS = 5
"""Of the outlet probe; an outlet with fewer articles is left out of it."""
MOST_ROWS = 4_000
"""Rows that the outlet probe is fitted on and judged by; more are thinned by its seed."""
_EXTREME = 1e-4  # nearer to 0 and 1 a score's log-odds would outweigh all others


@dataclass(frozen=True, slots=True)
class Within:
    """AUC over all pairs of rows, and over the pairs of one outlet; rows of known outlets only.

    ``n``, ``pairs``: rows of known outlets, and pairs of a yes and a no of one outlet.
    ``survives``: share of b's gain over a that is left within outlets; NaN where b gains nothing.
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

    ``balanced_accuracy``: mean over outlets of the share that is recognised. ``chance``: the same
    for guessing. ``largest``: share of the largest outlet: the accuracy of always naming it.
    """

    n: int
    articles: int
    outlets: int
    balanced_accuracy: float
    chance: float
    largest: float


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
    # Ranks within each outlet at once: whole numbers, so that equal scores stay equal.
    rank = rankdata(rankdata(proba, "dense") + len(proba) * outlet)
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
    overall_a, overall_b = (_auc(truth[known], proba[known]) for proba in (a, b))
    inside = [within_outlet_auc(truth, proba, outlets) for proba in (a, b)]
    gain = overall_b - overall_a
    survives = (inside[1][0] - inside[0][0]) / gain if gain > 0 else math.nan
    pairs = max(inside[0][1], inside[1][1])
    return Within(
        int(known.sum()), pairs, overall_a, overall_b, inside[0][0], inside[1][0], survives
    )


def _auc(truth: Bools, proba: Single) -> float:
    return math.nan if np.isnan(proba).any() else auc(truth, proba)


def probe(proba: Single, outlets: Text, articles: Text, *, seed: int = 0) -> Probe:
    """Tell the outlet from the score vector, by logistic regression over folds of whole articles.

    Outlets do differ in what the scores measure, so a figure over chance is no proof of cheating;
    of two models that are equally good, the one with the lower figure reads less of the outlet.
    Only outlets with `FOLDS` articles, and at most `MOST_ROWS` rows, drawn by the seed.

    ``proba``: shape (n, k). ``outlets``, ``articles`` of shape (n,): empty for an unknown outlet.
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
    clipped = np.clip(proba[rows].astype(np.float64), _EXTREME, 1 - _EXTREME)
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
