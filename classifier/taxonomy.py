"""The signals: one ordered table, the only place where a label is named and explained.

Meanings are those of the project's annotation guidelines. The fourteen techniques are those of the
Propaganda Techniques Corpus as merged for SemEval-2020 task 11 (Da San Martino et al., 2020).
Adding a signal is one row here, and the corpora that label it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from classifier.errors import SignalError


class Family(StrEnum):
    """Which question a signal answers. Results of different families are never merged."""

    CONTENT = "content"
    SOURCING = "sourcing"
    FRAMING = "framing"
    ARTICLE = "article"


class Level(StrEnum):
    """The unit a signal is a property of."""

    SENTENCE = "sentence"
    SPAN = "span"  # marked by characters; the sentence label is 1 when any of a span lies in it
    ARTICLE = "article"


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of the taxonomy.

    Attributes
    ----------
    name : str
        The identifier used in files and options.
    label : str
        What a reader sees.
    family : Family
    level : Level
    meaning : str
        One line, shown in reports.
    origin : str
        Where the definition comes from.
    """

    name: str
    label: str
    family: Family
    level: Level
    meaning: str
    origin: str


_GUIDELINES = "annotation guidelines 1.4"
_PTC = "Da San Martino et al., 2020 (SemEval-2020 task 11)"


def _technique(name: str, label: str, meaning: str) -> Signal:
    return Signal(name, label, Family.FRAMING, Level.SPAN, meaning, _PTC)


def _sourcing(name: str, label: str, meaning: str) -> Signal:
    return Signal(name, label, Family.SOURCING, Level.SENTENCE, meaning, _GUIDELINES)


SIGNALS: tuple[Signal, ...] = (
    Signal(
        "content",
        "part of the article",
        Family.CONTENT,
        Level.SENTENCE,
        "belongs to the article, and not to the page around it",
        _GUIDELINES,
    ),
    Signal(
        "claim",
        "claim",
        Family.CONTENT,
        Level.SENTENCE,
        "states something that evidence could support or refute",
        _GUIDELINES,
    ),
    _sourcing("attributed", "attributed", "somebody other than the author stands behind it"),
    _sourcing("named_source", "named source", "a source given by name, specific enough to look up"),
    _sourcing("unnamed_source", "unnamed source", "a real source that is not named"),
    Signal(
        "vague_source",
        "vague source",
        Family.SOURCING,
        Level.SENTENCE,
        'attributed to nobody in particular ("analysts say", "it is believed")',
        f"{_GUIDELINES}; trained on weasel phrases (Farkas et al., 2010)",
    ),
    _sourcing(
        "government_attribution", "government", "attributed to a government or office-holder"
    ),
    _sourcing(
        "state_media_attribution",
        "state media",
        "attributed to an outlet that a state owns and controls",
    ),
    _sourcing(
        "unsourced_assertion",
        "nobody says so",
        "a claim in the article's own voice that an editor would ask a source for",
    ),
    _sourcing("quoted", "quoted", "its main assertion stands inside quotation marks"),
    _sourcing("reported", "reported", "somebody else's content in indirect speech"),
    Signal(
        "biased_language",
        "biased language",
        Family.FRAMING,
        Level.SENTENCE,
        "the wording itself takes a side",
        "Spinde et al., 2021 (BABE)",
    ),
    Signal(
        "subjective",
        "subjective",
        Family.FRAMING,
        Level.SENTENCE,
        "gives the author's own opinion, feeling or speculation",
        "Antici et al., 2024 (NewsSD-ENG)",
    ),
    Signal(
        "any_technique",
        "persuasion technique",
        Family.FRAMING,
        Level.SPAN,
        "holds at least one of the fourteen techniques",
        _PTC,
    ),
    _technique(
        "loaded_language",
        "loaded language",
        "words with strong emotional charge where a neutral one would serve",
    ),
    _technique(
        "name_calling", "name calling", "labels the target with something feared, hated or admired"
    ),
    _technique(
        "exaggeration_minimisation",
        "exaggeration or minimisation",
        "makes a thing larger, better, worse or smaller than it is",
    ),
    _technique("doubt", "doubt", "questions somebody's credibility rather than their argument"),
    _technique("appeal_to_fear", "appeal to fear", "wins support by fear of the alternative"),
    _technique(
        "flag_waving", "flag waving", "plays on national or group feeling to justify an act"
    ),
    _technique(
        "causal_oversimplification",
        "causal oversimplification",
        "gives one cause for what has several",
    ),
    _technique("slogans", "slogan", "a brief, striking phrase used as an argument"),
    _technique(
        "appeal_to_authority",
        "appeal to authority",
        "true because somebody said it, whose word is no evidence for it",
    ),
    _technique(
        "black_and_white_fallacy",
        "black-and-white fallacy",
        "only two options, where there are more",
    ),
    _technique(
        "thought_terminating_cliche",
        "thought-terminating cliché",
        "a phrase that ends the discussion",
    ),
    _technique(
        "whataboutism",
        "whataboutism, straw man or red herring",
        "answers a charge with a charge, or with something else",
    ),
    _technique(
        "bandwagon",
        "bandwagon or reductio ad Hitlerum",
        "do it because others do, or don't because the hated do",
    ),
    _technique("repetition", "repetition", "the same message again and again in the article"),
    Signal(
        "hyperpartisan",
        "hyperpartisan",
        Family.ARTICLE,
        Level.ARTICLE,
        "takes one side blindly or with prejudice",
        "Kiesel et al., 2019 (SemEval-2019 task 4, by article)",
    ),
)

BY_NAME: dict[str, Signal] = {signal.name: signal for signal in SIGNALS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
TECHNIQUES: tuple[str, ...] = tuple(
    s.name for s in SIGNALS if s.level is Level.SPAN and s.name != "any_technique"
)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort signal names into taxonomy order, without repeats.

    Raises
    ------
    SignalError
        When a name is not in the taxonomy; the closest one is suggested.
    """
    wanted = set(names)
    for name in sorted(wanted - BY_NAME.keys()):
        close = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {close[0]}?" if close else "known signals: " + ", ".join(NAMES)
        raise SignalError(f"unknown signal '{name}'; {hint}")
    return tuple(name for name in NAMES if name in wanted)
