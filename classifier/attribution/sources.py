"""An article as the rules read it, and who its sources are: whom their words name or refer to.

What a source is (named, unnamed or vague, a government's) is learned from its words and sentences
(`models.citation_scorer`); here is what the article and the registry of outlets say for certain,
which the models weigh, and by which the citations of rules are typed.

In running text "Fars" is a province and "the Times" anybody's: the registry says which names mean
an outlet. No registry knows every outlet: one that the text itself presents as a state's ("the
state broadcaster Vesk One") is state media throughout the article, under its name, "the Beacon" for
"The Harbour Beacon", and its initials. "Islamic State radio" is no state's.

A republished part is read as if it stood alone: its wrapper is no source of its sentences, and the
quotation marks that the wrapper puts around it quote nobody within it.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from itertools import chain, dropwhile, product
from operator import attrgetter
from typing import Protocol

from framescope.classifier import records
from framescope.classifier.attribution import phrases
from framescope.classifier.attribution.names import PRONOUNS, Entity, Names, gender_of
from framescope.classifier.attribution.phrases import Phrase, Shape, parse, places, terms, words_of
from framescope.classifier.attribution.quotations import find as find_quotations
from framescope.classifier.attribution.quotations import labelled, within
from framescope.classifier.inputs import detect_language, most_of
from framescope.classifier.inputs import split_sentences as split
from framescope.classifier.languages import ENGLISH, called_in, in_english
from framescope.classifier.records import ArticleReading, Citation, Place, Sentence, SourceKind


class _Outlets(Protocol):
    """The methods of `classifier.outlets.Registry` that the rules use."""

    def get(self, id: str, /) -> records.Outlet | None: ...
    def at(self, address: str, /) -> records.Found | None: ...
    def called(self, name: str, /) -> tuple[records.Outlet, ...]: ...
    def mentions(self, text: str, language: str | None = None, /) -> list[records.Mention]: ...


# A name with these words is still the outlet's: "ABA News".
_BESIDE = phrases.word_list("words beside outlets")
# Where more is said of a source: "Liu, speaking to state TV", "a blog, which Xinhua carried".
_CLAUSE = re.compile(
    r",?\s--?\s|,\s(?:who|which|whose|speaking|writing|talking|appearing)\b|\swho\s"
)
_FORMER = re.compile(r"\b(?:[Ff]ormer|ex)[\s-](?:[\w-]+\s){0,2}$")
_STAR = re.compile(r"\s(?:host|columnist|contributor|commentator|pundit)s?\s[A-Z]")
_HOST = re.compile(r"(?<![\w@.-])(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,12}(?![\w-]|\.\w)")


def own_outlets(publisher: str | None, registry: _Outlets) -> frozenset[str]:
    """Return the ids of a publisher, given by name or id: its own byline is no citation."""
    name = publisher or ""
    known = [registry.get(name), *registry.called(name)] if name else []
    return frozenset(outlet.id for outlet in known if outlet)


def any_state_media(ids: Iterable[str], registry: _Outlets) -> bool:
    """Return whether any of some outlets is state media."""
    return any((outlet := registry.get(id)) is not None and outlet.state_media for id in ids)


def without_clauses(words: str) -> str:
    """Return a source phrase without the clauses that say more of the source."""
    return _CLAUSE.split(words)[0]


def named_outlets(words: str, phrase: Phrase, registry: _Outlets) -> tuple[str, ...]:
    """Find the outlets that a source phrase names, but for names that outlets share."""
    words = without_clauses(words)
    found: list[str] = []
    for one in registry.mentions(words):
        # "Former RT journalists", "Al Jazeera host Ana Poor"
        employer = _FORMER.search(words[: one.start]) or _STAR.match(words[one.end :])
        # "Tasnim Orr", but not "ABA News"
        name, part = set(words_of(phrase.name)), set(words_of(words[one.start : one.end]))
        persons = phrase.shape is Shape.PERSON and part < name and not name - part <= _BESIDE
        found += () if employer or persons or len(one.outlets) > 1 else one.outlets
    for match in _HOST.finditer(words):
        at = registry.at(match.group())
        if at is not None and at.domain.role is not records.DomainRole.IMPOSTER:
            found.append(at.outlet.id)
    return tuple(dict.fromkeys(found))


_STATE = (
    r"(?:(?:[Ss]tate|[Gg]overnment|Kremlin)"
    r"-(?:run|owned|controlled|backed|affiliated|funded|linked|news)|[Ss]tate|[Gg]overnment"
    r"|[Oo]fficial|[Ss]emi-?official|(?:government|crown|junta|court|regime|party)'s)"
)
_AGENCY = (
    r"(?:(?:(?:news|press|dispatch|telegraph)\s)?(?:agency|wire|newswire)|(?:news|wire)\sservice)"
)
_KIND = (
    rf"(?:{_AGENCY}|broadcaster|television|TV|radio|(?:news |television |radio |TV )?(?:channel"
    r"|station)|(?:news\s)?(?:website|site|portal|network)|newspaper|daily|weekly|tabloid|magazine"
    r"|outlet|gazette|news)"
)
_WORD = r"(?:[A-Z][\w'’-]*\w)"
_NAME = rf"(?P<name>(?:The\s)?{_WORD}(?:\s(?:{_WORD}|of|\d+)){{0,4}})"
# Between an outlet's name and its medium: "the Dunlaccan", "our brothers'".
_WHOSE = r"(?:(?:the|an?|our|their|its)\s)?(?:[\w-]+(?:'s|s')\s|[A-Z][\w-]+\s)?"
_PRESENTING = (
    re.compile(
        r"\b[Ss]tate-(?:run|owned|controlled)\s(?P<name>(?:[A-Z][\w-]*\s){0,2}(?:Channel|TV|Agency"
        r"|Television|Radio|News|Times|Daily|Post|Press|Herald)(?:\s[A-Z1-9][\w-]*)?)"
    ),
    re.compile(rf"\b(?=[SsGgKOocjrp]){_STATE}\s{_KIND},?\s\(?{_NAME}"),
    re.compile(rf"{_NAME}(?:,\s|\s-+\s){_WHOSE}{_STATE}\s{_KIND}\b"),
)
# A medium, with a name inside or without one: "Yemen's official Saba news agency".
_AROUND_NAME = (
    rf"{_STATE}\s(?:[A-Z][\w.'-]*\s){{1,3}}(?:{_AGENCY}|broadcaster|television|TV|radio|newspaper"
    r"|daily)\b"
)
_NAMELESS = (
    rf"(?i:(?:{_STATE}|regime|propaganda)\s(?:propaganda\s|english(?:-language)?\s"
    rf"|[a-z]+(?:ese|ian|an|ish)\s)?(?:(?:news\s)?(?:media|outlets?)|{_KIND}|tabloid|press"
    r"|mouthpiece|organ)|party\s(?:mouthpiece|newspaper))\b(?![\w-])"
)
_STATE_MEDIA = re.compile(rf"(?<![\w'-])(?:(?P<around>{_AROUND_NAME})|{_NAMELESS})")
_HINT = re.compile(
    r"(?i:state|government|kremlin|official|regime|propaganda|crown|junta|court|par)"
)
# Rather an office, unless a name follows: "the state agency Velpress".
_OFFICE = re.compile(rf"{_STATE}\s(?:agency|wire|press|outlet|channel|station|news|daily)")
_NAME_FOLLOWS = re.compile(r"\s[A-Z][a-z]\w*(?!\s[A-Z])")
_NO_NAMES = phrases.word_list("no names at a start") | phrases.word_list("days and months")


@lru_cache(maxsize=4)  # asked for several times per article
def presented_as_state_media(plain: str) -> re.Pattern[str] | None:
    """Return a pattern of the outlets that a folded article presents as a state's, if any."""
    names: set[str] = set()
    for match in (match for pattern in _PRESENTING for match in pattern.finditer(plain)):
        written = match["name"].removesuffix("'s").split()
        words = [*dropwhile(lambda word: word.lower() in _NO_NAMES, written)]
        name = " ".join(words)
        if name and not phrases.is_place(name) and not _part_of_name(plain, match.start()):
            names |= {name, "".join(word[0] for word in words if word[0].isupper())}
            names |= {f"the {words[-1]}"} if "The" in written else set()
    longest = sorted((n for n in names if len(n) > 2), key=lambda name: (-len(name), name))
    any_of = "|".join(map(re.escape, longest))
    return re.compile(rf"(?<![\w-])(?:{any_of})(?![\w-])") if longest else None


@lru_cache(maxsize=256)  # asked for each citation of a sentence
def state_media_words(
    text: str, presented: re.Pattern[str] | None = None
) -> tuple[tuple[int, int], ...]:
    """Find "state television" and the like, and the names that the article has `presented`."""
    found = [match.span() for match in presented.finditer(text)] if presented else []
    for match in _STATE_MEDIA.finditer(text) if _HINT.search(text) else ():
        office = not match["around"] and _OFFICE.fullmatch(match.group())
        named = not office or _NAME_FOLLOWS.match(text, match.end())
        if named and not _part_of_name(text, match.start()):
            found.append(match.span())
    return tuple(found)


def _part_of_name(text: str, at: int) -> bool:
    """Return whether "State" belongs to a name before it: "Islamic State", "Penn State"."""
    before = re.search(r"([A-Z][\w-]*)\s$", text[max(0, at - 30) : at])
    if before is None or text[at : at + 5] != "State":
        return False
    return not any(before[1].lower() in places(kind) for kind in ("people", "state", "capital"))


Refer = Callable[[Place, Phrase, Sequence[Entity], Names], Entity | None]
"""Says whom a source that names nobody refers to, of those cited earlier and all that are named."""

_start = attrgetter("start")
_LONGEST_NAME = 80  # characters; a longer phrase is cut at its first comma
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n][\"')\]]*\s*|[\"(\[]\s*)$")
_VAGUE_QUANTITY = phrases.word_set("many some most few all other more any no") | {""}
# What leads to an outlet through which somebody speaks.
_LEADS = re.compile(
    r"\b(?:told|tells?|telling|to|with|by|on|in|from|via|through|for|citing|quoting)\s"
    r"(?:[\w'-]+\s){0,5}$"
)
_LEAD_WITHIN = 70  # characters
_ORDER = re.compile(r" to [a-z]")  # "told RT to stop"
_MOST = 50  # outlets and citations of a sentence that are compared; more are no text

_Given = Citation | records.MarkedCitation
_Channel = tuple[int, tuple[str, ...]]  # where it stands, and its outlets: none for "state TV"


def classify(
    plain: str,
    sentences: Sequence[Sentence],
    sources: Iterable[Place],
    registry: _Outlets,
    refer: Refer | None = None,
) -> dict[Place, Citation]:
    """Type the sources of an article, which is folded, each as a citation without content.

    `refer` finds whom pronouns and descriptions refer to; without it they stand for themselves.
    """
    presented = presented_as_state_media(plain)
    mentions = registry.mentions(plain, sentences[0].lang if sentences else None)
    names, earlier = Names(plain, sentences, mentions), list[Entity]()
    found: dict[Place, Citation] = {}
    described: dict[int, tuple[SourceKind, str]] = {}  # entities, as their first words give them
    for place in sorted(set(sources), key=attrgetter("start", "end")):
        words = plain[place.start : place.end]
        lang = sentences[max(bisect_right(sentences, place.start, key=_start) - 1, 0)].lang
        lower = words_of(in_english(words, lang))
        opens = bool(_SENTENCE_START.search(plain[max(0, place.start - 8) : place.start]))
        phrase = parse(words, opens=opens)
        pronoun = " ".join(lower) in PRONOUNS
        name = "" if pronoun else phrase.name
        entity = None if pronoun else names.named_by(place, phrase)
        called = called_in(lang, words)  # elsewhere than in English a source has a name always
        entity = _called(called, entity, earlier) if called and not pronoun else entity
        own = entity is not None or bool(name or (called and not pronoun))  # its words name it
        if not own and refer is not None:
            entity = refer(place, phrase, earlier, names)
        telling = own or entity is None
        if entity is None:
            shape = Shape.PEOPLE if lower[:1] == ("they",) else phrase.shape
            titles = {*phrase.modifiers, phrase.head} - {""}
            shown = name if pronoun else called or name
            entity = Entity(shown, shape, titles=titles, words=words_of(shown))
        if telling:
            entity.outlets = entity.outlets or named_outlets(words, phrase, registry)
            entity.state_media |= bool(state_media_words(without_clauses(words), presented))
        entity.state_media |= any_state_media(entity.outlets, registry)
        if telling and not (entity.outlets or entity.state_media):
            entity.government |= phrase.shape is Shape.STATE or phrases.is_government(words)
        kind = SourceKind.NAMED if entity.outlets else _kind(phrase, " ".join(lower))
        if kind is SourceKind.VAGUE and (entity.government or entity.state_media):
            kind = SourceKind.UNNAMED
        kind = SourceKind.NAMED if (name if called else entity.name) else kind
        kind, shown = described.setdefault(id(entity), (kind, _shown(words)))
        before = bisect_left(entity.mentions, place.start, key=_start)
        antecedent = entity.mentions[before - 1] if before and not own else None
        facts = entity.government, entity.state_media, entity.name or shown, antecedent
        found[place] = Citation(place, None, (), kind, *facts, entity.outlets)
        entity.cited += 1
        if called or not own:
            insort(entity.mentions, place, key=_start)
            entity.gender = entity.gender or gender_of(lower)
        earlier.append(entity)
    return found


def _called(words: str, entity: Entity | None, earlier: Sequence[Entity]) -> Entity | None:
    """Return who is called so, in another language: a person by name, or somebody cited earlier."""
    lower, known = words_of(words), entity.words if entity else ()
    if known[1:] and known[0] in phrases.given_names():
        return entity
    ends = re.compile(rf"(?:^|[\W{records.UNSPACED}]){re.escape(words)}$")
    short = entity if {*lower} & {*known} and len(lower) <= len(known) else None
    return next((one for one in reversed(earlier) if words[1:] and ends.search(one.name)), short)


def _kind(phrase: Phrase, lower: str) -> SourceKind:
    vague = lower in terms("vague phrase") or lower in terms("vague")
    bare = phrase.determiner in _VAGUE_QUANTITY and phrase.head in terms("vague")
    return SourceKind.VAGUE if vague or bare or not lower else SourceKind.UNNAMED


def _shown(words: str) -> str:
    """Return the words of a source that nobody is named by."""
    plain = re.sub(r"^the\s+", "", " ".join(words.strip(" ,;:\"'").split()), flags=re.IGNORECASE)
    return plain.split(",")[0] if len(plain) > _LONGEST_NAME else plain


def resolve(
    plain: str,
    sentences: Sequence[Sentence],
    citations: Sequence[Sequence[_Given]],
    registry: _Outlets,
    own: frozenset[str] = frozenset(),
    refer: Refer | None = None,
) -> list[tuple[Citation, ...]]:
    """Resolve the sources of the citations of each sentence, of which only the places are kept.

    `plain` is the folded article, and `own` the ids of its publisher
    (`own_outlets`): what the publisher says, or is told, does not come from state media. `refer`
    finds whom pronouns and descriptions refer to.
    """
    sources = {one.source for row in citations for one in row if one.source is not None}
    types = classify(plain, sentences, sources, registry, refer) if sources else {}
    presented = presented_as_state_media(plain)
    starts = [sentence.start for sentence in sentences]

    @cache
    def channels(i: int) -> list[_Channel]:
        """Find outlets through which one may speak: "told Reuters", "in an interview with RT"."""
        one = sentences[i]
        text = plain[one.start : one.end]
        names = registry.mentions(text) if one.mentions is None else one.mentions
        found = [(at, end, tuple[str, ...]()) for at, end in state_media_words(text, presented)]
        found += [(one.start, one.end, one.outlets) for one in names if len(one.outlets) == 1]
        return [
            (one.start + at, outlets)
            for at, end, outlets in found[:_MOST]
            if one.lang in (None, ENGLISH) and own.isdisjoint(outlets) and _leads_to(text, at, end)
        ]

    def through(i: int, one: _Given) -> list[_Channel]:
        """Find the outlets through which a source spoke, but for those in contents and sources.

        A content that contains the citation's own may name one ("CNN wrote that Orr told RT ...").
        """
        row = citations[i] if channels(i) and len(citations[i]) <= _MOST else (one,)
        contents = chain(*(other.content for other in row if not _contains(other, one)))
        apart = [*contents, *(other.source for other in row if other.source is not None)]
        return [
            channel
            for channel in channels(i)
            if not any(place.start <= channel[0] < place.end for place in apart)
        ]

    def resolved(i: int, one: _Given) -> Citation:
        given = types[one.source] if one.source else Citation(None, None, (), SourceKind.VAGUE)
        at = bisect_right(starts, one.source.start) - 1 if one.source else i
        told = through(i, one)
        if one.cue is None and 0 <= at != i:  # what is said there goes on here
            tags = (tag for tag in citations[at] if tag.source == one.source)
            told += [channel for tag in tags for channel in through(at, tag)]
        state = given.state_media and not (given.outlets and own.issuperset(given.outlets))
        state = state or any(not ids or any_state_media(ids, registry) for _, ids in told)
        outlets = dict.fromkeys((*given.outlets, *(id for _, ids in told for id in ids)))
        kind = given.kind
        if kind is SourceKind.VAGUE and (outlets or state):
            kind = SourceKind.NAMED if outlets else SourceKind.UNNAMED
        return replace(
            given,
            cue=one.cue,
            content=one.content,
            kind=kind,
            state_media=state,
            outlets=tuple(outlets),
            found_by=one.found_by if isinstance(one, Citation) else "",
        )

    return [tuple(resolved(i, one) for one in row) for i, row in enumerate(citations)]


def _leads_to(text: str, start: int, end: int) -> bool:
    """Return whether words before an outlet say that somebody speaks through it."""
    lead = _LEADS.search(text, max(0, start - _LEAD_WITHIN), start)
    return lead is not None and not (lead[0].startswith("t") and _ORDER.match(text, end))


def _contains(other: _Given, one: _Given) -> bool:
    """Return whether a citation's content contains that of another one, and more."""
    pairs = product(other.content, one.content)
    return any(a.start <= b.start and b.end <= a.end and a != b for a, b in pairs)


# The share of a republished part that is quoted, in characters, from which the marks around it are
# its wrapper's: a wrapper that quotes everything omits little but a headline.
_WRAPPED = 0.8
_OPENING = r"[\"“«„「]"
_CLOSING = r"[\"”»“」]"
_WRAPPING_MARK = re.compile(rf"(?m)(?<=^){_OPENING}|{_CLOSING}(?=[ \t]*\r?$)")


def read(
    article: records.Article, registry: _Outlets, reads: Callable[[str], bool] = bool
) -> ArticleReading:
    """Read an article; find its citations and outlets if its language is one that a model reads."""
    # The language that a page declares is often its template's: the text decides.
    article = replace(article, lang=detect_language(article.text) or article.lang)
    reading = begin(article)
    article = replace(article, lang=most_of(reading.sentences) or article.lang)
    reading = replace(reading, article=article)
    known = article.lang is None or reads(article.lang)
    return replace(reading, sentences=_cited(reading, registry if known else None))


def begin(article: records.Article, sentences: Sequence[Sentence] | None = None) -> ArticleReading:
    """Read only the sentences, by default those that `split_sentences` finds, and quotations."""
    plain = records.fold(article.text)
    rows = split(article, plain) if sentences is None else tuple(sentences)
    return ArticleReading(article, plain, rows, *find_quotations(article.text, rows))


def cited(
    article: records.Article, sentences: Sequence[Sentence], registry: _Outlets
) -> tuple[Sentence, ...]:
    """Return sentences with quotations, outlets and citations, as models take them."""
    return _cited(begin(article, sentences), registry)


def _cited(reading: ArticleReading, registry: _Outlets | None) -> tuple[Sentence, ...]:
    voices = {(unit.start, unit.end): unit.voice for unit in reading.article.units or ()}
    found: dict[int, Sentence] = {}
    for rows, part in alone(reading):
        given = [reading.sentences[row] for row in rows]
        quoted = within(part.quotations, part.sentences)
        here = [
            replace(
                one,
                voice=voices.get((one.start, one.end)),
                citations=(),
                mentions=tuple(registry.mentions(one.text, one.lang)) if registry else None,
                quoted=spans,
                outlet=part.article.outlet,
            )
            for one, spans in zip(given, quoted, strict=True)
        ]
        if registry is not None:
            own = own_outlets(part.article.outlet, registry)
            resolved = resolve(part.plain, here, labelled(part), registry, own)
            here = [replace(one, citations=row) for one, row in zip(here, resolved, strict=True)]
        found.update(zip(rows, here, strict=True))
    return tuple(found[row] for row in range(len(reading.sentences)))


def alone(reading: ArticleReading) -> Iterator[tuple[list[int], ArticleReading]]:
    """Yield the parts of an article that are read as if they stood alone, with their sentences.

    First everything outside a republished part, then each part, whose publisher is the republished
    outlet. Offsets are those of the whole article.
    """
    article, sentences = reading.article, reading.sentences
    inside = [
        [row for row, one in enumerate(sentences) if part.start < one.end and one.start < part.end]
        for part in article.republications
    ]
    outside = sorted(set(range(len(sentences))).difference(*inside))
    yield outside, begin(article, [sentences[row] for row in outside]) if inside else reading
    for part, rows in zip(article.republications, inside, strict=True):
        yield rows, _alone(article, part, [sentences[row] for row in rows])


def _alone(
    article: records.Article, part: records.Republication, sentences: Sequence[Sentence]
) -> ArticleReading:
    body = article.text[part.start : part.end]
    bare = records.Article(article.id, "", outlet=part.outlet, date=article.date, lang=article.lang)

    def read_as(words: str) -> ArticleReading:
        text = " " * part.start + words
        rows = [replace(s, text=text[s.start : s.end]) for s in sentences]
        return begin(replace(bare, text=text), rows)

    reading = read_as(body)
    covered = sum(end - start for start, end in reading.quotations)
    wrapped = covered >= _WRAPPED * max(len(body.strip()), 1)
    return read_as(_WRAPPING_MARK.sub(" ", body)) if wrapped else reading
