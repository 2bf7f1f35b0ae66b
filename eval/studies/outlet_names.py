"""What looks like an outlet's name in the words that give a source, whether or not one is known.

A name before or after a word such as "agency" or "newspaper", one that ends as papers' titles do
("Times"), "Voice of ..." or a host. Hosts under .org, .gov and .edu are left out: nearly all of
them are organisations'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from classifier.attribution import lexicon_places as places
from classifier.attribution import lexicon_terms as terms
from classifier.attribution import word_set

# What says of a name beside it that it is an outlet's. A "website" or "portal" is often that of a
# ministry, so the name must be no body's.
_KIND = (
    r"(?:(?:news|press|wire)\s(?:agency|service|outlet|network|channel|site|website|portal)"
    r"|(?:TV|television|radio|satellite)\s(?:channel|network|station)"
    r"|agency|newspaper|daily|weekly|magazine|TV|television|channel|radio|website|portal"
    r"|broadcaster|newswire|tabloid|journal)"
)
_TITLE = (
    r"(?:Times|Post|Herald|Tribune|Gazette|Journal|Chronicle|Observer|Guardian|Mirror|Express|Star"
    r"|Daily|Weekly|News|TV|Television|Radio|Online|Magazine|Newspaper|Press|Agency|Review|Mail"
    r"|Telegraph|Dispatch|Courier|Inquirer|Examiner|Monitor|Echo|Sun|Standard|Channel|Network)"
)
_WORD = r"(?:(?:al-|el-|an-|ar-|as-|ash-)?[A-Z][\w'&-]*(?:\.[A-Z]\.?)*)"
_NAME = rf"{_WORD}(?:\s(?:(?:of|and|the|de|la|le|e|al|el|&)\s){{0,2}}{_WORD}){{0,5}}"
_LOOKS = (
    re.compile(
        rf"(?P<name>{_NAME})[\"']?\s(?:state\s|official\s|semi-official\s)?(?P<kind>{_KIND})\b"
    ),
    re.compile(rf"\b(?P<kind>{_KIND})\s[\"']?(?P<name>{_NAME})"),
    re.compile(rf"(?P<name>(?:{_WORD}\s(?:(?:of|and|the)\s)?){{1,5}}{_TITLE})\b(?!\s[A-Z])"),
    re.compile(rf"(?P<name>\b(?:Times|Voice|Radio|Channel)\s(?:of\s)?(?:{_NAME}|\d+))"),
    re.compile(r"(?P<name>\b(?:[\w-]+\.){1,3}(?:com|net|info|tv|ir|ru|uk|co|news)\b)"),
)
_GENERIC = word_set(
    "the a an another state official national local foreign domestic international satellite "
    "public private government semi-official his her its their this that some several other "
    "daily weekly news media press tv television radio english arabic persian farsi hebrew "
    "language western eastern north south new old republic islamic democratic zionist popular "
    "leading prominent monday tuesday wednesday thursday friday saturday sunday"
)
# Bodies whose names end as those of outlets do, or whose sites are cited.
_BODY = re.compile(
    r"\b(?:Agency for|(?:Security|Energy|Space|Intelligence|Development|Aid|Aviation|Protection"
    r"|Crime|Information|Refugee|Relief|Cooperation|Rights|Health|Force) (?:Agency|Monitor|Network)"
    r"|Ministry|Minister|Department|Parliament|Presiden\w+|Embassy|Kremlin|University|Institute"
    r"|Museum|Organi[sz]ation|Company|Society|Program(?:me)?|Council|Chamber|Database|Bank|Court"
    r"|Solutions|Secretary|Center|Centre|Industries|Construction|Research|Expo)\b"
)


def like_outlets(words: str) -> Iterator[tuple[str, int, int]]:
    """Find what looks like an outlet's name: the name, and where it stands with its kind."""
    for pattern in _LOOKS:
        for match in pattern.finditer(words):
            name = match["name"]
            if not is_generic(name) and not is_body(name, match.groupdict().get("kind")):
                yield name, match.start(), match.end()


def is_body(name: str, kind: str | None) -> bool:
    """Whether a name is a body's, and its site or paper no outlet by itself: "the UNDP website"."""
    if _BODY.search(name) or name.endswith("'s"):
        return True
    words = name.lower().split()
    return kind in ("website", "portal") and (name.isupper() or words[-1] in terms("body"))


def is_generic(name: str) -> bool:
    """Whether a name tells no outlet from others: "Iranian state television", "the newspaper"."""
    words = [re.sub(r"'s$", "", word) for word in name.lower().split()]
    kinds = [places(kind) for kind in ("people", "state", "capital", "region")]
    if any(name.lower() in kind for kind in kinds):
        return True
    return all(
        word in _GENERIC
        or word.endswith(("-based", "-language", "-linked", "-owned", "-run"))
        or any(word in kind for kind in kinds)
        or re.fullmatch(_KIND, word, re.IGNORECASE)
        for word in words
    )
