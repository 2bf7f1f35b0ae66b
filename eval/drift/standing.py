"""A run by itself: how far it lies from what a bundle learned from, and whether its scores hold.

A bundle keeps no articles, scores or outlets of its training, only how far held-out articles lie
from it. Labels say whether of the sentences scored 0.7 seven in ten have the signal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from framescope.classifier.batch.schema import text_digest
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import InputError
from framescope.classifier.models import FAR
from framescope.eval.drift.measures import (
    DriftFigure,
    DriftMeasure,
    Floats,
    Marks,
    Single,
    share_of,
)
from framescope.eval.drift.sides import UNKNOWN, DriftSide, of_articles
from framescope.eval.metrics import Change, Estimate, Share, holm, resample_figures, single_figure
from framescope.training.corpora import read_exchange
from scipy.special import logit
from scipy.stats import t as student

FEWEST_LABELS = 20
"""Of either answer, and expected of each, from which a signal's calibration is judged."""
_FEWEST_LABELLED = 10  # articles
_FEWEST_OUTLETS = 10  # from which articles of one outlet are taken together
_LEAST_DISTANCE, _LEAST_FAR = 0.1, 0.02
_LEAST_ERROR = 0.03
_DRAWS = 1000


def from_training(side: DriftSide, bundle: Bundle) -> DriftMeasure:
    """Hold the distance of a run's articles against that of articles held out in training.

    Of those, every share lies nearer for as many: the mean is a half, and 2% are far.
    """
    known = ~np.isnan(side.distance)
    if bundle.domain is None or not known.any():
        return DriftMeasure("distance", note="not known of these articles: the bundle doesn't say")
    outlet = side.outlet[known]
    articles = np.arange(int(known.sum())).astype(str)
    # Whom no page names is no outlet: each such article stands for itself.
    clusters = np.where(outlet == UNKNOWN, np.char.add("?", articles), outlet)
    if len(np.unique(outlet)) < _FEWEST_OUTLETS:
        clusters = articles
    held_out = max(len(bundle.domain.held_out), 1)
    figures = []
    for name, values, expected, variance, least in (
        ("distance", side.distance[known], 0.5, 1 / 12, _LEAST_DISTANCE),
        ("far", side.far[known].astype(np.float64), 1 - FAR, FAR * (1 - FAR), _LEAST_FAR),
    ):
        mean, error, freedom = _clustered(values, clusters, variance)
        gap = mean - expected
        spread = math.hypot(error, math.sqrt(variance / held_out))
        reach = float(student.ppf(0.975, freedom)) * spread
        p = min(1.0, 2 * 2 * float(student.sf(abs(gap) / spread, freedom)))  # of two figures
        now = Estimate(mean, mean - reach, mean + reach)
        if name == "far":
            now = share_of(values, np.ones(len(values)))
        change = Change(gap, gap - reach, gap + reach)
        # Nearer than what was held out is nothing to worry about.
        was = (Share if name == "far" else Estimate)(expected)
        figures.append(DriftFigure(name, was, now, change, max(gap, 0.0), least, p))
    return DriftMeasure("distance", tuple(figures))


def _clustered(values: Floats, clusters: np.ndarray, least: float) -> tuple[float, float, int]:
    """Give a mean, its standard error over clusters, and the degrees of freedom.

    The error is at least that of independent values of the variance `least`: few that are alike by
    chance are no proof that all are.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    sizes = np.bincount(cluster)
    mean, m = float(values.mean()), len(sizes)
    apart = np.bincount(cluster, weights=values) - mean * sizes
    variance = m / max(m - 1, 1) * float((apart**2).sum()) / len(values) ** 2
    return mean, math.sqrt(max(variance, least / len(values))), max(m - 1, 1)


def known_words(side: DriftSide, bundle: Bundle) -> DriftMeasure:
    """Say which share of the words a bundle's vocabulary doesn't have whole."""
    vocabulary = _vocabulary(bundle.path)
    total = strange = 0
    for one in side.words:
        total += one.total()
        strange += sum(n for word, n in one.items() if word.replace("’", "'") not in vocabulary)
    share = Share(strange / max(total, 1))
    figure = DriftFigure("words it has not whole", None, share, share, 0.0, math.nan, math.nan)
    note = "a bundle doesn't say how many are usual; compare with a run to judge the words"
    return DriftMeasure("vocabulary", (figure,) if vocabulary else (), note=note)


def _vocabulary(folder: Path) -> set[str]:
    """Give the whole words that a bundle's files hold."""
    found: set[str] = set()
    tokens, terms = folder / "tokenizer.json", folder / "vocabulary.json"
    if tokens.is_file():
        vocabulary = json.loads(tokens.read_text("utf-8"))["model"]["vocab"]
        found |= {word for word in vocabulary if not word.startswith("##")}
    if terms.is_file():
        for block in json.loads(terms.read_text("utf-8"))["blocks"]:
            if block["unit"] == "word":
                found |= {term for term in block["terms"] if " " not in term}
    return found


def unlisted(side: DriftSide) -> DriftMeasure:
    """Say which share of a run's articles is of outlets that no registry knows."""
    strange = (~side.registered & (side.outlet != UNKNOWN)).astype(np.float64)
    nobody = (side.outlet == UNKNOWN).astype(np.float64)
    one = np.ones(len(side))
    figures = tuple(
        DriftFigure(name, None, found, found, 0.0, math.nan, math.nan)
        for name, found in (
            ("not in the registry", share_of(strange, one)),
            ("nobody named", share_of(nobody, one)),
        )
    )
    note = "a bundle keeps no outlets; compare with a run to judge them"
    return DriftMeasure("outlets", figures, note=note)


# --- labels ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Labelled:
    """A signal's labels beside what a run says: all of shape (n,)."""

    proba: Single
    positive: Marks
    articles: np.ndarray


def read_labels(paths: Sequence[Path], side: DriftSide) -> Mapping[str, Labelled]:
    """Find the labels of a run's sentences: by their text, and their place in it.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files in the exchange format.
    side : DriftSide

    Raises
    ------
    InputError
        When a file is missing, or none of its articles is in the run.
    CorpusError
        When a line can't be read.
    """
    number = {digest: at for at, digest in enumerate(side.digest)}
    place = {
        (article, start, end): row
        for row, (article, (start, end)) in enumerate(
            zip(side.article.tolist(), side.place.tolist(), strict=True)
        )
    }
    by_text = {
        (article, text): row
        for row, (article, text) in enumerate(zip(side.article.tolist(), side.texts, strict=True))
    }
    found: dict[str, list[tuple[float, bool, int]]] = {}
    seen: set[tuple[str, int]] = set()

    def add(signal: str, row: int, label: float, article: int) -> None:
        if signal in side.scores and (signal, row) not in seen:
            seen.add((signal, row))
            score = float(side.scores[signal][row])
            if not math.isnan(score):
                found.setdefault(signal, []).append((score, label >= 0.5, article))

    for path in paths:
        if not path.is_file():
            raise InputError(path, "no such file; give a JSONL file in the exchange format")
        for one in read_exchange(path):
            at = number.get(text_digest(one.text))
            if at is None:
                continue
            for signal, label in one.labels.items():
                if of_articles(signal):
                    add(signal, at, label, at)
            for unit in one.units or ():
                row = place.get((at, unit.start, unit.end))
                row = by_text.get((at, one.text[unit.start : unit.end])) if row is None else row
                for signal, label in unit.labels.items():
                    if row is not None and not of_articles(signal):
                        add(signal, row, label, at)
    if not found:
        raise InputError(
            paths[0],
            f"labels no sentence of {side.name}; give labels of articles that are in the run",
        )
    return {
        signal: Labelled(
            np.array([score for score, _, _ in rows], np.float32),
            np.array([label for _, label, _ in rows], np.bool_),
            np.array([str(article) for _, _, article in rows]),
        )
        for signal, rows in found.items()
    }


def calibration(labels: Mapping[str, Labelled], seed: int) -> DriftMeasure:
    """Hold what labels say against what was scored.

    Whether more or fewer have a signal than expected, and whether that rises with the score: two
    sums of residuals by article over their error (Cox, 1958), corrected by Holm for all signals.
    """
    judged: list[tuple[str, DriftFigure, list[float]]] = []
    few = []
    for signal, one in labels.items():
        expected, n = float(one.proba.sum()), len(one.proba)
        sizes = (one.positive.sum(), (~one.positive).sum(), expected, n - expected)
        if min(sizes) < FEWEST_LABELS or len(np.unique(one.articles)) < _FEWEST_LABELLED:
            few.append(signal)
            continue
        error = single_figure("debiased_error", one.positive, one.proba, 0.5)
        drawn = resample_figures(
            one.positive, (one.proba, 0.5), None, one.articles, draws=_DRAWS, seed=seed,
            names=("debiased_error",),
        ).a["debiased_error"]  # fmt: skip
        size = Estimate(error, max(drawn.low, 0.0), drawn.high)
        _, article = np.unique(one.articles, return_inverse=True)
        count = np.bincount(article).astype(float)
        before = Share(expected / n)
        hits = np.bincount(article, weights=one.positive).astype(np.float64)
        now = share_of(hits, count)
        figure = DriftFigure(signal, before, now, size, error, _LEAST_ERROR, math.nan, "error")
        judged.append((signal, figure, _residual_ps(one)))
    p = holm([value for _, _, values in judged for value in values])
    figures = tuple(
        DriftFigure(
            one.name, one.before, one.now, one.effect, one.size, one.least,
            min(p[2 * at : 2 * at + 2]), one.unit,
        )
        for at, (_, one, _) in enumerate(judged)
    )  # fmt: skip
    note = ""
    if few:
        note = (
            f"too few labels to tell, {FEWEST_LABELS} of either answer in {_FEWEST_LABELLED} "
            f"articles are the least: {', '.join(few)}"
        )
    return DriftMeasure("calibration", figures, note=note)


def _residual_ps(one: Labelled) -> list[float]:
    proba = one.proba.astype(np.float64)
    residual, free = one.positive - proba, proba * (1 - proba)
    odds = logit(np.clip(proba, 1e-4, 1 - 1e-4))
    _, article = np.unique(one.articles, return_inverse=True)
    found = []
    for weight in (np.ones_like(odds), odds - np.average(odds, weights=np.maximum(free, 1e-9))):
        sums = np.bincount(article, weights=residual * weight)
        m = len(sums)
        # At least what chance alone would give, were all sentences independent.
        spread = max(m / (m - 1) * float((sums**2).sum()), float((free * weight**2).sum()))
        z = abs(float(sums.sum())) / math.sqrt(max(spread, 1e-12))
        found.append(2 * float(student.sf(z, m - 1)))
    return found
