"""The corpora in one ordered table, and how they load."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from classifier.errors import CorpusError
from classifier.taxonomy import BY_NAME, Level
from classifier.types import Article, Span, Unit, Voice
from training.corpora import (
    babe,
    claimbuster,
    exchange,
    hyperpartisan,
    newssd,
    polnear,
    ptc,
    wikiweasel,
)
from training.corpora.card import Card, digest, files

if TYPE_CHECKING:
    from datasets import Dataset, Features

ENVIRONMENT = "FRAMESCOPE_CORPORA"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A card and the reader that goes with it.

    Attributes
    ----------
    card : Card
    read : callable
        Folder -> iterator of Article, always in the same order.
    """

    card: Card
    read: Callable[[Path], Iterator[Article]]


_MODULES: tuple[ModuleType, ...] = (
    ptc,
    babe,
    polnear,
    newssd,
    hyperpartisan,
    wikiweasel,
    claimbuster,
    exchange,
)

CORPORA: dict[str, Corpus] = {m.CARD.name: Corpus(m.CARD, m.read) for m in _MODULES}

PUBLIC: tuple[str, ...] = tuple(name for name in CORPORA if name != exchange.CARD.name)
"""What is trained on unless said otherwise: everything but the user's own files."""


class State(StrEnum):
    """Whether a corpus can be loaded."""

    PRESENT = "present"
    MISSING = "missing"
    CHANGED = "changed"


def find(name: str) -> Corpus:
    """Look a corpus up by name.

    Raises
    ------
    CorpusError
        When there is none of that name.
    """
    try:
        return CORPORA[name]
    except KeyError:
        raise CorpusError(f"unknown corpus '{name}'; known: {', '.join(CORPORA)}") from None


def is_given(option: Path | None) -> bool:
    """Whether a folder of corpora was named at all, by the option or the environment variable."""
    return option is not None or bool(os.environ.get(ENVIRONMENT))


def root_folder(option: Path | None = None) -> Path:
    """Find the folder that holds the corpora: the option, else the environment variable.

    Raises
    ------
    CorpusError
        When neither is given, or the folder isn't there.
    """
    given = option if option is not None else os.environ.get(ENVIRONMENT) or None
    if given is None:
        raise CorpusError(
            f"no folder of corpora; pass --corpora DIR or set {ENVIRONMENT} (see docs/corpora.md)"
        )
    root = Path(given)
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; pass --corpora DIR or set {ENVIRONMENT}")
    return root


def state(name: str, root: Path) -> State:
    """Tell whether a corpus is there, and whether its files are those the card pins."""
    card = find(name).card
    folder = root / card.folder
    if not all(any(folder.glob(pattern)) for pattern in card.files):
        return State.MISSING
    if card.digest is not None and digest(card, folder) != card.digest:
        return State.CHANGED
    return State.PRESENT


def load(name: str, root: Path, *, allow_changed: bool = False) -> Dataset:
    """Load a corpus as a dataset of articles in the terms of the exchange format.

    Parameters
    ----------
    name : str
    root : Path
        The folder of corpora.
    allow_changed : bool
        Load files other than those the card pins, a fuller release say.

    Returns
    -------
    datasets.Dataset
        A row an article; ``sentences`` (and ``labels`` for article-level signals) hold the signals
        of the card, None where not labelled. Cached by ``datasets`` until files or reader change.

    Raises
    ------
    CorpusError
        When the corpus is missing, changed or can't be read.
    """
    corpus = find(name)
    folder = root / corpus.card.folder
    match state(name, root):
        case State.MISSING:
            raise CorpusError(
                f"corpus '{name}' is missing: {folder} lacks {', '.join(corpus.card.files)}; "
                f"obtain it from {corpus.card.url}"
            )
        case State.CHANGED if not allow_changed:
            raise CorpusError(
                f"corpus '{name}' in {folder} is not the release that was pinned; obtain it again, "
                "or pass --allow-changed to use it as it is"
            )
    return _dataset(corpus.card, folder)


def articles(dataset: Dataset) -> Iterator[Article]:
    """Turn the rows of `load` back into articles, in order."""
    for row in dataset:
        yield Article(
            id=row["id"],
            text=row["text"],
            title=row["title"],
            outlet=row["outlet"],
            url=row["url"],
            date=row["date"],
            lang=row["lang"],
            units=None if row["sentences"] is None else tuple(map(_unit, row["sentences"])),
            spans=tuple(Span(s["start"], s["end"], s["signal"]) for s in row["spans"]),
            labels=_labelled(row.get("labels")),
        )


def _unit(row: Mapping[str, Any]) -> Unit:
    voice = None if row["voice"] is None else Voice(row["voice"])
    return Unit(row["start"], row["end"], _labelled(row.get("labels")), voice)


def _labelled(labels: Mapping[str, float | None] | None) -> dict[str, float]:
    return {name: label for name, label in (labels or {}).items() if label is not None}


def _dataset(card: Card, folder: Path) -> Dataset:
    try:
        import datasets
        from datasets import utils
    except ImportError:
        raise CorpusError(
            "corpora are read with the training extra; type: pip install 'framescope[training]'"
        ) from None

    bars = utils.is_progress_bar_enabled()
    utils.disable_progress_bars()
    try:
        return datasets.Dataset.from_generator(
            _rows,
            features=_features(card),
            gen_kwargs={
                "name": card.name,
                "folder": str(folder),
                "version": f"{digest(card, folder)}-{_code_digest(card)}",
            },
        )
    except datasets.exceptions.DatasetGenerationError as error:
        cause = error.__cause__ or error
        if isinstance(cause, CorpusError):
            raise cause from None
        raise CorpusError(
            f"corpus '{card.name}' in {folder} can't be read ({cause}); obtain it again"
        ) from error
    finally:
        if bars:
            utils.enable_progress_bars()


def _code_digest(card: Card) -> str:
    """Digest the code that makes the rows, so that no cache outlives a change of it."""
    from classifier import sentences
    from training.corpora import card as card_module

    reader = inspect.getmodule(CORPORA[card.name].read)
    modules = [module for module in (reader, sentences, card_module) if module is not None]
    source = "".join(inspect.getsource(module) for module in modules) + inspect.getsource(_row)
    if reader is not None and hasattr(reader, "version"):  # labels that follow from more than code
        source += reader.version()
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _rows(name: str, folder: str, version: str) -> Iterator[dict[str, Any]]:
    """Generate the rows; ``version`` only makes the cache's key."""
    corpus = CORPORA[name]
    sentence_signals, article_signals = _by_level(corpus.card)
    for article in corpus.read(Path(folder)):
        yield _row(article, sentence_signals, article_signals)


def _row(
    article: Article, sentence_signals: tuple[str, ...], article_signals: tuple[str, ...]
) -> dict[str, Any]:
    def labels(given: Mapping[str, float], signals: tuple[str, ...]) -> dict[str, Any]:
        # Arrow has no struct without fields: a corpus with no such signal has no such column.
        return {"labels": {signal: given.get(signal) for signal in signals}} if signals else {}

    def unit(item: Unit) -> dict[str, Any]:
        row = {"start": item.start, "end": item.end, "voice": item.voice and item.voice.value}
        return row | labels(item.labels, sentence_signals)

    return {
        "id": article.id,
        "text": article.text,
        "title": article.title,
        "outlet": article.outlet,
        "url": article.url,
        "date": article.date,
        "lang": article.lang,
        "sentences": None if article.units is None else [unit(item) for item in article.units],
        "spans": [{"start": s.start, "end": s.end, "signal": s.signal} for s in article.spans],
    } | labels(article.labels, article_signals)


def _by_level(card: Card) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a card's signals into those of sentences and those of articles."""
    whole = tuple(s for s in card.signals if BY_NAME[s].level is Level.ARTICLE)
    return tuple(s for s in card.signals if s not in whole), whole


def _features(card: Card) -> Features:
    from datasets import Features, List, Value

    def labels(signals: tuple[str, ...]) -> dict[str, Any]:
        return {"labels": {signal: Value("float32") for signal in signals}} if signals else {}

    sentence_signals, article_signals = _by_level(card)
    text, offset = Value("string"), Value("int32")
    sentence = {"start": offset, "end": offset, "voice": text} | labels(sentence_signals)
    span = {"start": offset, "end": offset, "signal": text}
    names = ("id", "text", "title", "outlet", "url", "date", "lang")
    return Features(
        dict.fromkeys(names, text)
        | {"sentences": List(sentence), "spans": List(span)}
        | labels(article_signals)
    )


__all__ = [
    "CORPORA",
    "ENVIRONMENT",
    "PUBLIC",
    "Corpus",
    "State",
    "articles",
    "digest",
    "files",
    "find",
    "load",
    "root_folder",
    "state",
]
