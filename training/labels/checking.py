"""What `framescope corpora check` proves of labelled articles, and how their labels must agree."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.errors import CorpusError, InputError
from classifier.pages import from_record
from classifier.taxonomy import TECHNIQUES
from classifier.values import Article, Unit, Voice
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


# --- labels that contradict each other ------------------------------------------------------------

Labels = Mapping[str, float]

SOURCES = ("named_source", "unnamed_source", "vague_source")
ON_TOP = ("government_attribution", "state_media_attribution")


@dataclass(frozen=True, slots=True)
class Rule:
    """What must not be, and the words for it.

    The signals of `needs` must be annotated for the rule to speak. `broken` tells it from the
    labels, the voice or None, and whether it is in a republished part.
    """

    needs: tuple[str, ...]
    broken: Callable[[Labels, Voice | None, bool], bool]
    reason: str


def _on(labels: Labels, *signals: str) -> bool:
    """Whether any of the signals holds."""
    return any(labels.get(signal, 0) >= 0.5 for signal in signals)


RULES: tuple[Rule, ...] = (
    Rule(
        ("content",),
        lambda given, voice, _: not _on(given, "content") and (len(given) > 1 or voice is not None),
        "a line that is not content gets no other label",
    ),
    Rule(
        ("unsourced_assertion", "claim"),
        lambda given, *_: _on(given, "unsourced_assertion") and not _on(given, "claim"),
        "an unsourced_assertion has a claim",
    ),
    Rule(
        ("unsourced_assertion",),
        lambda given, *_: _on(given, "unsourced_assertion") and _on(given, *SOURCES, "attributed"),
        "an unsourced_assertion has no source",
    ),
    Rule(
        ("unsourced_assertion",),
        lambda given, voice, republished: (
            _on(given, "unsourced_assertion")
            and not republished
            and (voice not in (None, Voice.OWN) or _on(given, "quoted", "reported"))
        ),
        "an unsourced_assertion is in the article's own voice",
    ),
    Rule(
        SOURCES[:2],
        lambda given, *_: _on(given, *ON_TOP) and not _on(given, *SOURCES[:2]),
        "a government or state media comes on top of a named or an unnamed source",
    ),
    Rule(
        ("attributed", *SOURCES),
        lambda given, *_: _on(given, "attributed") != _on(given, *SOURCES),
        "attributed is 1 when a source signal holds, and only then",
    ),
    Rule(
        ("quoted", "reported"),
        lambda given, *_: _on(given, "quoted") and _on(given, "reported"),
        "a sentence is not both quoted and reported",
    ),
    Rule(
        ("reported", *SOURCES),
        lambda given, *_: _on(given, "reported") and not _on(given, *SOURCES),
        "a reported sentence has a source",
    ),
    Rule(
        ("quoted", "reported", *SOURCES),
        lambda given, *_: _on(given, *SOURCES) and not _on(given, "quoted", "reported"),
        "a sentence in the article's own voice has no source",
    ),
    Rule(
        ("quoted",),
        lambda given, voice, _: (
            voice is not None and _on(given, "quoted") != (voice is Voice.QUOTED)
        ),
        "quoted says what the voice says",
    ),
    Rule(
        ("reported",),
        lambda given, voice, _: (
            voice is not None and _on(given, "reported") != (voice is Voice.REPORTED)
        ),
        "reported says what the voice says",
    ),
    Rule(
        ("subjective",),
        lambda given, *_: _on(given, "subjective") and _on(given, "quoted", "reported"),
        "a subjective sentence is in the author's own voice",
    ),
    Rule(
        ("any_technique", *TECHNIQUES),
        lambda given, *_: _on(given, "any_technique") != _on(given, *TECHNIQUES),
        "any_technique is 1 when one of the fourteen is, and only then",
    ),
)


def contradictions(article: Article) -> Iterator[tuple[int, str]]:
    """Find the sentences whose labels contradict each other, or the article's spans.

    Yields the sentence's number from 0, and the rule that it breaks.
    """
    for number, unit in enumerate(article.units or ()):
        inside = any(r.start <= unit.start and unit.end <= r.end for r in article.republications)
        for rule in RULES:
            if all(signal in unit.labels for signal in rule.needs) and rule.broken(
                unit.labels, unit.voice, inside
            ):
                yield number, rule.reason
        yield from ((number, reason) for reason in _spans_against(article, unit))
        yield from ((number, reason) for reason in _citations_against(unit))


def _citations_against(unit: Unit) -> Iterator[str]:
    """Hold a sentence's sourcing labels against who is marked as cited in it."""
    if unit.citations is None:
        return
    given = unit.labels.get("attributed")
    if given is not None and (given >= 0.5) != bool(unit.citations):
        yield f"attributed is {given:g}, and {'somebody' if unit.citations else 'nobody'} is cited"
        return
    marked = {f"{one.kind}_source" for one in unit.citations if one.kind}
    marked |= {
        signal
        for signal, held in zip(ON_TOP, ("government", "state_media"), strict=True)
        if any(getattr(one, held) for one in unit.citations)
    }
    for signal in (*SOURCES, *ON_TOP):
        if _on(unit.labels, signal) and signal not in marked:
            yield f"{signal} is 1, and no citation is of that kind"


def _spans_against(article: Article, unit: Unit) -> Iterator[str]:
    """Hold a sentence's technique labels against the spans that lie in it."""
    marked = {s.signal for s in article.spans if s.start < unit.end and unit.start < s.end}
    for technique in TECHNIQUES:
        label = unit.labels.get(technique)
        if label is not None and (label >= 0.5) != (technique in marked):
            where = "a span of it" if technique in marked else "no span of it"
            yield f"{technique} is {label:g}, and {where} lies in the sentence"
