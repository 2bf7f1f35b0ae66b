"""Who is cited in each sentence of an article: source, cue and content with their characters.

Rules, no model (annotation guidelines, section 4). Each sentence is read by itself
(`grammar.clauses`); then the article is read as a whole: quotations that run over sentences, a
transcript's turns, headlines ("Poll: Most want a bridge", "Bridge is safe: ministry"), datelines,
and the line under an article that names its source. What kind of source each is, and whom "he" goes
back to, says `citations.kinds`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from classifier.attribution.citations import kinds
from classifier.attribution.citations.kinds import NOBODY, SourceType
from classifier.attribution.citations.outlets import Outlets, dateline
from classifier.attribution.citations.through import Through, clipped
from classifier.attribution.grammar import clauses
from classifier.attribution.words.cues import table
from classifier.attribution.words.lexicon import is_any, places, word_set
from classifier.attribution.words.phrases import words_of
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
_REACH = 3

_SOURCE_LINE = re.compile(r"[\W_]*sources?\s*:\s*(?P<name>[^:\n]{2,120}?)[\W_]*", re.IGNORECASE)
_BEFORE = re.compile(r"(?P<who>[^:\"'.,!?\n]{2,60}): +(?=\S)")
_AFTER = re.compile(r"(?:: | - )(?P<who>(?:[\w.'&-]+ ){0,3}[\w.'&-]+)\s*$")
# Judgements on how headlines are written.
_TAIL = 80  # characters at the end of one in which ": ministry" stands
_SHORTEST = 13  # characters of what is said before that
_LONGEST_SOURCE = 6  # words of a source
_LONGEST_NAME = 3  # words of a person's name
_MOSTLY = 0.7  # of a source that an outlet's name takes, for the outlet to be the source
_SPEAKS = word_set("poll report study survey police sources officials source")


@dataclass(slots=True)
class _Found:
    """A citation before its source is typed."""

    source: Place | None
    cue: Place | None
    content: tuple[Place, ...]
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
        carried = [self._carried(i) for i in range(len(self.sentences))]
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
                said = _place(self.plain, end, sentence.end)
                yield _Found(Place(start, end - 1), Place(end - 1, end), said)
            return
        start = sentence.start
        agency = dateline(self.plain, start, sentence.end, self.registry)
        if agency is not None:
            start = self._after_dateline(agency, sentence.end)
            named = self.registry.mentions(self._words(agency))
            if self.through.own.isdisjoint(id for mention in named for id in mention.outlets):
                yield _Found(agency, None, _place(self.plain, start, sentence.end))
        quoted = [q for q in self.quoted[i] if q[0] >= start]
        if i >= _HEADLINES and not clauses.may_attribute(self.plain, start, sentence.end, quoted):
            return
        tokens = tokenise(self.plain, start, sentence.end, quoted)
        if not tokens or (len(tokens) == 1 and tokens[0].kind is TokenKind.QUOTE):
            return
        if i < _HEADLINES and (headline := _headline(self.plain, sentence, tokens, self.registry)):
            yield headline
            return
        asks = self.plain[start : sentence.end].rstrip("\"') ").endswith("?")
        for each in clauses.parse(tokens):
            content = tuple(_span(tokens, c) for c in each.content)
            if asks and not any(tokens[c[0]].kind is TokenKind.QUOTE for c in each.content):
                continue
            source = _span(tokens, each.source) if each.source else None
            found = _Found(source, _span(tokens, each.cue), content)
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

    # --- kinds -----------------------------------------------------------------------------------

    def _type(self) -> None:
        everything = [*(f for row in self.found for f in row), *self.introduced.values()]
        sourced = sorted(
            (f for f in everything if f.source is not None),
            key=lambda f: (f.source.start, f.source.end) if f.source else (0, 0),
        )
        sources, cues = [f.source for f in sourced], [self._words(f.cue) for f in sourced]
        date = self.article.date
        given = kinds.classify(self.plain, sources, self.registry, date=date, cues=cues)
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
        if (speaker := self._speaker(i)) is not None:
            self.speakers[i] = speaker
        return self._over(i, speaker, content)

    def _over(self, i: int, found: _Found | None, content: tuple[Place, ...]) -> Citation | None:
        if found is None or found.source is None:
            return None
        carried = self._citation(i, replace(found, content=content))
        where = found.type.antecedent or found.source
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
        return next((row[0] for row in reversed(self.found[:i]) if row), None)

    def _speaker(self, i: int) -> _Found | None:
        if i - 1 in self.introduced:
            return self.introduced[i - 1]
        if (same := self._same_quotation(i)) is not None:
            return same
        for j in range(i - 1, max(i - 1 - _REACH, -1), -1):
            if j in self.introduced:
                return self.introduced[j]
            if j in self.speakers:
                return self.speakers[j]
            for found in reversed(self.found[j]):
                if found.source is not None and self._quotes(j, found):
                    return found
            if self.found[j] and j < i - 1:
                break
        previous = self.found[i - 1][-1:] if i else []
        return next((found for found in previous if found.source is not None), None)

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
            name = _source_line(self.plain, sentence)
            if name is None or i == above:
                continue
            given = kinds.classify(self.plain, [name], self.registry, date=self.article.date)[0]
            result[i] = []
            for j in range(above, i):
                if not result[j]:
                    whole = (Place(self.sentences[j].start, self.sentences[j].end),)
                    # A credit at the end is no attribution to state media: the sentences don't
                    # name it.
                    kind = (given.kind, given.government, False)
                    result[j] = [
                        Citation(name, None, whole, *kind, given.name, None, given.outlets)
                    ]
            above = i + 1


def _place(plain: str, start: int, end: int) -> tuple[Place, ...]:
    while start < end and plain[start].isspace():
        start += 1
    while end > start and plain[end - 1].isspace():
        end -= 1
    return (Place(start, end),) if start < end else ()


def _span(tokens: Sequence[Token], span: tuple[int, int]) -> Place:
    return Place(tokens[span[0]].start, tokens[span[1] - 1].end)


# --- whole lines ----------------------------------------------------------------------------------


def _source_line(plain: str, sentence: Sentence) -> Place | None:
    """Find the name in a line such as "(Source: Ministry of Works)"; None in any other."""
    match = _SOURCE_LINE.fullmatch(plain, sentence.start, sentence.end)
    return None if match is None else Place(match.start("name"), match.end("name"))


def _headline(
    plain: str, sentence: Sentence, tokens: Sequence[Token], registry: Outlets
) -> _Found | None:
    """Read a headline that sets its source off by a colon or dash."""
    start, end = sentence.start, sentence.end
    text = plain[start:end]
    following = plain[end : end + 2]
    if (following and "\n" not in following) or _SOURCE_LINE.fullmatch(text):
        return None
    match = _BEFORE.match(text)
    quotes = any(a.text == ":" and b.kind is TokenKind.QUOTE for a, b in pairwise(tokens[:8]))
    says = match is not None and any(word in table() for word in words_of(match["who"])[-1:])
    if match and ((quotes and not says) or _can_speak(match["who"], plain[end:], registry)):
        at = start + match.end("who")
        return _Found(Place(start, at), Place(at, at + 1), (Place(start + match.end(), end),))
    match = _AFTER.search(text, max(0, len(text) - _TAIL))
    if match is None or match.start() < _SHORTEST:
        return None
    who = match["who"]
    if who.lower().startswith(("a ", "the ")) or not _can_speak(who, plain[end:], registry):
        return None
    at, mark = start + match.start("who"), start + match.start()
    return _Found(Place(at, start + match.end("who")), Place(mark, at), (Place(start, mark),))


def _can_speak(who: str, rest: str, registry: Outlets) -> bool:
    words = words_of(who)
    if not words or len(words) > _LONGEST_SOURCE:
        return False
    joined = " ".join(words)
    if joined in places("state") or joined in places("capital") or words[-1] in _SPEAKS:
        return True
    if is_any(words[-1], "unnamed", "person", "body", "office"):
        return True
    if mentions := registry.mentions(who):
        return mentions[0].end - mentions[0].start >= _MOSTLY * len(who)
    # A surname that the article goes on to use as a speaker's.
    last = re.escape(who.split()[-1])
    said = rf"(?<!\w){last} (?:said|says|told|added|wrote)\b"
    return who[0].isupper() and len(words) <= _LONGEST_NAME and re.search(said, rest) is not None
