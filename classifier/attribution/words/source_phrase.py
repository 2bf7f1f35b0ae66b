"""A source phrase: its parts, and what it stands for as far as its words tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from classifier.values import Place, SourceKind


class Shape(StrEnum):
    """What a phrase stands for, as far as its words tell."""

    PERSON = "person"
    PEOPLE = "people"
    ORGANISATION = "organisation"
    STATE = "state"
    DOCUMENT = "document"
    UNKNOWN = "unknown"  # a single name


@dataclass(frozen=True, slots=True)
class Phrase:
    """One source phrase.

    Attributes
    ----------
    determiner : str
        Lower case; empty where there is none. A number is "several", a possessive pronoun "his".
    modifiers : tuple of str
        Words between the determiner and the head or the name, lower case.
    proper : tuple of str
        Those modifiers that are proper names, lower case, without peoples and places.
    head : str
        The head noun, lower case; empty where a name stands in its place.
    name : str
        The proper name that the phrase is about, as written; empty where there is none.
    tail : str
        What follows within the phrase: "for the Ministry of Oil".
    appositions : tuple of str
        The parts between later commas.
    legislator : bool
        It carries a party and a state in brackets: "(R-Ohio)".
    shape : Shape
    """

    determiner: str
    modifiers: tuple[str, ...]
    proper: tuple[str, ...]
    head: str
    name: str
    tail: str
    appositions: tuple[str, ...]
    legislator: bool
    shape: Shape

    @property
    def lower(self) -> tuple[str, ...]:
        """The words of modifiers and head, lower case."""
        return (*self.modifiers, *((self.head,) if self.head else ()))


@dataclass(frozen=True, slots=True)
class SourceType:
    """What a source phrase is.

    Attributes
    ----------
    kind : SourceKind
    government, state_media : bool
    outlets : tuple of str
        Registry ids of the outlets it names.
    name : str
        The source as a reader would look it up: without title or article, in full where an
        earlier phrase gives more of it.
    antecedent : Place or None
        The earlier source that ``name`` comes from, for a pronoun, "the agency", a surname.
    """

    kind: SourceKind
    government: bool
    state_media: bool
    outlets: tuple[str, ...]
    name: str
    antecedent: Place | None


NOBODY = SourceType(SourceKind.VAGUE, False, False, (), "", None)
