"""What `framescope corpora check` proves of labelled articles."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import CorpusError, InputError
from classifier.pages import from_record
from classifier.values import Article
from training.corpora import (
    HOUSE_CARD,
    SHORT_STANDOFF,
    by_block,
    house_folder,
    join_text,
    labels_file,
    read_standoff,
    standoff_labels,
    text_digest,
)
from training.data import shingles, similar_pairs
from training.labels.consistency import contradictions

MOST_ALIKE = 0.5
"""Jaccard index of word 5-grams from which two articles are the same one twice."""


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """One thing that is wrong: where, and what."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The outcome for one collection of labelled articles.

    Attributes
    ----------
    name : str
    articles, sentences : int
    pairs : int
        Contrast pairs that were found whole.
    problems : tuple of LabelProblem
    unread : tuple of str
        What could not be looked at, as its text isn't here.
    """

    name: str
    articles: int
    sentences: int
    pairs: int
    problems: tuple[LabelProblem, ...]
    unread: tuple[str, ...] = ()


def check_files(name: str, paths: Sequence[Path]) -> LabelCheck:
    """Check articles of the exchange format: offsets, labels, pairs, near-duplicates.

    Parameters
    ----------
    name : str
    paths : sequence of pathlib.Path

    Raises
    ------
    InputError
        When a file can't be opened.
    """
    problems: list[LabelProblem] = []
    found: list[tuple[Article, Mapping[str, Any]]] = []
    for path in paths:
        for where, record in _records(path, problems):
            try:
                article = from_record(record, *where)
            except InputError as error:
                problems.append(LabelProblem(error.source, error.reason))
                continue
            problems += _of_article(article)
            found.append((article, record))
    ids = [article.id for article, _ in found]
    problems += [
        LabelProblem(i, "two articles have this id") for i in {i for i in ids if ids.count(i) > 1}
    ]
    pairs = _pairs(found)
    problems += [
        LabelProblem(f"pair {name}", what)
        for name, sides in pairs.items()
        for what in _flaws(sides)
    ]
    problems += _alike([article for article, _ in found])
    sentences = sum(len(article.units or ()) for article, _ in found)
    whole = sum(sorted(one.side for one in sides) == ["a", "b"] for sides in pairs.values())
    return LabelCheck(name, len(found), sentences, whole, tuple(problems))


def check_house() -> LabelCheck:
    """Check the written part of the house corpus.

    Raises
    ------
    CorpusError
        When it isn't there.
    """
    folder = house_folder() / HOUSE_CARD.folder
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        what = "no articles there; restore the folder, or name it: --corpus DIR"
        raise CorpusError(f"{folder}: {what}")
    return check_files("written", paths)


def check_standoff(root: Path | None) -> LabelCheck:
    """Check the stand-off labels: by themselves, and against the texts that are here.

    Parameters
    ----------
    root : pathlib.Path or None
        The folder of corpora; None: labels are checked, and no text.

    Raises
    ------
    CorpusError
        When a line can't be read, or a text is not the one that was labelled.
    """
    records = list(standoff_labels(labels_file()))
    problems: list[LabelProblem] = []
    texts = {article.id: article for article in read_standoff(root)} if root else {}
    unread: dict[str, int] = defaultdict(int)
    sentences = 0
    for record in records:
        name = f"{record['collection']}/{record['article']}"
        sentences += len(record["sentences"])
        article = texts.get(name)
        if article is None:
            unread[record["collection"]] += 1
            length = record["sentences"][-1]["end"]
            # Any text of that length will do for labels and offsets.
            article = join_text(record, "x" * length)
        else:
            problems += _digests(article, record)
        problems += _of_article(article)
    missing = tuple(
        f"{name}: {count} articles without their text" for name, count in unread.items()
    )
    return LabelCheck("stand-off", len(records), sentences, 0, tuple(problems), missing)


def _records(
    path: Path, problems: list[LabelProblem]
) -> Iterator[tuple[tuple[str, int], Mapping[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"can't be read ({error}); give a JSONL file") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError("no object")
        except ValueError as error:
            problems.append(LabelProblem(f"{path}, line {number}", f"not JSON ({error})"))
        else:
            yield (str(path), number), record


def _of_article(article: Article) -> Iterator[LabelProblem]:
    for number, unit in enumerate(article.units or ()):
        text = article.text[unit.start : unit.end]
        if text != text.strip():
            yield LabelProblem(f"{article.id}, sentence {number}", "begins or ends with a space")
    for number, reason in contradictions(article):
        yield LabelProblem(f"{article.id}, sentence {number}", reason)


def _digests(article: Article, record: Mapping[str, Any]) -> Iterator[LabelProblem]:
    for number, item in enumerate(record["sentences"]):
        text = article.text[item["start"] : item["end"]]
        if text_digest(text)[:SHORT_STANDOFF] != item["digest"]:
            yield LabelProblem(
                f"{article.id}, sentence {number}", "the digest is of another sentence"
            )


@dataclass(frozen=True, slots=True)
class _Side:
    side: str
    group: str
    text: str
    labels: Mapping[str, float]


def _pairs(found: Sequence[tuple[Article, Mapping[str, Any]]]) -> dict[str, list[_Side]]:
    """Gather the sentences that are marked as sides of a contrast pair."""
    pairs: dict[str, list[_Side]] = defaultdict(list)
    for article, record in found:
        for item, unit in zip(record.get("sentences") or (), article.units or (), strict=False):
            if "pair" in item:
                text = article.text[unit.start : unit.end]
                side = _Side(str(item.get("side")), by_block(article), text, unit.labels)
                pairs[str(item["pair"])].append(side)
    return dict(pairs)


def _flaws(sides: Sequence[_Side]) -> Iterator[str]:
    if sorted(one.side for one in sides) != ["a", "b"]:
        yield f"has the sides {', '.join(one.side for one in sides)}, and not a and b"
        return
    left, right = sides
    if left.text == right.text:
        yield "is the same sentence twice"
    if left.labels != right.labels:
        yield "is labelled differently for its two sides"
    if left.group != right.group:
        yield "stands in articles that may come into different parts of a split"


def _alike(articles: Sequence[Article]) -> Iterator[LabelProblem]:
    sets = [shingles(article.text) for article in articles]
    for left, right in similar_pairs(sets, MOST_ALIKE):
        yield LabelProblem(articles[left].id, f"is nearly the same as {articles[right].id}")
