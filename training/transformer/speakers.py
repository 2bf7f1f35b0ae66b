"""Whom sources refer to: the choice among an article's entities, fitted on labelled speakers.

The weights are those of a conditional logit over candidates and nobody, held near 0; the thresholds
are the lowest at which few of the validation articles' sources get a wrong name.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from framescope.classifier import models
from framescope.classifier.attribution import Entity, Names, Phrase, classify, words_of
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Place
from framescope.training.data import Examples, Mark
from numpy.typing import NDArray
from scipy.linalg import block_diag
from scipy.optimize import minimize
from scipy.special import logsumexp

Floats = NDArray[np.float64]

#: The share of the validation articles' sources of a class that may get a wrong name, where those
#: before are known: found ones bring as many errors of their own.
MOST_WRONG = {"person": 0.02, "other": 0.04, "described": 0.02}
_STRENGTH = 1.0  # of the pull towards 0
_GRID = np.arange(0.5, 0.96, 0.025)  # of thresholds


class Case(NamedTuple):
    """A source that names nobody, and which candidates it means; the last one is nobody."""

    asked: models.Asked
    right: NDArray[np.intp]


def fit_speakers(
    train: Examples,
    validation: Examples,
    links: Sequence[Sequence[models.Links]],
    registry: Registry,
) -> models.SpeakerScorer | None:
    """Fit the weights on `train` and the thresholds on `validation`.

    `links` are the encoder's, of the rows of both. Return None where no speaker is labelled.
    """
    known, unseen = (
        [
            case
            for _, own in groupby(range(len(rows)), key=lambda row: str(rows.article[row]))
            for case in _of_article(rows, list(own), found, registry)
        ]
        for rows, found in zip((train, validation), links, strict=True)
    )
    if not known:
        return None

    def of(kind: str, given: Sequence[Case]) -> list[Case]:
        return [case for case in given if case.asked.kind == kind]

    weights = {kind: _weights(of(kind, known)) for kind in models.CLASSES}
    sure = models.SpeakerScorer(weights, dict.fromkeys(models.CLASSES, 1.0))
    thresholds = {
        kind: _threshold(sure, of(kind, unseen), MOST_WRONG[kind]) for kind in models.CLASSES
    }
    return models.SpeakerScorer(weights, thresholds)


def _of_article(
    rows: Examples, own: Sequence[int], links: Sequence[models.Links], registry: Registry
) -> Iterator[Case]:
    """Yield the labelled sources that name nobody, with those before them resolved as labelled."""
    plain, sentences = models.laid_out([rows.sentences[row] for row in own])
    starts = {one.index: one.start for one in sentences}

    def place(mark: Mark | None) -> Place | None:
        if mark is None or mark.sentence not in starts:
            return None
        return Place(starts[mark.sentence] + mark.start, starts[mark.sentence] + mark.end)

    sources: set[Place] = set()
    means: dict[Place, tuple[str, ...]] = {}  # the words of the labelled name
    for one in (one for row in own for one in rows.citations[row] or ()):
        if (source := place(one.source)) is not None:
            sources.add(source)
            if one.speaker is not None:
                name = place(one.speaker.name)
                means[source] = words_of(plain[name.start : name.end]) if name else ()
    referents = models.Referents(plain, sentences, [links[row] for row in own], None)
    found: list[Case] = []

    def refer(
        source: Place, phrase: Phrase, earlier: Sequence[Entity], names: Names
    ) -> Entity | None:
        if source not in means:
            return None
        asked = referents.ask(source, phrase, earlier, names)
        right = [i for i, one in enumerate(asked.candidates) if _is_called(one, means[source])]
        chosen = asked.candidates[right[0]] if right else None
        if not right:
            unnamed = [i for i, one in enumerate(asked.candidates) if not one.name]
            right = [*unnamed, len(asked.candidates)]
        found.append(Case(asked, np.array(right)))
        return chosen

    if means:
        classify(plain, sentences, sources, registry, refer)
    yield from found


def _is_called(one: Entity, words: tuple[str, ...]) -> bool:
    """Return whether an entity's name is the labelled one, as a whole or but for middle names."""
    mine = words_of(one.name)
    person = not one.is_thing and len(mine) > 1 and len(words) > 1
    return bool(words) and (
        mine == words or (person and mine[:: len(mine) - 1] == words[:: len(words) - 1])
    )


def _weights(known: Sequence[Case]) -> tuple[float, ...]:
    tables = [block_diag(case.asked.features, case.asked.nobody) for case in known]

    def loss(line: Floats) -> tuple[float, Floats]:
        value, gradient = _STRENGTH * float(line @ line), 2 * _STRENGTH * line
        for table, case in zip(tables, known, strict=True):
            odds = table @ line
            of_all, of_right = logsumexp(odds), logsumexp(odds[case.right])
            value += float(of_all - of_right)
            chances = np.exp(odds - of_all)
            chances[case.right] -= np.exp(odds[case.right] - of_right)
            gradient = gradient + table.T @ chances
        return value, gradient

    start = np.zeros(len(models.FEATURES) + len(models.NOBODY))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return tuple(map(float, found.x))


def _threshold(scorer: models.SpeakerScorer, unseen: Sequence[Case], most_wrong: float) -> float:
    """Return the lowest chance from which at most a share of all sources gets a wrong name."""
    wrong = []
    for asked, right in unseen:
        chances = scorer.chances(asked)[:-1]
        best = int(chances.argmax()) if len(chances) else 0
        if len(chances) and asked.candidates[best].name and best not in right:
            wrong.append(chances[best])
    allowed = most_wrong * len(unseen)
    return float(next((t for t in _GRID if np.sum(np.array(wrong) >= t) <= allowed), _GRID[-1]))
