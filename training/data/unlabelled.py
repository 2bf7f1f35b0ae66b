"""Articles without labels, for a teacher to label, that come near nothing models are judged by.

Left out are articles of any outlet that a test or unseen part has a row of, articles that are
nearly the same as a held-out one, and sentences that are nearly the same as a held-out one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import read_input, split_sentences
from framescope.classifier.outlets import fold_name, host_in, look_up, registrable_host
from framescope.classifier.records import Article
from framescope.training.corpora import ALLSIDES_FILE, articles_folder, read_allsides
from framescope.training.data.duplicates import (
    ARTICLE_THRESHOLD,
    ARTICLE_WORDS,
    SENTENCE_THRESHOLD,
    SENTENCE_WORDS,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.data.examples import Examples, Mask, of_articles
from framescope.training.data.mixture import Data
from framescope.training.data.splits import ORDINARY_OUTLETS, TEST, TRAIN, UNSEEN, VALIDATION

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

UNLABELLED = "unlabelled"
"""The corpus that such rows are of, and the first part of their articles' names."""

_JUDGED = (TEST, UNSEEN)
_LANGUAGE = "en"
_Keys = Callable[[str | None, str | None], set[str]]
_ORDINARY_SENTENCES = 20_000


@dataclass(frozen=True)
class Unlabelled:
    """Rows to be labelled, in the columns of the data, and the number of those left out.

    `of_outlets` articles are of an outlet that is tested on, `alike` articles and `repeated`
    sentences nearly the same as a held-out one.
    """

    examples: Examples
    of_outlets: int
    alike: int
    repeated: int


def choose(data: Data, texts: Sequence[Path], root: Path | None, sentences: int) -> Unlabelled:
    """Choose articles for a teacher to label.

    They come from files of any kind that is scored, or from the collection beside the corpora.
    Whole articles are taken, in an order drawn by the data's seed, until they have so many
    sentences. Raise `CorpusError` if there is no text, or none that may be learned from.
    """
    found = _chosen(data, _articles(texts, root), sentences)
    if not len(found.examples):
        raise CorpusError(
            "no articles to be labelled by a teacher, of outlets that nothing is tested on; "
            "give some with --text FILE"
        )
    return found


def ordinary(data: Data, root: Path | None) -> Examples | None:
    """Return articles whose outlets are known for wire copy, reports, surveys or service.

    They stand for articles that aren't partisan. None without the collection or a registry.
    """
    if root is None or data.outlets is None:
        return None
    folder = articles_folder(root)
    if not (folder / ALLSIDES_FILE).is_file():
        return None
    plain = (one for one in read_allsides(folder) if one.outlet in ORDINARY_OUTLETS)
    return _chosen(data, plain, _ORDINARY_SENTENCES).examples


def _chosen(data: Data, articles: Iterable[Article], sentences: int) -> Unlabelled:
    registry = data.outlets
    if registry is None:
        raise CorpusError("text without labels needs the registry, to know what is kept back")
    found = {one.id: one for one in articles}
    keys_of = _keys_of(registry)
    tested = _tested(data.examples, found, keys_of)
    allowed = [one for one in found.values() if tested.isdisjoint(keys_of(one.outlet, one.url))]
    held = data.examples.where(np.isin(data.examples.part, (*_JUDGED, VALIDATION)))
    fresh = _fresh(allowed, held)
    order = sorted(fresh, key=lambda one: hashlib.sha256(f"{data.seed}|{one.id}".encode()).digest())
    chosen = of_articles(UNLABELLED, _first(order, sentences), registry)
    rows = chosen.where(_unlike(chosen, held))
    examples = replace(
        rows,
        labels=np.full((len(rows), len(data.examples.signals)), np.nan, np.float32),
        signals=data.examples.signals,
        part=np.full(len(rows), TRAIN, dtype="<U13"),
        spans=((),) * len(rows),
        citations=(None,) * len(rows),
    )
    return Unlabelled(
        examples, len(found) - len(allowed), len(allowed) - len(fresh), len(chosen) - len(rows)
    )


def _articles(texts: Sequence[Path], root: Path | None) -> Iterator[Article]:
    if not texts:
        if root is None:
            raise CorpusError("no articles for a teacher to label; give some with --text FILE")
        yield from read_allsides(articles_folder(root))
    for path in texts:
        for found in read_input(str(path)):
            if isinstance(found, Article) and found.lang in (None, _LANGUAGE):
                yield replace(found, id=f"{path.name}/{found.id}")


def _tested(examples: Examples, articles: Mapping[str, Article], keys_of: _Keys) -> set[str]:
    """Return the keys of all outlets that a test or unseen part has a row of."""
    rows = np.isin(examples.part, _JUDGED)
    outlets: set[tuple[str | None, str | None]] = {
        (name, None) for name in examples.outlet[rows].tolist() if name
    }
    # A collection writes an outlet in several ways; the address of an article is the same.
    for name in set(examples.article[rows].tolist()):
        if labelled := articles.get(name.rpartition("/")[2]):
            outlets.add((labelled.outlet, labelled.url))
    return set().union(*(keys_of(*one) for one in outlets))


def _keys_of(registry: Registry) -> _Keys:
    """Return a function: all that an outlet of a name and an address can be told by."""

    @cache
    def of_query(query: str) -> set[str]:
        host, named = host_in(query), look_up(registry, query).outlets
        keys = {f"host {registrable_host(host) or host}"} if host is not None else set()
        if len(named) == 1:
            keys.add(f"id {named[0].id}")
            keys |= {f"host {registrable_host(one.host) or one.host}" for one in named[0].domains}
        return keys

    def keys_of(name: str | None, url: str | None) -> set[str]:
        # Some corpora write outlets as parts of an address: huff-post.
        queries = filter(None, (name, name and name.replace("-", " "), url))
        return set().union(*map(of_query, queries), {f"name {fold_name(name)}"} if name else ())

    return keys_of


def _fresh(articles: Sequence[Article], held: Examples) -> list[Article]:
    """Drop articles that are nearly the same as a held-out one, or as one before."""
    texts: dict[str, list[str]] = defaultdict(list)
    for sentence in held.sentences:
        texts[sentence.article_id].append(sentence.text)
    every = [*(" ".join(lines) for lines in texts.values()), *(one.text for one in articles)]
    sets = [shingles(text, ARTICLE_WORDS) for text in every]
    alike = {later for _, later in similar_pairs(sets, ARTICLE_THRESHOLD)}
    return [one for at, one in enumerate(articles, len(texts)) if at not in alike]


def _first(order: Iterable[Article], sentences: int) -> Iterator[Article]:
    """Yield articles until they hold so many sentences."""
    total = 0
    for article in order:
        if total >= sentences:
            return
        total += len(split_sentences(article))
        yield article


def _unlike(rows: Examples, held: Examples) -> Mask:
    """Mark the rows that are not nearly the same as a held-out one."""
    texts = [s.text for part in (held, rows) for s in part.sentences]
    n = len(held)
    pairs = similar_pairs([shingles(text, SENTENCE_WORDS) for text in texts], SENTENCE_THRESHOLD)
    alike = {later for first, later in pairs if first < n <= later}
    for places in same_words(texts):
        if places[0] < n:
            alike.update(place for place in places if place >= n)
    unlike = np.ones(len(rows), np.bool_)
    unlike[[place - n for place in alike]] = False
    return unlike
