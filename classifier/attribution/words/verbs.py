"""The forms of the verbs that hand over, looked up by word: built from `classifier.attribution.words.cues`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from classifier.attribution.words import cues
from classifier.attribution.words.cues import VerbKind
from classifier.attribution.words.lexicon import word_set


class Form(StrEnum):
    """How a verb stands."""

    BASE = "base"
    THIRD = "third"
    PAST = "past"  # and the participle, which for all but a few is the same
    ING = "ing"


@dataclass(frozen=True, slots=True)
class Verb:
    """A reading of a word, or of a word and its particle, as a verb that hands over.

    Attributes
    ----------
    base : str
    kind : VerbKind
    form : Form
    size : int
        Of how many words.
    noun : bool
        The word is a noun as often ("claims", "report").
    """

    base: str
    kind: VerbKind
    form: Form
    size: int
    noun: bool


_PARTICIPLES = {"written": "write", "shown": "show", "spoken": "speak", "sworn": "swear"}
_NOUNS = word_set(
    "claim state report note charge comment demand promise question estimate signal offer document "
    "post tweet request rule thank doubt hope fear object protest quote voice highlight outline "
    "forecast mention reply answer hint praise blame warn reject address concern joke boast vow "
    "pledge urge cry shout caution advocate counter slam blast tout project view plan guarantee "
    "express find show see learn remark regard propose"
)
#: Verbs that hand over a name for something: "called it theft". `cues` has them as phrases.
_NAMES = ("call", "label", "brand", "dub")
_PLAIN = word_set("say tell argue deny insist allege believe think warn find show see")


@cache
def table() -> dict[str, tuple[Verb, ...]]:
    """Give every reading by its first word, those of more words first."""
    found: dict[str, list[Verb]] = {}
    seen: set[tuple[str, Form]] = set()
    for kind in (VerbKind.SPEECH, VerbKind.CLAUSE, VerbKind.THOUGHT, VerbKind.TAG):
        for verb in (*cues.VERBS[kind], *(_NAMES if kind is VerbKind.CLAUSE else ())):
            for form, word in _forms(verb):
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


def _forms(verb: str) -> list[tuple[Form, str]]:
    base, _, particle = verb.partition("_")
    tail = "_" + particle if particle else ""
    third, past = cues.third_and_past(verb)
    ing = base.removesuffix("e") if base.endswith("e") and not base.endswith("ee") else base
    if base in {"admit", "slam", "put", "begin", "brag", "rebut", "quip", "recap"}:
        ing += base[-1]
    forms = [
        (Form.PAST, past),
        (Form.THIRD, third),
        (Form.BASE, base + tail),
        (Form.ING, ing + "ing" + tail),
    ]
    forms += [(Form.PAST, p + tail) for p, b in _PARTICIPLES.items() if b == base]
    return forms
