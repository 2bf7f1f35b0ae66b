"""Two texts whose sentences stand for each other, and what should be alike in their scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from classifier.values import Place

Paragraphs = Sequence[Sequence[str]]


class Scope(StrEnum):
    """Which signals a test of invariance is about."""

    ALL = "all"
    FRAMING = "framing"  # with those of the whole article


class Way(StrEnum):
    """What a change should do to a signal."""

    RISE = "rises"  # its probability
    FALL = "falls"
    KEEP = "stays flagged"  # where it was flagged before


@dataclass(frozen=True, slots=True)
class Limits:
    """What a test of invariance may show at most; None where there is no limit.

    Attributes
    ----------
    flips : float
        Share of decisions that change.
    shift : float or None
        Mean absolute change of the probability.
    """

    flips: float
    shift: float | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A text, and the sentences in it that are compared."""

    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts whose sentences stand for each other, one by one.

    Attributes
    ----------
    row, column : str
        What is resampled: the entities and the frame, or the article and nothing.
    before, after : Side
    expected : tuple of (str, Way)
        What a directional test expects: a signal's name, or "framing" for all of that family but
        `subjective`, which a quotation rightly takes away from the author.
    whole : bool
        Whether the signals of the whole article are compared too.
    """

    row: str
    column: str
    before: Side
    after: Side
    expected: tuple[tuple[str, Way], ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Pairs of one kind; a directional test has neither scope nor limits."""

    name: str
    pairs: tuple[Pair, ...]
    scope: Scope | None = None
    limits: Limits | None = None


def alone(text: str) -> Side:
    """A sentence that is an article of its own, with a capital."""
    text = text[:1].upper() + text[1:]
    return Side(text, (Place(0, len(text)),))


def laid_out(paragraphs: Paragraphs, judged: Iterable[bool] | None = None) -> Side:
    """Write sentences as an article.

    Parameters
    ----------
    paragraphs : sequence of sequence of str
    judged : iterable of bool, optional
        Whether the sentences of a paragraph are compared; all of them unless given.
    """
    text, places = "", []
    wanted = [True] * len(paragraphs) if judged is None else list(judged)
    for paragraph, keep in zip(paragraphs, wanted, strict=True):
        text += "\n\n" if text else ""
        for number, sentence in enumerate(paragraph):
            text += " " if number else ""
            if keep:
                places.append(Place(len(text), len(text) + len(sentence)))
            text += sentence
    return Side(text, tuple(places))
