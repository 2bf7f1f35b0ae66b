"""A corpus as a `datasets.Dataset` of articles, and the articles back from it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.classifier.errors import CorpusError, how_to_install
from framescope.classifier.inputs import split_sentences
from framescope.classifier.records import (
    Article,
    MarkedCitation,
    Place,
    SourceKind,
    Span,
    Unit,
    Voice,
)
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.corpora import Card, Corpus, State
from framescope.training.corpora import find_corpus as find

if TYPE_CHECKING:
    from datasets import Dataset, Features

_TEXTS = ("id", "text", "title", "outlet", "url", "date", "lang")
_ROLES = ("source", "cue", "antecedent")


def load(name: str, root: Path | None, *, allow_changed: bool = False) -> Dataset:
    """Load a corpus as a dataset of articles in the terms of the exchange format.

    Parameters
    ----------
    name : str
    root : pathlib.Path or None
        The folder of corpora; not needed for one that ships with the code.
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
    place = corpus.place(root)
    if place is None:
        raise CorpusError(f"corpus '{name}' is missing; pass --corpora DIR (see docs/corpora.md)")
    match corpus.state(root):
        case State.MISSING:
            raise CorpusError(
                f"corpus '{name}' is missing: {place} lacks {', '.join(corpus.lacks(place))}; "
                f"obtain it from {corpus.card.url}{corpus.elsewhere}"
            )
        case State.CHANGED if not allow_changed:
            raise CorpusError(
                f"corpus '{name}' in {place} is not the release that was pinned; obtain it again, "
                "or pass --allow-changed to use it as it is"
            )
    return _dataset(corpus, place)


def articles(dataset: Dataset) -> Iterator[Article]:
    """Turn the rows of `load` back into articles, in order."""
    for row in dataset:
        yield Article(
            **{name: row[name] for name in _TEXTS},
            units=None if row["sentences"] is None else tuple(map(_unit, row["sentences"])),
            spans=tuple(Span(s["start"], s["end"], s["signal"]) for s in row["spans"]),
            labels=_labelled(row.get("labels")),
        )


def _unit(row: Mapping[str, Any]) -> Unit:
    voice = None if row["voice"] is None else Voice(row["voice"])
    cited = row["citations"]
    citations = None if cited is None else tuple(map(_citation, cited))
    return Unit(row["start"], row["end"], _labelled(row.get("labels")), voice, citations)


def _citation(row: Mapping[str, Any]) -> MarkedCitation:
    source, cue, antecedent = (_place(row[role]) for role in _ROLES)
    content = tuple(Place(**piece) for piece in row["content"])
    kind = None if row["kind"] is None else SourceKind(row["kind"])
    return MarkedCitation(
        source, cue, content, kind, row["government"], row["state_media"], antecedent
    )


def _place(row: Mapping[str, int] | None) -> Place | None:
    return None if row is None or row["start"] is None else Place(row["start"], row["end"])


def _labelled(labels: Mapping[str, float | None] | None) -> dict[str, float]:
    return {name: label for name, label in (labels or {}).items() if label is not None}


def _dataset(corpus: Corpus, place: Path) -> Dataset:
    try:
        import datasets
        from datasets import utils
    except ImportError:
        raise CorpusError(
            f"corpora are read with the training extra; type: {how_to_install('training')}"
        ) from None

    card = corpus.card
    bars = utils.is_progress_bar_enabled()
    utils.disable_progress_bars()
    try:
        return datasets.Dataset.from_generator(
            _rows,
            features=_features(card),
            gen_kwargs={
                "name": card.name,
                "place": str(place),
                "version": f"{corpus.digest(place)}-{_code_digest(corpus)}",
            },
        )
    except datasets.exceptions.DatasetGenerationError as error:
        cause = error.__cause__ or error
        if isinstance(cause, CorpusError):
            raise cause from None
        raise CorpusError(
            f"corpus '{card.name}' in {place} can't be read ({cause}); obtain it again"
        ) from error
    finally:
        if bars:
            utils.enable_progress_bars()


def _code_digest(corpus: Corpus) -> str:
    """Digest the code that makes the rows, so that no cache outlives a change of it."""
    reader = inspect.getmodule(corpus.read)
    modules = (reader, inspect.getmodule(split_sentences), inspect.getmodule(Card))
    source = "".join(inspect.getsource(module) for module in modules if module is not None)
    source += f"{inspect.getsource(_row)}{corpus.card.files}{corpus.card.signals}"
    if reader is not None and hasattr(reader, "version"):  # labels that follow from more than code
        source += reader.version()
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _rows(name: str, place: str, version: str) -> Iterator[dict[str, Any]]:
    """Generate the rows; ``version`` only makes the cache's key."""
    corpus = find(name)
    sentence_signals, article_signals = _by_level(corpus.card)
    for article in corpus.read(Path(place)):
        yield _row(article, sentence_signals, article_signals)


def _row(
    article: Article, sentence_signals: tuple[str, ...], article_signals: tuple[str, ...]
) -> dict[str, Any]:
    def labels(given: Mapping[str, float], signals: tuple[str, ...]) -> dict[str, Any]:
        # Arrow has no struct without fields: a corpus with no such signal has no such column.
        return {"labels": {signal: given.get(signal) for signal in signals}} if signals else {}

    def unit(item: Unit) -> dict[str, Any]:
        row = {"start": item.start, "end": item.end, "voice": item.voice and item.voice.value}
        cited = None if item.citations is None else list(map(asdict, item.citations))
        return row | {"citations": cited} | labels(item.labels, sentence_signals)

    return {
        **{name: getattr(article, name) for name in _TEXTS},
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
    place, yes = {"start": offset, "end": offset}, Value("bool")
    cited = dict.fromkeys(_ROLES, place) | {"content": List(place), "kind": text}
    cited |= {"government": yes, "state_media": yes}
    sentence = {"start": offset, "end": offset, "voice": text, "citations": List(cited)}
    sentence |= labels(sentence_signals)
    span = {"start": offset, "end": offset, "signal": text}
    return Features(
        dict.fromkeys(_TEXTS, text)
        | {"sentences": List(sentence), "spans": List(span)}
        | labels(article_signals)
    )
