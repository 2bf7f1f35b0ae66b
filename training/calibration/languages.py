"""How good a bundle is in each of its languages, on held-out rows.

Nothing is chosen by these figures: they are measured when everything is fitted, and say in which
languages a signal can be relied on. Real text comes before articles that were written for the
house corpus, and labels by the guidelines before those of a corpus in another sense.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import models
from framescope.classifier.languages import LANGUAGES
from framescope.training.calibration.decisions import Decisions, once_an_article
from framescope.training.corpora import HOUSE_LANGUAGES, SHIPPED, find_corpus
from framescope.training.data import TEST, UNSEEN, Data
from framescope.training.resampling import MIN_GROUPS, Interval, Ranking, draw, percentile
from numpy.typing import NDArray

REAL, WRITTEN, NONE = "real", "written", "none"
_FEWEST = {REAL: (10, 10), WRITTEN: (5, 1)}  # positives and negatives
_WRITTEN = (*SHIPPED, HOUSE_LANGUAGES.card.name)
_DRAWS = 1000
_TOGETHER = 2000  # articles that are scored in one call
Measured = Mapping[str, Mapping[str, Mapping[str, Any]]]
_Bools = NDArray[np.bool_]


class _Rows(NamedTuple):
    """The labelled rows of a signal in a language: labels, scores, flags, and what is resampled."""

    truth: _Bools
    proba: NDArray[np.float32]
    flags: _Bools
    group: NDArray[np.intp]


def measure_languages(
    model: models.Model, decisions: Decisions, data: Data, seed: int
) -> Mapping[str, Measured]:
    """Return the record ``measured`` of a manifest: state and figures by signal and language.

    Nothing is returned for a single language. Precision and recall are those of the flags, at the
    thresholds that are served.
    """
    spoken = languages_of(data)
    rows = data.examples.where(np.isin(data.examples.part, (TEST, UNSEEN)))
    if len(spoken) < 2 or not len(rows):
        return {}
    signals = model.signals
    outputs = [model.predict(some.sentences).logits for some in rows.in_parts(_TOGETHER)]
    logits = np.concatenate(outputs)
    proba, flags = decisions.calibration.apply(logits), decisions.flags(logits)
    labels = np.stack([rows.column(signal) for signal in signals], axis=1)
    labels = once_an_article(labels, rows.article, signals)
    _, group = np.unique(rows.group, return_inverse=True)
    corpora, languages = dict.fromkeys(rows.corpus.tolist()), rows.lang
    written = np.isin(rows.corpus, _WRITTEN)

    def figures(k: int, signal: str, language: str) -> Mapping[str, Any]:
        known = (languages == language) & ~np.isnan(labels[:, k])
        other = [one for one in corpora if signal in find_corpus(one).card.other_sense]
        guided = ~written & ~np.isin(rows.corpus, other)
        kinds = ((REAL, guided), (REAL, ~written), (WRITTEN, written))
        columns = labels[:, k] >= 0.5, proba[:, k], flags[:, k], group
        return _figures(
            [(state, _Rows(*(one[known & kind] for one in columns))) for state, kind in kinds], seed
        )

    measured = {
        signal: {language: figures(k, signal, language) for language in spoken}
        for k, signal in enumerate(signals)
    }
    return {"measured": measured}


def _figures(kinds: Sequence[tuple[str, _Rows]], seed: int) -> Mapping[str, Any]:
    """Return the figures of the first kind of rows that has enough, or of the one with most."""

    def answers(rows: _Rows) -> tuple[int, int]:
        return int(rows.truth.sum()), int((~rows.truth).sum())

    enough = (
        (state, rows)
        for state, rows in kinds
        if all(has >= needs for has, needs in zip(answers(rows), _FEWEST[state], strict=True))
    )
    most = max((rows for _, rows in kinds), key=answers)
    state, rows = next(enough, (NONE, most))
    positives, right = answers(rows)[0], float((rows.truth & rows.flags).sum())
    ap, low, high = _average_precision(rows, seed)
    precision = right / rows.flags.sum() if rows.flags.any() else None
    found = {"ap": ap, "low": low, "high": high, "precision": precision}
    found |= {"recall": right / positives if positives else None}
    rounded = {name: None if x is None else round(float(x), 4) for name, x in found.items()}
    return {"state": state, "n": len(rows.truth), "positives": positives, **rounded}


def _average_precision(rows: _Rows, seed: int) -> Sequence[float | None]:
    """Return average precision with the ends of its interval, which resamples whole groups."""
    if not rows.truth.any() or rows.truth.all():
        return None, None, None
    _, group = np.unique(rows.group, return_inverse=True)
    n = int(group.max()) + 1
    ranking = Ranking(rows.truth, rows.proba, group, n)
    (value,) = ranking.precision(np.ones((1, n)))
    ends = Interval()
    if n >= MIN_GROUPS:
        ends = percentile(ranking.precision(draw(n, _DRAWS, seed)), n)
    return value, *(None if np.isnan(end) else end for end in ends)


def measured_still(manifest: Mapping[str, Any], fitted: Collection[str]) -> Mapping[str, Measured]:
    """Return the record of a manifest without the signals that were fitted on a user's labels."""
    if "measured" not in manifest:
        return {}
    return {"measured": {s: one for s, one in manifest["measured"].items() if s not in fitted}}


def languages_of(data: Data) -> list[str]:
    """Return the codes of the languages that a bundle trained on some corpora reads."""
    cards = (find_corpus(name).card for name in data.corpora)
    return sorted({code for card in cards for code in card.language.split()} & LANGUAGES.keys())
