"""Checks of labelled articles: offsets, contrast pairs, duplicates, benchmarks, balance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article
from framescope.classifier.taxonomy import in_order
from framescope.training import corpora, data
from framescope.training.corpora import labels_file
from framescope.training.data import SENTENCE_THRESHOLD, SENTENCE_WORDS, shingles
from framescope.training.labels.contradictions import contradictions
from framescope.training.labels.reading import (
    LabelledArticle,
    LabelledFiles,
    LabelProblem,
    read_labelled,
)

MOST_ALIKE = 0.5
"""Jaccard index of word 5-grams from which two articles are near-duplicates."""

FEWEST_TO_TRAIN = 50
"""Labels of the rarer answer from which a signal can be learned, by a rule of thumb."""

FEWEST_TO_CALIBRATE = 20
"""Labels of the rarer answer from which a threshold means something: with 20 positives the 95%
interval of a recall of a half is 0.3 to 0.7."""

FEWEST_ARTICLES = 10
"""Articles with a positive label that are needed: whole articles are held out and resampled."""

_NAMED = 3  # benchmark sentences of an article that are listed


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The labels of one signal, of sentences or of articles.

    `positives` are at least 0.5, `soft` neither 0 nor 1; `articles` have a label,
    `with_positives` a positive one. `lacks` says what they are too few for, or is empty.
    """

    signal: str
    labels: int
    articles: int
    positives: int
    with_positives: int
    soft: int
    lacks: str


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """The outcome for one collection of labelled articles.

    `pairs` counts the contrast pairs that are complete; `unread` says what could not be checked.
    """

    name: str
    articles: int
    sentences: int
    pairs: int
    problems: tuple[LabelProblem, ...]
    unread: tuple[str, ...] = ()
    balance: tuple[ClassBalance, ...] = ()


class Benchmarks(NamedTuple):
    """The sentences that bundles are judged by.

    `texts` and `articles` hold the text and the article's name of each sentence, `parts` the part
    of the split of each article, `unread` the corpora that could not be read, and why.
    """

    texts: tuple[str, ...]
    articles: tuple[str, ...]
    parts: Mapping[str, str]
    unread: tuple[str, ...] = ()


def check_labelled(
    name: str, files: LabelledFiles, benchmarks: Benchmarks | None = None
) -> LabelCheck:
    """Check what was read from some files, in which an article may stand once per annotator.

    With `benchmarks`, articles and sentences are compared with them, sentences with each other, and
    the labels are counted.
    """
    found = files.articles
    pairs = _pairs(found)
    problems = [
        *files.problems,
        *chain.from_iterable(_of_article(one.article, one.name) for one in found),
        *_repeated_ids(found),
        *_flaws(pairs),
        *_near_duplicates([one.article for one in found]),
    ]
    if benchmarks is not None:
        problems += [*labelled_otherwise(found), *in_benchmarks(found, benchmarks)]
    return LabelCheck(
        name,
        len(found),
        sum(len(one.article.units or ()) for one in found),
        sum(sorted(one.side for one in sides) == ["a", "b"] for sides in pairs.values()),
        tuple(problems),
        benchmarks.unread if benchmarks is not None else (),
        class_balance(found) if benchmarks is not None else (),
    )


def check_house() -> LabelCheck:
    """Check the written part of the house corpus; raise `CorpusError` when it isn't there."""
    folder = corpora.house_folder() / corpora.HOUSE_CARD.folder
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        what = "no articles there; restore the folder, or name it: --house DIR"
        raise CorpusError(f"{folder}: {what}")
    return check_labelled("written", read_labelled(paths))


def check_standoff(root: Path | None) -> LabelCheck:
    """Check the stand-off labels, with the texts that lie in the folder of corpora.

    Raise `CorpusError` when a line can't be read, or a text is not the one that was labelled.
    """
    records = list(corpora.standoff_labels(labels_file()))
    problems: list[LabelProblem] = []
    texts = {article.id: article for article in corpora.read_standoff(root)} if root else {}
    unread: Counter[str] = Counter()
    for record in records:
        article = texts.get(f"{record['collection']}/{record['article']}")
        if article is None:
            unread[record["collection"]] += 1
            # Any text of that length will do for labels and offsets.
            article = corpora.join_text(record, "x" * record["sentences"][-1]["end"])
        else:
            problems += _digests(article, record)
        problems += _of_article(article, article.id)
    missing = tuple(f"{name}: {n} articles without their text" for name, n in unread.items())
    sentences = sum(len(record["sentences"]) for record in records)
    return LabelCheck("stand-off", len(records), sentences, 0, tuple(problems), missing)


def _of_article(article: Article, name: str) -> Iterator[LabelProblem]:
    units = article.units or ()
    for number, unit in enumerate(units):
        text = article.text[unit.start : unit.end]
        if text != text.strip():
            where = f"{name}, sentence {number}"
            yield LabelProblem(where, "begins or ends with a space", "offsets")
    for span in article.spans:
        if units and not any(u.start < span.end and span.start < u.end for u in units):
            what = f"a span of {span.signal} lies in no sentence"
            yield LabelProblem(f"{name}, {span.start}-{span.end}", what, "offsets")
    for number, reason in contradictions(article):
        yield LabelProblem(f"{name}, sentence {number}", reason, "contradiction")


def _digests(article: Article, record: Mapping[str, Any]) -> Iterator[LabelProblem]:
    for number, item in enumerate(record["sentences"]):
        digest = corpora.text_digest(article.text[item["start"] : item["end"]])
        if digest[: corpora.SHORT_STANDOFF] != item["digest"]:
            where = f"{article.id}, sentence {number}"
            yield LabelProblem(where, "the digest is of another sentence", "digest")


# Contrast pairs


class _Side(NamedTuple):
    side: str
    group: str
    text: str
    labels: Mapping[str, float]


def _pairs(found: Sequence[LabelledArticle]) -> dict[str, list[_Side]]:
    """Collect the sentences that are marked as sides of a contrast pair."""
    pairs: dict[str, list[_Side]] = defaultdict(list)
    for one in found:
        items = one.record.get("sentences") or ()
        for item, unit in zip(items, one.article.units or (), strict=False):
            if "pair" in item:
                text, group = one.article.text[unit.start : unit.end], corpora.by_block(one.article)
                side = _Side(str(item.get("side")), group, text, unit.labels)
                pairs[str(item["pair"])].append(side)
    return pairs


def _flaws(pairs: Mapping[str, Sequence[_Side]]) -> Iterator[LabelProblem]:
    for name, sides in pairs.items():
        flaws = []
        if sorted(one.side for one in sides) != ["a", "b"]:
            flaws = [f"has the sides {', '.join(one.side for one in sides)}, and not a and b"]
        else:
            left, right = sides
            where = "stands in articles that may come into different parts of a split"
            flaws += ["is the same sentence twice"] * (left.text == right.text)
            flaws += ["is labelled differently for its two sides"] * (left.labels != right.labels)
            flaws += [where] * (left.group != right.group)
        yield from (LabelProblem(f"pair {name}", what, "pair") for what in flaws)


# Duplicates and benchmarks


def _repeated_ids(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    for (name, annotator), times in Counter((o.article.id, o.annotator) for o in found).items():
        if times > 1:
            what = "two articles have this id"
            if annotator is not None:
                what = f"annotator '{annotator}' has labelled this article twice"
            yield LabelProblem(name, what, "duplicate")


def _near_duplicates(articles: Sequence[Article]) -> Iterator[LabelProblem]:
    sets = [shingles(article.text) for article in articles]
    for left, right in data.similar_pairs(sets, MOST_ALIKE):
        one, other = articles[left].id, articles[right].id
        if one != other:
            yield LabelProblem(one, f"is nearly the same as {other}", "duplicate")


class _Row(NamedTuple):
    """A sentence of a labelled article."""

    of: LabelledArticle
    number: int
    text: str
    labels: Mapping[str, float]


def _sentences(found: Sequence[LabelledArticle]) -> list[_Row]:
    return [
        _Row(one, number, one.article.text[unit.start : unit.end], unit.labels)
        for one in found
        for number, unit in enumerate(one.article.units or ())
    ]


def labelled_otherwise(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    """Find long sentences of two articles that are nearly the same, with different labels."""
    rows = _sentences(found)
    texts = [row.text for row in rows]
    sets = [shingles(text, SENTENCE_WORDS) for text in texts]
    pairs = set(data.similar_pairs(sets, SENTENCE_THRESHOLD))
    for same in data.same_words(texts, SENTENCE_WORDS):
        pairs.update(combinations(same, 2))
    for left, right in sorted(pairs):
        one, other = rows[left], rows[right]
        differ = [
            f"{signal} {label:g} and {other.labels[signal]:g}"
            for signal, label in one.labels.items()
            if signal in other.labels and (label >= 0.5) != (other.labels[signal] >= 0.5)
        ]
        if differ and one.of.article.id != other.of.article.id:
            what = f"is nearly {other.of.name}, sentence {other.number}, and labelled otherwise: "
            where = f"{one.of.name}, sentence {one.number}"
            yield LabelProblem(where, what + ", ".join(differ), "duplicate")


def read_benchmarks(root: Path | None) -> Benchmarks:
    """Read the held-out parts of the corpora that are here; without a folder, of what ships."""
    here, unread = [], []
    for name in corpora.KNOWN:
        state = corpora.CORPORA[name].state(root)
        if state in (corpora.State.PRESENT, corpora.State.PARTIAL):
            here.append(name)
        elif root is not None:
            unread.append(f"benchmark {name}: {state.value}")
    if root is None:
        unread.append("benchmarks of the public corpora: name their folder with --corpora DIR")
    try:
        examples = data.assign_parts(data.build_examples(root, here)).examples
    except CorpusError as error:
        return Benchmarks((), (), {}, (*unread, f"benchmarks: {error}"))
    kept = examples.where(np.isin(examples.part, (data.TEST, data.UNSEEN)))
    articles = tuple(map(str, kept.article))
    parts = dict(zip(articles, map(str, kept.part), strict=True))
    texts = tuple(sentence.text for sentence in kept.sentences)
    return Benchmarks(texts, articles, parts, tuple(unread))


def in_benchmarks(
    found: Sequence[LabelledArticle], benchmarks: Benchmarks
) -> Iterator[LabelProblem]:
    """Find articles, and sentences of the other articles, that bundles are judged by."""
    bodies: dict[str, list[str]] = defaultdict(list)
    for text, name in zip(benchmarks.texts, benchmarks.articles, strict=True):
        bodies[name].append(text)
    names = list(bodies)
    whole: dict[str, str] = {}
    mine = [one.article.text for one in found]
    for left, right in _across(mine, [" ".join(bodies[name]) for name in names], MOST_ALIKE, 0):
        whole.setdefault(found[left].name, names[right])
    for name, other in whole.items():
        what = f"is nearly the same as {other}, which bundles are judged by"
        yield LabelProblem(name, f"{what} ({benchmarks.parts[other]})", "benchmark")
    rows = [row for row in _sentences(found) if row.of.name not in whole]
    texts = [row.text for row in rows]
    alike: dict[str, dict[int, str]] = defaultdict(dict)
    near = _across(texts, benchmarks.texts, SENTENCE_THRESHOLD, SENTENCE_WORDS)
    for left, right in (*near, *_equal(texts, benchmarks.texts)):
        alike[rows[left].of.name].setdefault(rows[left].number, benchmarks.articles[right])
    for name in dict.fromkeys(one.name for one in found if one.name in alike):
        shown = sorted(alike[name].items())
        listed = [f"{n} ({other}, {benchmarks.parts[other]})" for n, other in shown[:_NAMED]]
        listed += [f"and {len(shown) - _NAMED} more"] * (len(shown) > _NAMED)
        what = "nearly the same as one that bundles are judged by: sentence " + ", ".join(listed)
        yield LabelProblem(name, what, "benchmark")


def _across(
    mine: Sequence[str], others: Sequence[str], threshold: float, words: int
) -> Iterator[tuple[int, int]]:
    """Yield the positions of nearly the same texts, one of each sequence."""
    own = [shingles(text, words) for text in mine]
    known = frozenset(chain.from_iterable(own))
    # Few of the others share anything with the given texts; the rest is left out.
    sets = ((at, shingles(text, words)) for at, text in enumerate(others))
    near = [(at, found) for at, found in sets if found & known]
    for left, right in data.similar_pairs([*own, *(found for _, found in near)], threshold):
        if left < len(own) <= right:
            yield left, near[right - len(own)][0]


def _equal(mine: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the positions of texts of the same words, one of each sequence."""
    for same in data.same_words([*mine, *others], SENTENCE_WORDS):
        own = [at for at in same if at < len(mine)]
        yield from ((at, other - len(mine)) for at in own for other in same if other >= len(mine))


# Balance


def class_balance(found: Sequence[LabelledArticle]) -> tuple[ClassBalance, ...]:
    """Count the labels, in taxonomy order of the signals."""
    values: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for one in found:
        for labels in (one.article.labels, *(unit.labels for unit in one.article.units or ())):
            for signal, label in labels.items():
                values[signal].append((one.article.id, label))
    return tuple(_of_signal(signal, values[signal]) for signal in in_order(values))


def _of_signal(signal: str, values: Sequence[tuple[str, float]]) -> ClassBalance:
    positives = sum(label >= 0.5 for _, label in values)
    articles = len({article for article, _ in values})
    with_positives = len({article for article, label in values if label >= 0.5})
    soft = sum(label not in (0, 1) for _, label in values)
    rarer, name = min((positives, "yes"), (len(values) - positives, "no"))
    lacks = ""
    if rarer < FEWEST_TO_CALIBRATE:
        lacks = f"too few to train or calibrate: {rarer} '{name}', {FEWEST_TO_TRAIN} needed"
    elif rarer < FEWEST_TO_TRAIN:
        lacks = f"enough to calibrate, too few to train: {rarer} '{name}', {FEWEST_TO_TRAIN} needed"
    elif with_positives < FEWEST_ARTICLES:
        lacks = f"from too few articles: {with_positives} with a 'yes', {FEWEST_ARTICLES} needed"
    return ClassBalance(signal, len(values), articles, positives, with_positives, soft, lacks)
