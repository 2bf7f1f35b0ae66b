"""Attributions by a phrase: "according to", "reportedly", "is said to", "the claim that"."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.attribution.grammar import noun_phrases
from classifier.attribution.grammar.attributions import (
    ParsedAttribution,
    around,
    bare,
    group_start,
    reads,
    rest,
    said_nothing,
    spans,
)
from classifier.attribution.words.lexicon import word_list, word_set
from classifier.attribution.words.tokens import AUXILIARIES, Span, Token, TokenKind, adverb

_MODALS = word_set("can could must should may might need would not n't")
_BE = AUXILIARIES - {"has", "have", "had", "do", "did"}
_RUMOUR = word_set("rumour rumor legend word gossip")
_SAYING = word_set(
    "saying telling warning adding claiming denying stating insisting calling describing vowing"
)
_QUOTES = word_set("quoted quotes cited cites quoting citing")
_ADVERBS = word_set("reportedly allegedly purportedly supposedly")
_PASSIVE_VAGUE = word_set(
    "said reported believed thought alleged rumored rumoured understood claimed estimated"
)
_PASSIVE_BY = frozenset(word_list("passive by"))
_NOMINAL = frozenset(word_list("nominal"))


def phrasal(tokens: Sequence[Token]) -> list[ParsedAttribution]:
    """Find the attributions by a phrase, an adverb, a passive or a noun, in order."""
    found: list[ParsedAttribution] = []
    for i, token in enumerate(tokens):
        if token.lower not in BEGINNING or token.kind is not TokenKind.WORD:
            continue
        cue = _handing_phrase(tokens, i)
        if cue is not None:
            source = noun_phrases.after(tokens, cue[1])
            listed = tokens[cue[0]].lower not in {"citing", "quoting"}
            if source is not None and (listed or noun_phrases.speaks(tokens, source)):
                source = _leaving_content(tokens, cue, source)
                found.append(ParsedAttribution(source, cue, around(tokens, cue[0], source[1])))
        elif (quoted := _quoted_as_saying(tokens, i)) is not None:
            found.append(quoted)
        elif reads(tokens, i, ("has", "it", "that")) and i and tokens[i - 1].lower in _RUMOUR:
            found.append(ParsedAttribution(None, (i - 1, i + 2), rest(tokens, i + 2), vague=True))
        elif token.lower in _ADVERBS:
            found.append(ParsedAttribution(None, (i, i + 1), around(tokens, i, i + 1), vague=True))
        else:
            reading = _passive if token.lower in _PASSIVE else _nominal
            if token.lower in _PASSIVE | _NOMINAL and (each := reading(tokens, i)) is not None:
                found.append(each)
    return found


def _leaving_content(tokens: Sequence[Token], cue: Span, source: Span) -> Span:
    """End the source at its first comma where nothing would be left for it to have said.

    "According to IRNA, the law passed" is no apposition.
    """
    if around(tokens, cue[0], source[1]):
        return source
    commas = (i for i in range(*source) if tokens[i].text == ",")
    return source[0], next(commas, source[1])


_PHRASES = (
    ("according", "to"), ("as", "reported", "by"), ("as", "quoted", "by"), ("as", "cited", "by"),
    ("reported", "by"), ("quoted", "by"), ("in", "the", "words", "of"), ("in", "the", "view", "of"),
    ("in", "the", "opinion", "of"), ("in", "the", "telling", "of"), ("citing",), ("quoting",),
    ("as", "told", "by"), ("as", "described", "by"), ("as", "stated", "by"),
)  # fmt: skip


_BEGIN = {first: tuple(p for p in _PHRASES if p[0] == first) for first, *_ in _PHRASES}
_PASSIVE = _PASSIVE_VAGUE | _PASSIVE_BY | {"accused", "suspected"}
#: All that an attribution of this module can begin with: other words are passed over.
BEGINNING = _PASSIVE | _NOMINAL | _ADVERBS | _BEGIN.keys() | {"as", "has"}


def _handing_phrase(tokens: Sequence[Token], at: int) -> Span | None:
    for phrase in _BEGIN.get(tokens[at].lower, ()):
        if reads(tokens, at, phrase):
            passive = phrase[0] in {"reported", "quoted"} and at
            if passive and tokens[at - 1].lower in AUXILIARIES:
                return None
            if reads(tokens, at, ("according", "to", "plan")):
                return None
            return (at, at + len(phrase))
    return None


def _quoted_as_saying(tokens: Sequence[Token], at: int) -> ParsedAttribution | None:
    """Read "ASA quoted the minister as saying": the minister's words, beside the agency's."""
    if tokens[at].lower != "as" or at + 1 >= len(tokens) or tokens[at + 1].lower not in _SAYING:
        return None
    near = range(at - 2, max(at - 14, -1), -1)
    verb = next((i for i in near if tokens[i].lower in _QUOTES), None)
    if verb is None or (verb and tokens[verb - 1].lower in AUXILIARIES - {"has", "have", "had"}):
        return None
    content = rest(tokens, at + 2)
    if content and said_nothing(tokens, at + 2):
        # "The bridge is lost, ASA quoted the minister as saying on Monday."
        comma = next((i for i in range(verb, 0, -1) if tokens[i - 1].text == ","), 0)
        content = spans(tokens, (0, comma)) or content
    return ParsedAttribution((verb + 1, at), (at, at + 2), content)


def _passive(tokens: Sequence[Token], at: int) -> ParsedAttribution | None:
    first = at
    while first > 0 and adverb(tokens[first - 1]):
        first -= 1
    if first == 0 or tokens[first - 1].lower not in _BE:
        return None
    group = group_start(tokens, first)
    if _MODALS & {token.lower for token in tokens[group:at]}:
        return None
    word, following = tokens[at].lower, tokens[at + 1].lower if at + 1 < len(tokens) else ""
    reported = word == "reported" and following == "as"
    if (word in {"quoted", "cited"} and following in {"as", "by"}) or reported:
        near = range(at + 1, min(at + 11, len(tokens)))
        saying = next((i for i in near if tokens[i].lower in _SAYING), None)
        if saying is not None:
            source = noun_phrases.before(tokens, group)
            begins = saying + 1
            if begins < len(tokens) and tokens[begins].lower in {"by", "in", "on"}:
                carrier = noun_phrases.after(tokens, begins + 1)
                begins = carrier[1] if carrier else begins
            content = rest(tokens, begins)
            if source and not content:  # "..., an officer was quoted as saying by ASA."
                content = spans(tokens, (0, source[0]))
            if source and content:
                return ParsedAttribution(source, (group, saying + 1), content)
    aside = group > 0 and tokens[group - 1].lower == "it" and following in {",", "."}
    if word in _PASSIVE_VAGUE and (following in {"to", "that"} or aside):
        subject = noun_phrases.before(tokens, group)
        start = subject[0] if subject and tokens[subject[0]].lower != "it" else group
        content = spans(tokens, (start, group), (at + 1, len(tokens)))
        return ParsedAttribution(None, (group, at + 1), content, vague=True)
    if following == "by" and word in _PASSIVE_BY - {"published", "released", "carried", "told"}:
        source = noun_phrases.after(tokens, at + 2)
        left = bare(tokens, (0, group))
        if source and left:
            return ParsedAttribution(source, (group, at + 2), (left,))
    return None


def _nominal(tokens: Sequence[Token], at: int) -> ParsedAttribution | None:
    """Read "Relik's claim that", "the claim by Relik that", "claims that" of nobody's."""
    end = at + 1
    source: Span | None = None
    if end < len(tokens) and tokens[end].lower in {"by", "from", "of"}:
        if (source := noun_phrases.after(tokens, end + 1)) is None:
            return None
        end = source[1]
    if not reads(tokens, end, ("that",)):
        return None
    if tokens[at].lower == "reports" and source is None and at and tokens[at - 1].capital:
        return None  # "Relik reports that" is a verb
    source = source or _owner(tokens, at)
    content = rest(tokens, end)
    one_minds = tokens[at].lower in {"conclusion", "belief", "promise", "warning", "argument"}
    if not content or (source is None and one_minds):
        return None
    return ParsedAttribution(source, (at, at + 1), content, vague=source is None)


def _owner(tokens: Sequence[Token], at: int) -> Span | None:
    for owner in range(at - 1, max(at - 4, -1), -1):
        if tokens[owner].kind is not TokenKind.WORD:
            return None
        if tokens[owner].text.endswith(("'s", "s'")):
            return noun_phrases.before(tokens, owner + 1)
        if tokens[owner].lower in {"his", "her", "their", "its"}:
            return (owner, owner + 1)
    return None
