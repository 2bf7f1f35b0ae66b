"""Sentences with all that the rules say of them: whose words they are, and who is cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from classifier import voice
from classifier.citations.finder import find
from classifier.types import Article, Sentence

if TYPE_CHECKING:
    from classifier.sources.registry import Registry


def cited(
    article: Article, sentences: Sequence[Sentence], registry: Registry
) -> tuple[Sentence, ...]:
    """Give each sentence its voice and its citations: what models are given, everywhere.

    Parameters
    ----------
    article : Article
    sentences : sequence of Sentence
        The article's sentences in order.
    registry : Registry
        Of outlets.
    """
    found = find(article, sentences, registry)
    return tuple(
        replace(sentence, citations=citations)
        for sentence, citations in zip(voice.assign(article, sentences), found, strict=True)
    )
