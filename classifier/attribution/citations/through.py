"""Through which outlets the sentences of an article came, beyond what one sentence says.

A quotation came through state media from its first words to its last, wherever its tag stands. A
later quotation of the same speaker need not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from classifier.attribution.citations import bulletins
from classifier.attribution.citations.outlets import (
    Channel,
    Outlets,
    any_state_media,
    channels,
    own_outlets,
)
from classifier.attribution.words.presented import presented, states
from classifier.values import ArticleReading, Citation, Medium, Mention, Place, Sentence

_BROADCAST = re.compile(
    r"\b(?:programme|program|show|interview|broadcast|transcript|speech|debate)\b.{0,60}"
    r"\b(?:broadcast|aired|shown|carried|published|released) (?:by|on|in)\b"
)
# What takes up an outlet, or its report, a few sentences on.
_GOES_BACK = re.compile(
    r"(?P<outlet>the (?:(?:news|official|state) )?(?:agency|broadcaster|channel|network|newspaper"
    r"|paper|outlet|daily|station|tabloid))"
    r"|it|the (?:reports?|articles?|commentary|editorial|dispatch|bulletin|broadcast)"
)
_NEWS_AGENCY = re.compile(r"[A-Z][\w-]+ [Nn]ews(?: [Aa]gency)?")
_NEAR = 3
#: Sentences before a transcript that may say where it was broadcast.
_INTRODUCTION = 6


class Through:
    """The outlets of one article: those it names, presents as a state's, and its own."""

    def __init__(
        self, reading: ArticleReading, quoted: Sequence[list[tuple[int, int]]], registry: Outlets
    ) -> None:
        self.plain, self.sentences, self.quoted = reading.plain, reading.sentences, quoted
        self.registry = registry
        self.own = own_outlets(reading.article, registry)
        self.shown = presented(self.plain)
        self._mentions: dict[int, Sequence[Mention]] = {}
        self._mistaken: dict[tuple[str, ...], Citation] = {}
        self._given: dict[str, tuple[str, ...]] | None = None
        self._any_same = bulletins.SAME.search(self.plain)  # few articles have one

    def channel(self, i: int, apart: Sequence[Place]) -> Channel:
        """Find the outlets that a sentence names as a channel (see `channels`)."""
        sentence = self.sentences[i]
        return channels(
            self.plain,
            Place(sentence.start, sentence.end),
            apart,
            self._mentioned(i),
            self.registry,
            own=self.own,
            shown=self.shown,
            given=self._short_forms(),
        )

    def _short_forms(self) -> dict[str, tuple[str, ...]]:
        """Give the first words of the agencies that the article names in full: "Mehr"."""
        if self._given is None:
            self._given = {}
            named = _NEWS_AGENCY.search(self.plain)
            for mention in self.registry.mentions(self.plain) if named else ():
                name = self.plain[mention.start : mention.end]
                if _NEWS_AGENCY.fullmatch(name):
                    self._given[name.split()[0]] = mention.outlets
        return self._given

    def bulletins(
        self, i: int, taken: Sequence[Place]
    ) -> Iterator[tuple[Place, Place, tuple[Place, ...]]]:
        """Find the agencies and state media that a sentence cites as only outlets are cited.

        Those found as its sources already are ``taken``.
        """
        sentence = self.sentences[i]
        text, base = self.plain[sentence.start : sentence.end], sentence.start
        names = [(m.start, m.end) for m in self._mentioned(i) if self._reports(m)]
        names += [*states(text), *self.shown.spans(text)]
        if not names:
            return
        quoted = [(a - base, b - base) for a, b in self.quoted[i]]
        others = [(place.start - base, place.end - base) for place in taken]
        for source, cue, content in bulletins.cited(text, names, quoted, others):
            yield _moved(source, base), _moved(cue, base), tuple(_moved(c, base) for c in content)

    def _reports(self, mention: Mention) -> bool:
        """Whether an outlet is rather cited than written about: an agency, or a state's."""
        outlets = filter(None, map(self.registry.get, mention.outlets))
        return not self.own & set(mention.outlets) and any(
            outlet.state_media or outlet.medium is Medium.AGENCY for outlet in outlets
        )

    def _mentioned(self, i: int) -> Sequence[Mention]:
        if i not in self._mentions:
            sentence = self.sentences[i]
            text, found = self.plain[sentence.start : sentence.end], sentence.mentions
            if found is None or text != sentence.text:
                found = tuple(self.registry.mentions(text))
            self._mentions[i] = found
        return self._mentions[i]

    # --- over sentences --------------------------------------------------------------------------

    def broadcast(self, start: int) -> bool:
        """Whether a transcript that begins there is introduced as "shown by state television"."""
        before = [i for i, sentence in enumerate(self.sentences) if sentence.end <= start]
        return any(
            self.channel(i, []).state_media
            and _BROADCAST.search(self.plain, self.sentences[i].start, self.sentences[i].end)
            for i in before[-_INTRODUCTION:]
        )

    def same_quotation(self, i: int, tag: int) -> bool:
        """Whether a sentence lies in the quotation that another one tags."""
        return i != tag and (self._runs(i, tag) or self._resumed(i, tag))

    def _runs(self, i: int, tag: int) -> bool:
        low, high = sorted((i, tag))
        pairs = pairwise(self.quoted[low : high + 1])
        return all(one and other and self.open(one[-1]) for one, other in pairs)

    def open(self, part: tuple[int, int]) -> bool:
        """Whether no mark closes a part of a quotation, so that it runs on."""
        last = self.plain[part[0] : part[1]].rstrip()
        return len(last) > 1 and last[-1] not in "\"'"

    def _resumed(self, i: int, tag: int) -> bool:
        """Whether a quotation goes on behind its tag: '"No," TASS said. "Never."'."""
        between = self.plain[self.sentences[tag].end : self.sentences[i].start]
        whole = [(self.sentences[i].start, self.sentences[i].end)]
        return (
            tag == i - 1
            and "\n" not in between
            and self.quoted[i] == whole
            and bool(self.quoted[tag])
        )

    def continued(self, i: int, rows: list[list[Citation]]) -> None:
        """Give "in the same dispatch" and "it also carries" the state media cited just before."""
        sentence = self.sentences[i]
        same = self._any_same and bulletins.SAME.search(self.plain, sentence.start, sentence.end)
        goes_on = bulletins.GOES_ON.match(self.plain, sentence.start, sentence.end)
        if not same and not goes_on:
            self._taken_up(i, rows)
            return
        near = rows[i - 1] or (rows[i - 2] if same and i > 1 else [])
        named = [c for c in near if c.source is not None]
        state = [c for c in named if c.state_media and self._is_state_medias(c)]
        if not state or (not same and len(state) < len(named)):
            return
        if rows[i]:
            rows[i][0] = replace(rows[i][0], state_media=True)
        else:
            last, whole = state[-1], (Place(sentence.start, sentence.end),)
            rows[i] = [replace(last, source=None, cue=None, content=whole, antecedent=last.source)]

    def _taken_up(self, i: int, rows: list[list[Citation]]) -> None:
        """Give "the agency said" and "the report said" the state media they go back to."""
        near = [(j, rows[j]) for j in range(max(i - _NEAR, 0), i) if rows[j]]
        for k, citation in enumerate(rows[i]):
            goes_back = self._goes_back(citation)
            if citation.state_media or not goes_back or not near:
                continue
            if goes_back["outlet"]:
                channel = self._channel_since(citation.antecedent, near)
                if channel:
                    self._mistaken[citation.outlets] = channel
                    rows[i][k] = self._of(citation, channel)
            elif citation.outlets in self._mistaken:
                rows[i][k] = self._of(citation, self._mistaken[citation.outlets])
            elif not citation.outlets and any(
                c.state_media and self._is_state_medias(c) for c in near[-1][1]
            ):
                rows[i][k] = replace(citation, state_media=True)

    def _channel_since(
        self, other: Place | None, near: Sequence[tuple[int, list[Citation]]]
    ) -> Citation | None:
        """Find state media cited or told something since another outlet was named."""
        since = [
            citation
            for j, row in reversed(near)
            for citation in row
            if other is None or self.sentences[j].start > other.start
        ]
        return next((citation for citation in since if citation.state_media), None)

    def _of(self, citation: Citation, channel: Citation) -> Citation:
        known = [o for o in map(self.registry.get, channel.outlets) if o and o.state_media]
        return replace(
            citation,
            state_media=True,
            outlets=tuple(outlet.id for outlet in known),
            name=known[0].name if known else citation.name,
            antecedent=channel.source,
        )

    def _goes_back(self, citation: Citation) -> re.Match[str] | None:
        """Match a source that can go back to an outlet, or to what it reported."""
        if citation.source is None:
            return None
        match = _GOES_BACK.fullmatch(self._words(citation.source))
        other = citation.antecedent
        if citation.outlets in self._mistaken or (match and match["outlet"]):
            return match
        if match and other and not _GOES_BACK.fullmatch(self._words(other)):
            return None  # "it" is somebody else
        return match

    def _words(self, place: Place) -> str:
        return self.plain[place.start : place.end].lower()

    def _is_state_medias(self, citation: Citation) -> bool:
        """Whether a citation's own source is state media, not only its channel."""
        place = citation.source
        words = self.plain[place.start : place.end] if place else ""
        return bool(
            (citation.state_media and self._goes_back(citation))
            or states(words)
            or self.shown.spans(words)
            or any_state_media(citation.outlets, self.registry)
        )


def _moved(span: tuple[int, int], by: int) -> Place:
    return Place(span[0] + by, span[1] + by)


def clipped(
    ranges: Sequence[tuple[int, int]], sentences: Sequence[Sentence]
) -> list[list[tuple[int, int]]]:
    """Give each sentence the parts of quotations that lie in it."""
    clipped: list[list[tuple[int, int]]] = []
    at = 0
    for sentence in sentences:
        while at < len(ranges) and ranges[at][1] <= sentence.start:
            at += 1
        row = []
        i = at
        while i < len(ranges) and ranges[i][0] < sentence.end:
            row.append((max(ranges[i][0], sentence.start), min(ranges[i][1], sentence.end)))
            i += 1
        clipped.append(row)
    return clipped
