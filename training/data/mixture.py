"""The rows of a training run: which corpora, a user's own files, and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.bundles import digest
from framescope.classifier.errors import CorpusError
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article
from framescope.classifier.taxonomy import in_order
from framescope.training.corpora import (
    ADDED,
    CORPORA,
    KNOWN,
    POLNEAR,
    find_corpus,
    read_exchange,
)
from framescope.training.data import swaps
from framescope.training.data.examples import Examples, Mask, build
from framescope.training.data.splits import TRAIN, VALIDATION, Split, assign, assign_beside

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry


@dataclass(frozen=True)
class Added:
    """Articles of a user's own files, which are added to a recipe's corpora."""

    articles: tuple[Article, ...]  # with ids that are unique among them
    files: Mapping[str, int]  # the number of the file, by those ids
    digests: Mapping[str, str]  # SHA-256 of each file, by its path as it was given

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Added:
        """Read files in the exchange format.

        Raise `CorpusError` if a file is missing, is given twice, labels nothing, holds an id twice
        or has a line that can't be read, `InputError` if it is empty or one JSON document.
        """
        articles: list[Article] = []
        files: dict[str, int] = {}
        given: dict[str, Path] = {}
        for number, path in enumerate(paths):
            if not path.is_file():
                raise CorpusError(f"{path}: no such file; give a JSONL file in the exchange format")
            known = digest(path)
            if known in given:
                raise CorpusError(f"{path}: the same as {given[known]}; add it once")
            given[known] = path
            for article in _labelled(path):
                # Two files may know different articles by one id, which says nothing of either.
                name, times = article.id, 1
                while name in files:
                    times += 1
                    name = f"{article.id}#{times}"
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
    """Read one file, which must label something."""
    articles = list(read_exchange(path))
    seen: set[str] = set()
    for article in articles:
        if article.id in seen:
            raise CorpusError(f"{path}: two articles have the id '{article.id}'; make ids unique")
        seen.add(article.id)
    if not any(one.labels or any(unit.labels for unit in one.units or ()) for one in articles):
        raise CorpusError(
            f"{path}: labels no sentence and no article; give labels as docs/exchange-format.md "
            "describes them"
        )
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

    def part(self, name: str) -> Examples:
        """Return the rows of one part."""
        return self.examples.where(self.examples.part == name)


def load_data(
    root: Path | None,
    names: Sequence[str] | None,
    seed: int,
    *,
    corpora: Sequence[str] = KNOWN,
    shares: Mapping[str, float] | None = None,
    signals: Sequence[str] | None = None,
    allow_changed: bool = False,
    added: Sequence[Path] = (),
) -> Data:
    """Load the corpora, split them, and swap names in the parts that are learned from.

    All `corpora`, those of the recipe, are split together whichever of them `names` chooses, so
    that bundles trained on one or on many are judged on the same rows. Only with nothing but the
    user's own files (``exchange``, or ``added``) are the others not needed.

    Parameters
    ----------
    shares : mapping of str to float, optional
        The share of a corpus' training articles to learn from. Smaller shares are parts of larger
        ones, and what is held out stays the same.
    signals : sequence of str, optional
        Those to learn; rows that none of them labels are left out.
    allow_changed : bool
        Take files other than those the corpora's cards pin.
    added : sequence of pathlib.Path
        The user's own files, learned from whatever `names` says, see
        `training.data.splits.assign_beside`. The signature is that of the other rows.

    Raises
    ------
    CorpusError
        When a corpus is unknown, not of the recipe, missing or changed, or an added file can't be
        read.
    SignalError
        When the corpora don't label a signal.
    """
    wanted = [find_corpus(name).card.name for name in names or ()]
    mine = Added.read(added)
    of_recipe = [find_corpus(name).card.name for name in corpora]
    for name in wanted:
        if name == ADDED and not added:
            raise CorpusError(f"corpus '{ADDED}' is what you add; give files with --add FILE")
        if name in KNOWN and name not in of_recipe:
            raise CorpusError(
                f"corpus '{name}' is not of the recipe; it has: {', '.join(of_recipe)}"
            )
    own = [name for name in wanted if name not in KNOWN and name != ADDED]
    together = own if wanted and set(wanted) <= {*own, ADDED} else [*of_recipe, *own]
    loaded = [name for name in CORPORA if name in together]  # the order in which parts are drawn
    outlets = load_registry()
    built = build(root, loaded, allow_changed=allow_changed, registry=outlets, added=mine.grouped())
    split, signature = _split(built, mine, seed)
    examples = split.examples
    if root is not None and swaps.SIGNAL in examples.signals and POLNEAR.name in loaded:
        swap = swaps.Swap(outlets, swaps.behind(root, outlets), seed)
        examples = swap.apply(examples, (TRAIN, VALIDATION))
    examples = swaps.Counterfactuals.of(seed).apply(examples, TRAIN)
    if wanted:
        examples = examples.where(np.isin(examples.corpus, [*wanted, ADDED])).labelled()
    for name, share in (shares or {}).items():
        examples = examples.where(~_spared(examples, find_corpus(name).card.name, share, seed))
    if signals:
        columns = [examples.column(signal) for signal in in_order(signals)]
        examples = replace(examples, labels=np.stack(columns, axis=1), signals=in_order(signals))
        examples = examples.where(np.flatnonzero(~np.isnan(examples.labels).all(axis=1)))
    present = set(examples.corpus.tolist())
    found = tuple(name for name in (*CORPORA, ADDED) if name in present)
    places = {name: find_corpus(name).place(root) for name in found}
    digests = {name: find_corpus(name).digest(place) for name, place in places.items() if place}
    if added:
        digests[ADDED] = mine.digest
    return Data(examples, found, seed, signature, split.held_out, digests, outlets, mine.digests)


def _split(built: Examples, mine: Added, seed: int) -> tuple[Split, str]:
    """Split the corpora and, beside them, added rows; return the corpora's own signature too."""
    added = built.corpus == ADDED
    split = assign(built.where(~added), seed)
    if not added.any():
        return split, split.signature
    rows = built.where(added)
    file_of = [mine.files[name.removeprefix(f"{ADDED}/")] for name in rows.article.tolist()]
    placed = assign_beside(split, rows, np.array(file_of, np.intp), seed)
    both = replace(split, examples=split.examples.followed_by(placed))
    return both, (both if added.all() else split).signature


def _spared(examples: Examples, corpus: str, share: float, seed: int) -> Mask:
    """Mark the training rows of a corpus that are not learned from: whole articles."""
    rows = (examples.corpus == corpus) & (examples.part == TRAIN)
    articles = sorted(
        set(examples.article[rows].tolist()),
        key=lambda name: hashlib.sha256(f"share|{seed}|{name}".encode()).digest(),
    )
    spared: Mask = rows & np.isin(examples.article, articles[round(share * len(articles)) :])
    return spared
