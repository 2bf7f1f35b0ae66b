"""Articles without labels, for a teacher to label: none of what models are judged by.

Left out are articles of any outlet that a test or unseen part has a row of, articles that are
nearly the same as one that is kept back, and sentences that are nearly the same as one of those.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
from framescope.training.data.examples import Examples, of_articles
from framescope.training.data.mixture import Data
from framescope.training.data.splits import ORDINARY_OUTLETS, TEST, TRAIN, UNSEEN, VALIDATION
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

UNLABELLED = "unlabelled"
"""The corpus that such rows are of, and the first part of their articles' names."""

_JUDGED = (TEST, UNSEEN)
_KEPT_BACK = (*_JUDGED, VALIDATION)
_LANGUAGE = "en"
_ORDINARY_SENTENCES = 20_000


@dataclass(frozen=True)
class Unlabelled:
    """Rows to be labelled, all of the training part, and what was left out on the way.

    Attributes
    ----------
    examples : Examples
        Without a label: all NaN, in the columns of the data.
    of_outlets, alike : int
        Articles left out, as an outlet of theirs is tested on, or they are nearly the same as one
        that is kept back.
    repeated : int
        Sentences left out, as they are nearly the same as one that is kept back.
    """

    examples: Examples
    of_outlets: int
    alike: int
    repeated: int


def choose(data: Data, texts: Sequence[Path], root: Path | None, sentences: int) -> Unlabelled:
    """Choose articles to be labelled by a teacher.

    Parameters
    ----------
    data : Data
        Whose held-out rows nothing may come near.
    texts : sequence of pathlib.Path
        Files of articles, of any kind that is scored; none: the collection of articles beside the
        corpora.
    root : pathlib.Path or None
        The folder of corpora, beside which that collection lies.
    sentences : int
        Whole articles are taken, in an order drawn by the data's seed, until there are so many
        sentences; all, when there are fewer.

    Raises
    ------
    CorpusError
        When there is no text, or none that may be learned from.
    """
    found = _chosen(data, _articles(texts, root), sentences)
    if not len(found.examples):
        raise CorpusError(
            "no articles to be labelled by a teacher, of outlets that nothing is tested on; "
            "give some with --text FILE"
        )
    return found


def ordinary(data: Data, root: Path | None) -> Examples | None:
    """Take articles for ordinary ones, by their outlet: none of them is called partisan.

    Wire copy, reports, surveys and service. None where the collection of articles isn't here, or
    the registry isn't known.
    """
    if root is None or data.outlets is None:
        return None
    folder = articles_folder(root)
    if not (folder / ALLSIDES_FILE).is_file():
        return None
    plain = (one for one in read_allsides(folder) if one.outlet in ORDINARY_OUTLETS)
    return _chosen(data, plain, _ORDINARY_SENTENCES).examples


def _chosen(data: Data, articles: Iterable[Article], sentences: int) -> Unlabelled:
    """Choose among articles what comes near to nothing that is kept back."""
    registry = data.outlets
    if registry is None:
        raise CorpusError("text without labels needs the registry, to know what is kept back")
    found = {one.id: one for one in articles}
    judged = _Outlets.tested(data.examples, found, registry)
    allowed = [one for one in found.values() if not judged.hold(one)]
    held = data.examples.where(np.isin(data.examples.part, _KEPT_BACK))
    fresh = _fresh(allowed, held)
    order = sorted(fresh, key=lambda one: hashlib.sha256(f"{data.seed}|{one.id}".encode()).digest())
    chosen = of_articles(UNLABELLED, _first(order, sentences), registry)
    rows = chosen.where(_unlike(chosen, held))
    width = len(data.examples.signals)
    examples = replace(
        rows,
        labels=np.full((len(rows), width), np.nan, np.float32),
        signals=data.examples.signals,
        part=np.full(len(rows), TRAIN, dtype="<U13"),
        spans=((),) * len(rows),
        citations=(None,) * len(rows),
    )
    return Unlabelled(
        examples, len(found) - len(allowed), len(allowed) - len(fresh), len(chosen) - len(rows)
    )


def _articles(texts: Sequence[Path], root: Path | None) -> Iterator[Article]:
    """Read the user's files, else the collection beside the corpora."""
    if not texts:
        if root is None:
            raise CorpusError("no articles for a teacher to label; give some with --text FILE")
        yield from read_allsides(articles_folder(root))
    for path in texts:
        for found in read_input(str(path)):
            if isinstance(found, Article) and found.lang in (None, _LANGUAGE):
                yield replace(found, id=f"{path.name}/{found.id}")


@dataclass(frozen=True)
class _Outlets:
    """Outlets by every key they can be told by: folded names, hosts, ids of the registry."""

    keys: Collection[str]
    registry: Registry

    @classmethod
    def tested(
        cls, examples: Examples, articles: dict[str, Article], registry: Registry
    ) -> _Outlets:
        """Gather the outlets that a test or unseen part has a row of."""
        rows = np.isin(examples.part, _JUDGED)
        keys: set[str] = set()
        for name in set(examples.outlet[rows].tolist()) - {""}:
            keys |= _keys(name, None, registry)
        # A collection writes an outlet in several ways; the address of an article is the same.
        for name in set(examples.article[rows].tolist()):
            labelled = articles.get(name.rpartition("/")[2])
            if labelled is not None:
                keys |= _keys(labelled.outlet, labelled.url, registry)
        return cls(keys, registry)

    def hold(self, article: Article) -> bool:
        """Return True if an article is of one of them."""
        return not _keys(article.outlet, article.url, self.registry).isdisjoint(self.keys)


def _keys(name: str | None, url: str | None, registry: Registry) -> set[str]:
    """Return all that an outlet can be told by."""
    keys = {f"name {fold_name(name)}"} if name else set()
    # Some corpora write outlets as parts of an address: huff-post.
    for query in filter(None, (name, name and name.replace("-", " "), url)):
        if (host := host_in(query)) is not None:
            keys.add(f"host {registrable_host(host) or host}")
        named = look_up(registry, query).outlets
        if len(named) == 1:
            outlet = named[0]
            keys.add(f"id {outlet.id}")
            keys |= {f"host {registrable_host(one.host) or one.host}" for one in outlet.domains}
    return keys


def _fresh(articles: Sequence[Article], held: Examples) -> list[Article]:
    """Drop articles that are nearly the same as one that is kept back, or as one before."""
    texts: dict[str, list[str]] = defaultdict(list)
    for sentence in held.sentences:
        texts[sentence.article_id].append(sentence.text)
    before = [shingles(" ".join(lines), ARTICLE_WORDS) for lines in texts.values()]
    sets = [*before, *(shingles(one.text, ARTICLE_WORDS) for one in articles)]
    alike = {later for _, later in similar_pairs(sets, ARTICLE_THRESHOLD) if later >= len(before)}
    return [one for at, one in enumerate(articles, len(before)) if at not in alike]


def _first(order: Iterable[Article], sentences: int) -> Iterator[Article]:
    """Return articles, in order, until they hold so many sentences."""
    total = 0
    for article in order:
        if total >= sentences:
            return
        total += len(split_sentences(article))
        yield article


def _unlike(rows: Examples, held: Examples) -> NDArray[np.bool_]:
    """Mark the rows that are not nearly the same as one that is kept back."""
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
