"""The attributions of one sentence: which words name the source, hand over, and are handed over.

Rules for English over a sentence's tokens, quotations read as single tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

from classifier.citations.attributions import Attribution
from classifier.citations.phrasal import phrasal
from classifier.citations.subjects import Span
from classifier.citations.tokens import Token
from classifier.citations.verbal import participles, verbal


def parse(tokens: Sequence[Token]) -> list[Attribution]:
    """Find the attributions of a sentence, in order.

    Parameters
    ----------
    tokens : sequence of Token
    """
    found = [*phrasal(tokens), *verbal(tokens)]
    found += participles(tokens, found)
    found.sort(key=lambda a: a.cue)
    kept: list[Attribution] = []
    for each in found:
        if any(_meet(each.cue, other.cue) for other in kept):
            continue
        kept.append(each)
    return [_apart(each, kept) for each in kept]


def _meet(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _apart(one: Attribution, others: Sequence[Attribution]) -> Attribution:
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
    return Attribution(one.source, one.cue, tuple(content), one.vague)
