"""The label matrix: a row per sentence, a column per signal, NaN where a corpus has no label.

Corpora are checked, read, and cached by `datasets`, where that is installed. Citations are kept by
their places in the texts of rows, which move when a text is rewritten.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import languages, records
from framescope.classifier.attribution import cited
from framescope.classifier.errors import CorpusError, SignalError
from framescope.classifier.inputs import boundaries, split_sentences
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, Place, Sentence, Span, Speaker
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from framescope.training.corpora import ADDED, CORPORA, ENGLISH, find_corpus, polnear
from framescope.training.corpora.articles import TECHNIQUE_OF, Card, Corpus, State, by_article
from numpy.typing import NDArray
from pydantic import TypeAdapter

Text = NDArray[np.str_]
Mask = NDArray[np.bool_]
_ARTICLE = TypeAdapter(Article)
Edits = Sequence[tuple[int, int, int]]  # start and end of the old words, and length of the new


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters of the sentence that has the number ``sentence`` in its article."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RowCitation:
    """A `MarkedCitation` of one row; all of the content lies in that row."""

    source: Mark | None
    cue: Mark | None
    content: tuple[Mark, ...]
    kind: records.SourceKind | None
    government: bool
    state_media: bool
    antecedent: Mark | None
    speaker: Speaker[Mark] | None = None


RowCitations = tuple[RowCitation, ...] | None  # None where not annotated


@dataclass(frozen=True)
class Examples:
    """Sentences with their labels, and with what may not be divided between parts."""

    sentences: tuple[Sentence, ...]  # n, article by article; ``article_id`` is ``"corpus/id"``
    labels: NDArray[np.float32]  # (n, k); NaN where not annotated; those of articles on each row
    signals: tuple[str, ...]  # the k columns, in taxonomy order
    spans: tuple[tuple[Span, ...], ...]  # clipped to each sentence, in offsets of the article
    citations: tuple[RowCitations, ...]
    corpus: Text
    article: Text
    outlet: Text  # empty where unknown
    group: Text  # never divided between parts
    part: Text  # one of `training.data.splits.PARTS`; empty before splitting

    def __len__(self) -> int:
        return len(self.sentences)

    @property
    def lang(self) -> Text:
        """The language of each row, ISO 639-1."""
        return np.array([one.lang or "en" for one in self.sentences], np.str_)

    def where(self, mask: Mask | NDArray[np.intp]) -> Examples:
        """Keep the rows of a boolean mask, or of an array of row numbers in its order."""
        rows = np.flatnonzero(mask) if mask.dtype == np.bool_ else mask
        changed: dict[str, Any] = {
            name: value[rows] if isinstance(value, np.ndarray) else tuple(value[r] for r in rows)
            for name, value in vars(self).items()
            if name != "signals"
        }
        return replace(self, **changed)

    def in_parts(self, articles: int) -> Iterator[Examples]:
        """Yield the rows of so many whole articles at a time."""
        starts = np.flatnonzero(np.r_[True, self.article[1:] != self.article[:-1]])
        for start, end in pairwise([*starts[::articles].tolist(), len(self)]):
            yield self.where(np.arange(start, end))

    def followed_by(self, other: Examples) -> Examples:
        """Append the rows of others, which have the same columns."""
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
            known = ", ".join(self.signals)
            raise SignalError(f"no loaded corpus labels '{signal}'; labelled: {known}")
        return self.labels[:, self.signals.index(signal)]


def build(
    root: Path | None,
    names: Sequence[str] | None = None,
    *,
    allow_changed: bool = False,
    registry: Registry | None = None,
    added: Iterable[tuple[Article, str]] = (),
) -> Examples:
    """Load corpora, the English ones if none is named, as one matrix.

    A `registry` adds quotations, names of outlets and citations, as for scoring, which is slow.
    Articles are `added` with their groups.
    """
    rows: list[_Row] = []
    for name in ENGLISH if names is None else names:
        rows += _of_corpus(name, load(name, root, allow_changed=allow_changed), registry)
    for article, group in added:
        rows += _of_article(ADDED, article, f"{ADDED}/{group}", registry)
    return _matrix(rows)


def of_articles(name: str, items: Iterable[Article], registry: Registry | None = None) -> Examples:
    """Return the matrix of articles of one corpus; each is a group if no corpus has that name."""
    return _matrix(list(_of_corpus(name, items, registry)))


def with_citations(
    rows: Examples, root: Path | None, names: Container[str], registry: Registry
) -> Examples:
    """Add what `build` finds with a registry to the sentences of the articles of these names."""
    sentences = list(rows.sentences)
    articles, first = np.unique(rows.article, return_index=True)
    start_of = dict(zip(articles.tolist(), first.tolist(), strict=True))
    for corpus in dict.fromkeys(rows.corpus.tolist()):
        for article in load(corpus, root):
            if (name := f"{corpus}/{article.id}") in names:
                found = _sentences(_unvoiced(replace(article, id=name)), registry)
                sentences[start_of[name] : start_of[name] + len(found)] = found
    return replace(rows, sentences=tuple(sentences))


# A sentence, its labels, spans and citations, its corpus, outlet and group.
_Row = tuple[Sentence, Mapping[str, float], tuple[Span, ...], RowCitations, str, str, str]


def _of_corpus(name: str, items: Iterable[Article], registry: Registry | None) -> Iterator[_Row]:
    card = CORPORA[name].card if name in CORPORA else None
    group, family = (card.group, card.family or name) if card else (by_article, name)
    for one in items:
        yield from _of_article(name, one, f"{family}/{group(one)}", registry)


def _of_article(name: str, article: Article, group: str, known: Registry | None) -> Iterator[_Row]:
    article = _unvoiced(replace(article, id=f"{name}/{article.id}"))
    sentences = _sentences(article, known)
    units = article.units or tuple(records.Unit(s.start, s.end) for s in sentences)
    told = name, article.outlet or "", group
    for number, (sentence, unit) in enumerate(zip(sentences, units, strict=True)):
        start, end = sentence.start, sentence.end
        spans = tuple(
            replace(one, start=max(one.start, start), end=min(one.end, end))
            for one in article.spans
            if one.start < end and start < one.end
        )
        citations = of_sentence(unit.citations, number, sentences)
        yield sentence, {**article.labels, **unit.labels}, spans, citations, *told


def _sentences(article: Article, registry: Registry | None) -> tuple[Sentence, ...]:
    """Split an article whose language, if it is known, is that of each of its sentences."""
    found = tuple(replace(one, lang=article.lang or one.lang) for one in split_sentences(article))
    return found if registry is None else cited(article, found, registry)


def _unvoiced(article: Article) -> Article:
    """Drop annotators' voices and republications, which are labels that no model may read."""
    if article.units is None:
        return article
    units = tuple(replace(unit, voice=None) for unit in article.units)
    return replace(article, units=units, republications=())


def _matrix(rows: Sequence[_Row]) -> Examples:
    sentences, given, spans, cited, *told = zip(*rows, strict=True) if rows else ((),) * 7
    signals = in_order({signal for labels in given for signal in labels})
    matrix = [[labels.get(signal, np.nan) for signal in signals] for labels in given]
    labels = np.array(matrix, np.float32).reshape(len(rows), len(signals))
    corpus, outlet, group = (np.array(one, np.str_) for one in told)
    article = np.array([sentence.article_id for sentence in sentences], np.str_)
    part = np.full(len(rows), "", dtype="<U13")
    return Examples(sentences, labels, signals, spans, cited, corpus, article, outlet, group, part)


def load(name: str, root: Path | None, *, allow_changed: bool = False) -> Iterator[Article]:
    """Load a corpus' articles with its card's labels, cached until files or reader change."""
    corpus = find_corpus(name)
    place = corpus.place(root)
    if place is None:
        raise CorpusError(f"corpus '{name}' is missing; pass --corpora DIR (see docs/corpora.md)")
    match corpus.state(root):
        case State.MISSING:
            what = f"is missing: {place} lacks {', '.join(corpus.lacks(place))}"
            how = f"obtain it from {corpus.card.url}{corpus.elsewhere}"
            raise CorpusError(f"corpus '{name}' {what}; {how}")
        case State.CHANGED if not allow_changed:
            what = f"corpus '{name}' in {place} is not the release that was pinned"
            how = "obtain it again, or pass --allow-changed to use it as it is"
            raise CorpusError(f"{what}; {how}")
    return (_ARTICLE.validate_json(row["article"]) for row in _dataset(corpus, place))


def _dataset(corpus: Corpus, place: Path) -> Iterable[Mapping[str, str]]:
    """Return the rows; without the training extra they are read each time."""
    version = f"{corpus.digest(place)}-{_code_digest(corpus)}"
    given = {"name": corpus.card.name, "place": str(place), "version": version}
    try:
        import datasets
        from datasets import utils
    except ImportError:
        return list(_rows(**given))
    bars = utils.is_progress_bar_enabled()
    utils.disable_progress_bars()
    try:
        features = datasets.Features({"article": datasets.Value("string")})
        rows: Any = datasets.Dataset.from_generator(_rows, features=features, gen_kwargs=given)
        return rows  # type: ignore[no-any-return]
    except datasets.exceptions.DatasetGenerationError as error:
        raise error.__cause__ or error from None
    finally:
        if bars:
            utils.enable_progress_bars()


def _code_digest(corpus: Corpus) -> str:
    """Digest the code that makes the rows, so that no cache outlives a change of it."""
    makers = (corpus.read, split_sentences, Card, Article, _rows)
    modules = [*(sys.modules[one.__module__] for one in makers), boundaries, languages, polnear]
    source = "".join(map(inspect.getsource, modules))
    source += Path(languages.__file__).with_suffix(".tsv").read_text(encoding="utf-8")
    source += f"{corpus.card.files}{corpus.card.signals}{TECHNIQUE_OF}"
    source += polnear.version() if corpus.read is polnear.read else ""
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _rows(name: str, place: str, version: str) -> Iterator[dict[str, str]]:
    """Yield the rows; ``version`` is only a part of the cache's key."""
    corpus = find_corpus(name)

    def labels(given: Mapping[str, float], *, whole: bool) -> dict[str, float]:
        listed = {signal: given[signal] for signal in given if signal in corpus.card.signals}
        return {s: v for s, v in listed.items() if (BY_NAME[s].level is Level.ARTICLE) is whole}

    for article in _read(corpus, Path(place)):
        units = article.units and tuple(
            replace(unit, labels=labels(unit.labels, whole=False)) for unit in article.units
        )
        # What an annotator or a page says of origin is neither text nor label.
        bare = replace(article, author=None, site_name=None, republications=(), imprint=None)
        bare = replace(bare, units=units, labels=labels(article.labels, whole=True), origin=None)
        yield {"article": _ARTICLE.dump_json(bare).decode()}


def _read(corpus: Corpus, place: Path) -> Iterator[Article]:
    try:
        yield from corpus.read(place)
    except Exception as error:  # whatever a damaged file leads to
        what = f"corpus '{corpus.card.name}' in {place} can't be read ({error}); obtain it again"
        raise error if isinstance(error, CorpusError) else CorpusError(what) from error


def of_sentence(
    marked: Sequence[records.MarkedCitation] | None, number: int, sentences: Sequence[Sentence]
) -> RowCitations:
    """Return the citations of the article's sentence of that number; None if not annotated."""
    if marked is None:
        return None
    anywhere = partial(_mark, sentences=sentences)
    here = partial(_mark, sentences=sentences[number : number + 1])
    return tuple(_marked(one, anywhere, here) for one in marked)


def _marked(one: Any, at: Callable[[Any], Any], own: Callable[[Any], Any]) -> RowCitation:
    """Return a citation with other marks; `own` marks what lies in its sentence."""
    marks = at(one.source), own(one.cue), tuple(filter(None, map(own, one.content)))
    told, speaker = (one.kind, one.government, one.state_media), one.speaker
    if speaker is not None:
        name = at(speaker.name)
        between = name is None and speaker.name is not None  # two sentences: in neither
        speaker = None if between else replace(speaker, name=name)
    return RowCitation(*marks, *told, at(one.antecedent), speaker)


def _mark(place: Place | None, sentences: Sequence[Sentence]) -> Mark | None:
    if place is None:
        return None
    parts = ((s, max(place.start, s.start), min(place.end, s.end)) for s in sentences)
    sentence, start, end = max(parts, key=lambda one: one[2] - one[1])
    if start >= end:
        return None
    return Mark(sentence.index, start - sentence.start, end - sentence.start)


def moved(citations: RowCitations, edits: Mapping[int, Edits]) -> RowCitations:
    """Move a row's citations with the words they mark; `edits` are by number of the sentence."""
    if not citations or not edits:
        return citations

    def follow(mark: Mark | None) -> Mark | None:
        if mark is None:
            return None
        return Mark(mark.sentence, *shifted(mark.start, mark.end, edits.get(mark.sentence, ())))

    return tuple(_marked(one, follow, follow) for one in citations)


def rewrite(sentence: Sentence, found: Sequence[tuple[int, int, str]]) -> tuple[Sentence, Edits]:
    """Write other words at ranges of a sentence, given in order; quotations move with theirs."""
    text, pieces, done = sentence.text, list[str](), 0
    for start, end, words in found:
        pieces += [text[done:start], words]
        done = end
    edits = [(start, end, len(words)) for start, end, words in found]
    quoted = tuple(shifted(start, end, edits) for start, end in sentence.quoted)
    written = "".join([*pieces, text[done:]])
    return replace(sentence, text=written, mentions=None, quoted=quoted), edits


def shifted(start: int, end: int, edits: Edits) -> tuple[int, int]:
    """Return where a range of the old text is in the new; it grows over words cut by an edit."""

    def place(old: int, *, last: bool) -> int:
        shift = 0
        for begin, stop, length in edits:
            if old >= stop:
                shift += length - (stop - begin)
            elif old > begin:
                return begin + shift + (length if last else 0)
            else:
                break
        return old + shift

    return place(start, last=False), place(end, last=True)
