"""Who is cited in each sentence of an article: source, cue and content with their characters.

Rules, no model (annotation guidelines, section 4). Each sentence is read by itself
(`classifier.attribution.grammar.clauses`); then the article is read as a whole: quotations that run over
sentences, a transcript's turns, headlines, datelines, and the line under an article that names its
source. What kind of source each is, and whom "he" goes back to, says `classifier.attribution.citations.kinds`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from classifier.attribution.citations import channels, headlines, kinds
from classifier.attribution.citations.kinds import NOBODY, SourceType
from classifier.attribution.citations.outlets import Outlets
from classifier.attribution.citations.through import Through, clipped
from classifier.attribution.grammar import clauses
from classifier.attribution.words.tokens import Token, TokenKind, tokenise
from classifier.values import ArticleReading, Citation, Place, Sentence, SourceKind

_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_]+(?:['.-][^\W_]+)*")
#: Sentences at an article's head that can be a headline.
_HEADLINES = 2
#: Words of a quotation from which its speaker is looked for elsewhere: less is a term.
_LEAST_QUOTED = 3
#: Sentences that a quotation runs over at most, looked at for the tag that names its speaker.
_LONGEST_QUOTATION = 12
#: How many sentences back a quotation's speaker is looked for, where nothing nearer names one.
REACH = 3


@dataclass(slots=True)
class _Found:
    """A citation before its source is typed."""

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
    vague: bool = False
    type: SourceType = NOBODY


def find(reading: ArticleReading, registry: Outlets) -> tuple[tuple[Citation, ...], ...]:
    """Find who is cited in each sentence.

    Parameters
    ----------
    reading : ArticleReading
        As `classifier.attribution.reading.begin` makes it.
    registry : Outlets
        Who knows the outlets that count as named, and as state media.

    Returns
    -------
    tuple of tuple of Citation
        One tuple a sentence, in its order; empty where nobody is cited. A citation carried over
        from another sentence has no cue, and its source either None, with where it was named as
        ``antecedent``, or the line under the article that names it.
    """
    return _Citations(reading, registry).find()


class _Citations:
    """The citations of one article, while they are found."""

    def __init__(self, reading: ArticleReading, registry: Outlets) -> None:
        self.article, self.sentences, self.registry = reading.article, reading.sentences, registry
        self.plain, self.turns = reading.plain, reading.turns
        self._turn_starts = [start for start, _ in self.turns]
        ranges = reading.quotations
        if self.turns:
            ranges = tuple(r for r in ranges if r[0] < self.turns[0][0])
        self.quoted = clipped(ranges, self.sentences)
        self.through = Through(reading, self.quoted, registry)
        self.broadcast = bool(self.turns) and self.through.broadcast(self.turns[0][0])
        self.found: list[list[_Found]] = [[] for _ in self.sentences]
        self.speakers: dict[int, _Found] = {}  # of sentences whose speaker is carried over
        self.introduced: dict[int, _Found] = {}  # "She wrote:", whose content is what comes next

    def find(self) -> tuple[tuple[Citation, ...], ...]:
        for i in range(len(self.sentences)):
            self.found[i] = list(self._sentence(i))
            if not self.turns or self._turn(self.sentences[i]) is None:
                taken = [found.source for found in self.found[i] if found.source]
                self.found[i] += [_Found(*each) for each in self.through.bulletins(i, taken)]
        self._type()
        carried: list[Citation | None] = []
        for i in range(len(self.sentences)):
            carried.append(self._carried(i))
        result = [
            [self._citation(i, found) for found in row] or ([extra] if extra else [])
            for i, (row, extra) in enumerate(zip(self.found, carried, strict=True))
        ]
        for i in range(1, len(result)):
            self.through.continued(i, result)
        self._source_lines(result)
        return tuple(tuple(row) for row in result)

    # --- one sentence ----------------------------------------------------------------------------

    def _sentence(self, i: int) -> Iterator[_Found]:
        sentence = self.sentences[i]
        turn = self._turn(sentence)
        if turn is not None:
            start, end = turn
            if start >= sentence.start:
                yield _Found(
                    Place(start, end - 1),
                    Place(end - 1, end),
                    _place(self.plain, end, sentence.end),
                )
            return
        start = sentence.start
        agency = channels.dateline(self.plain, start, sentence.end, self.registry)
        if agency is not None:
            start = self._after_dateline(agency, sentence.end)
            ids = {o for m in self._mentions(agency) for o in m}
            if not ids & self.through.own:
                yield _Found(agency, None, _place(self.plain, start, sentence.end))
        quoted = [q for q in self.quoted[i] if q[0] >= start]
        if i >= _HEADLINES and not clauses.may_attribute(self.plain, start, sentence.end, quoted):
            return
        tokens = tokenise(self.plain, start, sentence.end, quoted)
        if not tokens or (len(tokens) == 1 and tokens[0].kind is TokenKind.QUOTE):
            return
        if i < _HEADLINES and (headline := self._headline(sentence, tokens)) is not None:
            yield headline
            return
        asks = self.plain[start : sentence.end].rstrip("\"') ").endswith("?")
        for each in clauses.parse(tokens):
            content = tuple(_span(tokens, c) for c in each.content)
            if asks and not any(tokens[c[0]].kind is TokenKind.QUOTE for c in each.content):
                continue
            found = _Found(
                _span(tokens, each.source) if each.source else None,
                _span(tokens, each.cue),
                content,
                each.vague,
            )
            if content:
                yield found
            else:
                self.introduced[i] = found

    def _turn(self, sentence: Sentence) -> tuple[int, int] | None:
        """Find the speaker's label that a sentence of a transcript stands under."""
        at = bisect_right(self._turn_starts, sentence.start)
        return self.turns[at - 1] if at else None

    def _after_dateline(self, agency: Place, end: int) -> int:
        at = agency.end
        while at < end and not self.plain[at].isalnum() and self.plain[at] != '"':
            at += 1
        return at

    def _mentions(self, place: Place) -> list[tuple[str, ...]]:
        return [m.outlets for m in self.registry.mentions(self.plain[place.start : place.end])]

    def _headline(self, sentence: Sentence, tokens: Sequence[Token]) -> _Found | None:
        read = headlines.read(self.plain, sentence, tokens, self.registry)
        return None if read is None else _Found(read[0], read[1], (read[2],))

    # --- kinds -----------------------------------------------------------------------------------

    def _type(self) -> None:
        everything = [*(f for row in self.found for f in row), *self.introduced.values()]
        sourced = sorted(
            (f for f in everything if f.source is not None),
            key=lambda f: (f.source.start, f.source.end) if f.source else (0, 0),
        )
        given = kinds.classify(
            self.plain,
            [f.source for f in sourced],
            self.registry,
            date=self.article.date,
            cues=[self._words(f.cue) for f in sourced],
        )
        for found, source_type in zip(sourced, given, strict=True):
            found.type = source_type

    def _words(self, place: Place | None) -> str:
        return self.plain[place.start : place.end] if place else ""

    def _citation(self, i: int, found: _Found) -> Citation:
        given = found.type
        sentence = self.sentences[i]
        apart = [*found.content, *([found.source] if found.source else [])]
        channel = self.through.channel(i, apart)
        told = bool(given.outlets) and self.through.own.issuperset(given.outlets)
        state = channel.state_media or (given.state_media and not told)
        if self.broadcast and self._turn(sentence) is not None:
            state = True
        kind = given.kind
        if kind is SourceKind.VAGUE and channel.outlets:
            kind = SourceKind.NAMED
        elif kind is SourceKind.VAGUE and channel.state_media:
            kind = SourceKind.UNNAMED
        return Citation(
            found.source,
            found.cue,
            found.content,
            kind,
            given.government,
            state,
            given.name,
            given.antecedent,
            tuple(dict.fromkeys((*given.outlets, *channel.outlets))),
        )

    # --- what is carried over --------------------------------------------------------------------

    def _carried(self, i: int) -> Citation | None:
        """Give a quotation its speaker, where a sentence beside it names one."""
        if self.found[i]:
            return None
        sentence = self.sentences[i]
        if self.turns and self._turn(sentence) is not None:
            return self._over(i, self._labelled(i), (Place(sentence.start, sentence.end),))
        parts = self.quoted[i]
        if not parts:
            return None
        inside = sum(len(_WORD.findall(self.plain[a:b])) for a, b in parts)
        total = len(_WORD.findall(self.plain[sentence.start : sentence.end]))
        if 2 * inside < total or inside < _LEAST_QUOTED:
            return None
        content = tuple(Place(a, b) for a, b in parts)
        speaker = self._speaker(i)
        if speaker is not None:
            self.speakers[i] = speaker
        return self._over(i, speaker, content)

    def _over(self, i: int, found: _Found | None, content: tuple[Place, ...]) -> Citation | None:
        if found is None or found.source is None:
            return None
        carried = self._citation(i, replace_content(found, content))
        where = found.type.antecedent if found.type.antecedent else found.source
        state = self._state_media_over(i, found, carried)
        return replace(carried, source=None, cue=None, antecedent=where, state_media=state)

    def _state_media_over(self, i: int, found: _Found, carried: Citation) -> bool:
        """Whether what is carried over came through state media.

        Only within the quotation whose tag says so, or that the sentence before opened ("TASS
        wrote:"): a later quotation of the same speaker need not have come that way.
        """
        if self.turns and self._turn(self.sentences[i]) is not None:
            return carried.state_media
        if any(found is each for each in self.introduced.values()):
            return carried.state_media
        tag = next((j for j, row in enumerate(self.found) if any(f is found for f in row)), i)
        return self.through.same_quotation(i, tag) and any(
            self._citation(tag, each).state_media for each in self.found[tag]
        )

    def _labelled(self, i: int) -> _Found | None:
        for j in range(i - 1, -1, -1):
            if self.found[j]:
                return self.found[j][0]
        return None

    def _speaker(self, i: int) -> _Found | None:
        if i - 1 in self.introduced:
            return self.introduced[i - 1]
        same = self._same_quotation(i)
        if same is not None:
            return same
        for j in range(i - 1, max(i - 1 - REACH, -1), -1):
            if j in self.introduced:
                return self.introduced[j]
            if j in self.speakers:
                return self.speakers[j]
            for found in reversed(self.found[j]):
                if found.source is not None and self._quotes(j, found):
                    return found
            if self.found[j] and j < i - 1:
                break
        previous = self.found[i - 1] if i else []
        return previous[-1] if previous and previous[-1].source is not None else None

    def _same_quotation(self, i: int) -> _Found | None:
        """Find the tag of the quotation that a sentence lies in, before it or at its close."""
        for step in (-1, 1):
            j = i + step
            while 0 <= j < len(self.sentences) and abs(j - i) < _LONGEST_QUOTATION:
                one, other = (self.quoted[j], self.quoted[j - step])
                edge, near = (one[-1:], other[:1]) if step < 0 else (one[:1], other[-1:])
                if not edge or not near or not self.through.open((edge if step < 0 else near)[0]):
                    break
                for found in self.found[j]:
                    if found.source is not None:
                        return found
                j += step
        return None

    def _quotes(self, j: int, found: _Found) -> bool:
        return any(
            place.start < b and a < place.end for a, b in self.quoted[j] for place in found.content
        )

    def _source_lines(self, result: list[list[Citation]]) -> None:
        """Hand what nobody else is cited for to the "(Source: ...)" line under it."""
        above = 0
        for i, sentence in enumerate(self.sentences):
            name = headlines.source_line(self.plain, sentence)
            if name is None or i == above:
                continue
            given = kinds.classify(self.plain, [name], self.registry, date=self.article.date)[0]
            result[i] = []
            for j in range(above, i):
                if not result[j]:
                    whole = (Place(self.sentences[j].start, self.sentences[j].end),)
                    result[j] = [
                        Citation(
                            # A credit at the end is no attribution to state media: the sentences
                            # don't name it.
                            name, None, whole, given.kind, given.government, False,
                            given.name, None, given.outlets,
                        )
                    ]  # fmt: skip
            above = i + 1


def replace_content(found: _Found, content: tuple[Place, ...]) -> _Found:
    """Give the same citation with other content."""
    return _Found(found.source, found.cue, content, found.vague, found.type)


def _place(plain: str, start: int, end: int) -> tuple[Place, ...]:
    while start < end and plain[start].isspace():
        start += 1
    while end > start and plain[end - 1].isspace():
        end -= 1
    return (Place(start, end),) if start < end else ()


def _span(tokens: Sequence[Token], span: tuple[int, int]) -> Place:
    return Place(tokens[span[0]].start, tokens[span[1] - 1].end)
