"""A sentence as the rules read it: words, punctuation, and each quotation as one token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    """What a token is."""

    WORD = "word"
    STOP = "stop"  # punctuation
    QUOTE = "quote"  # a quotation, whole


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a punctuation mark or a quotation, with its characters in the article.

    Attributes
    ----------
    start, end : int
    text : str
        Folded.
    lower : str
        The same in lower case, without a possessive ending.
    kind : TokenKind
    """

    start: int
    end: int
    text: str
    lower: str
    kind: TokenKind

    @property
    def capital(self) -> bool:
        """Whether it is a word that begins with a capital."""
        return self.kind is TokenKind.WORD and (
            self.text[0].isupper() or (self.text[:3] in {"al-", "el-"} and self.text[3:4].isupper())
        )


_TOKEN = re.compile(
    r"(?:[A-Za-z]\.){2,}|(?:Sen|Rep|Gov|Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Adm|Rev|Jr|Sr|St|Sgt"
    r"|Capt|Reps|Sens|Hon|vs|No|Inc|Corp|Co|Ltd|Ala|Ariz|Calif|Conn|Fla|Wis|Mich|Minn|Pa|Va|Tenn)"
    r"\.(?=\s)|(?:Jr|Sr)\.(?=,)|[RDI]-(?:[A-Z][a-z]+|(?:[A-Z]\.)*[A-Z])\.(?=[,)])"
    r"|[A-Z]\.(?=\s[A-Z])"
    r"|\d+(?:,\d{3})+|\w+(?:[.'&/@-]\w+)*(?:(?<=s)'(?=\s))?|--+|\.\.\.|[^\w\s]"
)


def tokenise(
    plain: str, start: int, end: int, quoted: Sequence[tuple[int, int]]
) -> tuple[Token, ...]:
    """Read a part of an article.

    Parameters
    ----------
    plain : str
        The article, folded.
    start, end : int
        The part.
    quoted : sequence of (int, int)
        Quotations in the article's offsets, in order, clipped to the part.
    """
    tokens: list[Token] = []
    at = start
    for left, right in quoted:
        tokens.extend(_words(plain, at, left))
        tokens.append(Token(left, right, plain[left:right], "", TokenKind.QUOTE))
        at = right
    tokens.extend(_words(plain, at, end))
    return tuple(tokens)


def _words(plain: str, start: int, end: int) -> list[Token]:
    found = []
    for match in _TOKEN.finditer(plain, start, end):
        text = match.group()
        word = text[0].isalnum() or text[0] == "_"
        lower = text.lower()
        if word and lower.endswith(("'s", "s'")):
            lower = lower[:-2] if lower.endswith("'s") else lower[:-1]
        found.append(
            Token(
                match.start(), match.end(), text, lower, TokenKind.WORD if word else TokenKind.STOP
            )
        )
    return found
