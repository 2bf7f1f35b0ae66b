"""The noun phrases among a sentence's tokens: a verb's subject, and what stands after a word."""

from __future__ import annotations

from collections.abc import Sequence

from classifier.attribution.words.cues import table
from classifier.attribution.words.lexicon import is_any, terms
from classifier.attribution.words.tokens import (
    ADVERBS,
    AFTER_NAME,
    ALONE,
    ASIDES,
    AUXILIARIES,
    DATES,
    DETERMINERS,
    LEADING,
    LONGEST,
    PREPOSITIONS,
    PRONOUNS,
    STOPS,
    Span,
    Token,
    TokenKind,
    known,
)

_BEGINS_CLAUSE = STOPS | AUXILIARIES | {"he", "she", "they", "i", "we"}


def before(tokens: Sequence[Token], end: int) -> Span | None:
    """Find the subject that ends where a verb group begins; None where no noun phrase does."""
    if end > 3 and tokens[end - 1].text == tokens[end - 3].text == ",":
        end -= 3 * (tokens[end - 2].lower in ASIDES)  # "Poor, however, said"
    if end <= 0:
        return None
    last = tokens[end - 1]
    if last.text in {",", "-", "--", ")"}:
        return _with_apposition(tokens, end - 1)
    return _phrase_before(tokens, end) if last.kind is TokenKind.WORD else None


def _with_apposition(tokens: Sequence[Token], comma: int) -> Span | None:
    """Find "Ana Poor, the minister," or "Ana Poor (R-Vesk)" that ends at a comma or bracket."""
    close = tokens[comma].text
    best: Span | None = None
    commas = 0
    for at in range(comma - 1, max(comma - LONGEST, 1) - 1, -1):
        token = tokens[at]
        inside = close == ")" or tokens[at + 1].text == ")"
        if token.kind is TokenKind.QUOTE or token.text in {";", ":", "?", "!"}:
            break
        if token.text == "." and not inside:
            break
        if token.text == ("(" if close == ")" else close):
            commas += 1
            if not _appositive(tokens, at + 1, comma):
                break
            head = _phrase_before(tokens, at)
            if head is not None and _noun_phrase(tokens, head) and _starts_clause(tokens, head[0]):
                begins = head[0] == 0 or tokens[head[0] - 1].kind is not TokenKind.WORD
                named = tokens[head[1] - 1].capital and head[1] - head[0] <= 6 and begins
                if best is None or named:
                    best = (head[0], comma + (close == ")"))
            if commas == 4 or close == ")":
                break
    return best


def _appositive(tokens: Sequence[Token], start: int, end: int) -> bool:
    first = tokens[start]
    if start >= end or first.kind is not TokenKind.WORD:
        return False
    if first.lower in {"who", "which", "whose", "where", "himself", "herself", "then", "now"}:
        return True
    if first.lower in {"he", "she", "they", "it", "i", "we", "and", "but", "says", "said", "or"}:
        return False
    return not any(t.lower in {"is", "was", "are", "were"} for t in tokens[start : start + 4])


def _starts_clause(tokens: Sequence[Token], at: int) -> bool:
    before = tokens[at - 1]
    return at == 0 or before.kind is not TokenKind.WORD or before.lower in STOPS | LEADING


def _noun_phrase(tokens: Sequence[Token], span: Span) -> bool:
    first = tokens[span[0]]
    return (
        any(t.capital for t in tokens[span[0] : span[1]])
        or first.lower in DETERMINERS
        or first.lower[:1].isdigit()
        or known(tokens[span[1] - 1].lower)
    )


def _phrase_before(tokens: Sequence[Token], end: int) -> Span | None:
    last = tokens[end - 1]
    if last.text == ")":
        return _with_apposition(tokens, end - 1)
    if last.lower in PRONOUNS and last.lower not in {"many", "some", "others", "one", "that"}:
        return (end - 1, end)
    if last.lower in STOPS | {"and", "or", "to"} or last.lower in AUXILIARIES:
        return (end - 1, end) if last.lower in {"who", "which", "that"} else None
    start = end
    joined: int | None = None
    while start > 0 and end - start < LONGEST:
        token = tokens[start - 1]
        if token.kind is TokenKind.QUOTE:
            if len(token.text) > 40 or start == end or token.text.rstrip("\"'").endswith(","):
                break
        elif token.kind is TokenKind.STOP:
            inside = token.text in {"/", "&", "%", "$"} or (token.text == ")" and start < end)
            joins = token.text == "-" and start > 1 and token.start == tokens[start - 2].end
            opens = token.text == "(" and any(t.text == ")" for t in tokens[start:end])
            if not (inside or joins or opens):
                break
        elif token.lower in {"and", "or"}:
            joined = start if joined is None else joined
        elif token.lower in _BEGINS_CLAUSE or _finite(tokens, start - 1):
            break
        start -= 1
    else:
        if start > 0:
            return None
    if joined is not None and start > 0 and tokens[start - 1].kind is TokenKind.WORD:
        start = joined  # what stands before "and" is a clause
    start = _trimmed(tokens, start, end)
    if last.lower in (DETERMINERS - ALONE) | {"by"}:
        return None  # "stood by his comments": what looks like a verb is a noun
    return (start, end) if start < end else None


def speaks(tokens: Sequence[Token], span: Span) -> bool:
    """Whether a phrase can be a source: a name, a pronoun, or a noun of people or bodies."""
    last = tokens[span[0]]
    for token in tokens[span[0] : span[1]]:
        if token.kind is TokenKind.STOP or token.lower in PREPOSITIONS | STOPS:
            break
        last = token
    if last.capital or last.lower in PRONOUNS | {"him", "her", "them"}:
        return not last.text.endswith("'s")
    return known(last.lower) or is_any(last.lower, "person", "body", "office", "media")


def first(tokens: Sequence[Token]) -> Span | None:
    """Find the name or pronoun that a sentence begins with, after a phrase and its comma."""
    starts = [0]
    if tokens and tokens[0].lower in LEADING:
        starts = [i + 1 for i, t in enumerate(tokens[:16]) if t.text == ","][:1]
    for start in starts:
        if start < len(tokens) and tokens[start].lower in {"he", "she", "they", "it"}:
            return (start, start + 1)
        while start < len(tokens) - 1 and tokens[start].lower in {"but", "and", "yet", "so"}:
            start += 1
        at = start + (start < len(tokens) and tokens[start].lower == "the")
        end = at
        if at < len(tokens) and tokens[start].lower in {"a", "an", "the"}:
            while end < len(tokens) and end - at < 8 and tokens[end].kind is TokenKind.WORD:
                word = tokens[end]
                past = word.lower.endswith("ed") and not word.capital
                if end > at and (word.lower in AUXILIARIES or word.lower in table() or past):
                    return (start, end)
                end += 1
            end = at
        while end < len(tokens) and tokens[end].capital:
            end += 1
        if end > at and not (end - at == 1 and tokens[at].lower in LEADING | ADVERBS):
            return (start, end)
    return None


def _finite(tokens: Sequence[Token], at: int) -> bool:
    """Whether a token is the verb of another clause, not a noun or a participle in the phrase."""
    token = tokens[at]
    if token.capital or not any(
        v.size == 1 and not v.noun and v.form in {"past", "third"}
        for v in table().get(token.lower, ())
    ):
        return False
    if at > 0 and any(t.lower in PREPOSITIONS - {"to"} for t in tokens[at + 1 : at + 2]):
        return False  # "the man accused of theft"
    return not (at > 0 and tokens[at - 1].lower in DETERMINERS)


def _trimmed(tokens: Sequence[Token], start: int, end: int) -> int:
    """Drop what leads into a clause: "On Monday", "But", "In Amaro"."""
    while start < end:
        token = tokens[start]
        other = token.capital or token.lower in {"family", "italy", "weekly", "daily"}
        if token.lower in ADVERBS - {"both", "all"} or (token.lower.endswith("ly") and not other):
            start += 1
            continue
        if token.lower not in LEADING:
            break
        if token.lower in PREPOSITIONS - {"for"}:
            rest = [
                i
                for i in range(start + 2, end)
                if tokens[i].lower in DETERMINERS - {"that"}
                or tokens[i - 1].lower in DATES
                or tokens[i - 1].lower.isdigit()
            ]
            if not rest:
                return end if len(tokens[start:end]) < 3 else start + 1
            start = rest[0]
            continue
        start += 1
    return start


def after(tokens: Sequence[Token], start: int, *, inverted: bool = False) -> Span | None:
    """Find the noun phrase that begins at a token, with its apposition.

    An ``inverted`` one is the subject of the verb before it: what follows a name is the verb's.
    """
    if start >= len(tokens) or tokens[start].kind is not TokenKind.WORD:
        return None
    first = tokens[start]
    if first.lower in {"he", "she", "they", "i", "we", "it", "him", "them"}:
        return (start, start + 1)
    if first.lower in (STOPS | AFTER_NAME | AUXILIARIES) - {"this", "last"}:
        return None
    at, named = start, False
    after_name = AFTER_NAME - {"of", "for", "from", "and", "at", "with"}
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
            or (named and token.lower in after_name)
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
        named = named or (token.capital and (at > start or not known(token.lower)))
        at += 1
    if at == start:
        return None
    return (start, _apposition_after(tokens, start, at))


def _apposition_after(tokens: Sequence[Token], start: int, end: int) -> int:
    """Extend over ", the minister" when it ends at a comma or at the sentence's end."""
    if end + 1 >= len(tokens) or tokens[end].text != ",":
        return end
    first = tokens[end + 1]
    opens = first.lower in {"the", "a", "an", "who", "whose", "which", "one", "then", "its"}
    if not (opens or first.lower in terms("person") or first.lower[:2].isdigit()):
        return end
    for at in range(end + 1, min(end + 26, len(tokens))):
        token = tokens[at]
        if token.kind is TokenKind.QUOTE or token.text in {";", ":", "?", "!", "-", "--"}:
            return at if token.kind is TokenKind.QUOTE else end
        if token.text in {",", "."}:
            inner = tokens[end + 1 : at]
            if first.lower == "who" and any(t.lower in table() for t in inner):
                return end  # "said Relik, who predicted": two attributions
            finite = any(t.lower in {"is", "was", "are", "were", "has", "will"} for t in inner)
            return end if finite and first.lower not in {"who", "whose", "which"} else at
    return end
