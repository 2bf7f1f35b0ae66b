"""How far two annotators agree, signal by signal: Krippendorff's alpha with an interval."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import CorpusError
from classifier.taxonomy import NAMES
from training.corpora import house_folder


def passes() -> tuple[Path, Path]:
    """Give the files of the part of the house corpus that was labelled twice."""
    folder = house_folder() / "agreement"
    return folder / "first.jsonl", folder / "second.jsonl"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two annotators on one signal.

    `sentences` and `articles` were labelled by both; `positive` is how many each labelled 1.
    `alpha` is Krippendorff's, nominal, NaN where neither gave more than one value; from `low` to
    `high` is the 95% percentile interval over resamples of whole articles.
    """

    signal: str
    sentences: int
    articles: int
    positive: tuple[int, int]
    alpha: float
    low: float
    high: float


def agreement(
    first: Sequence[Mapping[str, Any]],
    second: Sequence[Mapping[str, Any]],
    *,
    draws: int = 2000,
    seed: int = 0,
) -> list[Agreement]:
    """Compare two annotators' records, in taxonomy order of the signals.

    Alpha is 1 minus observed over expected disagreement, where what is expected follows from the
    labels of both together (Krippendorff, 2011, "Computing Krippendorff's alpha-reliability").
    For two annotators and two values it is a function of four counts, so that a resample of
    articles is a sum of counts.

    Parameters
    ----------
    first, second : sequence of mapping
        Records with ``id`` and ``sentences``, each with ``start``, ``end`` and ``labels``. What
        both labelled is compared; a line that is not content has no other label, and counts as 0
        for each.
    draws, seed : int

    Raises
    ------
    CorpusError
        When the two don't have an article in common.
    """
    counts: dict[str, list[NDArray[np.int64]]] = defaultdict(list)
    by_id = {record["id"]: record for record in second}
    both = [(record, by_id[record["id"]]) for record in first if record["id"] in by_id]
    if not both:
        raise CorpusError("the two annotators have no article in common; give files of one set")
    annotated = _annotated(first) & _annotated(second)
    for one, other in both:
        for signal in annotated:
            values = np.array(list(_values(one, other, signal)), np.int64).reshape(-1, 2)
            if len(values):
                counts[signal].append(np.bincount(values[:, 0] * 2 + values[:, 1], minlength=4))
    return [
        _of_signal(signal, np.stack(counts[signal]), draws, seed)
        for signal in NAMES
        if signal in counts
    ]


def _annotated(records: Sequence[Mapping[str, Any]]) -> set[str]:
    return {name for record in records for item in record["sentences"] for name in item["labels"]}


def _values(
    one: Mapping[str, Any], other: Mapping[str, Any], signal: str
) -> Iterator[tuple[int, int]]:
    theirs = {(item["start"], item["end"]): item["labels"] for item in other["sentences"]}
    for item in one["sentences"]:
        labels = theirs.get((item["start"], item["end"]))
        if labels is None:
            continue
        pair = [_value(given, signal) for given in (item["labels"], labels)]
        if None not in pair:
            yield int(pair[0] or 0), int(pair[1] or 0)


def _value(labels: Mapping[str, float], signal: str) -> int | None:
    if signal not in labels:
        return 0 if labels.get("content") == 0 else None
    return int(labels[signal] >= 0.5)


def _of_signal(signal: str, counts: NDArray[np.int64], draws: int, seed: int) -> Agreement:
    """Compute alpha from each article's counts of 00, 01, 10 and 11, shape (n_articles, 4)."""
    n = len(counts)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=draws)
    total = counts.sum(axis=0)
    spread = alpha(drawn @ counts)
    low, high = (
        np.nanquantile(spread, [0.025, 0.975]) if np.isfinite(spread).any() else (np.nan, np.nan)
    )
    return Agreement(
        signal,
        int(total.sum()),
        n,
        (int(total[2] + total[3]), int(total[1] + total[3])),
        float(alpha(total[None, :])[0]),
        float(low),
        float(high),
    )


def alpha(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute Krippendorff's alpha from counts of 00, 01, 10 and 11, shape (n, 4) -> (n,)."""
    both = counts.sum(axis=1).astype(float)
    ones = (counts[:, 1] + counts[:, 2] + 2 * counts[:, 3]).astype(float)
    values = 2 * both
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (counts[:, 1] + counts[:, 2]) / both
        expected = 2 * ones * (values - ones) / (values * (values - 1))
        found: NDArray[np.float64] = np.where(expected > 0, 1 - observed / expected, np.nan)
    return found


def read(path: Path) -> list[dict[str, Any]]:
    """Read one annotator's records.

    Raises
    ------
    CorpusError
        When the file isn't there, or a line is no record.
    """
    import json

    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if not all({"id", "sentences"} <= record.keys() for record in records):
            raise ValueError("a line lacks 'id' or 'sentences'")
    except (OSError, ValueError, AttributeError) as error:
        raise CorpusError(f"{path}: no annotator's labels ({error}); restore the file") from None
    return records
