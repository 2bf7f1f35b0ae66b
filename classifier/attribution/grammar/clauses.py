"""The attributions of one sentence: which words name the source, hand over, and are handed over.

Rules for English over a sentence's tokens, quotations read as single tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from classifier.attribution.grammar.attributions import MOST, ParsedAttribution, bare
from classifier.attribution.grammar.phrasal import BEGINNING, phrasal
from classifier.attribution.grammar.verbal import participles, verbal
from classifier.attribution.words.lexicon import word_set
from classifier.attribution.words.phrase_words import Span
from classifier.attribution.words.tokens import Token
from classifier.attribution.words.verbs import table

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

    Parameters
    ----------
    plain, start, end, quoted
        As of `classifier.attribution.words.tokens.tokenise`. Where this is false `parse` finds nothing.
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
    """Find the attributions of a sentence, in order.

    Parameters
    ----------
    tokens : sequence of Token
    """
    found = [*phrasal(tokens), *verbal(tokens)]
    found += participles(tokens, found)
    found.sort(key=lambda a: a.cue)
    kept: list[ParsedAttribution] = []
    for each in found:
        if any(_meet(each.cue, other.cue) for other in kept):
            continue
        kept.append(each)
        if len(kept) == MOST:
            break
    return [_apart(tokens, each, kept) for each in kept]


def _meet(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _apart(
    tokens: Sequence[Token], one: ParsedAttribution, others: Sequence[ParsedAttribution]
) -> ParsedAttribution:
    """Cut the sources and cues of an attribution, and of those after it, out of its content."""
    holes = [one.cue] + ([one.source] if one.source else [])
    for other in others:
        if other is not one:
            holes += [other.cue] + ([other.source] if other.source else [])
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
    content = [_unjoined(tokens, c) for c in content]
    content = [c for c in content if c[0] < c[1]]
    content = [c for c in content if c[1] - c[0] > 1 or tokens[c[0]].lower not in _JOINTS]
    source = one.source
    for other in others:
        if source and other is not one and source[0] < other.cue[0] < source[1]:
            source = (source[0], other.cue[0])  # "ASA, citing the ministry, reported"
    source = source and bare(tokens, source)
    return ParsedAttribution(source, one.cue, tuple(content), one.vague)
