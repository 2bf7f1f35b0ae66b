"""Whether the scores of a run are still calibrated, by labels of its articles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from framescope.classifier.batch.schema import text_digest
from framescope.classifier.errors import InputError
from framescope.eval.drift.articles import RunArticles, is_of_articles
from framescope.eval.drift.figures import DriftFigure, DriftMeasure, log_odds, share_of
from framescope.eval.metrics import Estimate, Share, holm, resample_figures, single_figure
from framescope.eval.rows import Bools, Single
from framescope.training.corpora import read_exchange
from numpy.typing import NDArray
from scipy.stats import t as student

_LABELS = 20  # of either answer, and expected of each
_ARTICLES = 10
_ERROR = 0.03
_DRAWS = 1000


@dataclass(frozen=True)
class Labelled:
    """The labels of a signal and the scores of a run, each of shape (n,)."""

    proba: Single
    positive: Bools
    article: NDArray[np.intp]


def read_labels(paths: Sequence[Path], run: RunArticles) -> dict[str, Labelled]:
    """Find the labels of a run's articles and sentences, by their texts.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files in the exchange format.
    run : RunArticles

    Raises
    ------
    InputError
        When a file is missing, or none of its articles is in the run.
    CorpusError
        When a line can't be read.
    """
    number = {digest: at for at, digest in enumerate(run.digest)}
    rows: dict[tuple[int, object], int] = {}
    for row, article in enumerate(run.article.tolist()):
        rows[article, tuple(run.place[row].tolist())] = rows[article, run.texts[row]] = row
    found: dict[tuple[str, int], tuple[float, bool, int]] = {}

    def add(signal: str, row: int, label: float, article: int) -> None:
        score = float(run.scores[signal][row]) if signal in run.scores else math.nan
        if not math.isnan(score):
            found.setdefault((signal, row), (score, label >= 0.5, article))

    for path in paths:
        if not path.is_file():
            raise InputError(path, "no such file; give a JSONL file in the exchange format")
        for one in read_exchange(path):
            at = number.get(text_digest(one.text))
            if at is None:
                continue
            for signal, label in one.labels.items():
                if is_of_articles(signal):
                    add(signal, at, label, at)
            for unit in one.units or ():
                place = (unit.start, unit.end), one.text[unit.start : unit.end]
                known = [rows[at, key] for key in place if (at, key) in rows]
                for signal, label in unit.labels.items():
                    if known and not is_of_articles(signal):
                        add(signal, known[0], label, at)
    if not found:
        raise InputError(
            paths[0], f"labels no sentence of {run.name}; give labels of articles in the run"
        )
    by_signal: dict[str, list[tuple[float, bool, int]]] = {}
    for (signal, _), values in found.items():
        by_signal.setdefault(signal, []).append(values)
    return {
        signal: Labelled(
            np.array([score for score, _, _ in values], np.float32),
            np.array([label for _, label, _ in values], np.bool_),
            np.array([article for _, _, article in values], np.intp),
        )
        for signal, values in by_signal.items()
    }


def calibration(labels: Mapping[str, Labelled], seed: int) -> DriftMeasure:
    """Compare labels with scores.

    Tests whether more or fewer sentences have a signal than expected, and whether the difference
    grows with the score: sums of residuals by article over their error (Cox, 1958).
    """
    figures: list[DriftFigure] = []
    ps: list[float] = []
    few = []
    for signal, one in labels.items():
        expected, n, positives = float(one.proba.sum()), len(one.proba), int(one.positive.sum())
        articles, article = np.unique(one.article, return_inverse=True)
        least = min(positives, n - positives, expected, n - expected)
        if least < _LABELS or len(articles) < _ARTICLES:
            few.append(signal)
            continue
        error = single_figure("debiased_error", one.positive, one.proba, 0.5)
        drawn = resample_figures(
            one.positive, (one.proba, 0.5), None, one.article, draws=_DRAWS, seed=seed,
            names=("debiased_error",),
        ).a["debiased_error"]  # fmt: skip
        observed = share_of(np.bincount(article, weights=one.positive), np.bincount(article))
        effect = Estimate(error, max(drawn.low, 0.0), drawn.high)
        before = Share(expected / n)
        figures.append(
            DriftFigure(signal, before, observed, effect, error, _ERROR, math.nan, "error")
        )
        ps += _residual_ps(one, article)
    corrected = holm(ps)
    found = (replace(one, p=min(corrected[2 * at : 2 * at + 2])) for at, one in enumerate(figures))
    note = f"too few labels of {', '.join(few)}: it takes {_LABELS} of either answer in {_ARTICLES}"
    return DriftMeasure("calibration", tuple(found), note=f"{note} articles" if few else "")


def _residual_ps(one: Labelled, article: NDArray[np.intp]) -> list[float]:
    proba = one.proba.astype(float)
    residual, variance = one.positive - proba, proba * (1 - proba)
    odds = log_odds(proba)
    found = []
    for weight in (np.ones_like(odds), odds - np.average(odds, weights=variance.clip(1e-9))):
        sums = np.bincount(article, weights=residual * weight)
        m = len(sums)
        # At least the variance of independent sentences.
        spread = max(m / (m - 1) * float((sums**2).sum()), float((variance * weight**2).sum()))
        z = abs(float(sums.sum())) / math.sqrt(max(spread, 1e-12))
        found.append(2 * float(student.sf(z, m - 1)))
    return found
