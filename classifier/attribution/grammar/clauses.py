"""The attributions of one sentence: which words name the source, hand over, and are handed over.

Rules for English over a sentence's tokens, quotations read as single tokens; here those by a verb:
"Poor said that", ", said Poor", ", saying the port was lost".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from classifier.attribution.grammar import noun_phrases
from classifier.attribution.grammar.attributions import (
    DOCUMENTS,
    MOST,
    NEEDS_CLAUSE,
    ParsedAttribution,
    after_tag,
    bare,
    content_start,
    crowd,
    group_start,
    hands_clause,
    is_tag,
    reads,
    rest,
    said_nothing,
    takes,
)
from classifier.attribution.grammar.phrasal import BEGINNING, phrasal
from classifier.attribution.words.cues import TRANSITIVE, Form, Verb, VerbKind, particles, table
from classifier.attribution.words.lexicon import word_list, word_set
from classifier.attribution.words.tokens import AUXILIARIES, Span, Token, TokenKind

_NEGATIONS = word_set("not n't never nobody none")
_MODALS = word_set("can could must should may might")
_BE = word_set("is are was were be been being")
_SPEAKING = word_set("say tell write add note ask reply respond explain state continue recall")
_PLURALS = word_set(
    "they who some many others people police most we men women media you data several few"
)
# Past forms that also stand before a noun, and what then stands before them.
_ATTRIBUTIVE = word_set("alleged reported proposed claimed suggested estimated accused suspected")
_BEFORE_A_NOUN = frozenset(word_list("before a noun"))


def verbal(tokens: Sequence[Token]) -> list[ParsedAttribution]:
    """Find the attributions by a finite verb, active, in order."""
    found: list[ParsedAttribution] = []
    i = 0
    while i < len(tokens) and len(found) < MOST:
        step = 1
        for verb in table().get(tokens[i].lower, ()) if tokens[i].kind is TokenKind.WORD else ():
            if verb.size > 1 and not reads(tokens, i + 1, particles(verb)):
                continue
            if (each := _active(tokens, i, verb)) is not None:
                found.append(each)
                step = verb.size
                break
        i += step
    return found


def _active(tokens: Sequence[Token], at: int, verb: Verb) -> ParsedAttribution | None:
    if verb.form is Form.ING or (tokens[at].capital and at and not _title_case(tokens)):
        return None
    if at and tokens[at - 1].text.endswith(("'s", "s'")) and tokens[at - 1].lower != "it":
        return None  # "Relik's remarks"
    end = at + verb.size
    start = group_start(tokens, at)
    helpers = {t.lower for t in tokens[start:at]}
    if (_NEGATIONS | _MODALS) & helpers or any(h.endswith("n't") for h in helpers):
        return None
    if verb.form is Form.PAST and helpers & _BE:
        return None  # passive
    if verb.form is Form.BASE:
        if {"will", "would"} & helpers:
            return None if verb.base not in _SPEAKING else _clause(tokens, at, end, start, verb)
        if {"did", "does", "do"} & helpers:
            return _clause(tokens, at, end, start, verb)
        if (at and tokens[at - 1].lower == "to") or not _plural_subject(tokens, start):
            return None
    if at and verb.form is not Form.BASE and tokens[at - 1].lower in {"the", "a", "an", "to", "of"}:
        return None
    if at and tokens[at].lower in _ATTRIBUTIVE and tokens[at - 1].lower in _BEFORE_A_NOUN:
        return None  # "on alleged espionage"
    return _clause(tokens, at, end, start, verb)


def _title_case(tokens: Sequence[Token]) -> bool:
    """Whether the sentence is a headline that capitalises its words."""
    words = [t for t in tokens if t.kind is TokenKind.WORD and len(t.text) > 3]
    return len(words) > 2 and sum(t.capital for t in words) >= 0.75 * len(words)


def _plural_subject(tokens: Sequence[Token], at: int) -> bool:
    if at == 0:
        return False
    last = tokens[at - 1]
    if last.lower in _PLURALS or last.kind is TokenKind.QUOTE or last.text == ",":
        return True
    plural = last.lower.endswith("s") and not last.lower.endswith("ss")
    known = last.lower in {"helps", "lets", "makes", "seems", "always"}
    return last.kind is TokenKind.WORD and plural and not known


def _clause(
    tokens: Sequence[Token], at: int, end: int, start: int, verb: Verb
) -> ParsedAttribution | None:
    subject = noun_phrases.before(tokens, start)
    previous = tokens[start - 1] if start else None
    if subject is not None and tokens[subject[0]].lower in {"i", "we", "you", "that", "it"}:
        first = tokens[subject[0]].lower
        noun = subject[0] > 0 and tokens[subject[0] - 1].lower in DOCUMENTS
        if first in {"i", "we", "you"} or (first == "that" and not noun):
            return None
        goes_on = subject == (0, 1) and verb.base == "add"  # "It added the trip would be short"
        speech = verb.kind is VerbKind.SPEECH or goes_on
        left = bare(tokens, (0, subject[0]))
        tags = left is not None and is_tag(tokens, subject, end, left)  # "..., it noted."
        if first == "it" and not (speech or tags or hands_clause(tokens, end)):
            return None
    if subject is not None and tokens[subject[0]].lower in {"nobody", "none", "no", "neither"}:
        return None
    cue = (start, end)
    # 1. A tag after what is said: ", Poor said", "... ," said Poor.
    left = bare(tokens, (0, subject[0] if subject else start))
    if subject is None and (previous is None or previous.lower in {"and", "but", "or", "then"}):
        speech = verb.kind is VerbKind.SPEECH and verb.base not in NEEDS_CLAUSE
        quoted = any(t.kind is TokenKind.QUOTE for t in tokens)
        clear = quoted or speech or verb.base in TRANSITIVE or hands_clause(tokens, end)
        if previous is None or not clear:
            return None
        main = main_subject(tokens, start) or noun_phrases.first(tokens[:start])
        content = rest(tokens, content_start(tokens, end, verb))
        return ParsedAttribution(main, cue, content) if main and content else None
    if (subject is None or subject[1] - subject[0] > 14) and previous is not None and left:
        inverted = noun_phrases.after(tokens, end, inverted=True)
        # Whoever stands after a quotation and "said" has spoken: "said a docker".
        if inverted is not None and (
            previous.kind is TokenKind.QUOTE
            or (previous.text in {",", "-", "--"} and noun_phrases.speaks(tokens, inverted))
        ):
            return ParsedAttribution(inverted, cue, (left, *after_tag(tokens, inverted[1])))
    if subject is None or (verb.base == "show" and reads(tokens, end, ("up",))):
        return None
    right = rest(tokens, content_start(tokens, end, verb))
    if left and left[1] - left[0] > 1 and tokens[left[1] - 1].lower == "as":
        left = bare(tokens, (left[0], left[1] - 1))
    if left and is_tag(tokens, subject, end, left):
        if verb.kind is VerbKind.THOUGHT and not crowd(tokens, subject):
            return None
        return ParsedAttribution(subject, cue, (left, *after_tag(tokens, end)))
    if said_nothing(tokens, end):
        # What was said comes in the next sentence, if anywhere: "Poor said in response."
        return ParsedAttribution(subject, cue, ()) if tokens[-1].text in {":", "."} else None
    taken = right and takes(tokens, verb, subject, end)
    return ParsedAttribution(subject, cue, right) if taken else None


def main_subject(tokens: Sequence[Token], verb: int) -> Span | None:
    """Find the subject that a second verb shares with the first: "She left and said"."""
    for i in range(1, verb):
        if tokens[i].kind is TokenKind.STOP and tokens[i].text != ",":
            return None
        known = tokens[i].lower in AUXILIARIES or tokens[i].lower in table()
        if known or (tokens[i].lower.endswith("ed") and not tokens[i].capital):
            return noun_phrases.before(tokens, i)
    return None


def participles(
    tokens: Sequence[Token], found: Sequence[ParsedAttribution]
) -> list[ParsedAttribution]:
    """Read ", saying the port was lost", whose subject is the main clause's."""
    more = []
    for i, token in enumerate(tokens):
        if not token.lower.endswith("ing") or token.kind is not TokenKind.WORD:
            continue
        for verb in table().get(token.lower, ()):
            if verb.form is not Form.ING or verb.kind not in (VerbKind.SPEECH, VerbKind.CLAUSE):
                continue
            previous = tokens[i - 1] if i else None
            if previous is None or previous.lower in AUXILIARIES | {"by", "of", "for", "in"}:
                continue
            if previous.kind is TokenKind.WORD and previous.lower not in {"and", "while"}:
                continue
            speech = verb.kind is VerbKind.SPEECH or verb.base in {
                "add",
                "note",
                "suggest",
                "write",
            }
            if not speech and not hands_clause(tokens, i + 1):
                continue
            content = rest(tokens, i + verb.size)
            source = (
                next((a.source for a in reversed(found) if a.source and a.cue[1] <= i), None)
                or main_subject(tokens, i)
                or noun_phrases.first(tokens[:i])
            )
            if content and source:
                more.append(ParsedAttribution(source, (i, i + verb.size), content))
            break
    return more


_LETTERS = re.compile(r"[a-z]+")
_JOINTS = word_set("as and but while which who that or")


def _taken(span: Span, others: Sequence[ParsedAttribution]) -> bool:
    return any(o.cue[1] <= span[0] and any(_meet(span, c) for c in o.content) for o in others)


def _unjoined(tokens: Sequence[Token], span: Span) -> Span:
    """Take a last "and" off what stands before the next verb."""
    start, end = span
    while end > start and (tokens[end - 1].lower in {"and", "but"} or tokens[end - 1].text == ","):
        end -= 1
    return (start, end)


def may_attribute(plain: str, start: int, end: int, quoted: Sequence[tuple[int, int]]) -> bool:
    """Whether a part of an article holds, outside its quotations, a word that can hand over.

    Given as to `words.tokens.tokenise`; where this is false `parse` finds nothing.
    """
    edges = [start, *(edge for span in quoted for edge in span), end]
    return any(
        not _beginning().isdisjoint(_LETTERS.findall(plain[a:b].lower()))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
    )


@cache
def _beginning() -> frozenset[str]:
    return BEGINNING | table().keys()


def parse(tokens: Sequence[Token]) -> list[ParsedAttribution]:
    """Find the attributions of a sentence, in order."""
    found = [*phrasal(tokens), *verbal(tokens)]
    found += participles(tokens, found)
    found.sort(key=lambda a: a.cue)
    kept: list[ParsedAttribution] = []
    for each in found:
        if len(kept) < MOST and not any(_meet(each.cue, other.cue) for other in kept):
            kept.append(each)
    return [_apart(tokens, each, kept) for each in kept]


def _meet(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _apart(
    tokens: Sequence[Token], one: ParsedAttribution, others: Sequence[ParsedAttribution]
) -> ParsedAttribution:
    """Cut the sources and cues of an attribution, and of those after it, out of its content."""
    holes = [span for each in others for span in (each.cue, each.source) if span]
    content: list[Span] = []
    for start, end in one.content:
        at = start
        for hole in sorted(holes):
            if hole[0] < end and hole[1] > at:
                if hole[0] > at:
                    content.append((at, hole[0]))
                at = max(at, hole[1])
        if at < end:
            content.append((at, end))
    verb = tokens[one.cue[0]].lower
    if verb in table() and not verb.endswith("ing"):
        # "denied it and said that": what follows the second verb is the second's.
        later = [o for o in others if o.cue > one.cue and o.source and not o.vague]
        content = [c for c in content if not _taken(c, later)] or content
    content = [(a, b) for a, b in (_unjoined(tokens, c) for c in content) if a < b]
    content = [(a, b) for a, b in content if b - a > 1 or tokens[a].lower not in _JOINTS]
    source = one.source
    for other in others:
        if source and other is not one and source[0] < other.cue[0] < source[1]:
            source = (source[0], other.cue[0])  # "ASA, citing the ministry, reported"
    source = source and bare(tokens, source)
    return ParsedAttribution(source, one.cue, tuple(content), one.vague)
