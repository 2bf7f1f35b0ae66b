"""The rows of a training run: which corpora, a user's own files, and how they are split.

Articles without labels, for a teacher to label, come near nothing models are judged by: left out
are articles of any outlet that a test or unseen part has a row of in the same language, articles
that are nearly the same as a held-out one, and sentences that are nearly the same as one.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.bundles import digest, text_digest
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import read_input, split_sentences
from framescope.classifier.outlets import Registry, addresses, fold_name, load_registry, look_up
from framescope.classifier.records import Article
from framescope.classifier.taxonomy import in_order
from framescope.training.corpora import ADDED, CORPORA, ENGLISH, KNOWN, POLNEAR, find_corpus
from framescope.training.corpora.articles import read_exchange
from framescope.training.corpora.standoff import ALLSIDES_FILE, articles_folder, read_allsides
from framescope.training.data import splits, swaps
from framescope.training.data.examples import Examples, build, load, of_articles


@dataclass(frozen=True)
class Added:
    """Articles of a user's own files, which are added to a recipe's corpora."""

    articles: tuple[Article, ...]  # with ids that are unique among them
    files: Mapping[str, int]  # the number of the file, by those ids
    digests: Mapping[str, str]  # SHA-256 of each file, by its path as it was given

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Added:
        """Read files in the exchange format; raise `CorpusError` where one can't be used."""
        articles: list[Article] = []
        files: dict[str, int] = {}
        given: dict[str, Path] = {}
        for number, path in enumerate(paths):
            if not path.is_file():
                raise CorpusError(f"{path}: no such file; give a JSONL file in the exchange format")
            if (known := digest(path)) in given:
                raise CorpusError(f"{path}: the same as {given[known]}; add it once")
            given[known] = path
            for article in _labelled(path):
                # Two files may know different articles by one id, which says nothing of either.
                names = chain([article.id], (f"{article.id}#{n}" for n in count(2)))
                name = next(name for name in names if name not in files)
                files[name] = number
                articles.append(replace(article, id=name))
        return cls(tuple(articles), files, {str(path): known for known, path in given.items()})

    def grouped(self) -> Iterator[tuple[Article, str]]:
        """Yield each article with its group: its text, so that no name decides on its part."""
        for article in self.articles:
            yield article, hashlib.sha256(article.text.encode()).hexdigest()[:24]

    @property
    def digest(self) -> str:
        """SHA-256 over the files, whatever their names and order."""
        return hashlib.sha256("\n".join(sorted(self.digests.values())).encode()).hexdigest()


def _labelled(path: Path) -> list[Article]:
    articles = list(read_exchange(path))
    name, times = next(iter(Counter(one.id for one in articles).most_common(1)), ("", 0))
    if times > 1:
        raise CorpusError(f"{path}: two articles have the id '{name}'; make ids unique")
    if not any(one.labels or any(unit.labels for unit in one.units or ()) for one in articles):
        what = "labels no sentence and no article"
        raise CorpusError(f"{path}: {what}; give labels as docs/exchange-format.md describes them")
    return articles


@dataclass(frozen=True)
class Data:
    """The rows of a run, and what identifies them."""

    examples: Examples  # all rows, with their parts
    corpora: tuple[str, ...]  # those in it, in the catalogue's order
    seed: int
    signature: str  # of the split of all corpora, whichever of them the run uses
    held_out: Mapping[str, str] = field(default_factory=dict)  # see `Split.held_out`
    digests: Mapping[str, str] = field(default_factory=dict)  # of each corpus' files
    outlets: Registry | None = None  # whose names models read as placeholders, if any
    # SHA-256 of each file of the corpus ``added``, by its path as it was given
    added: Mapping[str, str] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()  # see `digests_of`

    def part(self, name: str) -> Examples:
        """Return the rows of one part."""
        return self.examples.where(self.examples.part == name)

    def split_record(self) -> dict[str, Any]:
        """Return what identifies the split, for a manifest."""
        return {"seed": self.seed, "signature": self.signature, "held_out": dict(self.held_out)}


def load_data(
    root: Path | None,
    names: Sequence[str] | None,
    seed: int,
    *,
    corpora: Sequence[str] = ENGLISH,
    shares: Mapping[str, float] | None = None,
    signals: Sequence[str] | None = None,
    allow_changed: bool = False,
    added: Sequence[Path] = (),
) -> Data:
    """Load the corpora, split them, and swap names in the parts that are learned from.

    All `corpora`, those of the recipe, are split together whichever of them `names` chooses, so
    that bundles trained on one or on many are judged on the same rows. Only with nothing but the
    user's own files (``exchange``, or ``added``) are the others not needed.

    `shares` of a corpus' training articles are learned from: smaller ones are parts of larger ones,
    and what is held out stays the same. Files `added` are learned from whatever `names` says; the
    signature is that of the other rows.
    """
    wanted = [find_corpus(name).card.name for name in names or ()]
    mine = Added.read(added)
    of_recipe = [find_corpus(name).card.name for name in corpora]
    for name in wanted:
        if name == ADDED and not added:
            raise CorpusError(f"corpus '{ADDED}' is what you add; give files with --add FILE")
        if name in KNOWN and name not in of_recipe:
            has = ", ".join(of_recipe)
            raise CorpusError(f"corpus '{name}' is not of the recipe; it has: {has}")
    own = [name for name in wanted if name not in (*KNOWN, ADDED)]
    together = own if wanted and set(wanted) <= {*own, ADDED} else [*of_recipe, *own]
    # A corpus has the parts of those whose groups it shares, which are read for that alone.
    shared = {find_corpus(name).card.family for name in together} - {None, *together}
    # In the order in which parts are drawn.
    loaded = [name for name in CORPORA if name in {*together, *shared}]
    outlets = load_registry()
    built = build(root, loaded, allow_changed=allow_changed, registry=outlets, added=mine.grouped())
    split, signature = _split(built, mine, seed)
    examples = split.examples
    if root is not None and swaps.SIGNAL in examples.signals and POLNEAR.name in loaded:
        swap = swaps.Swap(outlets, swaps.behind(root, outlets), seed)
        examples = swap.apply(examples, (splits.TRAIN, splits.VALIDATION))
    for lang in sorted(set(examples.lang.tolist())):
        examples = swaps.Counterfactuals.of(seed, lang).apply(examples, splits.TRAIN)
    if wanted or shared:
        chosen = [*(wanted or together), ADDED]
        examples = examples.where(np.isin(examples.corpus, chosen)).labelled()
    for name, share in (shares or {}).items():
        rows = (examples.corpus == find_corpus(name).card.name) & (examples.part == splits.TRAIN)
        articles = splits.ordered(set(examples.article[rows].tolist()), f"share|{seed}")
        spared = np.isin(examples.article, articles[round(share * len(articles)) :])
        examples = examples.where(~(rows & spared))
    if signals:
        columns = [examples.column(signal) for signal in in_order(signals)]
        examples = replace(examples, labels=np.stack(columns, axis=1), signals=in_order(signals))
        examples = examples.where(np.flatnonzero(~np.isnan(examples.labels).all(axis=1)))
    present = set(examples.corpus.tolist())
    found = tuple(name for name in (*CORPORA, ADDED) if name in present)
    places = {name: find_corpus(name).place(root) for name in found}
    digests = {name: find_corpus(name).digest(place) for name, place in places.items() if place}
    digests |= {ADDED: mine.digest} if added else {}
    known = digests, outlets, mine.digests, digests_of(examples, root, mine.articles)
    return Data(examples, found, seed, signature, split.held_out, *known)


def digests_of(rows: Examples, root: Path | None, added: Iterable[Article] = ()) -> frozenset[int]:
    """Return the digests of texts that are learned from or calibrated on, before any swap."""
    used = np.isin(rows.part, (splits.TRAIN, splits.VALIDATION))
    names, corpora = set(rows.article[used].tolist()), dict.fromkeys(rows.corpus[used].tolist())
    return frozenset(
        text_digest(one.text)
        for name in corpora
        for one in (added if name == ADDED else load(name, root, allow_changed=True))
        if f"{name}/{one.id}" in names
    )


def _split(built: Examples, mine: Added, seed: int) -> tuple[splits.Split, str]:
    """Split the corpora and, beside them, added rows; return the corpora's own signature too."""
    added = built.corpus == ADDED
    split = splits.assign(built.where(~added), seed)
    if not added.any():
        return split, split.signature
    rows = built.where(added)
    file_of = [mine.files[name.removeprefix(f"{ADDED}/")] for name in rows.article.tolist()]
    placed = splits.assign_beside(split, rows, np.array(file_of, np.intp), seed)
    both = replace(split, examples=split.examples.followed_by(placed))
    return both, (both if added.all() else split).signature


UNLABELLED = "unlabelled"  # the corpus of such rows
_TEXTS = "give them as texts in the recipe's [teacher], or with --corpora DIR"
_JUDGED = (splits.TEST, splits.UNSEEN)
_Keys = Callable[[str | None, str | None], set[str]]
_ORDINARY_SENTENCES = 20_000


@dataclass(frozen=True)
class Unlabelled:
    """Rows to be labelled, in the columns of the data, and the number of those left out."""

    examples: Examples
    of_outlets: int  # articles of an outlet that is tested on
    alike: int  # articles nearly the same as a held-out one
    repeated: int  # sentences


def choose(data: Data, texts: Sequence[Path], root: Path | None, sentences: int) -> Unlabelled:
    """Choose whole articles for a teacher, in a random order, until they have so many sentences."""
    spoken = {one for name in data.corpora for one in find_corpus(name).card.language.split()}
    found = _chosen(data, _read(texts, root, spoken), sentences)
    if not len(found.examples):
        raise CorpusError(f"no articles to label, of outlets that nothing is tested on; {_TEXTS}")
    return found


def ordinary(data: Data, root: Path | None) -> Examples | None:
    """Return articles of outlets known for wire copy or service: these aren't partisan."""
    folder = None if root is None else articles_folder(root)
    if data.outlets is None or folder is None or not (folder / ALLSIDES_FILE).is_file():
        return None
    plain = (one for one in read_allsides(folder) if one.outlet in splits.ORDINARY_OUTLETS)
    return _chosen(data, plain, _ORDINARY_SENTENCES).examples


def _chosen(data: Data, articles: Iterable[Article], sentences: int) -> Unlabelled:
    registry = data.outlets
    if registry is None:
        raise CorpusError("text without labels needs the registry, to know what is kept back")
    found, keys_of = {one.id: one for one in articles}, _keys_of(registry)
    taken = _tested(data.examples, found, keys_of)
    free = [a for a in found.values() if taken[a.lang or "en"].isdisjoint(keys_of(a.outlet, a.url))]
    held = data.examples.where(np.isin(data.examples.part, (*_JUDGED, splits.VALIDATION)))
    texts = splits.article_texts(held)
    every = (*texts.values(), *(one.text for one in free))
    alike = {later for _, later in splits.similar_articles(every)}
    fresh = [one for at, one in enumerate(free, len(texts)) if at not in alike]
    order = sorted(fresh, key=lambda one: hashlib.sha256(f"{data.seed}|{one.id}".encode()).digest())
    chosen = of_articles(UNLABELLED, _first(order, sentences), registry)
    pairs, n = splits.similar_rows((*held.sentences, *chosen.sentences)), len(held)
    rows = chosen.where(~np.isin(np.arange(len(chosen)) + n, pairs[pairs[:, 0] < n, 1]))
    labels = np.full((len(rows), len(data.examples.signals)), np.nan, np.float32)
    examples = replace(
        rows, labels=labels, signals=data.examples.signals, spans=((),) * len(rows),
        citations=(None,) * len(rows), part=np.full(len(rows), splits.TRAIN, dtype="<U13"),
    )  # fmt: skip
    of_outlets, near = len(found) - len(free), len(free) - len(fresh)
    return Unlabelled(examples, of_outlets, near, len(chosen) - len(rows))


def _read(texts: Sequence[Path], root: Path | None, spoken: Collection[str]) -> Iterator[Article]:
    if not texts:
        if root is None:
            raise CorpusError(f"no articles without labels; {_TEXTS}")
        yield from read_allsides(articles_folder(root))
    for path in texts:
        for found in read_input(str(path)):
            if isinstance(found, Article) and found.lang in (None, *spoken):
                yield replace(found, id=f"{path.name}/{found.id}")


def _tested(rows: Examples, known: Mapping[str, Article], keys_of: _Keys) -> Mapping[str, set[str]]:
    """Return, by language, the keys of all outlets that a test or unseen part has a row of."""
    rows, tested = rows.where(np.isin(rows.part, _JUDGED)), defaultdict[str, set[str]](set)
    columns = rows.lang, rows.outlet, rows.article
    for lang, outlet, name in set(zip(*(one.tolist() for one in columns), strict=True)):
        tested[lang] |= keys_of(outlet or None, None)
        # A collection writes an outlet in several ways; the address of an article is the same.
        if (labelled := known.get(name.rpartition("/")[2])) is not None:
            tested[lang] |= keys_of(labelled.outlet, labelled.url)
    return tested


def _keys_of(registry: Registry) -> _Keys:
    """Return a function: all that an outlet of a name and an address can be told by."""

    @cache
    def of_query(query: str) -> set[str]:
        host, named = addresses.host_in(query), look_up(registry, query).outlets
        keys = {f"host {addresses.registrable_host(host) or host}"} if host is not None else set()
        if len(named) == 1:
            keys.add(f"id {named[0].id}")
            hosts = (domain.host for domain in named[0].domains)
            keys |= {f"host {addresses.registrable_host(one) or one}" for one in hosts}
        return keys

    def keys_of(name: str | None, url: str | None) -> set[str]:
        # Some corpora write outlets as parts of an address: huff-post.
        queries = filter(None, (name, name and name.replace("-", " "), url))
        return set().union(*map(of_query, queries), {f"name {fold_name(name)}"} if name else ())

    return keys_of


def _first(order: Sequence[Article], sentences: int) -> Iterator[Article]:
    """Yield articles until they hold so many sentences, of each language about as many."""
    waiting: dict[str | None, list[Article]] = defaultdict(list)
    for one in reversed(order):
        waiting[one.lang].append(one)
    held = dict.fromkeys(waiting, 0)
    while waiting and sum(held.values()) < sentences:
        lang = min(waiting, key=held.__getitem__)
        yield (one := waiting[lang].pop())
        held[lang] += len(split_sentences(one))
        if not waiting[lang]:
            del waiting[lang]
