"""What a corpus says about itself: its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from classifier.values import Article


def by_article(article: Article) -> str:
    """Group sentences by the article they stand in."""
    return article.id


def by_url(article: Article) -> str:
    """Group single-sentence articles by the page they were taken from, where it is known."""
    return article.url or article.id


def by_outlet(article: Article) -> str:
    """Group whole outlets."""
    return article.outlet or article.id


def by_block(article: Article) -> str:
    """Group neighbours in a file that doesn't say where its sentences come from.

    Readers of such files write ids ``block/...``: sentences that stand close together in the file
    mostly come from one article, and must not be split.
    """
    return article.id.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Card:
    """A corpus: where it comes from, what it labels, under which terms.

    Attributes
    ----------
    name : str
        The identifier used in options and results.
    title : str
    folder : str
        Its folder below the corpora root.
    files : tuple of str
        Glob patterns, below the folder, of every file that is read.
    url : str
        Where the public obtains it.
    citation : str
        Authors, year, title and DOI or ACL Anthology id.
    licence : str
        As the files that came with it, or their publisher, state it; what it covers is in
        docs/corpora.md.
    language : str
        ISO 639-1.
    signals : tuple of str
        The signals it labels, in taxonomy order.
    unit : str
        What carries a label.
    mapping : str
        How its names map to the taxonomy, and where it differs from the guidelines.
    digest : str or None
        SHA-256 of the files read (`Corpus.digest`), pinned; None when the files are the user's own
        or ship with the code.
    group : callable
        Article -> the name of what may not be split between training and held-out parts.
    """

    name: str
    title: str
    folder: str
    files: tuple[str, ...]
    url: str
    citation: str
    licence: str
    language: str
    signals: tuple[str, ...]
    unit: str
    mapping: str
    digest: str | None
    group: Callable[[Article], str] = by_article
