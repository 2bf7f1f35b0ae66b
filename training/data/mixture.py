"""The rows of a training run: which corpora, and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier.errors import CorpusError
from framescope.classifier.outlets import load_registry
from framescope.classifier.taxonomy import in_order
from framescope.training.corpora import ADDED, CORPORA, KNOWN, POLNEAR
from framescope.training.corpora import find_corpus as find
from framescope.training.data import swaps
from framescope.training.data.added import Added
from framescope.training.data.examples import Examples, build
from framescope.training.data.splits import TRAIN, VALIDATION, Split, assign, assign_beside
from framescope.training.data.swaps import Counterfactuals
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry


@dataclass(frozen=True)
class Data:
    """The rows of a run, and what identifies them.

    Attributes
    ----------
    examples : Examples
        All rows, with their parts.
    corpora : tuple of str
        Those in it, in the registry's order.
    seed : int
        Of the split.
    signature : str
        Of the split of all corpora, whichever of them the run uses.
    held_out : mapping of str to str
        Of what each corpus keeps back, see `training.data.splits.Split.held_out`.
    digests : mapping of str to str
        Of each corpus' files.
    outlets : Registry or None
        Whose names models read as placeholders; None: names are read as they are. In the parts
        ``train`` and ``validation`` some of them are swapped, see `training.data.swaps`; in
        ``train`` countries, parties and leaders are too, see `training.data.swaps`.
    added : mapping of str to str
        SHA-256 of each file that was added, by its path as it was given. Its rows are of the corpus
        ``added``.
    """

    examples: Examples
    corpora: tuple[str, ...]
    seed: int
    signature: str
    held_out: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    outlets: Registry | None = None
    added: Mapping[str, str] = field(default_factory=dict)

    def part(self, name: str) -> Examples:
        """Keep the rows of one part."""
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
    """Load the corpora and split them.

    Parameters
    ----------
    root : pathlib.Path or None
        The folder of corpora; not needed for what ships.
    names : sequence of str or None
        Those to train on; None for all. All `corpora` are split together in any case, so that
        bundles trained on one corpus or on many are judged on the same rows. Only with nothing but
        the user's own files (``exchange``, or ``added``) are the others not needed.
    seed : int
    corpora : sequence of str
        Those of the recipe.
    shares : mapping of str to float, optional
        The share of a corpus' training articles to learn from: 0 leaves it out. Smaller shares
        are parts of larger ones, and what is held out stays the same: for learning curves.
    signals : sequence of str, optional
        Those to learn; rows that none of them labels are left out.
    allow_changed : bool
        Take files other than those the corpora's cards pin.
    added : sequence of pathlib.Path
        The user's own files, added to the recipe: learned from whatever `names` says. Every other
        row stays in its part, see `training.data.splits.assign_beside`, and the signature is that
        of the others.

    Raises
    ------
    CorpusError
        When a corpus is unknown, not of the recipe, missing or changed, or a file that is added
        can't be read.
    SignalError
        When the corpora don't label a signal.
    """
    wanted = [find(name).card.name for name in names or ()]
    mine = Added.read(added)
    of_recipe = [find(name).card.name for name in corpora]
    _check(wanted, of_recipe, bool(added))
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
    examples = Counterfactuals.of(seed).apply(examples, TRAIN)
    if wanted:
        examples = examples.where(np.isin(examples.corpus, [*wanted, ADDED])).labelled()
    for name, share in (shares or {}).items():
        examples = examples.where(~_spared(examples, find(name).card.name, share, seed))
    if signals:
        examples = _only(examples, in_order(signals))
    present = set(examples.corpus.tolist())
    found = tuple(name for name in (*CORPORA, ADDED) if name in present)
    digests = _digests(root, found) | ({ADDED: mine.digest} if added else {})
    return Data(
        examples,
        found,
        seed,
        signature,
        split.held_out,
        digests,
        outlets,
        mine.digests,
    )


def _split(built: Examples, mine: Added, seed: int) -> tuple[Split, str]:
    """Split the corpora, and what is added beside them; give the signature of the corpora's."""
    added = built.corpus == ADDED
    split = assign(built.where(~added), seed)
    if not added.any():
        return split, split.signature
    rows = built.where(added)
    files = [mine.files[name.removeprefix(f"{ADDED}/")] for name in rows.article.tolist()]
    placed = assign_beside(split, rows, np.array(files, np.intp), seed)
    both = replace(split, examples=split.examples.followed_by(placed))
    return both, (both if added.all() else split).signature


def _check(wanted: Sequence[str], of_recipe: Sequence[str], added: bool) -> None:
    for name in wanted:
        if name == ADDED and not added:
            raise CorpusError(f"corpus '{ADDED}' is what you add; give files with --add FILE")
        if name in KNOWN and name not in of_recipe:
            raise CorpusError(
                f"corpus '{name}' is not of the recipe; it has: {', '.join(of_recipe)}"
            )


def _spared(examples: Examples, corpus: str, share: float, seed: int) -> NDArray[np.bool_]:
    """Mark the training rows of a corpus that are not learned from: whole articles."""
    rows = (examples.corpus == corpus) & (examples.part == TRAIN)
    articles = sorted(
        set(examples.article[rows].tolist()),
        key=lambda name: hashlib.sha256(f"share|{seed}|{name}".encode()).digest(),
    )
    kept = articles[: round(share * len(articles))]
    spared: NDArray[np.bool_] = rows & ~np.isin(examples.article, kept)
    return spared


def _only(examples: Examples, signals: Sequence[str]) -> Examples:
    columns = np.stack([examples.column(signal) for signal in signals], axis=1)
    chosen = replace(examples, labels=columns, signals=tuple(signals))
    return chosen.where(np.flatnonzero(~np.isnan(columns).all(axis=1)))


def _digests(root: Path | None, names: Sequence[str]) -> dict[str, str]:
    places = ((name, find(name).place(root)) for name in names)
    return {name: find(name).digest(place) for name, place in places if place is not None}
