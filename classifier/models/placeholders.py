"""Placeholders: the word that models read for an outlet's name, the same for every outlet.

An outlet that no corpus names works at once, and nothing can be learned from a name. Sourcing
signals depend on whether a source is state media ("StateMedia said"), so they read the typed form
of a text; all others read the neutral form, in which all outlets are the same word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from framescope.classifier.records import Role, Sentence
from framescope.classifier.taxonomy import BY_NAME, Family

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry
    from framescope.classifier.records import Mention

# One word each, so that the baseline has one n-gram for it, and as many tokens for the default
# encoder ("state ##media", "news ##media"), so that both forms are packed alike.
STATE_MEDIA = "StateMedia"
NEWS_MEDIA = "NewsMedia"


class TextForm(StrEnum):
    """How an outlet's name is read."""

    TYPED = "typed"  # StateMedia or NewsMedia
    NEUTRAL = "neutral"  # NewsMedia


def form_of(signal: str) -> TextForm:
    """Return the form of a text that a signal reads."""
    return TextForm.TYPED if BY_NAME[signal].family is Family.SOURCING else TextForm.NEUTRAL


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``text[start:end]``, which replaces ``original[first:last]``."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a model reads it."""

    text: str
    names: tuple[Placeholder, ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return what ``text[start:end]`` stands for; of a name in part, the whole name."""
        if not self.names:
            return start, end
        return self._at(start, after=False), self._at(end, after=True)

    def _at(self, position: int, *, after: bool) -> int:
        # A range that ends where a placeholder begins has nothing of it.
        at = position - after
        name = next((one for one in reversed(self.names) if one.start <= at), None)
        if name is None:
            return position
        if at < name.end:
            return name.last if after else name.first
        return position - name.end + name.last


@dataclass(frozen=True, slots=True)
class Readings:
    """A sentence in both forms: the same `Reading` twice where they are alike."""

    typed: Reading
    neutral: Reading

    @property
    def differ(self) -> bool:
        """Whether the sentence names state media."""
        return self.typed is not self.neutral


@dataclass(frozen=True)
class Reader:
    """Returns the text that models read: with names of a registry, but for platforms, replaced."""

    registry: Registry | None = None  # None: texts are read as they are

    @classmethod
    def of(cls, registry: Registry | None = None) -> Reader:
        """Return the reader of a registry, by default the shipped one."""
        if registry is None:
            from framescope.classifier.outlets import load_registry

            registry = load_registry()
        return cls(registry)

    def read(self, sentence: Sentence) -> Readings:
        """Replace outlets' names, in both forms."""
        text, mentions = sentence.text, self.mentions(sentence)
        if not mentions:
            as_it_is = Reading(text)
            return Readings(as_it_is, as_it_is)
        neutral = _replaced(text, mentions, [NEWS_MEDIA] * len(mentions))
        words = [STATE_MEDIA if self.is_state_media(one) else NEWS_MEDIA for one in mentions]
        typed = _replaced(text, mentions, words) if STATE_MEDIA in words else neutral
        return Readings(typed, neutral)

    def mentions(self, sentence: Sentence) -> list[Mention]:
        """Return the names that are replaced, in order."""
        if (registry := self.registry) is None:
            return []
        known = sentence.mentions  # found in this registry
        found = registry.mentions(sentence.text, sentence.lang) if known is None else known
        return [one for one in found if {registry[id].role for id in one.outlets} - {Role.PLATFORM}]

    def is_state_media(self, mention: Mention) -> bool:
        """Return whether all outlets that share a name are state media."""
        registry = self.registry
        return registry is not None and all(registry[name].state_media for name in mention.outlets)


def _replaced(text: str, mentions: Sequence[Mention], words: Sequence[str]) -> Reading:
    pieces: list[str] = []
    names: list[Placeholder] = []
    length = done = 0
    for mention, word in zip(mentions, words, strict=True):
        pieces += [text[done : mention.start], word]
        length += mention.start - done
        names.append(Placeholder(length, length + len(word), mention.start, mention.end))
        length, done = length + len(word), mention.end
    return Reading("".join([*pieces, text[done:]]), tuple(names))


def digest(registry: Registry) -> str:
    """Return the SHA-256 of the names that are replaced, and their types, for a manifest."""
    total = hashlib.sha256()
    for outlet in registry:
        for name in outlet.names if outlet.role is not Role.PLATFORM else ():
            if not name.ambiguous:
                total.update(f"{name.text}\t{outlet.state_media:d}\n".encode())
    return total.hexdigest()
