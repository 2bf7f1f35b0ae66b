"""Labelled texts that are there twice: in a file, and among what bundles are judged by.

Who learns from a sentence that is judged by later measures memory. So what is labelled is held
against the parts of the corpora that are kept back, as far as they are here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path

import numpy as np
from framescope.classifier.errors import CorpusError
from framescope.training.corpora import CORPORA, KNOWN, State
from framescope.training.data import (
    SENTENCE_THRESHOLD,
    SENTENCE_WORDS,
    TEST,
    UNSEEN,
    assign_parts,
    build_examples,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.labels.checking import MOST_ALIKE
from framescope.training.labels.labelled import LabelledArticle, LabelProblem

_NAMED = 3  # sentences of an article that are named one by one


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """The sentences that bundles are judged by.

    Attributes
    ----------
    texts, articles : tuple of str
        Of each sentence: its text, and the name of its article.
    parts : mapping of str to str
        Of each article, the part that it lies in.
    corpora : tuple of str
        Those that were looked at.
    unread : tuple of str
        Those that were not, and why.
    """

    texts: tuple[str, ...]
    articles: tuple[str, ...]
    parts: Mapping[str, str]
    corpora: tuple[str, ...]
    unread: tuple[str, ...]


def read_benchmarks(root: Path | None) -> Benchmarks:
    """Read what is kept back of the corpora that are here.

    Parameters
    ----------
    root : pathlib.Path or None
        The folder of corpora; None: of what ships, which is all that a desk has.
    """
    here, unread = [], []
    for name in KNOWN:
        state = CORPORA[name].state(root)
        if state in (State.PRESENT, State.PARTIAL):
            here.append(name)
        elif root is not None:
            unread.append(f"benchmark {name}: {state.value}")
    if root is None:
        unread.append("benchmarks of the public corpora: name their folder with --corpora DIR")
    try:
        examples = assign_parts(build_examples(root, here)).examples
    except CorpusError as error:
        return Benchmarks((), (), {}, (), (*unread, f"benchmarks: {error}"))
    kept = examples.where(np.isin(examples.part, (TEST, UNSEEN)))
    articles = tuple(map(str, kept.article))
    parts = dict(zip(articles, map(str, kept.part), strict=True))
    texts = tuple(sentence.text for sentence in kept.sentences)
    return Benchmarks(texts, articles, parts, tuple(here), tuple(unread))


def in_benchmarks(
    found: Sequence[LabelledArticle], benchmarks: Benchmarks
) -> Iterator[LabelProblem]:
    """Find articles, and sentences of others, that bundles are judged by."""
    named = set()
    bodies: dict[str, list[str]] = defaultdict(list)
    for text, name in zip(benchmarks.texts, benchmarks.articles, strict=True):
        bodies[name].append(text)
    names = list(bodies)
    mine = [one.article.text for one in found]
    for left, right in _across(mine, [" ".join(bodies[name]) for name in names], MOST_ALIKE, 0):
        if found[left].name not in named:
            named.add(found[left].name)
            other = names[right]
            what = f"is nearly the same as {other}, which bundles are judged by"
            part = benchmarks.parts[other]
            yield LabelProblem(found[left].name, f"{what} ({part})", "benchmark")
    rows = [row for row in _sentences(found) if found[row.article].name not in named]
    texts = [row.text for row in rows]
    alike: dict[int, dict[int, str]] = defaultdict(dict)
    for left, right in chain(
        _across(texts, benchmarks.texts, SENTENCE_THRESHOLD, SENTENCE_WORDS),
        _equal(texts, benchmarks.texts),
    ):
        row = rows[left]
        alike[row.article].setdefault(row.number, benchmarks.articles[right])
    for article, sentences in sorted(alike.items()):
        shown = sorted(sentences.items())
        said = [f"{n} ({name}, {benchmarks.parts[name]})" for n, name in shown[:_NAMED]]
        said += [f"and {len(shown) - _NAMED} more"] * (len(shown) > _NAMED)
        what = "nearly the same as one that bundles are judged by: sentence " + ", ".join(said)
        yield LabelProblem(found[article].name, what, "benchmark")


def labelled_otherwise(found: Sequence[LabelledArticle]) -> Iterator[LabelProblem]:
    """Find sentences that are nearly the same, in two articles, and have other labels.

    Labels of sourcing may differ with what stands before ("he said"), so that of those nothing is
    said where the sentence itself names nobody: only long sentences are compared.
    """
    rows = _sentences(found)
    texts = [row.text for row in rows]
    sets = [shingles(text, SENTENCE_WORDS) for text in texts]
    pairs = set(similar_pairs(sets, SENTENCE_THRESHOLD))
    for same in same_words(texts, SENTENCE_WORDS):
        pairs.update(combinations(same, 2))
    for left, right in sorted(pairs):
        one, other = rows[left], rows[right]
        if found[one.article].article.id == found[other.article].article.id:
            continue
        differ = [
            f"{signal} {label:g} and {other.labels[signal]:g}"
            for signal, label in one.labels.items()
            if signal in other.labels and (label >= 0.5) != (other.labels[signal] >= 0.5)
        ]
        if differ:
            where = f"{found[one.article].name}, sentence {one.number}"
            what = f"is nearly {found[other.article].name}, sentence {other.number}, and labelled "
            yield LabelProblem(where, f"{what}otherwise: {', '.join(differ)}", "duplicate")


@dataclass(frozen=True, slots=True)
class _Row:
    """A labelled sentence: which article of those given, its number there, text and labels."""

    article: int
    number: int
    text: str
    labels: Mapping[str, float]


def _sentences(found: Sequence[LabelledArticle]) -> list[_Row]:
    return [
        _Row(position, number, one.article.text[unit.start : unit.end], unit.labels)
        for position, one in enumerate(found)
        for number, unit in enumerate(one.article.units or ())
    ]


def _across(
    mine: Sequence[str], others: Sequence[str], threshold: float, words: int
) -> Iterator[tuple[int, int]]:
    """Find pairs of nearly the same texts, one of each."""
    own = [shingles(text, words) for text in mine]
    known = frozenset(chain.from_iterable(own))
    # Of many others few share anything with what is given: only those are looked at.
    near = [
        (at, found) for at, text in enumerate(others) if (found := shingles(text, words)) & known
    ]
    sets = [*own, *(found for _, found in near)]
    for left, right in similar_pairs(sets, threshold):
        if left < len(own) <= right:
            yield left, near[right - len(own)][0]


def _equal(mine: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Find pairs of texts of the same words, one of each."""
    for same in same_words([*mine, *others], SENTENCE_WORDS):
        own = [at for at in same if at < len(mine)]
        yield from ((at, other - len(mine)) for at in own for other in same if other >= len(mine))
