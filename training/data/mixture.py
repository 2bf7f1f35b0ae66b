"""The rows of a training run: which corpora, and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.errors import CorpusError
from classifier.sources import load_registry
from classifier.taxonomy import in_order
from training.corpora import CORPORA, KNOWN, POLNEAR, SHIPPED
from training.corpora import find_corpus as find
from training.data import swaps
from training.data.counterfactuals import Counterfactuals
from training.data.examples import Examples, build
from training.data.splits import TRAIN, VALIDATION, assign
from training.mixtures import MIXTURES, Recipe

if TYPE_CHECKING:
    from classifier.sources import Registry


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
        ``train`` countries, parties and leaders are too, see `training.data.counterfactuals`.
    """

    examples: Examples
    corpora: tuple[str, ...]
    seed: int
    signature: str
    held_out: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    outlets: Registry | None = None

    def part(self, name: str) -> Examples:
        """Keep the rows of one part."""
        return self.examples.where(self.examples.part == name)


def load_data(
    root: Path | None,
    names: Sequence[str] | None,
    seed: int,
    *,
    recipe: Recipe = Recipe.DEFAULT,
    shares: Mapping[str, float] | None = None,
    signals: Sequence[str] | None = None,
    allow_changed: bool = False,
) -> Data:
    """Load the corpora and split them.

    Parameters
    ----------
    root : pathlib.Path or None
        The folder of corpora; not needed for a recipe of what ships.
    names : sequence of str or None
        Those of the recipe to train on; None for all of them. The split is that of the whole
        recipe in any case, so that bundles trained on one corpus or on many are judged on the same
        rows. Only with nothing but the user's own files are the others not needed.
    seed : int
    recipe : Recipe
    shares : mapping of str to float, optional
        The share of a corpus' training articles to learn from: 0 leaves it out. Smaller shares
        are parts of larger ones, and what is held out stays the same: for learning curves.
    signals : sequence of str, optional
        Those to learn; rows that none of them labels are left out.
    allow_changed : bool
        Take files other than those the corpora's cards pin.

    Raises
    ------
    CorpusError
        When a corpus is unknown, not of the recipe, missing or changed.
    SignalError
        When the corpora don't label a signal.
    """
    wanted = [find(name).card.name for name in names or ()]
    own = [name for name in wanted if name not in KNOWN]
    of_recipe = SHIPPED if MIXTURES[recipe].shipped_only else KNOWN
    for name in wanted:
        if name not in (*of_recipe, *own):
            raise CorpusError(
                f"corpus '{name}' is not of the recipe '{recipe}'; it has: {', '.join(of_recipe)}"
            )
    loaded = own if own and own == wanted else [*of_recipe, *own]
    outlets = load_registry()
    built = build(root, loaded, allow_changed=allow_changed, registry=outlets)
    split = assign(built, seed)
    examples = split.examples
    if root is not None and swaps.SIGNAL in examples.signals and POLNEAR.name in loaded:
        swap = swaps.Swap(outlets, swaps.behind(root, outlets), seed)
        examples = swap.apply(examples, (TRAIN, VALIDATION))
    examples = Counterfactuals.of(seed).apply(examples, TRAIN)
    if wanted:
        examples = examples.where(np.isin(examples.corpus, wanted)).labelled()
    for name, share in (shares or {}).items():
        examples = examples.where(~_spared(examples, find(name).card.name, share, seed))
    if signals:
        examples = _only(examples, in_order(signals))
    present = set(examples.corpus.tolist())
    found = tuple(name for name in CORPORA if name in present)
    return Data(
        examples, found, seed, split.signature, split.held_out, _digests(root, found), outlets
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
