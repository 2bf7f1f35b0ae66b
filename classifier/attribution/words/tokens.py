"""A sentence as the rules read it: words, punctuation, and each quotation as one token.

With the words that end, open or stand within a noun phrase: what tells where one begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from classifier.attribution.words.lexicon import is_any, word_list, word_set


class TokenKind(StrEnum):
    """What a token is."""

    WORD = "word"
    STOP = "stop"  # punctuation
    QUOTE = "quote"  # a quotation, whole


class Token(NamedTuple):
    """A word, a punctuation mark or a quotation, with its characters in the article."""

    start: int
    end: int
    text: str  # folded
    lower: str  # in lower case, without a possessive ending
    kind: TokenKind
    capital: bool  # it is a word that begins with a capital


_TOKEN = re.compile(
    # First what most tokens are, and what the rest would read the same, only later.
    r"[a-z]{2,}(?=[ ,\n])"
    r"|(?:[A-Za-z]\.){2,}|(?:Sen|Rep|Gov|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Adm|Rev|Jr|Sr|St|Sgt"
    r"|Capt|Reps|Sens|Hon|vs|No|Inc|Corp|Co|Ltd|Ala|Ariz|Calif|Conn|Fla|Wis|Mich|Minn|Pa|Va|Tenn)"
    r"\.(?=\s)|(?:Jr|Sr)\.(?=,)|[RDI]-(?:[A-Z][a-z]+|(?:[A-Z]\.)*[A-Z])\.(?=[,)])"
    r"|[A-Z]\.(?=\s[A-Z])"
    r"|\d+(?:,\d{3})+|\w+(?:[.'&/@-]\w+)*(?:(?<=s)'(?=\s))?|--+|\.\.\.|[^\w\s]"
)


def tokenise(
    plain: str, start: int, end: int, quoted: Sequence[tuple[int, int]]
) -> tuple[Token, ...]:
    """Read a part of a folded article; quotations are in order, and clipped to the part."""
    tokens: list[Token] = []
    at = start
    for left, right in quoted:
        tokens.extend(_words(plain, at, left))
        tokens.append(Token(left, right, plain[left:right], "", TokenKind.QUOTE, False))
        at = right
    tokens.extend(_words(plain, at, end))
    return tuple(tokens)


def _words(plain: str, start: int, end: int) -> list[Token]:
    return [
        Token(match.start(), match.end(), match[0], *_read(match[0]))
        for match in _TOKEN.finditer(plain, start, end)
    ]


@lru_cache(maxsize=1 << 14)
def _read(text: str) -> tuple[str, TokenKind, bool]:
    """Give a token's lower case without a possessive ending, its kind, whether it is a capital."""
    if not (text[0].isalnum() or text[0] == "_"):
        return text.lower(), TokenKind.STOP, False
    lower = text.lower()
    if lower.endswith(("'s", "s'")):
        lower = lower[:-2] if lower.endswith("'s") else lower[:-1]
    capital = text[0].isupper() or (text[:3] in {"al-", "el-"} and text[3:4].isupper())
    return lower, TokenKind.WORD, capital


Span = tuple[int, int]  # tokens, end-exclusive

AUXILIARIES = frozenset(word_list("auxiliaries"))
ADVERBS = frozenset(word_list("adverbs"))
PRONOUNS = word_set("he she they it i we you who which that one everyone nobody many some others")
STOPS = frozenset(word_list("phrase stops"))
LEADING = frozenset(word_list("leading words"))
PREPOSITIONS = word_set("of for from at in on with to by about into against among near")
AFTER_NAME = frozenset(word_list("after name"))
DATES = frozenset(word_list("dates"))
DETERMINERS = frozenset(word_list("determiners"))
ALONE = word_set("some many several both all most one that another")
ASIDES = word_set("however meanwhile though too instead")
#: Tokens of the longest phrase that is looked for.
LONGEST = 34


def adverb(token: Token) -> bool:
    """Whether a token can stand between a subject and its verb."""
    if token.capital and token.lower in {"daily", "weekly"}:
        return False  # "China Daily wrote"
    return token.lower in ADVERBS or (token.lower.endswith("ly") and len(token.lower) > 4)


def known(word: str) -> bool:
    """Whether a noun is one of sources: people, bodies, documents."""
    return is_any(word, "unnamed", "vague", "document", "organisation")
