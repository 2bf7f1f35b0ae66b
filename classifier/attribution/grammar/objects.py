"""The noun phrase that begins at a token: what stands after "by", "told" or "said"."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.attribution.words.lexicon import terms
from classifier.attribution.words.phrase_words import (
    AFTER_NAME,
    AUXILIARIES,
    DATES,
    DETERMINERS,
    LONGEST,
    STOPS,
    Span,
    known,
)
from classifier.attribution.words.tokens import Token, TokenKind
from classifier.attribution.words.verbs import table


def after(tokens: Sequence[Token], start: int, *, inverted: bool = False) -> Span | None:
    """Find the noun phrase that begins at a token, with its apposition.

    Parameters
    ----------
    tokens : sequence of Token
    start : int
    inverted : bool
        It is the subject of the verb before it, so what follows a name belongs to the verb.
    """
    if start >= len(tokens) or tokens[start].kind is not TokenKind.WORD:
        return None
    first = tokens[start]
    if first.lower in {"he", "she", "they", "i", "we", "it", "him", "them"}:
        return (start, start + 1)
    if first.lower in STOPS | AFTER_NAME | AUXILIARIES - {"this"} and first.lower not in {
        "this",
        "last",
    }:
        return None
    at, named = start, False
    while at < len(tokens) and at - start < LONGEST:
        token = tokens[at]
        if token.kind is TokenKind.QUOTE and len(token.text) > 40:
            break
        if token.kind is TokenKind.STOP:
            if token.text == "(":
                closing = next(
                    (i for i in range(at, min(at + 12, len(tokens))) if tokens[i].text == ")"), None
                )
                if closing is None:
                    break
                at = closing + 1
                continue
            if token.text not in {"/", "&", "%", "$"} and not (
                token.text == "-" and token.start == tokens[at - 1].end
            ):
                break
        elif (
            token.lower in STOPS
            or (token.lower in AUXILIARIES and at > start)
            or (named and token.lower in AFTER_NAME - {"of", "for", "from", "and", "at", "with"})
            or (token.lower in {"in", "on", "to", "when", "during", "by"} and inverted)
            or (
                at > start
                and tokens[at - 1].kind is TokenKind.WORD
                and token.lower in DATES
                and (token.capital or named)
            )
            or (
                token.lower == "and"
                and not (
                    at + 1 < len(tokens)
                    and (tokens[at + 1].capital or tokens[at + 1].lower in DETERMINERS)
                )
            )
            or (at > start and token.lower.endswith("ing") and not token.capital and named)
        ):
            break
        named = (
            named or (token.capital and at > start) or (token.capital and not known(token.lower))
        )
        at += 1
    if at == start:
        return None
    return (start, _apposition_after(tokens, start, at))


def _apposition_after(tokens: Sequence[Token], start: int, end: int) -> int:
    """Extend over ", the minister" when it ends at a comma or at the sentence's end."""
    if end + 1 >= len(tokens) or tokens[end].text != ",":
        return end
    first = tokens[end + 1]
    if first.lower not in {
        "the",
        "a",
        "an",
        "who",
        "whose",
        "which",
        "one",
        "then",
        "its",
    } and not (first.lower in terms("person") or first.lower[:2].isdigit()):
        return end
    for at in range(end + 1, min(end + 26, len(tokens))):
        token = tokens[at]
        if token.kind is TokenKind.QUOTE or token.text in {";", ":", "?", "!", "-", "--"}:
            return at if token.kind is TokenKind.QUOTE else end
        if token.text in {",", "."}:
            inner = tokens[end + 1 : at]
            if first.lower == "who" and any(t.lower in table() for t in inner):
                return end  # "said Relik, who predicted": two attributions
            if any(t.lower in {"is", "was", "are", "were", "has", "will"} for t in inner) and (
                first.lower not in {"who", "whose", "which"}
            ):
                return end
            return at
    return end
