"""Whether the scores of a run are still calibrated, by labels of its articles."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from framescope.classifier.batch.schema import text_digest
from framescope.classifier.errors import InputError
from framescope.eval.drift.articles import RunArticles, is_of_articles
from framescope.eval.drift.figures import DriftFigure, DriftMeasure, log_odds, share_of
from framescope.eval.metrics import Estimate, Share, holm, resample_figures, single_figure
from framescope.eval.rows import Bools, Floats
from framescope.training.corpora import read_exchange
from numpy.typing import NDArray
from scipy.stats import t as student

_LABELS = 20  # of either answer, and expected of each
_ARTICLES = 10
_ERROR = 0.03  # the least calibration error that matters
_DRAWS = 1000


class Labelled(NamedTuple):
    """The labels of a signal and the scores of a run, each of shape (n,)."""

    proba: NDArray[np.float32]
    positive: Bools
    article: NDArray[np.intp]


def read_labels(paths: Sequence[Path], run: RunArticles) -> dict[str, Labelled]:
    """Find the labels of a run's articles and sentences, by their texts, in exchange-format files.

    Raises
    ------
    InputError
        When a file is missing, or none of its articles is in the run.
    CorpusError
        When a line can't be read.
    """
    found: dict[str, dict[int, tuple[float, bool, int]]] = defaultdict(dict)
    for signal, row, label, article in _labels(paths, run):
        score = float(run.scores[signal][row]) if signal in run.scores else math.nan
        if not math.isnan(score):
            found[signal].setdefault(row, (score, label >= 0.5, article))
    if not found:
        raise InputError(
            paths[0], f"labels no sentence of {run.name}; give labels of articles in the run"
        )
    return {
        signal: Labelled(*(np.array(column) for column in zip(*rows.values(), strict=True)))
        for signal, rows in found.items()
    }


def _labels(paths: Sequence[Path], run: RunArticles) -> Iterator[tuple[str, int, float, int]]:
    """Yield each label: signal, row of the run, label and article."""
    number = {digest: at for at, digest in enumerate(run.digest)}
    rows: dict[tuple[int, object], int] = {}
    for row, article in enumerate(run.article.tolist()):
        rows[article, tuple(run.place[row].tolist())] = rows[article, run.texts[row]] = row
    for path in paths:
        if not path.is_file():
            raise InputError(path, "no such file; give a JSONL file in the exchange format")
        for one in read_exchange(path):
            at = number.get(text_digest(one.text))
            if at is None:
                continue
            yield from ((s, at, label, at) for s, label in one.labels.items() if is_of_articles(s))
            for unit in one.units or ():
                keys = (unit.start, unit.end), one.text[unit.start : unit.end]
                known = [rows[at, key] for key in keys if (at, key) in rows]
                for signal, label in unit.labels.items():
                    if known and not is_of_articles(signal):
                        yield signal, known[0], label, at


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
        expected_share, observed = (
            share_of(np.bincount(article, weights=values) / np.bincount(article))
            for values in (one.proba, one.positive)
        )
        effect = Estimate(error, max(drawn.low, 0.0), drawn.high)
        before = Share(expected_share.value)
        figures.append(DriftFigure(signal, before, observed, effect, error, _ERROR, unit="error"))
        ps += _residual_ps(one.proba.astype(np.float64), one.positive, article)
    p = holm(ps)
    tested = (replace(one, p=min(p[2 * at : 2 * at + 2])) for at, one in enumerate(figures))
    note = (
        f"too few labels of {', '.join(few)}: it takes {_LABELS} of either answer in {_ARTICLES} "
        "articles"
    )
    return DriftMeasure("calibration", tuple(tested), note=note if few else "")


def _residual_ps(proba: Floats, positive: Bools, article: NDArray[np.intp]) -> Iterator[float]:
    residual, variance, odds = positive - proba, proba * (1 - proba), log_odds(proba)
    for weight in (np.ones_like(odds), odds - np.average(odds, weights=variance.clip(1e-9))):
        sums = np.bincount(article, weights=residual * weight)
        m = len(sums)
        # At least the variance of independent sentences.
        spread = max(m / (m - 1) * float((sums**2).sum()), float((variance * weight**2).sum()))
        z = abs(float(sums.sum())) / math.sqrt(max(spread, 1e-12))
        yield 2 * float(student.sf(z, m - 1))
