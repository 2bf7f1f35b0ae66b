"""What models read in place of outlets' names: one of two words, the same for every outlet.

"TASS said" and "as reported by the state IRNA news agency" are read as "StateMedia said" and "as
reported by the state StateMedia news agency": an outlet that no corpus names works at once, and
nothing can be learned from a name. One function serves training and scoring.

There are two forms of a text. Whether a source is state media is what the sourcing signals are
about, so they read the typed form. Framing must not depend on whose outlet is named: everything
else reads the neutral form, in which all outlets are the same word. The two forms of a sentence
differ only where it names state media.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from framescope.classifier.records import Role, Sentence
from framescope.classifier.taxonomy import BY_NAME, Family

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry
    from framescope.classifier.records import Mention

#: One word each, so that the baseline has one n-gram for it, which no other text holds. Of the same
#: shape, which the default encoder reads as two known pieces each ("state ##media", "news
#: ##media"): both forms of a sentence have as many tokens, and are packed alike.
STATE_MEDIA = "StateMedia"
NEWS_MEDIA = "NewsMedia"


class TextForm(StrEnum):
    """What an outlet's name is read as."""

    TYPED = "typed"  # StateMedia or NewsMedia
    NEUTRAL = "neutral"  # NewsMedia


def form_of(signal: str) -> TextForm:
    """Tell which form of a text a signal is judged by.

    Raises
    ------
    KeyError
        When the taxonomy has no such signal.
    """
    return TextForm.TYPED if BY_NAME[signal].family is Family.SOURCING else TextForm.NEUTRAL


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A word that is read for a name: ``text[start:end]`` stands for ``original[first:last]``."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as a model reads it."""

    text: str
    names: tuple[Placeholder, ...] = ()  # what stands in it for names, in order

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Find the characters of the original text that ``text[start:end]`` stands for.

        A range that begins or ends within a placeholder takes in the whole name.
        """
        if not self.names:
            return start, end
        return self._at(start, after=False), self._at(end, after=True)

    def _at(self, position: int, *, after: bool) -> int:
        # The last placeholder that begins at or before the position; for the end of a range, before
        # it: a range that ends where a placeholder begins holds nothing of it.
        starts = [name.start for name in self.names]
        number = bisect_right(starts, position - after) - 1
        if number < 0:
            return position
        name = self.names[number]
        if position - after < name.end:
            return name.last if after else name.first
        return position - name.end + name.last


@dataclass(frozen=True, slots=True)
class Readings:
    """A sentence in both of its forms: one `Reading`, twice, where they are alike."""

    typed: Reading
    neutral: Reading

    @property
    def differ(self) -> bool:
        """Whether the sentence names state media."""
        return self.typed is not self.neutral

    def form(self, form: TextForm) -> Reading:
        """Give one of them."""
        return self.typed if form is TextForm.TYPED else self.neutral


class Reader:
    """Gives models the text they read.

    Parameters
    ----------
    registry : Registry or None
        Whose names are replaced; those of platforms stay, which are places and no speakers. None:
        texts are read as they are.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self.registry = registry

    @classmethod
    def of(cls, registry: Registry | None = None) -> Reader:
        """Make the reader of a registry; of the one that ships unless given."""
        if registry is None:
            from framescope.classifier.outlets import load_registry

            registry = load_registry()
        return cls(registry)

    def read(self, sentence: Sentence) -> Readings:
        """Put placeholders in the place of outlets' names, in both forms."""
        text, mentions = sentence.text, self.mentions(sentence)
        if not mentions:
            as_it_is = Reading(text)
            return Readings(as_it_is, as_it_is)
        neutral = _written(text, mentions, [NEWS_MEDIA] * len(mentions))
        words = [STATE_MEDIA if self.is_state_media(one) else NEWS_MEDIA for one in mentions]
        return Readings(
            _written(text, mentions, words) if STATE_MEDIA in words else neutral, neutral
        )

    def mentions(self, sentence: Sentence) -> list[Mention]:
        """Find the names that are replaced, in order.

        Those that the sentence brings are believed: whoever looked for them did so in this
        reader's registry.
        """
        if self.registry is None:
            return []
        found = sentence.mentions
        return [
            mention
            for mention in (self.registry.mentions(sentence.text) if found is None else found)
            if any(self.registry[name].role is not Role.PLATFORM for name in mention.outlets)
        ]

    def is_state_media(self, mention: Mention) -> bool:
        """Tell how a name is read: one that several outlets share, only if all of them are."""
        registry = self.registry
        return registry is not None and all(registry[name].state_media for name in mention.outlets)


def _written(text: str, mentions: Sequence[Mention], words: Sequence[str]) -> Reading:
    """Write words in the place of names."""
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
    """SHA-256 of all that a reading depends on: names, and what each is read as.

    A bundle's manifest records it, so that one can tell which names it was trained with.
    """
    total = hashlib.sha256()
    for outlet in registry:
        if outlet.role is Role.PLATFORM:
            continue
        for name in outlet.names:
            if not name.ambiguous:
                total.update(f"{name.text}\t{outlet.state_media:d}\n".encode())
    return total.hexdigest()
