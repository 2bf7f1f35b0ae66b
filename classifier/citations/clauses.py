"""The attributions of one sentence: which words name the source, hand over, and are handed over.

Rules for English over a sentence's tokens, quotations read as single tokens. Positions are token
numbers, end-exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classifier.citations import subjects
from classifier.citations.lexicon import terms, word_set
from classifier.citations.subjects import AUXILIARIES, Span, adverb
from classifier.citations.tokens import Mark, Token
from classifier.citations.verbs import Form, Verb, particles, table
from classifier.cues import TRANSITIVE, Kind


@dataclass(frozen=True, slots=True)
class Attribution:
    """One attribution of a sentence, in token numbers.

    Attributes
    ----------
    source : (int, int) or None
    cue : (int, int)
    content : tuple of (int, int)
    vague : bool
        It hands over to nobody in particular: "reportedly", "is believed to".
    """

    source: Span | None
    cue: Span
    content: tuple[Span, ...]
    vague: bool = False


_OPENERS = word_set("that how why whether what if")
_NEGATIONS = word_set("not n't never nobody none")
_TELL = word_set("tell inform assure reassure warn remind notify advise urge ask")
_SPEAKING = word_set("say tell write add note ask reply respond explain state continue recall")
_ADVERBS = word_set("reportedly allegedly purportedly supposedly")
_PASSIVE_VAGUE = word_set(
    "said reported believed thought alleged rumored rumoured understood claimed estimated"
)
_PASSIVE_BY = word_set(
    "reported announced confirmed published released described quoted cited said told disclosed "
    "revealed carried denied stated documented"
)
_NOMINAL = word_set(
    "claim claims allegation allegations accusation accusations assertion assertions suggestion "
    "suggestions warning warnings argument contention statement rumor rumors rumour rumours belief "
    "announcement reports insistence admission complaint complaints conclusion finding findings "
    "testimony denial promise prediction assessment"
)
_QUESTION_BASES = word_set("who what why how did does do")
_TAIL_STARTS = word_set(
    "in on at during after before when while as to via by last this late early monday tuesday "
    "wednesday thursday friday saturday sunday about through from of with for without because "
    "recently earlier yesterday today outside following"
)
_DOCUMENTS = terms("document")


def parse(tokens: Sequence[Token]) -> list[Attribution]:
    """Find the attributions of a sentence, in order.

    Parameters
    ----------
    tokens : sequence of Token
    """
    found = [*_phrases(tokens), *_verbs(tokens)]
    found += _participles(tokens, found)
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


# --- phrases: "according to", "reportedly", passives ----------------------------------------------


def _phrases(tokens: Sequence[Token]) -> list[Attribution]:
    found: list[Attribution] = []
    for i, token in enumerate(tokens):
        if token.mark is not Mark.WORD:
            continue
        cue = _handing_phrase(tokens, i)
        if cue is not None:
            source = subjects.after(tokens, cue[1])
            if source is not None:
                found.append(Attribution(source, cue, _around(tokens, cue[0], source[1])))
        elif token.lower in _ADVERBS:
            found.append(Attribution(None, (i, i + 1), _around(tokens, i, i + 1), vague=True))
        elif token.lower in _PASSIVE_VAGUE | _PASSIVE_BY | {"accused", "suspected"}:
            passive = _passive(tokens, i)
            if passive is not None:
                found.append(passive)
        elif token.lower in _NOMINAL:
            nominal = _nominal(tokens, i)
            if nominal is not None:
                found.append(nominal)
    return found


_PHRASES = (
    ("according", "to"), ("as", "reported", "by"), ("as", "quoted", "by"), ("as", "cited", "by"),
    ("reported", "by"), ("quoted", "by"), ("in", "the", "words", "of"), ("in", "the", "view", "of"),
    ("in", "the", "opinion", "of"), ("in", "the", "telling", "of"), ("citing",), ("quoting",),
    ("as", "told", "by"), ("as", "described", "by"), ("as", "stated", "by"),
)  # fmt: skip


def _handing_phrase(tokens: Sequence[Token], at: int) -> Span | None:
    for phrase in _PHRASES:
        if _words(tokens, at, phrase):
            if phrase[0] in {"reported", "quoted"} and at and tokens[at - 1].lower in AUXILIARIES:
                return None
            if phrase[0] == "according" and _words(tokens, at, ("according", "to", "plan")):
                return None
            return (at, at + len(phrase))
    return None


def _words(tokens: Sequence[Token], at: int, words: tuple[str, ...]) -> bool:
    return len(tokens) - at >= len(words) and all(
        tokens[at + i].lower == word for i, word in enumerate(words)
    )


def _around(tokens: Sequence[Token], start: int, end: int) -> tuple[Span, ...]:
    """What stands before and after a phrase, within its sentence."""
    left, right = (0, start), (end, len(tokens))
    return tuple(s for s in (_bare(tokens, left), _bare(tokens, right)) if s is not None)


def _bare(tokens: Sequence[Token], span: Span) -> Span | None:
    """Take punctuation off both ends; None where nothing is left."""
    start, end = span
    while start < end and tokens[start].mark is Mark.STOP and tokens[start].text not in "$(":
        start += 1
    while end > start and tokens[end - 1].mark is Mark.STOP and tokens[end - 1].text not in "%)":
        end -= 1
    return (start, end) if start < end else None


def _passive(tokens: Sequence[Token], at: int) -> Attribution | None:
    first = at
    while first > 0 and adverb(tokens[first - 1]):
        first -= 1
    if first == 0 or tokens[first - 1].lower not in AUXILIARIES - {
        "has",
        "have",
        "had",
        "do",
        "did",
    }:
        return None
    group = _group_start(tokens, first)
    word, following = tokens[at].lower, tokens[at + 1].lower if at + 1 < len(tokens) else ""
    if word in {"quoted", "cited"} and following in {"as", "by"}:
        saying = at + 1
        while saying < len(tokens) and tokens[saying].lower != "saying" and saying - at < 10:
            saying += 1
        if saying < len(tokens) and tokens[saying].lower == "saying":
            source = subjects.before(tokens, group)
            content = _right(tokens, saying + 1)
            if source and content:
                return Attribution(source, (group, saying + 1), content)
    if word in _PASSIVE_VAGUE and following in {"to", "that"}:
        subject = subjects.before(tokens, group)
        start = subject[0] if subject and tokens[subject[0]].lower != "it" else group
        content = tuple(
            s for s in (_bare(tokens, (start, group)), _bare(tokens, (at + 1, len(tokens)))) if s
        )
        return Attribution(None, (group, at + 1), content, vague=True)
    if word in {"accused", "suspected"} and following == "of":
        return None
    if following == "by" and word in _PASSIVE_BY - {"published", "released", "carried", "told"}:
        source = subjects.after(tokens, at + 2)
        left = _bare(tokens, (0, group))
        if source and left:
            return Attribution(source, (group, at + 2), (left,))
    return None


def _nominal(tokens: Sequence[Token], at: int) -> Attribution | None:
    """Read "Relik's claim that", "the claim by Relik that", "claims that" of nobody's."""
    end = at + 1
    source: Span | None = None
    if end < len(tokens) and tokens[end].lower in {"by", "from", "of"}:
        source = subjects.after(tokens, end + 1)
        if source is None:
            return None
        end = source[1]
    if end >= len(tokens) or tokens[end].lower != "that":
        return None
    if tokens[at].lower == "reports" and source is None and at and tokens[at - 1].capital:
        return None  # "Relik reports that" is a verb
    content = _right(tokens, end)
    if not content:
        return None
    vague = False
    if source is None:
        owner = at - 1
        while owner >= 0 and tokens[owner].mark is Mark.WORD and at - owner < 4:
            if tokens[owner].text.endswith(("'s", "s'")):
                source = subjects.before(tokens, owner + 1)
                break
            if tokens[owner].lower in {"his", "her", "their", "its"}:
                source = (owner, owner + 1)
                break
            owner -= 1
        vague = source is None
    if vague and tokens[at].lower in {"conclusion", "belief", "promise", "warning", "argument"}:
        return None
    return Attribution(source, (at, at + 1), content, vague=vague)


# --- verbs ---------------------------------------------------------------------------------------


def _verbs(tokens: Sequence[Token]) -> list[Attribution]:
    found = []
    forms = table()
    i = 0
    while i < len(tokens):
        token = tokens[i]
        step = 1
        if token.mark is Mark.WORD and token.lower in forms:
            for verb in forms[token.lower]:
                if verb.size > 1 and not _words(tokens, i + 1, particles(verb)):
                    continue
                each = _active(tokens, i, verb)
                if each is not None:
                    found.append(each)
                    step = verb.size
                    break
        i += step
    return found


def _group_start(tokens: Sequence[Token], verb: int) -> int:
    at = verb
    while at > 0 and (tokens[at - 1].lower in AUXILIARIES or adverb(tokens[at - 1])):
        at -= 1
    # "Now" and "Also" before the subject are no part of the group.
    return at if at > 0 else verb


def _active(tokens: Sequence[Token], at: int, verb: Verb) -> Attribution | None:
    if verb.form is Form.ING:
        return None
    end = at + verb.size
    start = _group_start(tokens, at)
    helpers = [t.lower for t in tokens[start:at]]
    if _NEGATIONS & set(helpers) or any(h.endswith("n't") for h in helpers):
        if verb.base not in {"believe", "think"}:
            return None
    if {"can", "could", "must", "should", "may", "might", "would"} & set(helpers):
        if {"be"} & set(helpers) or (verb.form is Form.BASE and "would" not in helpers):
            return None
    if verb.form is Form.PAST and set(helpers) & {
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "being",
    }:
        return None  # passive
    if verb.form is Form.BASE:
        if {"will", "would"} & set(helpers):
            return None if verb.base not in _SPEAKING else _clause(tokens, at, end, start, verb)
        if {"did", "does", "do"} & set(helpers):
            return _clause(tokens, at, end, start, verb)
        if at and tokens[at - 1].lower == "to":
            return None
        if not _plural_subject(tokens, start):
            return None
    if at and verb.form is not Form.BASE and tokens[at - 1].lower in {"the", "a", "an", "to", "of"}:
        return None
    return _clause(tokens, at, end, start, verb)


def _plural_subject(tokens: Sequence[Token], at: int) -> bool:
    if at == 0:
        return False
    last = tokens[at - 1]
    if last.lower in {"they", "who", "some", "many", "others", "people", "police", "most", "we", "i",
                      "men", "women", "media", "you", "data", "several", "few"}:  # fmt: skip
        return True
    if last.mark is Mark.QUOTE or last.text == ",":
        return True
    return last.mark is Mark.WORD and last.lower.endswith("s") and not last.lower.endswith("ss")


def _clause(
    tokens: Sequence[Token], at: int, end: int, start: int, verb: Verb
) -> Attribution | None:
    subject = subjects.before(tokens, start)
    previous = tokens[start - 1] if start else None
    quoted = any(t.mark is Mark.QUOTE for t in tokens)
    if subject is not None and tokens[subject[0]].lower in {"i", "we", "you", "that", "it"}:
        first = tokens[subject[0]].lower
        if first in {"i", "we", "you"} or (
            first == "that" and not _before_is_noun(tokens, subject)
        ):
            return None
        if first == "it" and not _hands_clause(tokens, end):
            return None
    if subject is not None and tokens[subject[0]].lower in {"nobody", "none", "no", "neither"}:
        return None
    cue = (start, end)
    # 1. A tag after what is said: ", Poor said", "... ," said Poor.
    left = _left(tokens, subject[0] if subject else start)
    if subject is None and (previous is None or previous.lower in {"and", "but", "or", "then"}):
        if previous is None or not (quoted or _hands_clause(tokens, end)):
            return _headline(tokens, cue) if previous is None else None
        main = _main_subject(tokens, start)
        content = _right(tokens, _content_start(tokens, end, verb))
        return Attribution(main, cue, content) if main and content else None
    if (subject is None or subject[1] - subject[0] > 14) and previous is not None and left:
        inverted = subjects.after(tokens, end, inverted=True)
        if inverted is not None and (
            previous.text in {",", "-", "--"} or previous.mark is Mark.QUOTE
        ):
            return Attribution(inverted, cue, (left, *_after_tag(tokens, inverted[1])))
    if subject is None:
        return None
    right = _right(tokens, _content_start(tokens, end, verb))
    if left and _is_tag(tokens, subject, end, left):
        if verb.kind is Kind.THOUGHT and not _crowd(tokens, subject):
            return None
        return Attribution(subject, cue, (left, *_after_tag(tokens, end)))
    if not right:
        return None
    if not _takes(tokens, verb, subject, end):
        return None
    return Attribution(subject, cue, right)


def _before_is_noun(tokens: Sequence[Token], subject: Span) -> bool:
    return subject[0] > 0 and tokens[subject[0] - 1].lower in _DOCUMENTS


def _headline(tokens: Sequence[Token], cue: Span) -> Attribution | None:
    return None


def _left(tokens: Sequence[Token], at: int) -> Span | None:
    return _bare(tokens, (0, at))


def _is_tag(tokens: Sequence[Token], subject: Span, end: int, left: Span) -> bool:
    """Whether subject and verb are a tag: what is said stands before them."""
    before = tokens[subject[0] - 1] if subject[0] else None
    if before is None or not (
        before.mark is Mark.QUOTE or before.text in {",", "-", "--", "?", "!"}
    ):
        return False
    spoken = tokens[left[1] - 1].mark is Mark.QUOTE or any(
        t.mark is Mark.QUOTE and len(t.text) > 30 for t in tokens[left[0] : left[1]]
    )
    following = tokens[end] if end < len(tokens) else None
    closes = (
        following is None
        or (following.mark is Mark.STOP and following.text != ":")
        or following.lower in _TAIL_STARTS
        or adverb(following)
    )
    if spoken and before.mark is Mark.QUOTE:
        return closes or not _hands_clause(tokens, end)
    if following is not None and following.mark is Mark.QUOTE:
        return False
    if not closes:
        recipient = _recipient(tokens, end)
        closes = recipient > end and (
            recipient >= len(tokens)
            or tokens[recipient].mark is Mark.STOP
            or tokens[recipient].lower in _TAIL_STARTS
        )
    first = tokens[left[0]].lower
    introduces = first in _TAIL_STARTS | {"but", "and", "if", "although", "while", "since", "asked"}
    long = left[1] - left[0] >= (9 if introduces else 3)
    if following is not None and following.lower in _TAIL_STARTS and introduces:
        return False
    return closes and long and not _opens_later(tokens, end)


def _opens_later(tokens: Sequence[Token], end: int) -> bool:
    """Whether "that" or a quotation follows the verb's complements."""
    for token in tokens[end : end + 10]:
        if token.lower == "that" or token.mark is Mark.QUOTE or token.text == ":":
            return True
        if token.mark is Mark.STOP:
            return False
    return False


def _after_tag(tokens: Sequence[Token], end: int) -> tuple[Span, ...]:
    """What is said goes on after the tag: the next quotation, or the clause after its comma."""
    for i in range(end, len(tokens)):
        if tokens[i].mark is Mark.QUOTE:
            return ((i, len(tokens)),) if len(tokens) - i < 3 else ((i, i + 1),)
        if tokens[i].text in {",", "-"} and i - end < 10 and i + 1 < len(tokens):
            following = tokens[i + 1]
            if (
                following.mark is Mark.WORD
                and not following.lower.endswith("ing")
                and (
                    following.lower not in {"who", "which", "a", "an", "the", "whose", "according"}
                )
            ):
                span = _bare(tokens, (i + 1, len(tokens)))
                return (span,) if span and span[1] - span[0] > 3 else ()
    return ()


def _right(tokens: Sequence[Token], start: int) -> tuple[Span, ...]:
    span = _bare(tokens, (start, len(tokens)))
    return (span,) if span else ()


def _recipient(tokens: Sequence[Token], at: int) -> int:
    """Pass over whom it is told: "reporters", "her", "the Amaro Courier"."""
    if at >= len(tokens) or tokens[at].mark is not Mark.WORD:
        return at
    if tokens[at].lower in {"me", "him", "her", "them", "us", "it", "reporters", "supporters"}:
        return at + 1
    end = at
    if tokens[end].lower in {"the", "a", "an", "his", "her", "their", "its"}:
        end += 1
        while (
            end < len(tokens)
            and tokens[end].mark is Mark.WORD
            and end - at < 6
            and (
                tokens[end].capital
                or end == at + 1
                or tokens[end].lower in {"of", "news", "agency"}
            )
        ):
            end += 1
        return end
    while end < len(tokens) and (tokens[end].capital or tokens[end].lower == "of") and end - at < 6:
        end += 1
    if end == at and tokens[end].lower.endswith("s"):
        end += 1
    return end


def _content_start(tokens: Sequence[Token], end: int, verb: Verb) -> int:
    at = end
    if verb.base in _TELL:
        at = _recipient(tokens, at)
    for i in range(at, min(at + 14, len(tokens))):
        token = tokens[i]
        if token.lower == "that" and (i == at or tokens[i - 1].mark is Mark.WORD or i - at < 12):
            return i
        if token.text == ":" or token.mark is Mark.QUOTE:
            return i
        if token.mark is Mark.STOP and token.text != ",":
            break
        if token.lower in {"he", "she", "they", "it", "there", "would", "is", "was", "were", "has"}:
            break
    if at < len(tokens) and tokens[at].lower in {"on", "late", "early", "last"} | _DAYS:
        while at < len(tokens) and (
            tokens[at].lower
            in {"on", "late", "early", "last", "night", "morning", "afternoon", "week"}
            or tokens[at].lower in _DAYS
        ):
            at += 1
    return at


_DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")


def _hands_clause(tokens: Sequence[Token], end: int) -> bool:
    for token in tokens[end : end + 6]:
        if token.lower in _OPENERS or token.text == ":" or token.mark is Mark.QUOTE:
            return True
        if token.mark is Mark.STOP:
            return False
    return False


def _crowd(tokens: Sequence[Token], subject: Span) -> bool:
    words = [t.lower for t in tokens[subject[0] : subject[1]]]
    if any(w in terms("vague") and w not in {"one", "you"} for w in words):
        return True
    return words[-1] in {"officials", "diplomats", "aides", "residents", "sources"}


def _takes(tokens: Sequence[Token], verb: Verb, subject: Span, end: int) -> bool:
    """Whether the verb, with this subject and what follows, hands its content over."""
    following = tokens[end] if end < len(tokens) else None
    if following is None:
        return False
    clause = _hands_clause(tokens, end)
    if (
        verb.noun
        and not clause
        and following.lower
        not in {"the", "he", "she", "they", "it", "there", "to", "a", "his", "her", "its"}
    ):
        return False
    if verb.kind is Kind.SPEECH:
        if following.lower == "to" and verb.base in {"threaten", "vow", "pledge"}:
            return True
        return following.lower not in {"by", "with"} or verb.base == "respond"
    if verb.kind is Kind.THOUGHT:
        return _crowd(tokens, subject)
    if verb.kind is Kind.TAG:
        return clause and any(t.mark is Mark.QUOTE for t in tokens[end : end + 6])
    if verb.base in TRANSITIVE:
        return True
    words = [t.lower for t in tokens[subject[0] : subject[1]]]
    if any(w in _DOCUMENTS for w in words):
        return following.lower not in {"up", "a"} or clause
    if verb.base in {"report", "write", "note", "add", "suggest", "find", "conclude", "reveal",
                     "maintain", "propose", "state", "learn", "estimate", "predict"}:  # fmt: skip
        return clause or following.lower in {"the", "he", "she", "they", "it", "there", "in"}
    return clause


def _main_subject(tokens: Sequence[Token], verb: int) -> Span | None:
    """Find the subject that a second verb shares with the first: "She left and said"."""
    for i in range(1, verb):
        if tokens[i].mark is Mark.STOP and tokens[i].text != ",":
            return None
        known = tokens[i].lower in AUXILIARIES or tokens[i].lower in table()
        if known or (tokens[i].lower.endswith("ed") and not tokens[i].capital):
            return subjects.before(tokens, i)
    return None


def _participles(tokens: Sequence[Token], found: Sequence[Attribution]) -> list[Attribution]:
    """Read ", saying the port was lost", whose subject is the main clause's."""
    more = []
    for i, token in enumerate(tokens):
        if token.mark is not Mark.WORD or not token.lower.endswith("ing"):
            continue
        for verb in table().get(token.lower, ()):
            if verb.form is not Form.ING or verb.kind not in (Kind.SPEECH, Kind.CLAUSE):
                continue
            previous = tokens[i - 1] if i else None
            if (
                previous is None
                or previous.lower in AUXILIARIES
                or previous.lower in {"by", "of", "for", "in"}
            ):
                continue
            if previous.mark is Mark.WORD and previous.lower not in {
                "and",
                "while",
                "before",
                "after",
            }:
                continue
            if not (verb.kind is Kind.SPEECH or verb.base in {"add", "note", "suggest", "write"}
                    or _hands_clause(tokens, i + 1)):  # fmt: skip
                continue
            content = _right(tokens, i + verb.size)
            source = next(
                (a.source for a in reversed(found) if a.source and a.cue[1] <= i), None
            ) or _main_subject(tokens, i)
            if content and source:
                more.append(Attribution(source, (i, i + verb.size), content))
            break
    return more
