"""The names in an article: whom or what it names, in which forms, and what it says of them.

Names that share words are one speaker where they can be: "Hale" and "Mr Hale" are "Viktor Hale",
"the WHO" the "World Health Organization". The fullest form is the name that is shown. What a
speaker is follows from titles, the words of the name, given names and the registry of outlets;
whether one is a man or a woman from titles, then from the given name.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise, takewhile
from operator import attrgetter

from framescope.classifier.attribution import phrases
from framescope.classifier.attribution.phrases import Shape, places, word_list, word_set, words_of
from framescope.classifier.records import Mention, Place, Sentence

_ABBREVIATED = (
    r"(?:Mrs?|Ms|Dr|Prof|Gen|Lt|Col|Maj|Sgt|Capt|Sens?|Reps?|Gov|Rev|Hon|St|Adm|Brig|Amb|[JS]r)\."
)
_PREFIX = r"(?:(?:[AaEe]l|[Aa][dsnz]|bin)-)?"
_CAPITAL = "[" + "".join(filter(str.isupper, map(chr, range(0x530)))) + "]"
_WORD = rf"(?:{_ABBREVIATED}|{_PREFIX}{_CAPITAL}[\w'-]*(?:\.(?:[A-Z]\.)+|(?<=\b[A-Z])\.)?)"
_BETWEEN = (
    r"(?:(?:of|for|on|and|in|to|the|&|de|del|della|da|dos|van|von|der|den|bin|ibn|al|el|la|le|ben"
    r"|abu|y)\s)"
)
CAPITALISED = re.compile(
    rf"(?<![\w'.-]){_WORD}(?:(?:,?\s(?=[JS]r\.)|[ ]{_BETWEEN}{{0,3}}){_WORD}){{0,9}}"
)
"""Capitalised words with small ones between them, in a folded text: names, to be taken apart."""
# A possessive ends a name, and so does a sentence or a heading.
_APART = re.compile(r"'s?(?=\s|$)|(?<=[a-z]{2}|[A-Z]{2})\.(?=\s)|:(?=\s)")
_TITLE_ENDS = re.compile(rf"\b{_ABBREVIATED}$")
_COMMON = word_list("no names at a start")
_TITLE_BEFORE = re.compile(r"(?<![\w'-])(?:[a-z][\w'-]*\s){1,5}$")
_TITLE_WITHIN = 45  # characters
_APPOSITION = re.compile(r",\s(an?\s[^,.;:\"\n]{3,90}(?=[,.])|[^,.;:\"\n]{3,90}(?=,))")
_OF = re.compile(r"\b(?:of|for|by|at|from)\s(?:the\s)?$")
_OF_WHOM = re.compile(r".*\b(?:of|for|to|by|with|from|at|in)\s(?:the\s)?(?P<whose>.*)$")
_HEAD_ENDS = re.compile(r",|\s[-(]|\s(?:wh(?:o|ich|ose|om|ere|en)|told|said|speaking|citing)\b")
_AND = re.compile(r"\sand\s(?P<titles>.*)")
_SAYS_NOTHING = re.compile(r"(?:\s(?:himself|herself|itself|themselves|[a-z]+ly))*")
_COMMA = re.compile(r",\s(?:(?:the|an?)\s)?(?:[\w'-]+\s){0,3}$")
_ORDERLESS = word_set("of the and for")  # "Department of Works", "Works Department"
_SUFFIXES = word_set("jr sr ii iii iv")
MAN, WOMAN = word_list("words for men"), word_list("words for women")
HE, SHE = word_set("he him his himself"), word_set("she her hers herself")
IT, THEY = word_set("it its itself"), word_set("they their them theirs themselves")
PERSONAL = HE | SHE
PRONOUNS = PERSONAL | IT | THEY | word_set("i my me we our us who that which whose whom you")
"""Words that name nobody; where they refer to nobody who is named they are an unnamed source."""
_MOST = 40  # entities that share a word, and mentions, which are looked through


@dataclass(slots=True, eq=False)
class Entity:
    """Somebody or something that an article names, or only cites."""

    name: str  # in the fullest form; empty for one that the article only describes
    shape: Shape
    outlets: tuple[str, ...] = ()
    titles: set[str] = field(default_factory=set)  # in lower case, with words of appositions
    mentions: list[Place] = field(default_factory=list)  # in order
    gender: str = ""  # "m", "f", or unknown
    cited: int = 0
    government: bool = False  # or in an office, by a title beside the name
    state_media: bool = False
    words: tuple[str, ...] = ()  # of the name, in lower case, without full stops

    @property
    def is_thing(self) -> bool:
        """Whether it is neither a person nor people."""
        return bool(self.outlets) or self.shape in (Shape.ORGANISATION, Shape.STATE, Shape.DOCUMENT)


def _is_title(word: str) -> bool:
    return phrases.is_any(word, "person", "office", "honorific")


def _are_titles(text: str) -> bool:
    return all(map(_is_title, words_of(text)))


def _initials(name: str) -> str:
    return "".join(word[0] for word in name.split() if word[0].isupper()).lower()


def gender_of(words: Iterable[str]) -> str:
    """Return the gender that titles and nouns tell; empty for none, or both."""
    own = set(words)
    man, woman = not own.isdisjoint(MAN | HE), not own.isdisjoint(WOMAN | SHE)
    return "" if man is woman else "m" if man else "f"


def _given_gender(words: Sequence[str]) -> str:
    return phrases.given_names().get(words[0], "") if len(words) > 1 else ""


class Names:
    """The speakers that a folded article names; outlets' names in it are given."""

    def __init__(
        self, plain: str, sentences: Sequence[Sentence], outlets: Sequence[Mention] = ()
    ) -> None:
        self.plain = plain
        self._starts = {sentence.start for sentence in sentences}
        sure = (mention for mention in outlets if len(mention.outlets) == 1)
        self._outlets = {at: mention for mention in sure for at in (mention.start, mention.end)}
        lower = set(re.findall(r"(?<![\w'])[a-z][\w'-]+", plain))
        self._lower = lower.difference(phrases.given_names())
        self._by_word: dict[str, list[Entity]] = defaultdict(list)
        self.speakers: list[Entity] = []
        self._together: dict[str, Entity] = {}
        found = [one for match in CAPITALISED.finditer(plain) for one in self._names_of(match)]
        # The longest first, so that a short form finds the full one.
        for place, lead in sorted(found, key=lambda one: -self._text(one[0]).count(" ")):
            self._add(place, lead)
        for speaker in self.speakers:
            speaker.mentions.sort(key=attrgetter("start"))
            the = (plain[m.start - 4 : m.start].lower() == "the " for m in speaker.mentions)
            if speaker.shape is Shape.UNKNOWN and len(speaker.words) == 1 and any(the):
                speaker.shape = Shape.ORGANISATION
            speaker.government |= phrases.is_government(speaker.name)
            speaker.government &= not speaker.outlets
            if not speaker.is_thing:
                speaker.gender = gender_of(speaker.titles) or _given_gender(speaker.words)
        self.mentions = sorted(
            ((place, one) for one in self.speakers for place in one.mentions),
            key=lambda pair: (pair[0].start, -pair[0].end),
        )

    def named_by(self, place: Place, phrase: phrases.Phrase) -> Entity | None:
        """Return the speaker whom the words of a source name; None where they only describe it."""
        first = bisect_left(self.mentions, place.start, key=lambda pair: pair[0].start)
        after = islice(self.mentions, first, None)
        inside = list(takewhile(lambda pair: pair[0].end <= place.end, after))
        head = _HEAD_ENDS.search(self.plain, place.start, place.end)
        end = head.start() if head else place.end
        joint = [at for at, _ in inside if at.end <= end]
        gaps = [_AND.fullmatch(self.plain, a.end, b.start) for a, b in pairwise(joint)]
        if gaps and all(gap and _are_titles(gap["titles"]) for gap in gaps):  # "Hale and Mr Orr"
            words = self.plain[joint[0].start : joint[-1].end]
            return self._together.setdefault(words, Entity(words, Shape.PEOPLE))
        for at, one in inside:
            rest = self.plain[at.end : end]
            of = _OF_WHOM.search(self.plain, place.start, at.start)
            belongs = of and _are_titles(of["whose"])  # "a lawyer for President Hale"
            itself = one.is_thing and rest != "" and at.start == place.start
            if (itself or not (one.is_thing or belongs)) and _SAYS_NOTHING.fullmatch(rest):
                return one
        if name := set(words_of(phrase.name)):
            found = [(len(name & {*words_of(self._text(at))}), at.start, one) for at, one in inside]
            best = max(found, key=lambda each: each[:2], default=(0, 0, None))
            return best[2] if best[0] else None
        # "a spokesman for the Harbour Board" speaks for it; a lawyer of a person does not.
        speaks = bool(phrase.tail) and phrases.is_any(phrase.head, "mouthpiece")
        for at, one in inside:
            lead = self.plain[place.start : at.start]
            body = speaks and one.is_thing and _OF.search(lead)
            person = phrase.appositions and not one.is_thing and _COMMA.search(lead)
            if body or person:
                return one
        return None

    def _text(self, place: Place) -> str:
        return self.plain[place.start : place.end]

    def _names_of(self, run: re.Match[str]) -> Iterator[tuple[Place, str]]:
        """Yield the names in a run of capitals, with the words before each that may be titles."""
        ends = (one.span() for one in _APART.finditer(self.plain, *run.span()))
        cuts = [cut for cut in ends if not _TITLE_ENDS.search(self.plain, run.start(), cut[1])]
        for (_, start), (end, _) in pairwise([(0, run.start()), *cuts, (run.end(), 0)]):
            yield from self._of_piece(start, self.plain[start:end])

    def _of_piece(self, at: int, piece: str) -> Iterator[tuple[Place, str]]:
        opens = at in self._starts or self.plain[max(0, at - 2) : at].rstrip(' "(')[-1:] in ".!?:\n"
        while piece := piece.lstrip(" ,"):
            at = self.plain.index(piece[0], at)
            first, _, rest = piece.partition(" ")
            if self._is_common(first.lower(), rest, opens=opens):
                end = len(first)
            else:
                phrase = phrases.parse(piece)
                start = piece.find(phrase.name) if phrase.name else -1
                end = start + len(phrase.name) if start >= 0 else len(piece) - len(phrase.tail)
                end = max(end, len(first))
                end += piece[end - 2 : end + 1] in ("Jr.", "Sr.")
                if start >= 0:
                    title = _TITLE_BEFORE.search(self.plain, max(0, at - _TITLE_WITHIN), at)
                    lead = (title.group() if title else "") + piece[:start]
                    yield Place(at + start, at + end), lead
            at, piece, opens = at + end, piece[end:], False

    def _is_common(self, first: str, rest: str, *, opens: bool) -> bool:
        """Return whether the capital of a name's first word is that of a sentence."""
        titled = phrases.is_any(first, "person", "office", "honorific", "body")
        opens = opens and not (titled or rest.startswith("of "))
        return first in _COMMON or (opens and (first in self._lower or first.endswith("ing")))

    def _add(self, place: Place, lead: str) -> None:
        words = self._text(place).split()
        plain, titles = tuple(word.lower().strip(".'") for word in words), set(words_of(lead))
        titles = titles if any(map(_is_title, titles)) else set()
        outlets = self._outlets_at(place)
        shape = self._shape(plain, words, titles, outlets)
        near = (*self._by_word[plain[0]][:_MOST], *self._by_word[plain[-1]][:_MOST])
        fits = [one for one in near if _can_be(plain, shape, titles, one)]
        known = fits or titles or outlets or words[0].isupper() or phrases.is_place(words[0])
        if len(words) == 1 and not known and plain[0] in self._lower:
            return
        gender = gender_of(titles)
        last = [one for one in fits if plain[-1] in one.words[-1:]]
        same = [one for one in fits if one.words == plain] or last or fits
        same = [one for one in same if gender in ("", _given_gender(one.words))] or same
        if same:  # of several, the one named last before
            before = [
                max([-1, *(at.start for at in one.mentions[-_MOST:] if at.start < place.start)])
                for one in same
            ]
            speaker = same[before.index(max(before))]
        else:
            speaker = Entity(" ".join(words), shape, outlets, words=plain)
            self.speakers.append(speaker)
            for word in {*plain, _initials(speaker.name), ".".join(_initials(speaker.name))}:
                self._by_word[word].append(speaker)
        if speaker.shape is Shape.UNKNOWN and (shape is Shape.PERSON or plain != speaker.words):
            speaker.shape = Shape.PERSON
        speaker.mentions.append(place)
        # What is said of somebody just after the name: an office, say.
        after = _APPOSITION.match(self.plain, place.end)
        described = (lead if titles else "") + (after.group() if after else "")
        speaker.titles |= titles.union(words_of(after[1])[:12] if after else ())
        speaker.government |= described != "" and phrases.is_government(described)

    def _outlets_at(self, place: Place) -> tuple[str, ...]:
        one = self._outlets.get(place.start) or self._outlets.get(place.end)
        shared = min(one.end, place.end) - max(one.start, place.start) if one else 0
        return one.outlets if one and 2 * shared > place.end - place.start else ()

    def _shape(
        self, plain: tuple[str, ...], words: list[str], titles: set[str], outlets: tuple[str, ...]
    ) -> Shape:
        joined = " ".join(plain)
        if not titles and any(joined in places(kind) for kind in ("state", "capital", "region")):
            return Shape.STATE
        heads = word_list("heads of names")
        named = any(word in heads or phrases.is_any(word, "organisation", "body") for word in plain)
        if outlets or named or "&" in plain or "of" in plain:
            return Shape.ORGANISATION
        if any(map(_is_title, titles)) or (len(words) > 1 and plain[0] in phrases.given_names()):
            return Shape.PERSON
        return Shape.ORGANISATION if len(words) == 1 and words[0].isupper() else Shape.UNKNOWN


def _can_be(short: tuple[str, ...], shape: Shape, titles: set[str], other: Entity) -> bool:
    """Return whether a name can be a form of a speaker's."""
    full = other.words
    body = shape is Shape.STATE and other.shape is Shape.ORGANISATION
    if short == full or len(short) > len(full) or body:
        return short == full
    if len(short) == 1 and len(full) > 1 and _initials(other.name) == short[0].replace(".", ""):
        return True
    contained = any(full[i : i + len(short)] == short for i in range(len(full)))
    if other.is_thing:
        ends = short[0] == full[0] or short[-1] == full[-1]
        if len(short) == 1:
            return contained and ends and not titles and short[0] not in places("people")
        return (contained and ends) or _ORDERLESS.union(full) >= {*short} >= {*full} - _ORDERLESS
    last = full[-2] if full[-1] in _SUFFIXES and len(full) > 1 else full[-1]
    if shape is Shape.ORGANISATION and short != (last,):
        return False
    if len(short) == 1:
        return short[0] in full
    initial = len(short[0]) == 1 and short[0] == full[0][0]
    return short[-1] == last and (contained or short[0] == full[0] or initial)
