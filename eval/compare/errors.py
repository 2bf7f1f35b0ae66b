"""The worst errors of a signal, what stands around them, and their articles for relabelling."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.inputs import to_record
from framescope.classifier.records import Article, Unit
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.rows import Sample
from framescope.training.data import Examples

KEY = "error"
"""The key beside a sentence's labels that says what was wrong; readers of the format pass it by."""


@dataclass(frozen=True, slots=True)
class Error:
    """A sentence whose score is far from its label, or an article shown by its first sentence.

    ``rank``: from 1, the worst. ``index``, ``start``, ``end``: which sentence, and its place in the
    article's text. ``other``: what the other model says; NaN where there is none. ``before``,
    ``after``: the sentences of the article before it and after it, as far as they are known.
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


def worst(samples: Iterable[Sample], whose: int, n: int) -> tuple[Error, ...]:
    """Find the ``n`` rows whose probability is farthest from their label, the farthest first.

    A graded label counts as it is: half the annotators saying yes is no error at 0.5.

    Parameters
    ----------
    samples : iterable of Sample
        Of one signal.
    whose : int
        The place of the bundle whose errors are asked for; it gives the signal.
    n : int
    """
    found = [
        (abs(float(given.proba[at]) - float(sample.rows.column(sample.signal)[row])), sample, at)
        for sample in samples
        if (given := sample.given[whose]) is not None
        for at, row in enumerate(sample.chosen)
    ]
    found.sort(key=lambda item: -item[0])  # stable: ties keep the order of the corpora
    return tuple(
        _error(rank, sample, whose, at) for rank, (_, sample, at) in enumerate(found[:n], start=1)
    )


def _error(rank: int, sample: Sample, whose: int, at: int) -> Error:
    rows, row = sample.rows, int(sample.chosen[at])
    sentence = rows.sentences[row]
    said = [math.nan if given is None else float(given.proba[at]) for given in sample.given]
    return Error(
        rank=rank,
        signal=sample.signal,
        corpus=str(rows.corpus[row]),
        part=str(rows.part[row]),
        article=str(rows.article[row]),
        index=sentence.index,
        start=sentence.start,
        end=sentence.end,
        label=float(rows.column(sample.signal)[row]),
        proba=said.pop(whose),
        other=said[0] if said else math.nan,
        text=sentence.text,
        before=tuple(_around(rows, row, -1))[::-1],
        after=tuple(_around(rows, row, 1)),
    )


def _around(rows: Examples, row: int, step: int) -> Iterator[str]:
    """Give the sentences of a row's article, away from it in one direction."""
    at = row + step
    while 0 <= at < len(rows):
        here, there = rows.sentences[at - step], rows.sentences[at]
        if there.article_id != here.article_id or there.index != here.index + step:
            return
        yield there.text
        at += step


def records(
    errors: Sequence[Error], examples: Examples, articles: Mapping[str, Article], model: str
) -> Iterator[dict[str, Any]]:
    """Give the articles of errors in the exchange format, the one with the worst error first.

    Every sentence is there with the labels it has now, so that a corrected file can be judged or
    trained by. Those in error have a key `KEY` more; for an article-level signal the article has.

    Parameters
    ----------
    errors : sequence of Error
    examples : Examples
        Where the labels are.
    articles : mapping of str to Article
        The whole articles, by their ids in the examples; see `originals`.
    model : str
        Whose errors they are.
    """
    by_article: dict[str, list[Error]] = {}
    for error in errors:
        by_article.setdefault(error.article, []).append(error)
    for name, here in by_article.items():
        rows = examples.where(examples.article == name)
        order = np.argsort([sentence.index for sentence in rows.sentences])
        units: list[Unit] = []
        labels: dict[str, float] = {}
        for row in order:
            sentence = rows.sentences[row]
            given: dict[str, float] = {}
            for signal, label in zip(rows.signals, rows.labels[row], strict=True):
                if not math.isnan(label):
                    whole = BY_NAME[signal].level is Level.ARTICLE
                    (labels if whole else given)[signal] = float(label)
            units.append(Unit(sentence.start, sentence.end, given))
        article = replace(articles[name], units=tuple(units), labels=labels)
        record = to_record(article)
        for error in here:
            note = {
                "rank": error.rank,
                "signal": error.signal,
                "label": round(error.label, 4),
                "probability": round(error.proba, 4),
                "model": model,
            }
            if BY_NAME[error.signal].level is Level.ARTICLE:
                record[KEY] = note
            else:
                place = [(unit.start, unit.end) for unit in units].index((error.start, error.end))
                record["sentences"][place][KEY] = note
        yield record


def originals(wanted: Iterable[str], root: Path | None, data: Sequence[Path]) -> dict[str, Article]:
    """Read whole articles anew, by their ids in the examples: the examples have sentences only.

    Parameters
    ----------
    wanted : iterable of str
    root : pathlib.Path or None
        The folder of corpora; not read where ``data`` is given.
    data : sequence of pathlib.Path
        A user's files, as `eval.rows.held_out.of_files` reads them.
    """
    from framescope.training.corpora import read_exchange
    from framescope.training.data import articles_of_rows as articles
    from framescope.training.data import load_rows as load

    missing = set(wanted)
    found: dict[str, Article] = {}

    def keep(names: Iterable[str], article: Article, written: str) -> None:
        for name in names:
            if name in missing:
                found.setdefault(name, replace(article, id=written))

    if data:
        for path in data:
            for article in read_exchange(path):
                # A file goes by its name, or by its path where two have one name.
                keys = (f"exchange/{name}/{article.id}" for name in (str(path), path.name))
                keep(keys, article, article.id)
        return found
    for corpus in sorted({name.partition("/")[0] for name in missing}):
        for article in articles(load(corpus, root)):
            name = f"{corpus}/{article.id}"
            keep([name], article, name)
    return found


def to_lines(found: Iterable[Mapping[str, Any]]) -> str:
    """Write records as JSON Lines."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in found)
