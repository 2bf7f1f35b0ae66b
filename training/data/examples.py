"""The label matrix: a row a sentence, a column a signal, NaN where a corpus does not annotate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.attribution import cited
from framescope.classifier.errors import SignalError
from framescope.classifier.inputs import split_sentences as split
from framescope.classifier.records import Article, Sentence, Span, Unit
from framescope.classifier.taxonomy import in_order
from framescope.training.corpora import ADDED, CORPORA, KNOWN, by_article
from framescope.training.corpora import find_corpus as find
from framescope.training.data.marks import RowCitation, of_sentence
from framescope.training.data.rows import articles, load
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

Text = NDArray[np.str_]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Sentences with their labels and with what may not be split.

    Attributes
    ----------
    sentences : tuple of Sentence
        n of them, article by article, in order; ``article_id`` is ``"corpus/id"``. With what
        `classifier.attribution.cited` finds of them only where a registry was given.
    labels : ndarray of float32, shape (n, k)
        NaN where not annotated; the label of an article stands on each of its sentences.
    signals : tuple of str
        The k columns, in taxonomy order: every signal that some loaded corpus labels.
    spans : tuple of tuple of Span
        The labelled spans that overlap each sentence, clipped to it, in offsets of the article.
    citations : tuple of (tuple of RowCitation or None)
        Of each sentence; None where not annotated.
    corpus, article, outlet, group : ndarray of str, shape (n,)
        ``outlet`` is empty where unknown; ``group`` is what may not be divided between parts.
    part : ndarray of str, shape (n,)
        ``train``, ``validation``, ``test``, ``unseen_outlet`` or ``removed``; empty before
        splitting.
    """

    sentences: tuple[Sentence, ...]
    labels: NDArray[np.float32]
    signals: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]
    citations: tuple[tuple[RowCitation, ...] | None, ...]
    corpus: Text
    article: Text
    outlet: Text
    group: Text
    part: Text

    def __len__(self) -> int:
        return len(self.sentences)

    def where(self, mask: Mask | NDArray[np.intp]) -> Examples:
        """Keep the rows of a boolean mask, or of an array of row numbers in its order."""
        rows = np.flatnonzero(mask) if mask.dtype == np.bool_ else mask
        changed: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "signals":
                continue
            if isinstance(value, np.ndarray):
                changed[item.name] = value[rows]
            else:
                changed[item.name] = tuple(value[row] for row in rows)
        return replace(self, **changed)

    def followed_by(self, other: Examples) -> Examples:
        """Put the rows of others, which have the same columns, after these.

        Raises `ValueError` when they have others.
        """
        if self.signals != other.signals:
            raise ValueError("rows of other signals can't follow")
        changed: dict[str, Any] = {}
        for item in fields(self):
            one, two = getattr(self, item.name), getattr(other, item.name)
            if item.name != "signals":
                together = isinstance(one, np.ndarray)
                changed[item.name] = np.concatenate([one, two]) if together else one + two
        return replace(self, **changed)

    def labelled(self) -> Examples:
        """Drop the columns that no row labels."""
        used = np.flatnonzero(~np.isnan(self.labels).all(axis=0))
        signals = tuple(self.signals[column] for column in used)
        return replace(self, labels=self.labels[:, used], signals=signals)

    def column(self, signal: str) -> NDArray[np.float32]:
        """Return the labels of one signal, shape (n,).

        Raises
        ------
        SignalError
            When no loaded corpus labels it.
        """
        if signal not in self.signals:
            raise SignalError(
                f"no loaded corpus labels '{signal}'; labelled: {', '.join(self.signals)}"
            )
        return self.labels[:, self.signals.index(signal)]


def build(
    root: Path | None,
    names: Sequence[str] | None = None,
    *,
    allow_changed: bool = False,
    registry: Registry | None = None,
    added: Iterable[tuple[Article, str]] = (),
) -> Examples:
    """Load corpora and lay them out as one matrix.

    Parameters
    ----------
    root : Path or None
        The folder of corpora; None where only what ships is loaded.
    names : sequence of str, optional
        Which, in which order; all but the user's own files unless said otherwise.
    allow_changed : bool
        Take files other than those the cards pin.
    registry : Registry or None
        Of outlets: give sentences all that models are given with them: what is quoted, the names
        of outlets, whom the form of the article cites. None: don't, which is a minute less.
    added : iterable of (Article, str)
        A user's own, each with its group; they follow, as the corpus ``added``.

    Raises
    ------
    CorpusError
        When a corpus is missing, changed or can't be read.
    """
    table = _Table(registry)
    for name in KNOWN if names is None else names:
        dataset = load(name, root, allow_changed=allow_changed)
        table.add_corpus(name, articles(dataset))
    for article, group in added:
        table.add(ADDED, replace(article, id=f"{ADDED}/{article.id}"), f"{ADDED}/{group}")
    return table.examples()


def with_citations(
    examples: Examples, root: Path | None, names: Collection[str], registry: Registry
) -> tuple[Examples, dict[str, str | None]]:
    """Return the sentences of some articles all that models are given with them.

    What `build` does for every article when it is given a registry, for those that matter only.
    Examples have no dates; those of all articles are read on the way.

    Parameters
    ----------
    examples : Examples
        As `build` gives them, in its order.
    root : Path or None
        The folder of corpora that they were built from.
    names : collection of str
        Articles, as the examples name them.
    registry : Registry
        Of outlets.

    Returns
    -------
    cited : Examples
    dates : dict of str to str or None
        The date of every article, as the examples name them.
    """
    dates: dict[str, str | None] = {}
    sentences = list(examples.sentences)
    articles_, first = np.unique(examples.article, return_index=True)
    start_of = dict(zip(articles_.tolist(), first.tolist(), strict=True))
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        dataset = load(corpus, root)
        own = [f"{corpus}/{id}" for id in dataset["id"]]
        dates.update(zip(own, dataset["date"], strict=True))
        rows = [row for row, name in enumerate(own) if name in names]
        for article in articles(dataset.select(rows)):
            article = _unvoiced(replace(article, id=f"{corpus}/{article.id}"))
            found = cited(article, split(article), registry)
            start = start_of[article.id]
            sentences[start : start + len(found)] = found
    return replace(examples, sentences=tuple(sentences)), dates


def of_articles(name: str, items: Iterator[Article], registry: Registry | None = None) -> Examples:
    """Lay out articles of one corpus, or of a user's own, without loading anything.

    Under a name that no corpus has, every article is a group.
    """
    table = _Table(registry)
    table.add_corpus(name, items)
    return table.examples()


@dataclass
class _Table:
    """Rows while they are gathered."""

    registry: Registry | None = None
    sentences: list[Sentence] = field(default_factory=list)
    labels: list[Mapping[str, float]] = field(default_factory=list)
    spans: list[tuple[Span, ...]] = field(default_factory=list)
    citations: list[tuple[RowCitation, ...] | None] = field(default_factory=list)
    corpus: list[str] = field(default_factory=list)
    outlet: list[str] = field(default_factory=list)
    group: list[str] = field(default_factory=list)

    def add_corpus(self, name: str, items: Iterator[Article]) -> None:
        group = find(name).card.group if name in CORPORA else by_article
        for article in items:
            self.add(name, replace(article, id=f"{name}/{article.id}"), f"{name}/{group(article)}")

    def add(self, corpus: str, article: Article, group: str) -> None:
        article = _unvoiced(article)
        sentences = split(article)
        if self.registry is not None:
            sentences = cited(article, sentences, self.registry)
        units = article.units or tuple(Unit(s.start, s.end) for s in sentences)
        for number, (sentence, unit) in enumerate(zip(sentences, units, strict=True)):
            spans = tuple(_clipped(article.spans, sentence.start, sentence.end))
            self.sentences.append(sentence)
            self.labels.append({**article.labels, **unit.labels})
            self.spans.append(spans)
            self.citations.append(of_sentence(unit.citations, number, sentences))
            self.corpus.append(corpus)
            self.outlet.append(article.outlet or "")
            self.group.append(group)

    def examples(self) -> Examples:
        signals = in_order({signal for labels in self.labels for signal in labels})
        matrix = np.full((len(self.labels), len(signals)), np.nan, dtype=np.float32)
        columns = {signal: column for column, signal in enumerate(signals)}
        for row, labels in enumerate(self.labels):
            for signal, label in labels.items():
                matrix[row, columns[signal]] = label
        return Examples(
            sentences=tuple(self.sentences),
            labels=matrix,
            signals=signals,
            spans=tuple(self.spans),
            citations=tuple(self.citations),
            corpus=_texts(self.corpus),
            article=_texts([sentence.article_id for sentence in self.sentences]),
            outlet=_texts(self.outlet),
            group=_texts(self.group),
            part=np.full(len(self.labels), "", dtype="<U13"),
        )


def _unvoiced(article: Article) -> Article:
    """Take off what annotators say of voice: a label, which no model may read."""
    if article.units is None:
        return article
    units = tuple(replace(unit, voice=None) for unit in article.units)
    return replace(article, units=units, republications=())


def _clipped(spans: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    for span in spans:
        if span.start < end and start < span.end:
            yield replace(span, start=max(span.start, start), end=min(span.end, end))


def _texts(values: Sequence[str]) -> Text:
    return np.array(values, dtype=np.str_) if values else np.empty(0, dtype="<U1")
