"""What agencies and broadcasters are cited with and people are not: "TASS has snow in the north".

People need a clause with most verbs of `words.cues` ("signalled that"), an outlet doesn't
("signalled a lack of interest"), and it also counts, carries, shows, has and runs; "for Xinhua it
was a dry month"; "by the count of Xinhua"; "Xinhua: a dry month". What an outlet does otherwise, as
when it moves, hires or is fined, is no report of anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from classifier.attribution.words.cues import VERBS, VerbKind, third_and_past
from classifier.attribution.words.lexicon import word_list

Span = tuple[int, int]

#: What outlets do with news; people do some of it too, but need a clause with it.
_OUTLETS_VERBS = frozenset(word_list("outlets' verbs"))
#: What an outlet does on its own account when it does it.
_NO_REPORTS = frozenset(word_list("no reports"))
_IRREGULAR = r"signalled|labelled|gave|ran|read|said|wrote|told|spoke\sof|speaks\sof|let|put|tells?"


def _verbs() -> set[str]:
    """Give the verbs with which an outlet reports, as base forms."""
    people = {verb for kind in (VerbKind.SPEECH, VerbKind.CLAUSE) for verb in VERBS[kind]}
    return {verb for verb in people - _NO_REPORTS if "_" not in verb} | _OUTLETS_VERBS


def _verb() -> str:
    """Give the pattern of these verbs in all their forms."""
    forms = {form for verb in _verbs() for form in (verb, *third_and_past(verb))}
    return (
        rf"(?:{'|'.join(sorted(forms, reverse=True))}|{_IRREGULAR}"
        r"|(?:is|was|were|are)\s(?:reporting|saying|showing)"
        r"|do(?:es)?\s(?:quote|report|say|show|carry|give|let|note)"
        r"|(?:is|was|were)\s(?:quick|swift|keen|eager)\sto\s\w+)"
    )


_VERB = _verb()
# "TASS has snow", not "has moved", "has an office", "had to pay".
_HAS = (
    r"ha(?:s|d)(?!\s(?:\w+ly\s|also\s|already\s|since\s|just\s|now\s)?(?:to|been|not|no|never|\w+ed"
    r"|\w+(?:own|ought|aught|wn|ung|oken|iven|aken|osen|itten)|become|made|paid|said|sent|spent|lost"
    r"|won|shut|begun|found|sold|told|built|held|kept|cut|set|hit|got|had|met|led|left|run|read|laid"
    r"|come|gone|done|seen|fallen)\b)"
    r"(?!(?:\s[\w'-]+){0,4}?\s(?:offices?|bureaus?|bureaux|staff|reporters?|journalists?"
    r"|correspondents?|employees|budget|headquarters|studios?|websites?|channels?|viewers|audience"
    r"|readers|licen[cs]e|contracts?|stakes?|deals?|teams?|crews?|photographers?|access|buildings?"
    r"|history|reputation|rights?|ties|links|plans?|problems?|partners?|subscribers|followers"
    r"|accounts?|nothing|trouble|difficulty|editors?|editions?|archives?|ambitions?|influence"
    r"|services?|reach|power|role|owners?|dut(?:y|ies)|obligations?|responsibilit(?:y|ies)|chance|interest"
    r"|reason|masts?|programmes?|programs?|tradition|share|eye|cut)\b)(?!\s(?:its|their|his|her)\b)"
)
# Not "gave in" nor "gave it an hour"; a picture alone says nothing.
_PARTICLES = (
    r"(?!\s(?:out|up|off|into|way|away|down|nothing|by|itself|on(?!\s(?:[A-Z]|its\b|the\s\w+\sof)))\b)(?!(?<=gave)\s(?:in|it)\b)"
    r"(?!\s(?:its|their)\s(?!readers|viewers|listeners)|\s(?:an?\s)?(?:\w+\s)?(?:profits?|deficits?|loss(?:es)?|risks?)\b)"
    r"(?!\s(?:an?|the|several|\w+)?\s?(?:photos?|photographs?|pictures?)\sof\b)"
)
_ADVERBS = (
    r"(?:\s(?:also|now|then|later|since|both|even|itself|meanwhile|recently|already|still|further|"
    r"\w+ly))?"
)
# What is an outlet's own: its bulletin, its commentary.
_ITEM = (
    r"(?:bulletin|forecast|dispatch|newscast|broadcast|reports?|caption|statements?|commentar(?:y|ies)|editorials?"
    r"|articles?|stor(?:y|ies)|coverage|footage|documentary|programme|website|account|anchor|presenter|correspondent)"
)
# What may stand between an outlet and its verb: where it is, what it is, its bulletin.
_AFTER = (
    r"(?:,?\s\(?[A-Z][\w-]+(?:\s[A-Z0-9][\w-]*){0,3}\)?,?)??"
    r"(?:\s(?:in|from|over|at)\s(?:the\s)?[A-Z][\w-]+)?"
    rf"(?:(?:'s)?(?:\s[\w-]+){{0,2}}?\s{_ITEM}(?:\s(?:on|of|from)\s[A-Z]\w+)?)?"
    r"(?:\s(?:on|in|last|late|early)\s(?:[\w'-]+\s){0,2}[\w'-]+|\s[A-Z][a-z]+day)??"
    r"(?:,[^,.;:\"]{2,90},)?"
)
_SUBJECT = re.compile(
    rf"{_AFTER}{_ADVERBS}\s(?P<cue>(?:(?:has|have|had){_ADVERBS}\s)?{_VERB}{_PARTICLES}|{_HAS})"
    r"(?![\w-])"
)
# "State media report", but not "the TASS report", "the RT claim".
_SEVERAL = re.compile(r"(?:media|press|outlets|agencies|channels|newspapers|papers)$")
_BARE = re.compile("|".join(v for v in _verbs() if v not in {third_and_past(v)[1], "let", "read"}))
_NO_SUBJECT = re.compile(
    r"\b(?:of|at|by|for|from|with|in|on|to|than|about|against|into|over|behind|told|"
    r"(?:former|other))\s(?:(?:the|an?|its|[\w-]+'s)\s)?(?:[\w-]+\s){0,2}$",
    re.IGNORECASE,
)
_NOTE = (
    r"(?:weather|word|news|note|bulletin|dispatch|forecast|report|picture|pictures|item|footage"
    r"|story|account|count|figures?|broadcast|commentary|editorial|survey|poll)"
)
_LEAD = re.compile(
    rf"(?P<cue>\b(?:by\sthe\s(?:count|reckoning|estimate|account|telling)\sof|by\sway\sof|{_NOTE}"
    r"\s(?:from|by|on)|if\sone\s(?:follows|believes|trusts|is\sto\sbelieve)))"
    r"\s(?:the\s)?(?:[a-z][\w-]*\s){0,2}$",
    re.IGNORECASE,
)
# "With state media predicting a deal": what is said stands in the same phrase.
_VIA = re.compile(
    r"\b(?P<cue>(?:quoted|cited)(?:\s\w+){0,2}?\s(?:by|in|on)|(?:says?|said|spoke|speaking|claim(?:s|ed)|told|writing|wrote)"
    r"(?:\s(?:[a-z]\w+|\w+day)){0,3}?\s(?:on|in|to)|(?:interviews?|statements?|remarks|comments|address|speech|letter|message"
    r"|commentary|editorial|op-ed|article|report)(?:\s[\w-]+){0,4}?\s(?:by|on|in|with|from)|(?:statement|remarks|comments)\sto)"
    r"\s(?:(?:the|an?|its)\s)?(?:[a-z][\w'-]*\s|[A-Z]\w+'?s?\s){0,4}$"
)
_WITH = re.compile(r"\b[Ww]ith\s(?:the\s)?(?:[\w'-]+\s){0,2}$")
_ING = re.compile(
    r"(?:\s\w+ly)?\s(?P<cue>(?:report|say|predict|underlin|warn|claim|quot|cit|announc|insist|argu"
    r"|call|describ|not|suggest|stress|hint|show|estimat|prais|blam|declar)ing)\s(?!(?:for|to)\b)"
)
_FOR = re.compile(
    r"(?:^|[.;:]\s|,\s|\b(?:And|But|Yet)\s)(?P<cue>[Ff]or|[Ff]rom|[Oo]n)\s(?:[Tt]he\s)?$"
)
_FOR_NEXT = {
    "for": re.compile(
        r"(?:,[^,.;:\"]{4,90},|,)?\s(?:the|it|this|that|there|these)\s(?!(?:ruling|fine|ban"
        r"|decision|move|deal|law|year|case|sanctions)\b)"
    ),
    "from": re.compile(r",?\s(?:one|we|you|there|comes|came|she|he|they)\s"),
    "on": re.compile(r",?\s(?:one|we|you|viewers|listeners|she|he|they)\s"),
}
_RAN = re.compile(r"\b(?P<cue>ran|runs|reads?|went|said|says)\s(?:the|an?)\s$")
_INVERTED = re.compile(
    r"[,\"']\s(?P<cue>recorded|records|said|says|reported|reports|wrote|writes|noted|notes|added"
    r"|announced)\s(?:the\s)?(?:(?!(?:of|to|about|on|in|at|by|for|from|with|that)\b)[a-z][\w-]*\s){0,2}$"
)
_BULLETIN = re.compile(r"(?:\s[\w-]+)?\s(?:bulletin|forecast|dispatch|caption|headline|item)\b")

#: What goes on with the report of the sentence before.
SAME = re.compile(r"\b[Tt]he\s(?:same|very)\s(?:dispatch|bulletin|broadcast|newscast|programme)\b")
GOES_ON = re.compile(
    r"(?:It|The (?:agency|broadcaster|channel|station))\s(?:also|further|then)\s"
    rf"{_VERB}{_PARTICLES}(?![\w-])"
)


def cited(
    text: str, outlets: Sequence[Span], quoted: Sequence[Span], taken: Sequence[Span]
) -> Iterator[tuple[Span, Span, tuple[Span, ...]]]:
    """Find the outlets that a folded sentence cites so: source, cue and content.

    Of those that it names, agencies and state media, none in what is quoted, which is somebody
    else's, nor in the sources that have been found (``taken``).
    """
    for start, end in _joined(outlets):
        if any(a <= start < b for a, b in (*quoted, *taken)):
            continue
        cue = _cue(text, start, end) or (None if taken else _via(text, start))
        if cue is not None:
            content = tuple(_without(text, [(start, end), cue]))
            if content:
                yield (start, end), cue, content


def _cue(text: str, start: int, end: int) -> Span | None:
    head, tail = text[:start], text[end:]
    if start < 5 and tail.startswith(": "):
        return end, end + 1
    if lead := _LEAD.search(head):
        return lead.span("cue")
    if (lead := _FOR.search(head)) and _FOR_NEXT[lead["cue"].lower()].match(tail):
        return lead.span("cue")
    if (said := _INVERTED.search(head)) and tail[:1] in {",", ".", ""}:
        return said.span("cue")
    if (ran := _RAN.search(head)) and _BULLETIN.match(tail):
        return ran.span("cue")
    if _WITH.search(head) and (said := _ING.match(tail)):
        return end + said.start("cue"), end + said.end("cue")
    verb = _SUBJECT.match(tail)
    agrees = verb and (_SEVERAL.search(text[start:end]) or not _BARE.fullmatch(verb["cue"]))
    if verb and agrees and not _NO_SUBJECT.search(head):
        return end + verb.start("cue"), end + verb.end("cue")
    return None


def _via(text: str, start: int) -> Span | None:
    """Find the words that make an outlet the way something came: "was quoted in"."""
    via = _VIA.search(text[:start])
    return via.span("cue") if via else None


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Make one of two names that touch: "state television" and its name."""
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span[0] <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], span[1]))
        else:
            joined.append(span)
    return joined


def _without(text: str, holes: Sequence[Span]) -> Iterator[Span]:
    """Give what is left of a sentence, without the punctuation at its ends."""
    edges = [(0, 0), *sorted(holes), (len(text), len(text))]
    for (_, start), (end, _) in pairwise(edges):
        words = text[start:end]
        bare = words.strip(" ,;:-.")
        if len(bare.split()) > 1:
            at = start + words.index(bare)
            yield at, at + len(bare)
