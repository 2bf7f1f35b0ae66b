"""What is proved of labelled articles: offsets, contrast pairs, ids, digests, labels that agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article
from framescope.training.corpora import (
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
from framescope.training.data import shingles, similar_pairs
from framescope.training.labels.contradictions import contradictions
from framescope.training.labels.labelled import (
    LabelledArticle,
    LabelledFiles,
    LabelProblem,
    read_labelled,
)

MOST_ALIKE = 0.5
"""Jaccard index of word 5-grams from which two articles are the same one twice."""


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

    Raises
    ------
    InputError
        When a file can't be opened, or no line of it is a record.
    """
    return check_labelled(name, read_labelled(paths))


def check_labelled(name: str, files: LabelledFiles) -> LabelCheck:
    """Check what was read of some files, as `check_files` does.

    Articles may have several annotators each: then one of them may be there once for each.
    """
    found = files.articles
    problems = [*files.problems, *(p for one in found for p in _of_article(one.article, one.name))]
    problems += _twice(found)
    pairs = _pairs(found)
    problems += [
        LabelProblem(f"pair {name}", what, "pair")
        for name, sides in pairs.items()
        for what in _flaws(sides)
    ]
    problems += _alike([one.article for one in found])
    sentences = sum(len(one.article.units or ()) for one in found)
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
        what = "no articles there; restore the folder, or name it: --house DIR"
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
        problems += _of_article(article, article.id)
    missing = tuple(
        f"{name}: {count} articles without their text" for name, count in unread.items()
    )
    return LabelCheck("stand-off", len(records), sentences, 0, tuple(problems), missing)


def _of_article(article: Article, name: str) -> Iterator[LabelProblem]:
    for number, unit in enumerate(article.units or ()):
        text = article.text[unit.start : unit.end]
        if text != text.strip():
            where = f"{name}, sentence {number}"
            yield LabelProblem(where, "begins or ends with a space", "offsets")
    for span in article.spans:
        if article.units and not any(
            u.start < span.end and span.start < u.end for u in article.units
        ):
            what = f"a span of {span.signal} lies in no sentence"
            yield LabelProblem(f"{name}, {span.start}-{span.end}", what, "offsets")
    for number, reason in contradictions(article):
        yield LabelProblem(f"{name}, sentence {number}", reason, "contradiction")


def _twice(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    """Find ids that two articles have, or one article twice of one annotator."""
    for (name, annotator), times in Counter((o.article.id, o.annotator) for o in found).items():
        if times > 1:
            what = "two articles have this id"
            if annotator is not None:
                what = f"annotator '{annotator}' has labelled this article twice"
            yield LabelProblem(name, what, "duplicate")


def _digests(article: Article, record: Mapping[str, Any]) -> Iterator[LabelProblem]:
    for number, item in enumerate(record["sentences"]):
        text = article.text[item["start"] : item["end"]]
        if text_digest(text)[:SHORT_STANDOFF] != item["digest"]:
            yield LabelProblem(
                f"{article.id}, sentence {number}", "the digest is of another sentence", "digest"
            )


@dataclass(frozen=True, slots=True)
class _Side:
    side: str
    group: str
    text: str
    labels: Mapping[str, float]


def _pairs(found: Sequence[LabelledArticle]) -> dict[str, list[_Side]]:
    """Gather the sentences that are marked as sides of a contrast pair."""
    pairs: dict[str, list[_Side]] = defaultdict(list)
    for one in found:
        article, record = one.article, one.record
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
        one, other = articles[left].id, articles[right].id
        if one != other:
            yield LabelProblem(one, f"is nearly the same as {other}", "duplicate")
