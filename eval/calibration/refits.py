"""Calibration and thresholds of a bundle fitted on a desk's labels, and cross-fitted figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle, digest
from framescope.classifier.errors import FramescopeError
from framescope.classifier.models import Calibration
from framescope.classifier.taxonomy import in_order
from framescope.eval.metrics import Cell, Estimate, Section, resample_figures, single_figure, table
from framescope.training.calibration import (
    Line,
    Reached,
    choose_thresholds,
    lacking,
    once_an_article,
    refit_line,
    threshold_reaching,
)
from framescope.training.data import Examples
from numpy.typing import NDArray

FOLDS = 10
_OF_FLAGS = ("precision", "recall", "f1")
_OF_SCORES = ("debiased_error", "brier")
_LABELS = {"precision": "precision", "recall": "recall", "f1": "F1",
           "debiased_error": "calibration error", "brier": "Brier"}  # fmt: skip

Bools = NDArray[np.bool_]
Single = NDArray[np.float32]


class CalibrationError(FramescopeError):
    """A bundle that can't be calibrated on these labels, or as was asked."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A precision, or a recall, that a threshold is to reach."""

    figure: str
    value: float
    confidence: float

    @property
    def words(self) -> str:
        """As it is said: "precision 0.9, sure to 90%"."""
        return f"{self.figure} {self.value:g}, sure to {self.confidence:.0%}"


@dataclass(frozen=True, slots=True)
class SignalFit:
    """A signal that was fitted again.

    Attributes
    ----------
    signal : str
    n, articles, positives : int
        Of its labels.
    line, threshold : tuple of before and after
    reached : Reached or None
        Of a wish: what the threshold comes to on all rows.
    before, after : mapping of str to Estimate
        Figures with 95% intervals over articles; `after` cross-fitted.
    """

    signal: str
    n: int
    articles: int
    positives: int
    line: tuple[Line, Line]
    threshold: tuple[float, float]
    wish: Wish | None
    reached: Reached | None
    before: Mapping[str, Estimate]
    after: Mapping[str, Estimate]

    def record(self) -> dict[str, Any]:
        """Write it as a manifest holds it."""

        def ends(given: Mapping[str, Estimate]) -> dict[str, list[float | None]]:
            return {
                name: [
                    None if math.isnan(x) else round(x, 4) for x in (one.value, one.low, one.high)
                ]
                for name, one in given.items()
            }

        wish = self.wish and {self.wish.figure: self.wish.value, "confidence": self.wish.confidence}
        return {
            "n": self.n,
            "articles": self.articles,
            "positives": self.positives,
            "calibration": {"before": list(self.line[0]), "after": list(self.line[1])},
            "threshold": {"before": self.threshold[0], "after": self.threshold[1]},
            "wanted": wish,
            "figures": {"before": ends(self.before), "cross_fitted": ends(self.after)},
        }  # fmt: skip


@dataclass(frozen=True)
class Recalibration:
    """What was fitted again, and what was not, and why.

    Attributes
    ----------
    bundle : Bundle
        As it was.
    fits : tuple of SignalFit
    kept : mapping of str to str
        Of each signal that stays as it is, why.
    articles, sentences : int
        That the labels are of.
    files : mapping of str to str
        Name and SHA-256 of each file of labels.
    """

    bundle: Bundle
    fits: tuple[SignalFit, ...]
    kept: Mapping[str, str]
    articles: int
    sentences: int
    files: Mapping[str, str]

    def record(self) -> dict[str, Any]:
        """Write it as the manifest of the new bundle holds it."""
        return {
            "code_version": __version__,
            "from": {"name": self.bundle.name, "digest": self.bundle.digest},
            "data": [{"file": name, "sha256": found} for name, found in self.files.items()],
            "articles": self.articles,
            "sentences": self.sentences,
            "folds": FOLDS,
            "signals": {one.signal: one.record() for one in self.fits},
            "kept": dict(self.kept),
        }

    def section(self) -> Section:
        """Lay it out: thresholds, figures before and after, and what was left as it is."""
        thresholds: Iterable[tuple[Cell, ...]] = (
            (
                one.signal, one.n, one.articles, one.positives,
                *one.threshold, *(f"{slope:.3f}, {shift:+.3f}" for slope, shift in one.line),
                one.wish.words if one.wish else "best expected F1",
            )
            for one in self.fits
        )  # fmt: skip
        figures = (
            (one.signal, _LABELS[name], one.before[name], one.after[name])
            for one in self.fits
            for name in (*_OF_FLAGS, _OF_SCORES[0])
        )
        tables = [
            table(
                "Fitted again",
                ("signal", "labels", "articles", "yes", "threshold", "now", "line", "now", "for"),
                thresholds,
            ),
            table(
                "On these articles, each judged by what was fitted without it",
                ("signal", "figure", "before, 95% interval", "now, 95% interval"),
                figures,
            ),
        ]
        if self.kept:
            tables.append(table("Left as it is", ("signal", "why"), self.kept.items()))
        note = (
            f"{self.articles:,} articles, {self.sentences:,} sentences. Intervals resample "
            f"articles; of {FOLDS} parts of them, each is judged by the nine others. Weights stay "
            "as they are."
        )
        return Section(
            note, tuple(tables), signature=f"{self.bundle.name} {self.bundle.digest[:12]}"
        )


def recalibrate(
    bundle: Bundle,
    rows: Examples,
    files: Sequence[Path],
    signals: Sequence[str] = (),
    wishes: Mapping[str, Wish] | None = None,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> Recalibration:
    """Fit calibration and thresholds of a bundle anew.

    Parameters
    ----------
    bundle : Bundle
    rows : Examples
        With the labels, and all that models are given with sentences.
    files : sequence of pathlib.Path
        That they were read from.
    signals : sequence of str
        To fit; all that are labelled unless given.
    wishes : mapping of str to Wish
        By signal; the others get the threshold with the best expected F1.
    draws, seed : int
        Of the resamples.

    Raises
    ------
    CalibrationError
        When no signal has labels enough, one that was asked for hasn't, or no threshold reaches
        what was wished.
    SignalError
        When a signal is not in the taxonomy.
    """
    wishes = wishes or {}
    asked = in_order([*signals, *wishes])
    where = ", ".join(map(str, files))
    for signal in asked:
        if signal not in bundle.signals:
            raise CalibrationError(
                f"{bundle.path}: gives no '{signal}'; it gives {', '.join(bundle.signals)}"
            )
        if signal not in rows.signals:
            raise CalibrationError(f"{where}: labels no '{signal}'; label it, or leave it out")
    tried = in_order(signals) if signals else tuple(s for s in bundle.signals if s in rows.signals)
    tried = in_order([*tried, *wishes])
    if not tried:
        raise CalibrationError(f"{where}: labels no signal of {bundle.name}; label some of them")
    labels = np.stack([rows.column(signal) for signal in tried], axis=1)
    labels = once_an_article(labels, rows.article, tried)
    logits: Any = bundle.model
    found = logits.logits(rows.sentences)
    tasks, kept = [], {}
    for column, signal in enumerate(tried):
        known = ~np.isnan(labels[:, column])
        task = _Task(
            signal,
            found[known, bundle.signals.index(signal)],
            labels[known, column] >= 0.5,
            rows.article[known],
            wishes.get(signal),
            seed,
        )
        why = lacking(task.positive, task.articles)
        if why is None:
            tasks.append(task)
        elif signal in wishes:
            raise CalibrationError(f"{where}: too few labels of {signal}: {why}; label more")
        else:
            kept[signal] = why
    fits = []
    for task in sorted(tasks, key=lambda one: one.wish is None):  # what may fail comes first
        slope, shift = map(float, bundle.manifest["calibration"][task.signal])
        limit = bundle.thresholds[task.signal]
        fits.append(_fitted(task, (slope, shift), limit, draws, where))
    fits.sort(key=lambda one: tried.index(one.signal))
    if not fits:
        most = next(iter(kept.items()))
        more = f" and {len(kept) - 1} more" if len(kept) > 1 else ""
        raise CalibrationError(
            f"{where}: too few labels of every signal ({most[0]}: {most[1]}{more}); label more"
        )
    names = {path.name if len({p.name for p in files}) == len(files) else str(path): digest(path)
             for path in files}  # fmt: skip
    articles = len(np.unique(rows.article))
    return Recalibration(bundle, tuple(fits), kept, articles, len(rows), names)


@dataclass(frozen=True)
class _Task:
    """The labels of one signal, shape (n,), with what the model says before calibration."""

    signal: str
    logits: Single
    positive: Bools
    articles: NDArray[np.str_]
    wish: Wish | None
    seed: int

    def where(self, chosen: Bools) -> _Task:
        return replace(
            self,
            logits=self.logits[chosen],
            positive=self.positive[chosen],
            articles=self.articles[chosen],
        )

    def chances(self, line: Line) -> Single:
        """Apply a line as serving does."""
        return Calibration.from_record({self.signal: line}).apply(self.logits[:, None])[:, 0]

    def fit(self, before: Line) -> tuple[Line, float, Reached | None]:
        """Fit a line, and a threshold on the chances by it."""
        line = refit_line(self.logits, self.positive, self.articles, before)
        proba = self.chances(line)
        if self.wish is None:
            labels = self.positive.astype(np.float32)[:, None]
            names = (self.signal,)
            chosen = choose_thresholds(proba[:, None], labels, self.articles, names, self.seed)
            return line, chosen[self.signal], None
        reached = threshold_reaching(
            proba,
            self.positive,
            self.articles,
            self.wish.value,
            confidence=self.wish.confidence,
            recall=self.wish.figure == "recall",
        )
        return line, 1.0 if reached is None else reached.threshold, reached

    def folds(self) -> NDArray[np.intp]:
        """Give each row's part: whole articles, those with a positive spread evenly."""
        names, article = np.unique(self.articles, return_inverse=True)
        some = np.bincount(article, weights=self.positive, minlength=len(names)) > 0
        lot = np.random.default_rng(self.seed).random(len(names))
        part = np.empty(len(names), np.intp)
        part[np.lexsort((lot, some))] = np.arange(len(names)) % FOLDS
        found: NDArray[np.intp] = part[article]
        return found


def _fitted(task: _Task, before: Line, threshold: float, draws: int, where: str) -> SignalFit:
    line, limit, reached = task.fit(before)
    if task.wish is not None and (reached is None or not reached.enough):
        raise CalibrationError(_unreachable(task, task.wish, reached, where))
    proba, flags = np.zeros(len(task.logits), np.float32), np.zeros(len(task.logits), np.bool_)
    parts = task.folds()
    for part in np.unique(parts):
        held = task.where(parts == part)
        own, least, _ = task.where(parts != part).fit(before)
        proba[parts == part] = held.chances(own)
        flags[parts == part] = held.chances(own) >= np.float32(least)
    was = task.chances(before)
    flagged = was >= np.float32(threshold)
    return SignalFit(
        task.signal,
        len(task.logits),
        len(np.unique(task.articles)),
        int(task.positive.sum()),
        (before, line),
        (threshold, limit),
        task.wish,
        reached,
        _figures(task, was, flagged, draws),
        _figures(task, proba, flags, draws),
    )


def _figures(task: _Task, proba: Single, flags: Bools, draws: int) -> dict[str, Estimate]:
    found = {}
    # Each part has a threshold of its own: flags are given as chances of 0 and 1.
    decided = flags.astype(np.float32)
    for given, names in (((decided, 0.5), _OF_FLAGS), ((proba, 0.5), _OF_SCORES)):
        drawn = resample_figures(
            task.positive, given, None, task.articles, draws=draws, seed=task.seed, names=names
        )
        for name in names:
            value = single_figure(name, task.positive, *given)
            interval = drawn.a[name]
            found[name] = Estimate(value, max(interval.low, 0.0), interval.high)
    return found


def _unreachable(task: _Task, wish: Wish, reached: Reached | None, where: str) -> str:
    asked = f"--{wish.figure} {task.signal}={wish.value:g}"
    counted = (
        f"{len(task.positive)} labels of {len(np.unique(task.articles))} articles in {where}, "
        f"{int(task.positive.sum())} of them yes"
    )
    if reached is None:
        return f"{asked}: too few to tell ({counted}); label more"
    return (
        f"{asked}: no threshold reaches it, sure to {wish.confidence:.0%}, on {counted}; "
        f"the most is {math.floor(1000 * reached.low) / 1000:g} (as measured {reached.value:.3f}), "
        f"from {reached.threshold:.3f} on; ask for less, lower --confidence, or label more"
    )
