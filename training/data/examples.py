"""The label matrix: a row per sentence, a column per signal, NaN where a corpus has no label."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from framescope.classifier.attribution import cited
from framescope.classifier.errors import SignalError
from framescope.classifier.inputs import split_sentences
from framescope.classifier.records import Article, Sentence, Span, Unit
from framescope.classifier.taxonomy import in_order
from framescope.training.corpora import ADDED, CORPORA, KNOWN, by_article, find_corpus
from framescope.training.data.marks import RowCitation, of_sentence
from framescope.training.data.rows import load
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

Text = NDArray[np.str_]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Sentences with their labels, and with what may not be divided between parts."""

    sentences: tuple[Sentence, ...]  # n, article by article; ``article_id`` is ``"corpus/id"``
    labels: NDArray[np.float32]  # (n, k); NaN where not annotated; those of articles on each row
    signals: tuple[str, ...]  # the k columns, in taxonomy order
    spans: tuple[tuple[Span, ...], ...]  # clipped to each sentence, in offsets of the article
    citations: tuple[tuple[RowCitation, ...] | None, ...]  # None where not annotated
    corpus: Text
    article: Text
    outlet: Text  # empty where unknown
    group: Text  # never divided between parts
    part: Text  # one of `training.data.splits.PARTS`; empty before splitting

    def __len__(self) -> int:
        return len(self.sentences)

    def where(self, mask: Mask | NDArray[np.intp]) -> Examples:
        """Keep the rows of a boolean mask, or of an array of row numbers in its order."""
        rows = np.flatnonzero(mask) if mask.dtype == np.bool_ else mask
        changed: dict[str, Any] = {
            name: value[rows] if isinstance(value, np.ndarray) else tuple(value[r] for r in rows)
            for name, value in vars(self).items()
            if name != "signals"
        }
        return replace(self, **changed)

    def followed_by(self, other: Examples) -> Examples:
        """Append the rows of others; raise `ValueError` if they have other columns."""
        if self.signals != other.signals:
            raise ValueError("rows of other signals can't follow")
        changed: dict[str, Any] = {
            name: np.concatenate([one, two]) if isinstance(one, np.ndarray) else one + two
            for (name, one), two in zip(vars(self).items(), vars(other).values(), strict=True)
            if name != "signals"
        }
        return replace(self, **changed)

    def labelled(self) -> Examples:
        """Drop the columns that no row labels."""
        used = np.flatnonzero(~np.isnan(self.labels).all(axis=0))
        signals = tuple(self.signals[column] for column in used)
        return replace(self, labels=self.labels[:, used], signals=signals)

    def column(self, signal: str) -> NDArray[np.float32]:
        """Return the labels of one signal; raise `SignalError` if no loaded corpus labels it."""
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
    """Load corpora as one matrix.

    By default they are all but the user's own files. `allow_changed` takes files other than those
    the cards pin. A `registry` adds quotations, names of outlets and citations to sentences, as for
    scoring, which is slow. A user's own articles, `added` with their groups, follow as the corpus
    ``added``. Raise `CorpusError` if a corpus is missing, changed or can't be read.
    """
    rows = [
        row
        for name in (KNOWN if names is None else names)
        for row in _of_corpus(name, load(name, root, allow_changed=allow_changed), registry)
    ]
    for article, group in added:
        rows += _of_article(ADDED, article, group, registry)
    return _matrix(rows)


def of_articles(name: str, items: Iterable[Article], registry: Registry | None = None) -> Examples:
    """Return the matrix of articles of one corpus; each is a group if no corpus has that name."""
    return _matrix(list(_of_corpus(name, items, registry)))


def with_citations(
    examples: Examples, root: Path | None, names: Collection[str], registry: Registry
) -> Examples:
    """Add what `build` finds with a registry to the sentences of some articles.

    `examples` are as `build` returns them; `names` are articles as the examples name them.
    """
    sentences = list(examples.sentences)
    articles, first = np.unique(examples.article, return_index=True)
    start_of = dict(zip(articles.tolist(), first.tolist(), strict=True))
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        for article in load(corpus, root):
            name = f"{corpus}/{article.id}"
            if name in names:
                plain = _unvoiced(replace(article, id=name))
                found = cited(plain, split_sentences(plain), registry)
                sentences[start_of[name] : start_of[name] + len(found)] = found
    return replace(examples, sentences=tuple(sentences))


class _Row(NamedTuple):
    sentence: Sentence
    labels: Mapping[str, float]
    spans: tuple[Span, ...]
    citations: tuple[RowCitation, ...] | None
    corpus: str
    outlet: str
    group: str


def _of_corpus(name: str, items: Iterable[Article], registry: Registry | None) -> Iterator[_Row]:
    group = find_corpus(name).card.group if name in CORPORA else by_article
    return chain.from_iterable(_of_article(name, one, group(one), registry) for one in items)


def _of_article(
    corpus: str, article: Article, group: str, registry: Registry | None
) -> Iterator[_Row]:
    article = _unvoiced(replace(article, id=f"{corpus}/{article.id}"))
    sentences = split_sentences(article)
    if registry is not None:
        sentences = cited(article, sentences, registry)
    units = article.units or tuple(Unit(s.start, s.end) for s in sentences)
    for number, (sentence, unit) in enumerate(zip(sentences, units, strict=True)):
        yield _Row(
            sentence,
            {**article.labels, **unit.labels},
            tuple(_clipped(article.spans, sentence.start, sentence.end)),
            of_sentence(unit.citations, number, sentences),
            corpus,
            article.outlet or "",
            f"{corpus}/{group}",
        )


def _unvoiced(article: Article) -> Article:
    """Drop annotators' voices and republications, which are labels that no model may read."""
    if article.units is None:
        return article
    units = tuple(replace(unit, voice=None) for unit in article.units)
    return replace(article, units=units, republications=())


def _clipped(spans: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    for span in spans:
        if span.start < end and start < span.end:
            yield replace(span, start=max(span.start, start), end=min(span.end, end))


def _matrix(rows: Sequence[_Row]) -> Examples:
    signals = in_order({signal for row in rows for signal in row.labels})
    labels = [[row.labels.get(signal, np.nan) for signal in signals] for row in rows]
    return Examples(
        sentences=tuple(row.sentence for row in rows),
        labels=np.array(labels, np.float32).reshape(len(rows), len(signals)),
        signals=signals,
        spans=tuple(row.spans for row in rows),
        citations=tuple(row.citations for row in rows),
        corpus=np.array([row.corpus for row in rows], np.str_),
        article=np.array([row.sentence.article_id for row in rows], np.str_),
        outlet=np.array([row.outlet for row in rows], np.str_),
        group=np.array([row.group for row in rows], np.str_),
        part=np.full(len(rows), "", dtype="<U13"),
    )
