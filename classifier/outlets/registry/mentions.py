"""Decide from its context whether a name in running text means the outlet.

"Xinhua Road" is a street and "Xinhua: China to send pandas" a report. A small regression over named
features decides, learned from labelled sentences (`tools.registry.mentions`): the name and its
kind, the words before and behind it and their kinds, and what else stands near. From zero up the
sum of the weights means an outlet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from framescope.classifier.attribution import word_list
from framescope.classifier.errors import SourcesError

_FIRST_ROW = 2  # of the table, after its title and the names of the columns
_NEAR = 90  # characters on either side that are looked at
_WORDS = 7  # words on either side among which a cue counts
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*|[^\w\s]")
_MEDIA = re.compile(
    r"news|times|post|agency|\btv\b|radio|daily|gazette|herald|zeitung|journal|tribune|press"
    r"|telegraph|chronicle|today|observer|mail|star|globe|media|channel|broadcast",
    re.IGNORECASE,
)
_LATIN = re.compile("[A-Za-z]")
_JOINABLE = frozenset({"doubtful", "one word", "capitals"})  # what the words beside it go with
_NEARBY = frozenset({"news nouns", "saying verbs", "citing words"})
_SHORT, _LONG = 4, 3  # letters of a short name, words of a long one
_ARTICLES = frozenset({"the", "a", "an"})
_JOINED = ("-based", "-language", "-owned", "-run", "-backed")
_MARKS = {
    **dict.fromkeys(".!?;", "stop"),
    **dict.fromkeys(")]”»", "closing"),
    **dict.fromkeys('(“"[‘«„', "opening"),
    **dict.fromkeys("–—-", "dash"),
    ",": "comma",
    ":": "colon",
    "&": "ampersand",
    "'": "possessive",
}


@dataclass(frozen=True, slots=True)
class NameKnown:
    """What is known of a name before it is met."""

    doubtful: bool  # it means other things too
    medium: str = ""


@cache
def _kinds() -> Mapping[str, str]:
    """Return the kind of each word that tells; the surest kind of a word wins."""
    kinds = ("place nouns", "connectives", "news nouns", "saying verbs", "citing words")
    return {word: kind for kind in kinds for word in word_list(f"mentions: {kind}")}


def features(text: str, start: int, stop: int, known: NameKnown) -> list[str]:
    """Return the features of a name in a text; two that hold together are joined by ``&``."""
    before = _WORD.findall(text, max(0, start - _NEAR), start)
    behind = _WORD.findall(text, stop, stop + _NEAR)
    article = bool(before) and before[-1].lower() in _ARTICLES
    if article:
        before.pop()
    left, right = _left(before), _right(behind, text[stop : stop + 2])
    found = ["always", f"left:{left}", f"right:{right}", *_of_name(text[start:stop], known)]
    possessive = text.startswith("'s", stop)
    found += _words(before, ["'s", *behind[2:]] if possessive else behind)
    if article:
        found.append("article")
    for one in _JOINABLE.intersection(found):
        found += (f"{one}&left:{left}", f"{one}&right:{right}")
    if not known.doubtful:
        found.append(f"sure&right:{right}")
    if right == "colon" and left == "start":
        found.append("start&colon")
    kinds = _kinds()
    if len(behind) > 1 and (second := kinds.get(behind[1].lower())):
        found.append(f"second:{second}")
    near = {kinds.get(word.lower()) for word in (*before[-_WORDS:], *behind[:_WORDS])}
    for kind in _NEARBY.intersection(near):
        found.append(f"near:{kind}")
        if known.doubtful:
            found.append(f"doubtful&near:{kind}")
    return found


def _words(before: list[str], behind: list[str]) -> Iterator[str]:
    if before:
        yield f"left={before[-1].lower()}"
        yield f"left={' '.join(before[-2:]).lower()}"
    if behind:
        yield f"right={behind[0].lower()}"
        yield f"right={' '.join(behind[:2]).lower()}"


@lru_cache(1 << 14)
def _of_name(name: str, known: NameKnown) -> tuple[str, ...]:
    words = name.split()
    told = {
        "doubtful": known.doubtful,
        "one word": len(words) == 1,
        "long": len(words) >= _LONG,
        "capitals": name.isupper(),
        "short": len(name) <= _SHORT,
        "media word": _MEDIA.search(name),
        "dot": "." in name,
        "other script": not _LATIN.search(name),
        f"medium:{known.medium}": known.medium,
        f"name={name.removeprefix('the ').removeprefix('The ')}": True,
    }
    return tuple(feature for feature, holds in told.items() if holds)


def _left(before: list[str]) -> str:
    if not before:
        return "start"
    word = before[-1]
    if told := _kinds().get(word.lower()) or _MARKS.get(word):
        return "start" if told == "stop" else told
    if word.endswith(("'s", "s'")):
        return "possessive"
    if word.endswith(_JOINED):
        return "joined"
    if word[0].isupper():
        return "capital"
    return "digit" if word[0].isdigit() else "other"


def _right(behind: list[str], next_two: str) -> str:
    if not behind:
        return "stop"
    if next_two.startswith("'s"):
        return "possessive"
    word = behind[0]
    if mark := _MARKS.get(word):
        return mark
    kind = _kinds().get(word.lower())
    if word[0].isupper():
        if kind == "place nouns":
            return "capital place"
        return "capital media" if _MEDIA.search(word) else "capital"
    if kind:
        return kind
    if word[0].isdigit():
        return "digit"
    return next((f"-{end}" for end in ("ed", "ing", "s") if word.endswith(end)), "other")


@cache
def weights() -> Mapping[str, float]:
    """Read the weight of each feature; `SourcesError` when the file is missing or damaged."""
    path = Path(__file__).parent / "data" / "mentions.tsv"
    try:
        rows = path.read_text(encoding="utf-8").splitlines()[_FIRST_ROW:]
        return {feature: float(weight) for feature, weight in (row.split("\t") for row in rows)}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourcesError(f"{path}: can't be read ({reason}); reinstall framescope") from None


def means_outlet(text: str, start: int, stop: int, known: NameKnown) -> bool:
    """Return whether a name means the outlet; as the whole text, it does unless it is doubtful."""
    if stop - start == len(text):
        return not known.doubtful
    return sum(filter(None, map(weights().get, features(text, start, stop, known)))) >= 0
