"""The worst errors of a signal with the sentences around them, and their articles to relabel."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.inputs import to_record
from framescope.classifier.records import Article, Unit
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.rows import Sample
from framescope.training.data import Examples

KEY = "error"  # in a sentence of the exchange format; readers of the format ignore it


@dataclass(frozen=True, slots=True)
class Error:
    """A sentence whose score is far from its label, or an article shown by its first sentence.

    ``index``, ``start``, ``end``: which sentence, and its place in the article's text. ``other``:
    the other model's score. ``before``, ``after``: the sentences around it.
    """

    rank: int
    signal: str
    corpus: str
    part: str
    article: str
    index: int
    start: int
    end: int
    label: float
    proba: float
    other: float
    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def worst_errors(samples: Iterable[Sample], whose: int, n: int) -> tuple[Error, ...]:
    """Return the ``n`` rows whose probability is farthest from their label, graded or not."""
    found = [
        (abs(float(scores.proba[at]) - float(sample.rows.column(sample.signal)[row])), sample, at)
        for sample in samples
        if (scores := sample.scores[whose]) is not None
        for at, row in enumerate(sample.chosen)
    ]
    found.sort(key=lambda item: -item[0])  # stable: ties keep the order of the corpora
    errors = []
    for rank, (_, sample, at) in enumerate(found[:n], start=1):
        rows, row = sample.rows, int(sample.chosen[at])
        sentence = rows.sentences[row]
        given = [math.nan if one is None else float(one.proba[at]) for one in sample.scores]
        label, proba = float(rows.column(sample.signal)[row]), given.pop(whose)
        errors.append(Error(
            rank, sample.signal, str(rows.corpus[row]), str(rows.part[row]), sentence.article_id,
            sentence.index, sentence.start, sentence.end, label, proba,
            given[0] if given else math.nan, sentence.text,
            tuple(_around(rows, row, -1))[::-1], tuple(_around(rows, row, 1)),
        ))  # fmt: skip
    return tuple(errors)


def _around(rows: Examples, row: int, step: int) -> Iterator[str]:
    """Yield the sentences of a row's article, away from it in one direction."""
    at = row + step
    while 0 <= at < len(rows):
        here, there = rows.sentences[at - step], rows.sentences[at]
        if there.article_id != here.article_id or there.index != here.index + step:
            return
        yield there.text
        at += step


def error_records(
    errors: Sequence[Error], examples: Examples, articles: Mapping[str, Article], model: str
) -> Iterator[dict[str, Any]]:
    """Yield whole articles in the exchange format, with a key `KEY` where an error is."""
    for name in dict.fromkeys(error.article for error in errors):
        rows = examples.where(examples.article == name)
        units: list[Unit] = []
        of_article: dict[str, float] = {}
        for row in np.argsort([sentence.index for sentence in rows.sentences]):
            sentence, of_sentence = rows.sentences[row], dict[str, float]()
            for signal, label in zip(rows.signals, rows.labels[row], strict=True):
                if not math.isnan(label):
                    whole = BY_NAME[signal].level is Level.ARTICLE
                    (of_article if whole else of_sentence)[signal] = float(label)
            units.append(Unit(sentence.start, sentence.end, of_sentence))
        record = to_record(replace(articles[name], units=tuple(units), labels=of_article))
        places = {(unit.start, unit.end): at for at, unit in enumerate(units)}
        for error in (one for one in errors if one.article == name):
            whole = BY_NAME[error.signal].level is Level.ARTICLE
            sentence = record["sentences"][places[error.start, error.end]]
            (record if whole else sentence)[KEY] = {
                "rank": error.rank,
                "signal": error.signal,
                "label": round(error.label, 4),
                "probability": round(error.proba, 4),
                "model": model,
            }
        yield record


def originals(
    wanted: Collection[str], root: Path | None, data: Sequence[Path]
) -> dict[str, Article]:
    """Read whole articles by their ids: of a user's files ``data``, or else of the corpora."""
    from framescope.training.corpora import read_exchange
    from framescope.training.data import load_articles

    found: dict[str, Article] = {}
    for path in data:
        for article in read_exchange(path):
            # A file goes by its name, or by its path where two have one name.
            for file in (str(path), path.name):
                found.setdefault(f"exchange/{file}/{article.id}", article)
    for corpus in () if data else sorted({name.partition("/")[0] for name in wanted}):
        for article in load_articles(corpus, root):
            name = f"{corpus}/{article.id}"
            found.setdefault(name, replace(article, id=name))
    return {name: found[name] for name in wanted}
