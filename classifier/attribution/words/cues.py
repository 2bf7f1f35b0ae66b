"""The words that hand a sentence's content to somebody else: one table, and what is built from it.

Own lists, made from the examples of the annotation guidelines (section 2 and 4) and widened by
reading news; no word list of a corpus was copied. To add a cue, add it to its row: one of
``data/lists.tsv`` for a verb, `PHRASES` for a pattern that holds by itself, `NOT_SPEECH` for what
only looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from classifier.attribution.words.lexicon import word_list, word_set


class VerbKind(StrEnum):
    """What a verb needs, beside a subject that isn't the author, to attribute its sentence."""

    SPEECH = "speech"  # nothing: "Kyiv denies it", "she accused them of theft"
    CLAUSE = "clause"  # its content as a clause, or as a tag: "found that", ", the paper reported"
    THOUGHT = "thought"  # a crowd: "analysts believe"; one mind's thoughts are the author's word
    TAG = "tag"  # a quotation: '"No," he smiled'


#: Verbs by kind, as base forms; a particle follows its verb.
VERBS = {kind: word_list(f"verb {kind}") for kind in VerbKind}

#: Clause verbs whose object is already the content: "called for talks", "described it as theft".
TRANSITIVE = word_list("verb transitive")

# Those whose past isn't made by the rule: "say:said".
_PAST = dict(pair.split(":") for pair in word_list("irregular past"))

# Nouns more often than verbs ("two reports", "the United States"): only their past form counts.
_NOUN_S = frozenset(word_list("nouns more often"))


def third_and_past(verb: str) -> tuple[str, str]:
    """Give two forms of a row of `VERBS`: "says", "said"; particles keep their underscore."""
    base, _, particle = verb.partition("_")
    if base.endswith("y") and base[-2] not in "aeiou":
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    elif base.endswith("e"):
        third, past = base + "s", base + "d"
    else:
        es = base.endswith(("s", "ch", "sh", "x")) or base == "go"
        third, past = base + ("es" if es else "s"), base + "ed"
    tail = "_" + particle if particle else ""
    return third + tail, _PAST.get(base, past) + tail


def _forms(*kinds: VerbKind) -> set[str]:
    verbs = {verb for kind in kinds for verb in VERBS[kind]}
    return {form for verb in verbs for form in third_and_past(verb) if form not in _NOUN_S}


def _any(words: Iterable[str]) -> str:
    """Give a pattern of any of some words, the longest first; an underscore is any white space.

    Written as a tree of what they begin with alike, which is tried several times faster than one
    word after the other.
    """
    tree: dict[str, Any] = {}
    for word in words:
        node = tree
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return _branches(tree)


def _branches(tree: dict[str, Any]) -> str:
    parts = [
        (r"\s+" if character == "_" else re.escape(character)) + _branches(rest)
        for character, rest in sorted(tree.items())
        if character
    ]
    pattern = parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})" if parts else ""
    return f"(?:{pattern})?" if parts and "" in tree else pattern


_SPEECH = _any(_forms(VerbKind.SPEECH))
_CLAUSE = _any(_forms(VerbKind.CLAUSE))
_TRANSITIVE = _any({form for verb in TRANSITIVE for form in third_and_past(verb)})
_BASE = _any({v for k in (VerbKind.SPEECH, VerbKind.CLAUSE, VerbKind.THOUGHT) for v in VERBS[k]})
_NAMED_AS = "(?:describe|depict|characteri[sz]e|dismiss|portray|brand|denounce|refer|liken)"
_DOCUMENT = (
    "(?:report|study|survey|poll|audit|inquiry|investigation|review|analysis|data|figures|panel"
    "|commission|court|judge|jury|committee|paper|statement|document|documents|researchers"
    "|investigators|inspectors|auditors|prosecutors|scientists|census|researcher)"
)
#: Who stands behind "X believe": more than one, and nobody in particular.
CROWD = (
    "(?:analysts|experts|observers|critics|economists|officials|supporters|opponents|scientists"
    "|researchers|historians|diplomats|residents|lawyers|investors|commentators|sources|insiders"
    "|many|some|most|others|people|few)"
)
_BE = r"(?:am|is|are|was|were|be|been|being|'s|'re|got|gets)"
_ADVERB = r"(?:\s+(?:\w+ly|also|once|again|now|still|never|often|even|long|since|widely))?"
_CLAUSE_OPENS = r"(?:that|how|why|whether|what|:|there\s+(?:is|was|are|were))"

#: Patterns that attribute their sentence by themselves. Matched on lower-case folded text.
PHRASES: tuple[str, ...] = (
    r"according\s+to",
    r"in\s+the\s+(?:words|view|opinion|eyes|telling|estimation)\s+of",
    r"in\s+(?:his|her|their|its|\w+'s?)\s+(?:words|view|opinion|telling|account|estimation)\b",
    r"by\s+(?:his|her|their|its|(?:the\s+)?[\w'-]+'s?)\s+(?:own\s+)?(?:account|count|estimate|admission"
    r"|reckoning)\b",
    r"(?:reportedly|allegedly|purportedly|supposedly)\b",
    rf"{_BE}{_ADVERB}\s+(?:said|reported|believed|thought|alleged|rumou?red|understood|claimed"
    r"|estimated|reputed)\s+(?:to|that)\b",
    rf"{_BE}{_ADVERB}\s+(?:quoted|cited)\s+(?:as\s+saying|by|in)\b",
    rf"{_BE}{_ADVERB}\s+(?:accused|suspected)\s+of\b",
    rf"{_BE}{_ADVERB}\s+(?:told|blamed|criticised|criticized|condemned|praised|denounced|hailed)\b",
    r"(?:called|calls|labell?ed|labels|branded|brands|dubbed|deemed)\s+(?:it|him|her|them|this|us"
    r"|himself|herself|themselves|(?:the|its|his|her|their)\s+(?:[\w'-]+\s+){1,5}?)\s*(?:an?\b|\")",
    rf"{_NAMED_AS}[ds]?\s+(?:to\s+)?(?:[\w'-]+\s+){{1,9}}?as\b",
    rf"{_DOCUMENT}\s+(?:has\s+|had\s+|have\s+)?(?:also\s+|further\s+)?(?:found|finds|showed|shows"
    r"|show|concluded|concludes|suggests|suggested|suggest|indicates?|indicated|reveals?|revealed"
    r"|estimates|estimated|ruled|notes|noted|states|stated|reads|said|says)\b",
    r"(?:claims?|allegations?|accusations?|assertions?|announcement|statement|suggestions?"
    r"|warnings?|charge|argument|contention|reports?|rumou?rs?|belief)\s+that\b",
    r"(?:citing|quoting)\b",
    rf"{CROWD}{_ADVERB}\s+{_any(set(VERBS[VerbKind.THOUGHT]) - {'want', 'see'})}\b",
    r"(?:has|have|had)\s+(?:also\s+|repeatedly\s+|previously\s+|long\s+|never\s+)?"
    r"(?:been\s+)?(?:saying|arguing|claiming|insisting|calling\s+for|warning)\b",
    r"(?:saying|arguing|claiming|insisting|adding|noting|warning|alleging|asserting|suggesting"
    r"|declaring|announcing|contending|stating|accusing|denying|vowing|promising|blaming|urging"
    r"|calling\s+(?:it|him|her|them|for|on|the))\b(?!\s*[,.])",
    # Verbs that are read as nouns elsewhere: "Relik claims that", "the mayor claims to own".
    r"(?:claims|states|notes|charges|reports|estimates)\s+(?:that|to\s+have|to\s+be|he|she|they)\b",
    r"(?<!to )\bsay\s*(?:,|(?:that|they|he|she|it|the|there|no)\b)",
    r"\w{3,}s\s+(?:say|find|warn|report|show|suggest)[\s.]*$",
    r"rumou?r\s+has\s+it\b",
    r"(?:puts?|dates)\s+(?:[\w'-]+\s+){1,6}?(?:at|to|on)\b(?=.*(?:\d|hundred|thousand|million|billion|percent))",
    r"(?:has|have|had)\s+(?:forecast|predicted|estimated|answered|accused)\b",
    r"(?:calls|called|labels|labelled|brands|branded)\s+(?:[\w'-]+\s+){1,4}?\"",
    r"(?:reporting|showing|revealing|confirming|writing|telling\s+\w+)\s+that\b",
    r"(?:has|have|had)\s+been\s+(?:demanding|accusing|urging|denying|promising)\b",
    # A plural or a crowd and the plain form: "analysts say", "prosecutors allege that".
    r"(?:\w{3,}s|people|who|they|some|many|others|police|most)"
    rf"{_ADVERB}\s+(?:say|argue|claim|warn|insist|allege|contend|deny|acknowledge|admit|accuse"
    r"|assert|complain|concede|predict|maintain\s+that|estimate|agree\s+that|note\s+that"
    r"|suggest\s+that|describe)\b",
)

#: What looks like speech and hands the content to nobody.
NOT_SPEECH: tuple[str, ...] = (
    r"\b(?:i|we|i've|we've)(?:\s+(?:have|had|would|can|also|just|once|already|always))?"
    rf"\s+(?:{_SPEECH}|{_CLAUSE}|{_BASE})\b",
    rf"\b(?:nobody|no\s+one|none|neither)(?:\s+\w+)?\s+(?:{_SPEECH}|{_CLAUSE}|{_BASE})\b",
    r"\b(?:did|does|do|would|could|will)(?:\s+not|n't)\s+(?:immediately\s+)?(?:say|comment|answer"
    r"|respond|explain|specify|confirm|reply)\b",
    r"\b(?:that|this|which|having|all|easier|when\s+all\s+is)\s+(?:being\s+)?said\s*(?:,|than\b)",
    r"\b(?:can|could|must|should|may|might|cannot|need|would)\s+be\s+(?:said|argued|told|claimed)",
    r"\bthe\s+said\s+\w+",
    rf"\b(?:was|were|been|be|is|are|being){_ADVERB}\s+(?:denied|declared|confirmed|charged|admitted"
    r"|assured|threatened|advised|recommended|questioned|tempted|touted)\b",
    r"\btold\s+(?:a|the|his|her|their)\s+(?:story|tale|lie|truth)\b",
    r"\b(?:charged|confirmed|admitted)\s+(?:with|cases|deaths|to\s+(?:hospital|the\s+hospital))\b",
    r"\bunited\s+states\b",
)

_not_speech = re.compile("|".join(NOT_SPEECH))
_CUES = (
    rf"{_SPEECH}\b",
    rf"{_TRANSITIVE}\b",
    rf"{_CLAUSE}\s+(?:(?!that\b|\w+\s*,)[\w'.]+\s+){{0,5}}?{_CLAUSE_OPENS}(?!\w)",
    rf"{_CLAUSE}\s*\"",
)
_cue = re.compile(rf"(?<![\w'])(?:{'|'.join((*_CUES, *PHRASES))})")
# ", the paper reported." / ", he added in a letter." / ", wrote the two auditors."
_tag = re.compile(rf"[,\"]\s+(?:[\w'.-]+\s+){{0,6}}?{_CLAUSE}(?:\s+[\w'-]+){{0,6}}[.,;]?\s*$")
_quoting_verb = re.compile(
    rf"(?<![\w'])(?:{_any(_forms(VerbKind.SPEECH, VerbKind.CLAUSE, VerbKind.TAG))}"
    rf"|{_any({v for k in (VerbKind.SPEECH, VerbKind.TAG) for v in VERBS[k]})}"
    r"|according\s+to|put\s+it|saying|adding|writing|asking|called|calls|calling|words)(?!\w)"
)


def attributes(text: str) -> bool:
    """Whether a sentence hands its content to somebody who isn't the author.

    Given folded and in lower case, each of its quotations written ``""``.
    """
    rest = _not_speech.sub(" ", text)
    return bool(_cue.search(rest) or _tag.search(rest))


def quoting_verb(text: str) -> re.Match[str] | None:
    """Find the verb that hands over a quotation in the folded lower-case words beside it."""
    return _quoting_verb.search(text)


class Form(StrEnum):
    """How a verb stands."""

    BASE = "base"
    THIRD = "third"
    PAST = "past"  # and the participle, which for all but a few is the same
    ING = "ing"


@dataclass(frozen=True, slots=True)
class Verb:
    """A reading of a word, or of a word and its particle, as a verb that hands over."""

    base: str
    kind: VerbKind
    form: Form
    size: int  # of how many words
    noun: bool  # the word is a noun as often: "claims", "report"


_PARTICIPLES = {"written": "write", "shown": "show", "spoken": "speak", "sworn": "swear"}
_NOUNS = frozenset(word_list("nouns as often"))
#: Verbs that hand over a name for something: "called it theft"; `PHRASES` has them too.
_NAMES = ("call", "label", "brand", "dub")
_PLAIN = word_set("say tell argue deny insist allege believe think warn find show see")


@cache
def table() -> dict[str, tuple[Verb, ...]]:
    """Give every reading by its first word, those of more words first."""
    found: dict[str, list[Verb]] = {}
    seen: set[tuple[str, Form]] = set()
    for kind in (VerbKind.SPEECH, VerbKind.CLAUSE, VerbKind.THOUGHT, VerbKind.TAG):
        for verb in (*VERBS[kind], *(_NAMES if kind is VerbKind.CLAUSE else ())):
            for form, word in _forms_of(verb):
                if (word, form) in seen:
                    continue
                seen.add((word, form))
                noun = verb in _NOUNS and verb not in _PLAIN and form in (Form.BASE, Form.THIRD)
                first = word.split("_")[0]
                found.setdefault(first, []).append(
                    Verb(verb, kind, form, word.count("_") + 1, noun)
                )
    return {word: tuple(sorted(v, key=lambda r: -r.size)) for word, v in found.items()}


def particles(verb: Verb) -> tuple[str, ...]:
    """Give the words that follow the verb as a part of it."""
    return tuple(verb.base.split("_")[1:])


def _forms_of(verb: str) -> list[tuple[Form, str]]:
    base, _, particle = verb.partition("_")
    tail = "_" + particle if particle else ""
    third, past = third_and_past(verb)
    ing = base.removesuffix("e") if base.endswith("e") and not base.endswith("ee") else base
    if base in {"admit", "slam", "put", "begin", "brag", "rebut", "quip", "recap"}:
        ing += base[-1]
    participles = [(Form.PAST, p + tail) for p, b in _PARTICIPLES.items() if b == base]
    plain, ing = base + tail, ing + "ing" + tail
    forms = [(Form.PAST, past), (Form.THIRD, third), (Form.BASE, plain), (Form.ING, ing)]
    return forms + participles
