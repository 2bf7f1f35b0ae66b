"""Whether evidence explains: words that are shown for a flag, taken out, move its score.

Held against taking out as many other words of the sentence, drawn at random. On the held-out rows
of the house corpus, which ships; read in their articles, as they are scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.models.reasons import chunks
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import BY_NAME, Family

ASKED = ("unsourced_assertion", "vague_source")  # beside framing
_DRAWS = 3  # of other words, of which the mean is taken
_FEWEST = 3  # words that must be left


@dataclass(frozen=True)
class Deletion:
    """What became of flags: the drops in log-odds, of evidence and of other words."""

    evidence: np.ndarray
    others: np.ndarray

    @property
    def ratio(self) -> float:
        """The median drop, to that of other words."""
        return float(np.median(self.evidence) / max(float(np.median(self.others)), 1e-6))


def without(sentence: Sentence, places: Sequence[tuple[int, int]]) -> Sentence:
    """Take words out of a sentence."""
    kept, at = [], 0
    for start, end in sorted(places):
        kept.append(sentence.text[at:start])
        at = max(at, end)
    text = " ".join("".join([*kept, sentence.text[at:]]).split())
    return replace(sentence, text=text, mentions=None, quoted=(), citations=())


def words_in(sentence: Sentence, spans: Sequence[Span]) -> list[int]:
    """Give the numbers of the words that spans reach into."""
    return [
        number
        for number, (start, end) in enumerate(chunks(sentence.text))
        if any(s.start < sentence.start + end and sentence.start + start < s.end for s in spans)
    ]


def measure(bundle: Bundle, sentences: Sequence[Sentence], most: int, seed: int = 0) -> Deletion:
    """Take out the words shown for flags, and as many others.

    `sentences` are whole articles, in order; at most so many flags are looked at.
    """
    rng = np.random.default_rng(seed)
    names = [s for s in bundle.signals
             if (BY_NAME[s].family is Family.FRAMING or s in ASKED)]  # fmt: skip
    columns = [bundle.signals.index(name) for name in names]
    prediction = bundle.model.predict(sentences)
    limits = np.array([bundle.thresholds[name] for name in names])
    flagged = np.argwhere(prediction.proba[:, columns] >= limits)
    flagged = flagged[np.sort(rng.permutation(len(flagged))[:most])]
    wanted = [(int(row), names[at]) for row, at in flagged]
    changes: list[tuple[int, int, Sentence]] = []  # flag, kind of change, sentence
    for number, ((row, _), spans) in enumerate(
        zip(wanted, prediction.evidence(wanted), strict=True)
    ):
        sentence = sentences[row]
        places = chunks(sentence.text)
        shown = words_in(sentence, spans)
        rest = [at for at in range(len(places)) if at not in shown]
        if not shown or len(rest) < max(len(shown), _FEWEST):
            continue
        changes.append((number, 0, without(sentence, [places[at] for at in shown])))
        for draw in range(_DRAWS):
            drawn = rng.choice(rest, len(shown), replace=False)
            changes.append((number, 1 + draw, without(sentence, [places[at] for at in drawn])))
    drops = np.full((len(wanted), 1 + _DRAWS), np.nan)
    before = _log_odds(prediction.proba)
    for number, kind, changed in changes:
        row, signal = wanted[number]
        first = max(0, row - 3)
        around = [s for s in sentences[first : row + 4] if s.article_id == changed.article_id]
        around = [changed if s.index == changed.index else s for s in around]
        at = next(n for n, s in enumerate(around) if s.index == changed.index)
        column = bundle.signals.index(signal)
        now = _log_odds(bundle.model.predict(around).proba[at, column])
        drops[number, kind] = before[row, column] - now
    known = ~np.isnan(drops[:, 0])
    return Deletion(drops[known, 0], drops[known, 1:].mean(axis=1))


def _log_odds(proba: np.ndarray) -> np.ndarray:
    clipped = np.clip(np.asarray(proba, np.float64), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))
