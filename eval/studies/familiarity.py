"""Whether a bundle knows what is unlike what it learned from, and what that costs.

Of every part: how many articles are far (`classifier.models.domain`), and how often the sets of
framing signals hold the right answer, in articles that are near and in those that are far. Of pages
without labels: how many are far, and how many framing flags are left undecided there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import BundleError
from framescope.classifier.inputs import read_input
from framescope.classifier.models import FAR, FEWEST_SENTENCES, vectors_of_articles
from framescope.classifier.records import ArticleReport, Skipped
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import BY_NAME, Family, Level
from framescope.eval.metrics import MIN_GROUPS, Section, Share, Table, draw, percentile, table
from framescope.training.data import Examples
from numpy.typing import NDArray

_FRAMING = (Family.FRAMING, Family.ARTICLE)
Array = NDArray[Any]
Done = Callable[[int, int], None]


@dataclass(frozen=True)
class Familiar:
    """What was found of a part of a corpus.

    ``far``: of each article of a few sentences at least. ``held``: of each cell of a framing signal
    with a label, whether its set holds the right answer; ``article``: of the cell, by number.
    ``cell_far``: whether that article is far.
    """

    name: str
    far: Array
    held: Array
    article: Array
    cell_far: Array


def study(
    bundle: Bundle,
    rows: Examples,
    pages: Sequence[Path] = (),
    *,
    draws: int = 2000,
    seed: int = 0,
    progress: Done | None = None,
) -> Section:
    """Measure it on held-out rows, and on pages.

    Raises
    ------
    BundleError
        When the bundle doesn't say what it learned from.
    """
    if bundle.domain is None:
        raise BundleError(
            f"{bundle.path}: doesn't say what it learned from; train it again with this version"
        )
    names = list(dict.fromkeys(zip(rows.corpus.tolist(), rows.part.tolist(), strict=True)))
    found = []
    for number, (corpus, part) in enumerate(names):
        own = rows.where((rows.corpus == corpus) & (rows.part == part))
        found.append(_measure(bundle, own, f"{corpus}, {part}"))
        if progress is not None:
            progress(number + 1, len(names))
    return Section(
        f"An article is far where it lies beyond {FAR:.0%} of the held-out articles that the "
        f"bundle was calibrated on; those of fewer than {FEWEST_SENTENCES} sentences are not "
        "judged. Sets aim at nine in ten right answers of each kind, of framing signals. Intervals "
        "resample articles.",
        (
            table(
                "Articles that are far, and coverage of the sets",
                ("corpus, part", "articles", "far", "cells", "coverage, near", "coverage, far"),
                (_line(one, draws, seed) for one in found),
            ),
            *(_of_pages(bundle, pages, draws, seed) if pages else ()),
        ),
    )


def _measure(bundle: Bundle, rows: Examples, name: str) -> Familiar:
    prediction = bundle.model.predict(rows.sentences)
    domain, vectors = bundle.domain, prediction.vectors
    assert domain is not None
    if vectors is None:
        raise BundleError(f"{bundle.path}: its graph gives no vectors; train it again")
    means, counts = vectors_of_articles(vectors, rows.sentences)
    judged = np.array(counts) >= FEWEST_SENTENCES
    far = (domain.distance(means) >= FAR) & judged
    article = np.repeat(np.arange(len(counts)), counts)
    held: list[Array] = []
    of: list[Array] = []
    beyond: list[Array] = []
    for column, signal in enumerate(bundle.signals):
        if BY_NAME[signal].family not in _FRAMING or signal not in rows.signals:
            continue
        labels, proba = rows.column(signal), prediction.proba[:, column]
        known = ~np.isnan(labels) & ~np.isnan(domain.yes[column]) & ~np.isnan(domain.no[column])
        yes = labels >= 0.5
        inside = np.where(yes, proba >= domain.yes[column], proba <= domain.no[column])
        held.append(inside[known])
        of.append(article[known])
        beyond.append(far[article[known]])
    return Familiar(
        name,
        far[judged],
        *(np.concatenate(one) if one else np.zeros(0) for one in (held, of, beyond)),
    )


def _line(one: Familiar, draws: int, seed: int) -> tuple[str, int, Share, int, Share, Share]:
    beyond = one.cell_far.astype(bool)
    return (
        one.name,
        len(one.far),
        _share(one.far, np.arange(len(one.far)), draws, seed),
        len(one.held),
        _share(one.held[~beyond], one.article[~beyond], draws, seed),
        _share(one.held[beyond], one.article[beyond], draws, seed),
    )


def _share(values: Array, groups: Array, draws: int, seed: int) -> Share:
    """Give the mean of some values with its interval, groups resampled."""
    if not len(values):
        return Share(np.nan)
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < MIN_GROUPS:
        return Share(float(values.mean()))
    sums, sizes = np.bincount(group, values.astype(np.float64)), np.bincount(group)
    both = np.stack([sums, sizes], axis=1)
    drawn = [counts @ both for counts in draw(len(names), draws, seed, 200)]
    totals = np.concatenate(drawn)
    shares = totals[:, 0] / np.maximum(totals[:, 1], 1)
    return Share.of(float(values.mean()), percentile(shares, len(names)))


def _of_pages(bundle: Bundle, paths: Sequence[Path], draws: int, seed: int) -> Iterator[Table]:
    """Count what is far, and what is left undecided, among pages without labels."""
    scorer = Scorer(bundle, registry=bundle.registry, evidence=False)
    articles = (item for path in paths for item in read_input(str(path)))
    reports = [
        item
        for item in scorer.score(articles)
        if not isinstance(item, Skipped) and item.note is None
    ]
    flagged = [name for name in bundle.signals if BY_NAME[name].level is Level.ARTICLE]
    far = np.array([one.far for one in reports], np.bool_)
    yield table(
        "All pages together",
        ("pages", "far", *(f"flagged as {BY_NAME[name].label}" for name in flagged)),
        [
            (
                f"{len(reports):,}",
                _of_all(far, draws, seed),
                *(
                    _of_all(np.array([name in one.flags for one in reports]), draws, seed)
                    for name in flagged
                ),
            )
        ],
    )
    yield table(
        "Pages without labels",
        ("page", "sentences", "distance", "far", "framing flags", "left undecided"),
        ((one.article.id, *_counts(one)) for one in reports),
    )


def _of_all(found: Array, draws: int, seed: int) -> Share:
    return _share(found, np.arange(len(found)), draws, seed)


def _counts(report: ArticleReport) -> tuple[int, float | None, str, int, int]:
    flags = [*report.flags, *(name for one in report.sentences for name in one.flags)]
    left = [*report.undecided, *(name for one in report.sentences for name in one.undecided)]
    framing = sum(BY_NAME[name].family in _FRAMING for name in flags)
    return (
        len(report.sentences),
        report.distance,
        "far" if report.far else "",
        framing,
        len(left),
    )
