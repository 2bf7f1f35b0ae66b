"""One attribution within a sentence, in token numbers, and the spans that its parts are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classifier.attribution.words.lexicon import word_set
from classifier.attribution.words.phrase_words import AUXILIARIES, Span, adverb
from classifier.attribution.words.tokens import Token, TokenKind

TAIL_STARTS = word_set(
    "in on at during after before when while as to via by last this late early monday tuesday "
    "wednesday thursday friday saturday sunday about through from of with for without because "
    "recently earlier yesterday today outside following"
)
DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
_OPENERS = word_set("that how why whether what if")

#: Attributions of one sentence; more are no sentence's.
MOST = 12


@dataclass(frozen=True, slots=True)
class ParsedAttribution:
    """One attribution of a sentence, in token numbers.

    Attributes
    ----------
    source : (int, int) or None
    cue : (int, int)
    content : tuple of (int, int)
    vague : bool
        It hands over to nobody in particular: "reportedly", "is believed to".
    """

    source: Span | None
    cue: Span
    content: tuple[Span, ...]
    vague: bool = False


def reads(tokens: Sequence[Token], at: int, words: tuple[str, ...]) -> bool:
    """Whether the tokens from a number on read so."""
    return len(tokens) - at >= len(words) and all(
        tokens[at + i].lower == word for i, word in enumerate(words)
    )


def bare(tokens: Sequence[Token], span: Span) -> Span | None:
    """Take punctuation off both ends; None where nothing is left."""
    start, end = span
    while start < end and tokens[start].kind is TokenKind.STOP and tokens[start].text not in "$(":
        start += 1
    while (
        end > start and tokens[end - 1].kind is TokenKind.STOP and tokens[end - 1].text not in "%)"
    ):
        end -= 1
    return (start, end) if start < end else None


def around(tokens: Sequence[Token], start: int, end: int) -> tuple[Span, ...]:
    """What stands before and after a phrase, within its sentence."""
    left, right = (0, start), (end, len(tokens))
    return tuple(s for s in (bare(tokens, left), bare(tokens, right)) if s is not None)


def rest(tokens: Sequence[Token], start: int) -> tuple[Span, ...]:
    """Give the rest of the sentence from a token on; nothing where it is only punctuation."""
    span = bare(tokens, (start, len(tokens)))
    return (span,) if span else ()


def group_start(tokens: Sequence[Token], verb: int) -> int:
    """Find where a verb's auxiliaries, adverbs and dates begin: "has on Monday also said"."""
    at = verb
    while at > 0 and (tokens[at - 1].lower in AUXILIARIES or adverb(tokens[at - 1])):
        at -= 1
    if at == verb:
        at = _before_date(tokens, verb)
    # "Now" and "Also" before the subject are no part of the group.
    return at if at > 0 else verb


def _before_date(tokens: Sequence[Token], verb: int) -> int:
    """Pass over "on Monday", "last month" between a subject and its verb."""
    at = verb
    if at > 1 and tokens[at - 1].lower in DAYS:
        at -= 1
    elif at > 2 and tokens[at - 1].lower in {"week", "month", "year", "night"}:
        if tokens[at - 2].lower not in {"last", "this", "next", "earlier"}:
            return verb
        at -= 2
    if at < verb and at > 1 and tokens[at - 1].lower in {"on", "late", "early", "earlier"}:
        at -= 1
    return at


def hands_clause(tokens: Sequence[Token], end: int) -> bool:
    """Whether "that", a question word, a colon or a quotation follows soon."""
    for i, token in enumerate(tokens[end : end + 6], end):
        if token.lower in _OPENERS or token.text == ":" or token.kind is TokenKind.QUOTE:
            return True
        if token.kind is TokenKind.STOP:  # "He added, "Never."": the comma leads to what is said
            opens = i == end and token.text == "," and i + 1 < len(tokens)
            return opens and tokens[i + 1].kind is TokenKind.QUOTE
    return False
