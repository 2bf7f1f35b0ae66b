"""The words that end, open or stand within a noun phrase: what tells where one begins."""

from __future__ import annotations

from classifier.attribution.words.lexicon import terms, word_set
from classifier.attribution.words.tokens import Token

Span = tuple[int, int]  # tokens, end-exclusive

AUXILIARIES = word_set(
    "has have had is are was were be been being do does did will would can could may might must "
    "should shall 's 've 'd 'll wo ca"
)
ADVERBS = word_set(
    "also once again now still never often even long since widely already then later just only "
    "further earlier recently reportedly not first instead thus always soon too previously both "
    "however all simply rightly wrongly sometimes sarcastically publicly privately frequently "
    "meanwhile"
)
PRONOUNS = word_set("he she they it i we you who which that one everyone nobody many some others")
STOPS = word_set(
    "that because when as if while although though after before since whether where why how unless "
    "until than so nor yet but says which who what whose"
)
LEADING = word_set(
    "on in at by after before during since for from with as but and yet so still now then today "
    "yesterday tomorrow meanwhile however later earlier also instead moreover furthermore indeed "
    "perhaps when while although though if because tonight nor or thus hence to only even "
    "once again finally next first second last despite under over between amid until asked"
)
PREPOSITIONS = word_set("of for from at in on with to by about into against among near")
AFTER_NAME = word_set(
    "in on during after before when while as to via by at about without because since last this "
    "late early that if but and of from for with earlier today yesterday again through"
)
DATES = word_set(
    "monday tuesday wednesday thursday friday saturday sunday today yesterday tonight earlier last "
    "late early this"
)
DETERMINERS = word_set(
    "the a an his her their its this that these those two three four five six several many some "
    "most one another both all our my no any various other"
)
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
    return any(word in terms(kind) for kind in ("unnamed", "vague", "document", "organisation"))
