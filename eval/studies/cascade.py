"""What it costs to let a baseline settle what is clear, for `framescope batch --cascade`.

On validation articles: how likely a transformer decides otherwise, by how far the baseline is from
its threshold, and up to which chance a passage may be called clear. On articles that neither model
has seen: what is settled then, and what becomes of decisions, voices, citations and F1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from framescope.classifier.batch.cascade import (
    CascadeModel,
    clear,
    margins,
    packer_of,
    thresholds_of,
)
from framescope.classifier.batch.clearness import Clearness, Doubt, Settling, Toll
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import CorpusError
from framescope.classifier.models import Passage
from framescope.classifier.records import Voice
from framescope.classifier.scoring import CONTENT
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.metrics import Change, Section, resample_figures, single_figure, table
from framescope.eval.rows import Evaluation, is_positive, rows_of
from framescope.training.data import TEST, UNSEEN, VALIDATION, Examples
from numpy.typing import NDArray

ARTICLES = ("ptc", "polnear", "hyperpartisan", "house", "standoff")
"""Corpora of whole articles: what stands alone is packed otherwise."""
LIMITS = (0.002, 0.005, 0.01, 0.015, 0.02, 0.03)
"""Of the expected share of other decisions; the highest that costs no more than `MOST_LOST`."""
MOST_LOST = 0.002
"""Of F1, on validation articles, on average over the signals with `FEWEST` positives there."""
FEWEST = 15
_BINS = 20  # of margins, on either side of the threshold
_IN_BIN = 100  # decisions at least
_TOGETHER = 600  # sentences in one call of the models, at least
_VOICES = (Voice.QUOTED.value, Voice.REPORTED.value)

Array = NDArray[Any]
Done = Callable[[int, int], None]


@dataclass(frozen=True)
class _Read:
    """Rows and what both models say of them."""

    rows: Examples
    passages: list[Passage]
    first: Array  # probabilities of the baseline, (n, n_signals)
    second: Array  # of the transformer
    cited: Array  # citations of a sentence that only the transformer finds

    def passages_of(self, mask: Array) -> list[Passage]:
        """Give the passages of articles of some rows."""
        return [one for one in self.passages if mask[one.rows[0]]]


def study(evaluation: Evaluation, progress: Done | None = None) -> tuple[Section, Clearness]:
    """Measure two bundles: the first one settles, the second one reads the rest.

    Raises
    ------
    BundleError
        When they give different signals.
    CorpusError
        When there is no validation article, or no other.
    """
    baseline, transformer = evaluation.bundles
    signals = transformer.signals
    nothing = Settling(0.0, 0.0, 0.0, 0.0)
    known = Clearness(
        baseline.digest, transformer.digest, evaluation.data, LIMITS[0], {}, 0, 0, nothing, {}
    )
    CascadeModel(baseline, transformer, known, ())  # before anything is read: do they fit
    read = _read(evaluation, progress)
    fitted = read.rows.part == VALIDATION
    judged = np.isin(read.rows.part, (TEST, UNSEEN))
    for rows, part in ((fitted, "validation"), (judged, "held-out")):
        if not rows.any():
            raise CorpusError(f"no {part} articles here; give --corpora the folder of corpora")
    limit = _limit(read, fitted, evaluation.bundles)
    doubts = _doubts(read, fitted, evaluation.bundles, limit)
    known = replace(
        known,
        limit=limit,
        doubts=doubts,
        sentences=int(judged.sum()),
        articles=len(np.unique(read.rows.article[judged])),
    )

    def settling(wanted: Sequence[str]) -> Settling:
        model = CascadeModel(baseline, transformer, known, wanted)
        return _settling(read, judged, model, known, wanted, evaluation)

    alone = {signal: settling([signal]) for signal in signals}
    known = replace(known, together=settling(signals), alone=alone)
    return section(known), known


def section(known: Clearness) -> Section:
    """Show what was measured."""
    rows = [
        _line("all signals", known.together, None),
        *(_line(signal, one, one.tolls.get(signal)) for signal, one in known.alone.items()),
    ]
    note = (
        f"The baseline settles a passage where of each reported signal at most {known.limit:.1%} "
        "of the decisions are expected to be other than the transformer's, and no more than on "
        f"average. Measured on {known.sentences:,} held-out sentences of {known.articles:,} "
        "articles; F1 where there are labels. Voices and citations are those of settled passages. "
        "Intervals resample groups of articles."
    )
    columns = (
        *("reported", "tokens settled", "other decisions", "other voices", "citations lost"),
        *("n", "F1, transformer", "F1, cascade", "difference"),
    )
    return Section(note, (table("The cascade", columns, rows),), signature=known.data)


def _line(name: str, one: Settling, toll: Toll | None) -> tuple[Any, ...]:
    given = (one.settled, one.changed, one.voices, one.citations)
    shares = tuple(f"{share:.1%}" for share in given)
    if toll is None:
        return (name, *shares, None, None, None, None)
    ends = (math.nan if end is None else end for end in (toll.low, toll.high))
    change = Change(toll.difference, *ends)
    return (name, *shares, toll.sentences, toll.alone, toll.cascade, change)


# --- what both models say -------------------------------------------------------------------------


def _read(evaluation: Evaluation, progress: Done | None) -> _Read:
    """Score the whole articles of the parts that no model learned from."""
    baseline, transformer = evaluation.bundles
    packer, examples = packer_of(transformer), evaluation.examples
    parts = (VALIDATION, TEST, UNSEEN)
    numbers = [evaluation.numbers(one, parts, examples.signals) for one in ARTICLES]
    rows = examples.where(np.concatenate(numbers))
    first, second, cited = [], [], []
    passages: list[Passage] = []
    for start, end in _blocks(rows):
        sentences = rows.sentences[start:end]
        first.append(baseline.model.predict_proba(sentences))
        found = transformer.model.predict(sentences)
        second.append(found.proba)
        cited += [
            sum(one not in sentence.citations for one in own)
            for sentence, own in zip(sentences, found.citations, strict=True)
        ]
        tokens, _, _ = packer.tokenize_both(sentences)
        passages += [
            replace(one, rows=tuple(start + row for row in one.rows))
            for one in packer.pack(sentences, tokens)
        ]
        if progress is not None:
            progress(end, len(rows))
    none = np.zeros((0, len(transformer.signals)), np.float32)
    settling, reading = (np.concatenate([none, *blocks]) for blocks in (first, second))
    return _Read(rows, passages, settling, reading, np.array(cited, np.int64))


def _blocks(rows: Examples) -> Iterator[tuple[int, int]]:
    """Whole articles together."""
    start = 0
    for end in range(1, len(rows) + 1):
        last = end == len(rows)
        if last or (end - start >= _TOGETHER and rows.article[end] != rows.article[end - 1]):
            yield start, end
            start = end


def _decided(proba: Array, bundle: Bundle) -> Array:
    """Give the decisions that are shown: a line around an article has no other label."""
    flagged: Array = proba >= thresholds_of(bundle)
    if CONTENT in bundle.signals:
        own = flagged[:, bundle.signals.index(CONTENT), None]
        flagged = np.where(_of_articles(bundle), flagged, flagged & own)
    return flagged


def _of_articles(bundle: Bundle) -> Array:
    return np.array([BY_NAME[signal].level is Level.ARTICLE for signal in bundle.signals])


def _voices(proba: Array, bundle: Bundle) -> Array:
    """Tell whose words sentences are, as `classifier.scoring` does."""
    columns = [bundle.signals.index(name) for name in _VOICES if name in bundle.signals]
    if not columns:
        return np.zeros(len(proba), np.intp)
    limits = thresholds_of(bundle)[columns]
    above = proba[:, columns] / np.maximum(limits, 1e-6) * (proba[:, columns] >= limits)
    return np.where(above.any(axis=1), above.argmax(axis=1) + 1, 0)


def _counted(rows: Examples, mask: Array, bundle: Bundle) -> Array:
    """Tell which decisions there are, (n, n_signals): of a signal of articles, one each."""
    _, first = np.unique(rows.article, return_index=True)
    once = np.isin(np.arange(len(rows)), first)
    found: Array = mask[:, None] & (once[:, None] | ~_of_articles(bundle))
    return found


# --- what is clear --------------------------------------------------------------------------------


def _doubts(
    read: _Read, fitted: Array, bundles: Sequence[Bundle], limit: float
) -> dict[str, Doubt]:
    """Fit, of each signal, how likely the second model decides otherwise."""
    baseline, transformer = bundles
    far = margins(read.first, thresholds_of(baseline))
    other = _decided(read.first, baseline) != _decided(read.second, transformer)
    counted = _counted(read.rows, fitted, transformer)
    return {
        signal: fit_doubt(far[counted[:, at], at], other[counted[:, at], at], limit)
        for at, signal in enumerate(transformer.signals)
    }


def fit_doubt(far: Array, other: Array, limit: float) -> Doubt:
    """Fit the chance of another decision: rising to the threshold, and falling from there.

    Bins hold equally many decisions; where one holds few, its chance is no lower than they can
    show (Laplace's rule).

    Parameters
    ----------
    far : ndarray of float, shape (n,)
        Margins.
    other : ndarray of bool, shape (n,)
    limit : float
        A passage is not clear either that is no clearer than on average.
    """
    edges: list[float] = []
    chances: list[float] = []
    for side, rising in ((far < 0, True), (far >= 0, False)):
        starts, found = _side(far[side], other[side], rising)
        # The first bin begins at the end, or at the threshold.
        edges += [*([] if rising else [0.0]), *(round(start, 4) for start in starts[1:])]
        chances += [round(chance, 5) for chance in found]
    average = (other.sum() + 1) / (len(other) + 2)
    return Doubt(tuple(edges), tuple(chances), round(min(limit, float(average)), 5))


def _side(far: Array, other: Array, rising: bool) -> tuple[list[float], list[float]]:
    from sklearn.isotonic import IsotonicRegression

    if not len(far):
        return [0.0], [1.0]
    order = np.argsort(far, kind="stable")
    bins = np.array_split(order, max(1, min(_BINS, len(far) // _IN_BIN)))
    sizes = np.array([len(one) for one in bins])
    found = np.array([(other[one].sum() + 1) / (len(one) + 2) for one in bins])
    at = np.arange(len(bins))
    monotone = IsotonicRegression(increasing=rising).fit(at, found, sample_weight=sizes)
    return [float(far[one].min()) for one in bins], monotone.predict(at).tolist()


def _limit(read: _Read, fitted: Array, bundles: Sequence[Bundle]) -> float:
    """Choose the limit: each half of the validation articles is judged by the other."""
    baseline, transformer = bundles
    _, article = np.unique(read.rows.article, return_inverse=True)
    half = np.random.default_rng(0).integers(2, size=article.max() + 1)[article]
    far = margins(read.first, thresholds_of(baseline))
    best = LIMITS[0]
    for limit in LIMITS:
        lost = []
        fits = [_doubts(read, fitted & (half != one), bundles, limit) for one in (0, 1)]
        for at, signal in enumerate(transformer.signals):
            proba = read.second[:, at].copy()
            for one, doubts in enumerate(fits):
                chances = doubts[signal].at(far[:, [at]])
                own = read.passages_of(fitted & (half == one))
                done = _rows(clear(own, chances, np.array([doubts[signal].limit])))
                proba[done] = _as_decided(read, done, at, bundles)
            kept = _labelled(read.rows, fitted, signal, transformer)
            truth = (
                is_positive(read.rows.labels[kept, read.rows.signals.index(signal)])
                if len(kept)
                else np.zeros(0, np.bool_)
            )
            if truth.sum() < FEWEST:
                continue
            threshold = float(transformer.thresholds[signal])
            before, after = (
                single_figure("f1", truth, given[kept], threshold)
                for given in (read.second[:, at], proba)
            )
            lost.append(max(before - after, 0.0))
        if np.mean(lost or [0.0]) > MOST_LOST:
            break
        best = limit
    return best


def _as_decided(read: _Read, rows: Array, at: int, bundles: Sequence[Bundle]) -> Array:
    yes = read.first[rows, at] >= thresholds_of(bundles[0])[at]
    found: Array = yes.astype(np.float32)
    return found


def _rows(passages: Sequence[Passage]) -> Array:
    return np.array([row for one in passages for row in one.rows], np.intp)


def _labelled(rows: Examples, mask: Array, signal: str, bundle: Bundle) -> Array:
    """Find rows with a label that is meant as the bundle's threshold is."""
    if signal not in rows.signals:
        return np.zeros(0, np.intp)
    found = [
        number
        for part in (VALIDATION, TEST, UNSEEN)
        for number in rows_of(rows, part, signal).tolist()
        if mask[number]
        and bundle.threshold(signal, str(rows.corpus[number])) == bundle.thresholds[signal]
    ]
    return np.array(found, np.intp)


# --- what it costs --------------------------------------------------------------------------------


def _settling(
    read: _Read,
    judged: Array,
    model: CascadeModel,
    known: Clearness,
    wanted: Sequence[str],
    evaluation: Evaluation,
) -> Settling:
    """Measure what is settled where some signals are reported, and what becomes of them."""
    baseline, transformer = evaluation.bundles
    columns = [transformer.signals.index(signal) for signal in wanted]
    far = margins(read.first, thresholds_of(baseline))[:, columns]
    passages = read.passages_of(judged)
    done = clear(passages, known.chances(wanted, far), known.limits(wanted))
    settled = np.zeros(len(judged), np.bool_)
    settled[_rows(done)] = True
    proba = model.mixed(read.first, read.second[~settled], settled, read.rows.sentences)
    counted = _counted(read.rows, judged, transformer)[:, columns]
    other = _decided(proba, transformer) != _decided(read.second, transformer)
    voices = _voices(proba, transformer) != _voices(read.second, transformer)
    tolls = {
        signal: toll
        for signal in wanted
        if (toll := _toll(read, judged, proba, signal, evaluation)) is not None
    }
    return Settling(
        _share(sum(one.length for one in done), sum(one.length for one in passages)),
        _share(int((other[:, columns] & counted).sum()), int(counted.sum())),
        _share(int(voices[judged].sum()), int(judged.sum())),
        _share(int(read.cited[settled].sum()), int(read.cited[judged].sum())),
        tolls,
    )


def _toll(
    read: _Read, judged: Array, proba: Array, signal: str, evaluation: Evaluation
) -> Toll | None:
    transformer = evaluation.bundles[1]
    kept = _labelled(read.rows, judged, signal, transformer)
    if not len(kept):
        return None
    truth = is_positive(read.rows.column(signal)[kept])
    if not truth.any():
        return None
    at, threshold = transformer.signals.index(signal), float(transformer.thresholds[signal])
    given = [(one[kept, at], threshold) for one in (read.second, proba)]
    alone, cascade = (single_figure("f1", truth, *one) for one in given)
    if np.array_equal(given[0][0], given[1][0]):
        low = high = 0.0
    else:
        drawn = resample_figures(
            truth, given[0], given[1], read.rows.group[kept],
            draws=evaluation.draws, seed=evaluation.seed, names=("f1",),
        )  # fmt: skip
        low, high = drawn.difference["f1"].low, drawn.difference["f1"].high
    found: dict[str, float | None] = {
        name: None if math.isnan(value) else round(value, 4)
        for name, value in (("low", low), ("high", high))
    }
    names = dict.fromkeys(read.rows.corpus[kept].tolist())
    articles = len(np.unique(read.rows.article[kept]))
    return Toll(
        ", ".join(names), len(kept), articles,
        round(alone, 4), round(cascade, 4), round(cascade - alone, 4), **found,
    )  # fmt: skip


def _share(part: int, whole: int) -> float:
    return round(part / whole, 5) if whole else 0.0
