"""How far annotators agree, signal by signal: Krippendorff's alpha with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.errors import CorpusError
from framescope.classifier.taxonomy import NAMES
from framescope.training.corpora import house_folder
from numpy.typing import NDArray


def passes() -> tuple[Path, Path]:
    """Give the files of the part of the house corpus that was labelled twice."""
    folder = house_folder() / "agreement"
    return folder / "first.jsonl", folder / "second.jsonl"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Some annotators on one signal.

    `sentences` and `articles` were labelled by two of them at least; `positive` is how many of
    these sentences each labelled 1. `alpha` is Krippendorff's, nominal, NaN where nobody gave more
    than one value; from `low` to `high` is the 95% percentile interval over resamples of whole
    articles.
    """

    signal: str
    sentences: int
    articles: int
    positive: tuple[int, ...]
    alpha: float
    low: float
    high: float


def agreement(
    *annotators: Sequence[Mapping[str, Any]], draws: int = 2000, seed: int = 0
) -> list[Agreement]:
    """Compare annotators' records, in taxonomy order of the signals.

    Alpha is 1 minus observed over expected disagreement, where what is expected follows from the
    labels of all together (Krippendorff, 2011, "Computing Krippendorff's alpha-reliability"). Who
    didn't label a sentence is missing there, and those who did are compared. With two values it is
    a function of three sums, so that a resample of articles is a sum of sums.

    Parameters
    ----------
    *annotators : sequence of mapping
        Two or more. Records with ``id`` and ``sentences``, each with ``start``, ``end`` and
        ``labels``. Of whoever labels a signal, a line that is not content counts as 0 for it. A
        label counts as 1 from a half.
    draws, seed : int

    Raises
    ------
    CorpusError
        When no two of them have an article, or a signal, in common.
    """
    articles: dict[str, list[Mapping[str, Any] | None]] = {}
    for number, records in enumerate(annotators):
        for record in records:
            articles.setdefault(record["id"], [None] * len(annotators))[number] = record
    shared = [given for given in articles.values() if sum(one is not None for one in given) > 1]
    if not shared:
        raise CorpusError("the annotators have no article in common; give files of one set")
    labelled = [_annotated(records) for records in annotators]
    found = []
    for signal in NAMES:
        who = [signal in names for names in labelled]
        if sum(who) < 2:
            continue
        sums = [s for given in shared if (s := _Sums.of(_values(given, who, signal))) is not None]
        if sums:
            found.append(_of_signal(signal, sums, draws, seed))
    if not found:
        raise CorpusError("the annotators label no signal in common; give files of one set")
    return found


def _annotated(records: Sequence[Mapping[str, Any]]) -> set[str]:
    return {name for record in records for item in record["sentences"] for name in item["labels"]}


def _values(
    given: Sequence[Mapping[str, Any] | None], who: Sequence[bool], signal: str
) -> NDArray[np.float64]:
    """Give the labels of an article's sentences, shape (n_sentences, n_annotators); NaN: none."""
    places: dict[tuple[int, int], NDArray[np.float64]] = {}
    for number, record in enumerate(given):
        for item in record["sentences"] if record is not None and who[number] else ():
            row = places.setdefault((item["start"], item["end"]), np.full(len(given), np.nan))
            row[number] = _value(item["labels"], signal)
    return np.array(list(places.values())).reshape(-1, len(given))


def _value(labels: Mapping[str, float], signal: str) -> float:
    if signal not in labels:
        return 0.0 if labels.get("content") == 0 else np.nan
    return float(labels[signal] >= 0.5)


@dataclass(frozen=True, slots=True)
class _Sums:
    """What alpha is computed of, of one article.

    `parts` are the disagreement, the zeros and the ones of sentences that two have labelled at
    least; `sentences` is their number, `positive` the ones of each annotator.
    """

    parts: tuple[float, float, float]
    sentences: int
    positive: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> _Sums | None:
        times = np.isfinite(values).sum(axis=1)
        values, times = values[times > 1], times[times > 1]
        if not len(values):
            return None
        ones = np.nansum(values, axis=1)
        # Each of m labels is held against the m - 1 others.
        apart = (2 * ones * (times - ones) / (times - 1)).sum()
        parts = float(apart), float((times - ones).sum()), float(ones.sum())
        return cls(parts, len(values), np.nansum(values, axis=0).astype(np.int64))


def _of_signal(signal: str, articles: Sequence[_Sums], draws: int, seed: int) -> Agreement:
    n = len(articles)
    sums = np.array([one.parts for one in articles])
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=draws)
    spread = _of_sums(drawn @ sums)
    low, high = (
        np.nanquantile(spread, [0.025, 0.975]) if np.isfinite(spread).any() else (np.nan, np.nan)
    )
    return Agreement(
        signal,
        sum(one.sentences for one in articles),
        n,
        tuple(np.sum([one.positive for one in articles], axis=0).tolist()),
        float(_of_sums(sums.sum(axis=0)[None])[0]),
        float(low),
        float(high),
    )


def alpha(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute Krippendorff's alpha of two from counts of 00, 01, 10 and 11, (n, 4) -> (n,)."""
    apart = counts[:, 1] + counts[:, 2]
    zeros, ones = 2 * counts[:, 0] + apart, 2 * counts[:, 3] + apart
    return _of_sums(np.stack([2 * apart, zeros, ones], axis=1).astype(float))


def _of_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute alpha from sums of disagreement, zeros and ones, shape (n, 3) -> (n,)."""
    apart, zeros, ones = sums.T
    values = zeros + ones
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = 2 * ones * zeros / (values * (values - 1))
        found: NDArray[np.float64] = np.where(expected > 0, 1 - apart / values / expected, np.nan)
    return found
