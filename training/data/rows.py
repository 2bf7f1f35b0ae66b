"""A corpus as it is loaded: checked, read, and cached by `datasets`."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from framescope.classifier.errors import CorpusError, how_to_install
from framescope.classifier.inputs import split_sentences
from framescope.classifier.records import Article
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.corpora import Card, Corpus, State, find_corpus
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from datasets import Dataset

_ARTICLE = TypeAdapter(Article)


def load(name: str, root: Path | None, *, allow_changed: bool = False) -> Iterator[Article]:
    """Load the articles of a corpus with the labels that its card lists.

    They are cached until files or reader change. `root` is the folder of corpora, not needed for a
    corpus that ships; `allow_changed` takes files other than those the card pins.

    Raises
    ------
    CorpusError
        When the corpus is missing, changed or can't be read.
    """
    corpus = find_corpus(name)
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
    return (_ARTICLE.validate_json(row["article"]) for row in _dataset(corpus, place))


def _dataset(corpus: Corpus, place: Path) -> Dataset:
    try:
        import datasets
        from datasets import utils
    except ImportError:
        raise CorpusError(
            f"corpora are read with the training extra; type: {how_to_install('training')}"
        ) from None
    name, version = corpus.card.name, f"{corpus.digest(place)}-{_code_digest(corpus)}"
    bars = utils.is_progress_bar_enabled()
    utils.disable_progress_bars()
    try:
        return datasets.Dataset.from_generator(
            _rows,
            features=datasets.Features({"article": datasets.Value("string")}),
            gen_kwargs={"name": name, "place": str(place), "version": version},
        )
    except datasets.exceptions.DatasetGenerationError as error:
        cause = error.__cause__ or error
        if isinstance(cause, CorpusError):
            raise cause from None
        raise CorpusError(
            f"corpus '{name}' in {place} can't be read ({cause}); obtain it again"
        ) from error
    finally:
        if bars:
            utils.enable_progress_bars()


def _code_digest(corpus: Corpus) -> str:
    """Digest the code that makes the rows, so that no cache outlives a change of it."""
    makers = (corpus.read, split_sentences, Card, Article, _rows)
    modules = [sys.modules[one.__module__] for one in makers]
    source = "".join(map(inspect.getsource, modules))
    source += f"{corpus.card.files}{corpus.card.signals}"
    if hasattr(modules[0], "version"):  # labels that follow from more than code
        source += modules[0].version()
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def _rows(name: str, place: str, version: str) -> Iterator[dict[str, str]]:
    """Yield the rows; ``version`` is only a part of the cache's key."""
    corpus = find_corpus(name)

    def labels(given: Mapping[str, float], *, whole: bool) -> dict[str, float]:
        listed = (signal for signal in given if signal in corpus.card.signals)
        levels = {signal: BY_NAME[signal].level is Level.ARTICLE for signal in listed}
        return {signal: given[signal] for signal, level in levels.items() if level is whole}

    for article in corpus.read(Path(place)):
        units = article.units and tuple(
            replace(unit, labels=labels(unit.labels, whole=False)) for unit in article.units
        )
        # What an annotator or a page says of origin is neither text nor label.
        bare = replace(article, author=None, site_name=None, republications=(), imprint=None)
        bare = replace(bare, units=units, labels=labels(article.labels, whole=True), origin=None)
        yield {"article": _ARTICLE.dump_json(bare).decode()}
