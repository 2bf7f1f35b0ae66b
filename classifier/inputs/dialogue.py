"""Direct speech after a dash, as languages other than English print it, and who speaks between."""

import re
from collections.abc import Iterable, Mapping

from framescope.classifier.languages import LANGUAGES
from framescope.classifier.records import Sentence

QUESTIONS = "?؟？"
"""The marks that end a question."""
# Dashes before and behind the words that say who speaks: "— Да, — сказал он. — Идем."
_SPEECH = re.compile(r"(?P<dash>[—–-])[ \u00a0]?(?=[^\W\d_]|[¿¡«“…])")
_DASH = re.compile(r"\s[—–-](?=\s)|\s[—–](?=\w)|(?<=\w)[—–](?=[\s.,;:!?])")
_BEFORE_TAG = ',!?….»”"'
_GAP = 40  # characters of space and marks behind a dash at most
_STOP = re.compile(r"[.!?…]\s")
_SAYS = re.compile(r"-(?:il|elle|on|ils|elles)\b")


def after_dashes(
    text: str, sentences: Iterable[Sentence], paragraphs: Mapping[int, int]
) -> list[tuple[int, int]]:
    """Find what is said in paragraphs, of which start and end are given, and within them.

    Without words that say who speaks, and without a question, dashes make a list.
    """
    found, run, spoken = list[tuple[int, int]](), list[tuple[int, int]](), False
    behind = 0
    for one in sentences:
        if one.start < behind:
            continue
        language = LANGUAGES.get(one.lang or "")
        dialogue = "" if language is None else language.dialogue
        speech = _SPEECH.match(text, one.start, one.end) if dialogue else None
        # A paragraph that begins with speech may hold several sentences of it.
        end = behind = paragraphs.get(one.start, one.end) if speech else one.end
        if speech is None or text[end - 1] in ",;:":
            found += run if spoken else []
            run, spoken = [], False
            continue
        spans, tagged = _spoken(text, speech.end(), end, dialogue == "bare")
        asked = text[end - 1] in QUESTIONS and speech["dash"] != "-"
        said = one.lang == "fr" and _SAYS.search(text, speech.end(), end)
        spoken |= tagged or asked or bool(said)
        run += spans
    return found + (run if spoken else [])


def _spoken(text: str, start: int, end: int, bare: bool) -> tuple[list[tuple[int, int]], bool]:
    """Return what is said in a paragraph of speech, and whether words between say who says it."""
    spans, tagged = list[tuple[int, int]](), False
    said: int | None = start
    tag = start
    for dash in _DASH.finditer(text, start, end):
        rest = text[dash.end() : min(end, dash.end() + _GAP)]
        before, following = text[dash.start() - 1], rest.lstrip()[:1]
        if said is not None:
            if following.islower() and (bare or before in _BEFORE_TAG):
                spans.append((said, dash.start()))
                said, tag, tagged = None, dash.end(), True
        elif before in _BEFORE_TAG or not _STOP.search(text, tag, dash.start()):
            said = dash.end() + len(rest) - len(rest.lstrip(" \u00a0.,:;"))
    return ([*spans, (said, end)] if said is not None and said < end else spans), tagged
