"""What `framescope corpora` shows, as data."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from classifier.errors import CorpusError
from classifier.taxonomy import BY_NAME, Level
from training.corpora import CORPORA, State
from training.corpora import find_corpus as find
from training.corpora import state_of as state

if TYPE_CHECKING:
    from training.data.examples import Examples
    from training.data.splits import Split


def describe(name: str, root: Path | None, *, allow_changed: bool = False) -> dict[str, Any]:
    """Describe one corpus: its card, its state, and its counts where it can be loaded.

    Returns
    -------
    dict
        ``articles`` and ``sentences`` are None where the corpus isn't loaded; ``labels`` then
        gives the signals without counts.
    """
    card = find(name).card
    now = state(name, root)
    entry: dict[str, Any] = {
        "name": name,
        "title": card.title,
        "state": now.value,
        "folder": card.folder,
        "articles": None,
        "sentences": None,
        "labels": dict.fromkeys(card.signals),
        "unit": card.unit,
        "language": card.language,
        "licence": card.licence,
        "url": card.url,
        "citation": card.citation,
        "mapping": card.mapping,
        "digest": card.digest,
        "lacks": _lacks(name, root) if now is State.PARTIAL else [],
    }
    if now in _loadable(allow_changed):
        from training.data.examples import build

        try:
            entry |= _counts(build(root, [name], allow_changed=allow_changed))
        except CorpusError as error:
            if find_spec("datasets") is None:  # none can be read: that is what has to be said
                raise
            # One that can't be read must not hide the others.
            entry |= {"state": State.CHANGED.value, "lacks": [str(error)]}
    return entry


def _loadable(allow_changed: bool) -> set[State]:
    return {State.PRESENT, State.PARTIAL} | ({State.CHANGED} if allow_changed else set())


def loadable(root: Path | None, *, allow_changed: bool = False) -> list[str]:
    """Name the corpora that `training.data.examples.build` would load, in the table's order."""
    return [name for name in CORPORA if state(name, root) in _loadable(allow_changed)]


def describe_split(root: Path | None, names: Sequence[str], *, allow_changed: bool = False) -> Any:
    """Split corpora and describe the parts, and the overlap that was found and removed."""
    from training.data.examples import build
    from training.data.splits import assign

    split = assign(build(root, names, allow_changed=allow_changed))
    return {
        "seed": split.seed,
        "signature": split.signature,
        "merged_groups": split.merged,
        "parts": _parts(split),
        "overlap": [
            {"part": o.part, "held_out": o.held_out, "before": o.before, "after": o.after}
            for o in split.overlap
        ],
    }


def _lacks(name: str, root: Path | None) -> list[str]:
    place = find(name).place(root)
    return [] if place is None else find(name).lacks(place)


def _counts(examples: Examples) -> dict[str, Any]:
    _, first = np.unique(examples.article, return_index=True)
    labels = {}
    for signal in examples.signals:
        column = examples.column(signal)
        if BY_NAME[signal].level is Level.ARTICLE:
            column = column[first]
        known = column[np.isfinite(column)]
        labels[signal] = {"labelled": len(known), "positive": int(np.sum(known >= 0.5))}
    return {"articles": len(first), "sentences": len(examples), "labels": labels}


def _parts(split: Split) -> dict[str, dict[str, dict[str, int]]]:
    examples = split.examples
    described: dict[str, dict[str, dict[str, int]]] = {}
    for corpus, sentences in split.counts().items():
        described[corpus] = {}
        for part, count in sentences.items():
            here = (examples.corpus == corpus) & (examples.part == part)
            described[corpus][part] = {
                "groups": len(np.unique(examples.group[here])),
                "articles": len(np.unique(examples.article[here])),
                "sentences": count,
            }
    return described
