"""Sources of whole lines: "Poll: Most want a bridge", "Bridge is safe: ministry"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from classifier.attribution.citations.outlets import Outlets
from classifier.attribution.words.lexicon import places, terms, word_set
from classifier.attribution.words.phrases import words_of
from classifier.attribution.words.tokens import Token, TokenKind
from classifier.attribution.words.verbs import table
from classifier.values import Place, Sentence

_SOURCE_LINE = re.compile(r"[\W_]*sources?\s*:\s*(?P<name>[^:\n]{2,120}?)[\W_]*", re.IGNORECASE)
_BEFORE = re.compile(r"(?P<who>[^:\"'.,!?\n]{2,60}): +(?=\S)")
_AFTER = re.compile(r"(?:: | - )(?P<who>(?:[\w.'&-]+ ){0,3}[\w.'&-]+)\s*$")
# Judgements on how headlines are written.
_TAIL = 80  # characters at the end of one in which ": ministry" stands
_SHORTEST = 13  # characters of what is said before that
_LONGEST_SOURCE = 6  # words of a source
_LONGEST_NAME = 3  # words of a person's name
_MOSTLY = 0.7  # of a source that an outlet's name takes, for the outlet to be the source
_SPEAKS = word_set("poll report study survey police sources officials source")


def source_line(plain: str, sentence: Sentence) -> Place | None:
    """Find the name in a line such as "(Source: Ministry of Works)"; None in any other."""
    match = _SOURCE_LINE.fullmatch(plain, sentence.start, sentence.end)
    return None if match is None else Place(match.start("name"), match.end("name"))


def read(
    plain: str, sentence: Sentence, tokens: Sequence[Token], registry: Outlets
) -> tuple[Place, Place, Place] | None:
    """Find the source, cue and content of a headline that sets one off by a colon or dash.

    Parameters
    ----------
    plain : str
        The article, folded.
    sentence : Sentence
    tokens : sequence of Token
        Of the sentence.
    registry : Outlets
    """
    start, end = sentence.start, sentence.end
    text = plain[start:end]
    following = plain[end : end + 2]
    if (following and "\n" not in following) or _SOURCE_LINE.fullmatch(text):
        return None
    match = _BEFORE.match(text)
    quotes = any(a.text == ":" and b.kind is TokenKind.QUOTE for a, b in pairwise(tokens[:8]))
    says = (
        match is not None and words_of(match["who"])[-1:] and words_of(match["who"])[-1] in table()
    )
    if match and ((quotes and not says) or _can_speak(match["who"], plain[end:], registry)):
        at = start + match.end("who")
        return Place(start, at), Place(at, at + 1), Place(start + match.end(), end)
    match = _AFTER.search(text, max(0, len(text) - _TAIL))
    if (
        match is None
        or match.start() < _SHORTEST
        or match["who"].lower().startswith(("a ", "the "))
    ):
        return None
    if not _can_speak(match["who"], plain[end:], registry):
        return None
    at, mark = start + match.start("who"), start + match.start()
    return Place(at, start + match.end("who")), Place(mark, at), Place(start, mark)


def _can_speak(who: str, rest: str, registry: Outlets) -> bool:
    words = words_of(who)
    if not words or len(words) > _LONGEST_SOURCE:
        return False
    joined = " ".join(words)
    if joined in places("state") or joined in places("capital") or words[-1] in _SPEAKS:
        return True
    if any(words[-1] in terms(kind) for kind in ("unnamed", "person", "body", "office")):
        return True
    mentions = registry.mentions(who)
    if mentions:
        return mentions[0].end - mentions[0].start >= _MOSTLY * len(who)
    # A surname that the article goes on to use as a speaker's.
    last = re.escape(who.split()[-1])
    said = rf"(?<!\w){last} (?:said|says|told|added|wrote)\b"
    return who[0].isupper() and len(words) <= _LONGEST_NAME and re.search(said, rest) is not None
