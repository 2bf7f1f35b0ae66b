"""How good a bundle is in each of its languages, on held-out rows.

Nothing is chosen by these figures: they are measured when everything is fitted, and say in which
languages a signal can be relied on. Real text comes before articles that were written for the
house corpus, and labels by the guidelines before those of a corpus in another sense.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from framescope.classifier import models
from framescope.classifier.languages import LANGUAGES
from framescope.training.calibration.decisions import Decisions, once_an_article
from framescope.training.corpora import HOUSE_LANGUAGES, SHIPPED, find_corpus
from framescope.training.data import TEST, UNSEEN, Data
from framescope.training.resampling import MIN_GROUPS, Ranking, draw, percentile
from numpy.typing import NDArray

REAL, WRITTEN, NONE = "real", "written", "none"
_FEWEST = {REAL: (10, 10), WRITTEN: (5, 1)}  # positives and negatives
_WRITTEN = (*SHIPPED, HOUSE_LANGUAGES.card.name)
_DRAWS = 1000
_TOGETHER = 2000  # articles that are scored in one call
Measured = Mapping[str, Mapping[str, Mapping[str, Any]]]  # by signal and language
_Bools = NDArray[np.bool_]


def measure_languages(
    model: models.Model, decisions: Decisions, data: Data, seed: int
) -> Mapping[str, Measured]:
    """Return the record ``measured`` of a manifest; nothing for a single language.

    Precision and recall are those of the flags, at the thresholds that are served.
    """
    spoken, rows = languages_of(data), data.examples
    rows = rows.where(np.isin(rows.part, (TEST, UNSEEN)))
    if len(spoken) < 2 or not len(rows):
        return {}
    outputs = [model.predict(some.sentences).logits for some in rows.in_parts(_TOGETHER)]
    logits = np.concatenate(outputs)
    proba, flags = decisions.calibration.apply(logits), decisions.flags(logits)
    columns = np.stack([rows.column(signal) for signal in model.signals], axis=1)
    labels = once_an_article(columns, rows.article, model.signals)
    _, group = np.unique(rows.group, return_inverse=True)
    corpora, languages = dict.fromkeys(rows.corpus.tolist()), rows.lang
    written, measured = np.isin(rows.corpus, _WRITTEN), dict[str, dict[str, Any]]()
    for k, signal in enumerate(model.signals):
        yes, no = labels[:, k] >= 0.5, labels[:, k] < 0.5
        other = [one for one in corpora if signal in find_corpus(one).card.other_sense]
        guided = ~written & ~np.isin(rows.corpus, other)
        measured[signal] = {}
        for language in spoken:
            known = (yes | no) & (languages == language)
            sets = [known & guided, known & ~written, known & written]
            enough = [
                (state, mask)
                for state, mask in zip((REAL, REAL, WRITTEN), sets, strict=True)
                if yes[mask].sum() >= _FEWEST[state][0] and no[mask].sum() >= _FEWEST[state][1]
            ]
            most = max(sets, key=lambda mask: int(yes[mask].sum()))
            state, mask = enough[0] if enough else (NONE, most)
            of = yes[mask], proba[mask, k], flags[mask, k], group[mask]
            measured[signal][language] = {"state": state, **_figures(*of, seed)}
    return {"measured": measured}


def _figures(
    truth: _Bools, proba: NDArray[np.float32], flags: _Bools, groups: NDArray[np.intp], seed: int
) -> Mapping[str, float | None]:
    """Return n, positives and figures; average precision with an interval over whole groups."""
    found: dict[str, float | None] = dict.fromkeys(("ap", "low", "high", "precision", "recall"))
    right, positives = float((truth & flags).sum()), int(truth.sum())
    if positives and positives < len(truth):
        _, group = np.unique(groups, return_inverse=True)
        n = int(group.max()) + 1
        ranking = Ranking(truth, proba, group, n)
        found["ap"] = ranking.precision(np.ones((1, n)))[0]
        if n >= MIN_GROUPS:
            ends = percentile(ranking.precision(draw(n, _DRAWS, seed)), n)
            found |= {name: end for name, end in ends._asdict().items() if not np.isnan(end)}
    found["precision"] = right / flags.sum() if flags.any() else None
    found["recall"] = right / positives if positives else None
    rounded = {name: None if x is None else round(float(x), 4) for name, x in found.items()}
    return {"n": len(truth), "positives": positives, **rounded}


def measured_still(manifest: Mapping[str, Any], fitted: Collection[str]) -> Mapping[str, Measured]:
    """Return the record of a manifest without the signals that were fitted on a user's labels."""
    kept = {s: one for s, one in manifest.get("measured", {}).items() if s not in fitted}
    return {"measured": kept} if "measured" in manifest else {}


def languages_of(data: Data) -> list[str]:
    """Return the codes of the languages that a bundle trained on some corpora reads."""
    cards = (find_corpus(name).card for name in data.corpora)
    return sorted({code for card in cards for code in card.language.split()} & LANGUAGES.keys())
