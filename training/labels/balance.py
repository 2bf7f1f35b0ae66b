"""How many labels of each signal there are, and what they are too few for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from framescope.classifier.taxonomy import in_order
from framescope.training.labels.labelled import LabelledArticle

FEWEST_TO_TRAIN = 50
"""Labels of the rarer answer from which a signal is worth learning, by a rule of thumb: with a few
dozen, as some techniques have, neither model is good (docs/results.md)."""

FEWEST_TO_CALIBRATE = 20
"""Labels of the rarer answer from which a threshold says more than chance: with 20 positives the
95% interval of a recall of a half is 0.3 to 0.7."""

FEWEST_ARTICLES = 10
"""Articles that both answers must come from: whole articles are held out and resampled."""


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The labels of one signal.

    `labels` are those of sentences, or of articles where the signal is one of articles; of these
    `positives` are at least a half, and `soft` neither 0 nor 1. `articles` have a label,
    `with_positives` a positive one. `lacks` says what they are too few for, in words; empty where
    for nothing.
    """

    signal: str
    labels: int
    articles: int
    positives: int
    with_positives: int
    soft: int
    lacks: str


def class_balance(found: Sequence[LabelledArticle]) -> list[ClassBalance]:
    """Count labels, in taxonomy order of the signals."""
    values: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for one in found:
        for signal, label in one.article.labels.items():
            values[signal].append((one.article.id, label))
        for unit in one.article.units or ():
            for signal, label in unit.labels.items():
                values[signal].append((one.article.id, label))
    return [_of_signal(signal, values[signal]) for signal in in_order(values)]


def _of_signal(signal: str, values: Sequence[tuple[str, float]]) -> ClassBalance:
    positives = sum(label >= 0.5 for _, label in values)
    articles = {article for article, _ in values}
    with_positives = {article for article, label in values if label >= 0.5}
    soft = sum(label not in (0, 1) for _, label in values)
    rarer, name = min((positives, "yes"), (len(values) - positives, "no"))
    lacks = ""
    if rarer < FEWEST_TO_CALIBRATE:
        lacks = f"too few to train or calibrate: {rarer} '{name}', {FEWEST_TO_TRAIN} needed"
    elif rarer < FEWEST_TO_TRAIN:
        lacks = f"enough to calibrate, too few to train: {rarer} '{name}', {FEWEST_TO_TRAIN} needed"
    elif len(with_positives) < FEWEST_ARTICLES:
        few = f"{len(with_positives)} with a 'yes', {FEWEST_ARTICLES} needed"
        lacks = f"from too few articles: {few}"
    return ClassBalance(
        signal, len(values), len(articles), positives, len(with_positives), soft, lacks
    )
