"""One attribution within a sentence, in token numbers, and what its verb is followed by.

The spans that its parts are made of; whom a verb tells, what is said, if anything is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classifier.attribution.grammar import noun_phrases
from classifier.attribution.words.cues import TRANSITIVE, Verb, VerbKind
from classifier.attribution.words.lexicon import terms, word_list, word_set
from classifier.attribution.words.tokens import AUXILIARIES, Span, Token, TokenKind, adverb

TAIL_STARTS = frozenset(word_list("tail starts"))
DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
_OPENERS = word_set("that how why whether what if")

#: Attributions of one sentence; more are no sentence's.
MOST = 12


@dataclass(frozen=True, slots=True)
class ParsedAttribution:
    """One attribution of a sentence, in token numbers."""

    source: Span | None
    cue: Span
    content: tuple[Span, ...]
    vague: bool = False  # it hands over to nobody in particular: "reportedly", "is believed to"


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
    return spans(tokens, (0, start), (end, len(tokens)))


def rest(tokens: Sequence[Token], start: int) -> tuple[Span, ...]:
    """Give the rest of the sentence from a token on; nothing where it is only punctuation."""
    return spans(tokens, (start, len(tokens)))


def spans(tokens: Sequence[Token], *parts: Span) -> tuple[Span, ...]:
    """Take punctuation off the ends of parts; without those of which nothing is left."""
    return tuple(span for part in parts if (span := bare(tokens, part)))


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


_TELL = word_set("tell inform assure reassure warn remind notify advise urge ask")
DOCUMENTS = terms("document").all
_FINDERS = frozenset(word_list("finders"))
_SHOWING = frozenset(word_list("showing"))
_TALES = word_set("story stories tale tales lie lies joke jokes truth")
_CLAUSE_BEGINS = word_set("the he she they it there to a his her its")
_NAMING = word_set("call label brand dub describe")
_OFTEN_CLAUSE = word_set(
    "report write note add suggest find conclude reveal maintain propose state learn estimate "
    "predict"
)
NEEDS_CLAUSE = word_set("respond reply comment protest object joke ask write continue thank wonder")


def takes(tokens: Sequence[Token], verb: Verb, subject: Span, end: int) -> bool:
    """Whether the verb, with this subject and what follows, hands its content over."""
    if verb.base == "tell" and any(t.lower in _TALES for t in tokens[end : end + 3]):
        return False
    following = tokens[end] if end < len(tokens) else None
    if following is None:
        return False
    clause = hands_clause(tokens, end)
    if verb.noun and not (
        noun_phrases.speaks(tokens, subject) and (clause or following.lower in _CLAUSE_BEGINS)
    ):
        return False
    if verb.base in _NAMING:
        near = tokens[end : end + 12]
        return any(t.kind is TokenKind.QUOTE or t.lower in {"as", "a", "an"} for t in near)
    if verb.base in NEEDS_CLAUSE:
        return clause
    if verb.kind is VerbKind.SPEECH:
        if following.lower == "to" and verb.base in {"threaten", "vow", "pledge"}:
            return True
        return following.lower not in {"by", "with"} or verb.base == "respond"
    if verb.kind is VerbKind.THOUGHT:
        return verb.base not in {"want", "see"} and crowd(tokens, subject)
    if verb.kind is VerbKind.TAG:
        return clause and any(t.kind is TokenKind.QUOTE for t in tokens[end : end + 6])
    if verb.base in TRANSITIVE:
        return True
    words = [t.lower for t in tokens[subject[0] : subject[1]]]
    if following.lower == "to" and verb.base in {"promise", "offer", "propose", "guarantee"}:
        return True
    if words[-1] in DOCUMENTS | _FINDERS and verb.base in _SHOWING:
        return following.lower not in {"up", "a"} or clause
    if verb.base in _OFTEN_CLAUSE:
        return clause or following.lower in {"the", "he", "she", "they", "it", "there", "in"}
    return clause


def crowd(tokens: Sequence[Token], subject: Span) -> bool:
    """Whether a subject is many and unnamed, so that its thoughts are handed over too."""
    words = [t.lower for t in tokens[subject[0] : subject[1]]]
    return (
        words[-1] in terms("vague").all - {"one", "you", "those", "both", "all", "no one"}
        or words[0] in {"many", "some", "most"}
        or words[-1] in {"officials", "diplomats", "aides", "residents", "sources"}
    )


def said_nothing(tokens: Sequence[Token], end: int) -> bool:
    """Whether only a place, a time or a manner follows the verb: "said in response"."""
    if len(tokens) - end > 24:
        return False
    rest = [t for t in tokens[end:] if t.kind is not TokenKind.STOP or t.text == ":"]
    if [t.text for t in rest] in ([], [":"]):
        return True
    if any(t.kind is TokenKind.QUOTE for t in rest) or rest[0].lower == "that":
        return False
    if rest[-1].text == ":":
        return not any(t.lower in {"that", "is", "was", "are"} for t in rest)
    return len(rest) <= 5 and rest[0].lower in TAIL_STARTS - {"this", "without", "of", "to"}


def recipient_end(tokens: Sequence[Token], at: int) -> int:
    """Pass over whom it is told: "reporters", "her", "the Amaro Courier"."""
    if at >= len(tokens) or tokens[at].kind is not TokenKind.WORD:
        return at
    if tokens[at].lower in {"me", "him", "her", "them", "us", "it", "reporters", "supporters"}:
        return at + 1
    end = at
    if tokens[end].lower in {"the", "a", "an", "his", "her", "their", "its"}:
        for end in range(at + 1, min(at + 6, len(tokens))):
            known = tokens[end].capital or tokens[end].lower in {"of", "news", "agency"}
            if tokens[end].kind is not TokenKind.WORD or not (known or end == at + 1):
                return end
        return min(at + 6, len(tokens))
    while end < len(tokens) and (tokens[end].capital or tokens[end].lower == "of") and end - at < 6:
        end += 1
    if end == at and tokens[end].lower.endswith("s"):
        end += 1
    return end


def content_start(tokens: Sequence[Token], end: int, verb: Verb) -> int:
    """Find where what is said begins, after whom it is told, where and when."""
    at = recipient_end(tokens, end) if verb.base in _TELL else end
    for i in range(at, min(at + 14, len(tokens))):
        token = tokens[i]
        that = token.lower == "that" and (tokens[i - 1].kind is TokenKind.WORD or i - at < 12)
        if that or token.text == ":" or token.kind is TokenKind.QUOTE:
            return i
        if token.kind is TokenKind.STOP and token.text != ",":
            break
        if token.lower in {"he", "she", "they", "it", "there", "would", "is", "was", "were", "has"}:
            break
    when = {"on", "late", "early", "last"} | DAYS
    while at < len(tokens) and tokens[at].lower in when:
        when |= {"night", "morning", "afternoon", "week"}
        at += 1
    return at


def is_tag(tokens: Sequence[Token], subject: Span, end: int, left: Span) -> bool:
    """Whether subject and verb are a tag: what is said stands before them."""
    before = tokens[subject[0] - 1] if subject[0] else None
    if before is None:
        return False
    if before.lower == "as" and subject[0] > 1 and tokens[subject[0] - 2].text == ",":
        return _closes(tokens, end)  # "The bridge is lost, as police have said"
    if not (before.kind is TokenKind.QUOTE or before.text in {",", "-", "--", "?", "!"}):
        return False
    following = tokens[end] if end < len(tokens) else None
    closes = following is None or (
        adverb(following) or (following.text != ":" and _closes(tokens, end))
    )
    if tokens[left[1] - 1].kind is TokenKind.QUOTE:
        return closes or not hands_clause(tokens, end)
    if following is not None and following.kind is TokenKind.QUOTE:
        return False
    if not closes:
        recipient = recipient_end(tokens, end)
        closes = recipient > end and _closes(tokens, recipient)
    first = tokens[left[0]].lower
    introduces = first in TAIL_STARTS | {"but", "and", "if", "although", "while", "since", "asked"}
    long = left[1] - left[0] >= (9 if introduces else 3)
    if following is not None and following.lower in TAIL_STARTS and introduces:
        return False
    return closes and long and not _opens_later(tokens, end)


def _closes(tokens: Sequence[Token], end: int) -> bool:
    """Whether a clause can end at a token: nothing, punctuation or where and when follow."""
    return (
        end >= len(tokens) or tokens[end].kind is TokenKind.STOP or tokens[end].lower in TAIL_STARTS
    )


def _opens_later(tokens: Sequence[Token], end: int) -> bool:
    """Whether "that" or a quotation follows the verb's complements."""
    for token in tokens[end : end + 10]:
        if token.lower == "that" or token.kind is TokenKind.QUOTE or token.text == ":":
            return True
        if token.kind is TokenKind.STOP:
            return False
    return False


def after_tag(tokens: Sequence[Token], end: int) -> tuple[Span, ...]:
    """What is said goes on after the tag: the next quotation, or the clause after its comma."""
    for i in range(end, len(tokens)):
        if tokens[i].kind is TokenKind.QUOTE:
            return ((i, len(tokens)),) if len(tokens) - i < 3 else ((i, i + 1),)
        if tokens[i].text in {",", "-"} and i - end < 10 and i + 1 < len(tokens):
            following = tokens[i + 1]
            adds = {"who", "which", "a", "an", "the", "whose", "according"}
            says = following.lower not in adds and not following.lower.endswith("ing")
            if following.kind is TokenKind.WORD and says:
                span = bare(tokens, (i + 1, len(tokens)))
                return (span,) if span and span[1] - span[0] > 3 else ()
    return ()
