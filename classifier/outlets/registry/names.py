"""Names of outlets: looked up one by one, found in running text, and judged there.

A name that is asked for is meant, in any case if it has several words; one that is met needs its
capitals, and a small regression, learned from labelled sentences (`tools.registry.mentions`), tells
from the context whether it means the outlet there ("Xinhua Road" is a street).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from framescope.classifier.attribution.phrases import places, word_list
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry.folding import Boundaries, Folded, loose, normal

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick


class NameKnown(NamedTuple):
    """What is known of a name before it is met."""

    doubtful: bool  # it means other things too
    medium: str = ""


_Row = tuple[str, str, bool]
_Meant = tuple[tuple[str, ...], bool]  # the ids of those whom a form means, and whether in doubt
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"'[sS]?\Z")
_QUOTED = re.compile(r"\A[«\"“„'](.+)[»\"”“']\Z")
# A letter that is no Latin one; dashes, quotation marks and the like are below U+2C00 and none.
_FOREIGN = re.compile("[\u0370-\u1dff\u1f00-\u1fff\u2c00-\U0003ffff]")
_LITTLE = 250_000  # characters, some fifty articles
_CHUNK = 1 << 16  # characters searched at once, which bounds what a line of names can take
_ENDINGS = (" News Agency", " Newspaper", " Magazine")  # written small too: "Xinhua news agency"
_UMLAUT = re.compile("([aou])e")  # as German writes one without the sign
_TYPED = 4  # letters from which a name may be typed in any case
_LONG = 5  # letters from which a word in capitals is the name and no abbreviation


class Names:
    """Names: an outlet's id, a name, and whether it is ambiguous; and outlets' media by id."""

    def __init__(self, names: Sequence[_Row], media: Mapping[str, str]) -> None:
        self._media = media
        self._begun: dict[str, list[tuple[int, str, _Meant]]] = {}
        self._searched = 0  # characters, as long as no automaton was needed
        self._rows = [(id, normal(name), doubtful) for id, name, doubtful in names]

    def called(self, name: str) -> list[str]:
        """Return the ids of the outlets that a name asks for, in order."""
        name = normal(name)
        found = self._ids(name)
        for other in (_POSSESSIVE.sub("", name), _bare(name)):
            if not found and other != name:
                found = self._ids(other)
        return found

    def typed(self, name: str) -> Mapping[str, bool]:
        """Return the ids of the outlets with a name typed like this, and whether it is doubtful."""
        whole, plain = loose(name), loose(name, article=False)
        short = len(whole) < _TYPED and whole.islower() and not name.isupper()
        keys = () if short else (whole, plain, _UMLAUT.sub(r"\1", whole))
        return next((self.loose[key] for key in keys if key in self.loose), {})

    @cached_property
    def loose(self) -> Mapping[str, Mapping[str, bool]]:
        """The ids of the outlets of each name without its spaces, and whether it is doubtful."""
        found: dict[str, dict[str, bool]] = defaultdict(dict)
        for article in (True, False):
            rows = [row for row in self._rows if not row[2] or (article and " " in row[1])]
            keys = loose("\0".join(name for _, name, _ in rows), article=article)
            for key, (id, _, doubtful) in zip(keys.split("\0"), rows, strict=True):
                found[key][id] = doubtful and found[key].get(id, True)
        return dict(found)

    def sharers(self, name: str) -> list[str]:
        """Return the ids of the outlets that share a name that is another's first of all."""
        rows = self._rows_of(normal(name))
        return sorted({id for id, _, _ in rows} - set(self.called(name)))

    def _ids(self, name: str) -> list[str]:
        asked = _without_article(name)
        rows = self._rows_of(name)
        found = [row for row in rows if _without_article(row[1]) == asked] or [
            row for row in rows if _may_be(asked, _without_article(row[1]))
        ]
        # Whose name it is before those who share it.
        own = {id for id, _, ambiguous in found if not ambiguous}
        return sorted(own or {id for id, _, _ in found})

    def _rows_of(self, name: str) -> list[_Row]:
        """Return the rows with a name, in any case and with an article or without."""
        key = _without_article(name.casefold())
        rows = [self._rows[at] for at in self._by_word.get(_first_word(key), ())]
        return [row for row in rows if _without_article(row[1].casefold()) == key]

    def is_ambiguous(self, name: str) -> bool:
        """Return whether a name means other things too, in any case."""
        rows = self._rows_of(normal(name))
        return bool(rows) and all(doubtful for _, _, doubtful in rows)

    def _meant(self, rows: Iterable[_Row]) -> dict[str, _Meant]:
        """Return whom each form of the names means: whose it is, else those who share it."""
        met: dict[bool, dict[str, set[str]]] = {True: defaultdict(set), False: defaultdict(set)}
        for id, name, doubtful in rows:
            for form in _variants(name):
                met[doubtful][form].add(id)
        return {
            form: (tuple(sorted(ids)), doubtful)
            for doubtful, forms in met.items()
            for form, ids in forms.items()
        }

    def _known(self, meant: _Meant) -> NameKnown:
        ids, doubtful = meant
        media = {self._media.get(id, "") for id in ids}
        return NameKnown(doubtful, media.pop() if len(media) == 1 else "")

    @cached_property
    def _automaton(self) -> tuple[AhoCorasick, list[_Meant], int]:
        """The automaton of all forms, whom each form means, and the length of the longest."""
        from ahocorasick_rs import AhoCorasick, MatchKind

        forms = self._meant(self._rows)
        # All matches, not the leftmost-longest alone: "Mehr News" in "Mehr Newsletter" is none,
        # and must not hide the "Mehr" in it.
        found = AhoCorasick(list(forms), matchkind=MatchKind.Standard, store_patterns=False)
        return found, list(forms.values()), max(map(len, forms))

    @cached_property
    def _by_word(self) -> dict[str, list[int]]:
        """Rows by their first word in lower case, without an article."""
        found: dict[str, list[int]] = defaultdict(list)
        for at, (_, name, _) in enumerate(self._rows):
            found[_first_word(_without_article(name.casefold()))].append(at)
        return dict(found)

    def _beginning(self, word: str) -> list[tuple[int, str, _Meant]]:
        """Return the forms that begin with this word: its place, the form, whom it means."""
        if word not in self._begun:
            rows = [self._rows[at] for at in self._by_word.get(word, ())]
            self._begun[word] = [
                (len(form) - len(bare) + first.start(), form, meant)
                for form, meant in self._meant(rows).items()
                if (first := _WORD.search(bare := _without_article(form)))
            ]
        return self._begun[word]

    def met(
        self, text: str, means: Callable[[str, int, int, NameKnown], bool]
    ) -> Iterator[tuple[int, int, tuple[str, ...], NameKnown]]:
        """Return names of which ``means`` holds, the longest of those that overlap."""
        if not self._rows:
            return
        place = Folded(text)
        stands = Boundaries(place.text)
        cluster: list[tuple[int, int, _Meant]] = []
        end = 0

        def settled() -> Iterator[tuple[int, int, tuple[str, ...], NameKnown]]:
            chosen: list[tuple[int, int, _Meant]] = []
            for start, stop, meant in sorted(cluster, key=lambda match: match[0] - match[1]):
                if all(stop <= other[0] or other[1] <= start for other in chosen) and means(
                    place.text, start, stop, self._known(meant)
                ):
                    chosen.append((start, stop, meant))
            for start, stop, meant in sorted(chosen, key=lambda match: match[0]):
                yield place.origin(start), place.origin(stop - 1) + 1, meant[0], self._known(meant)

        for start, stop, meant in self._matches(place.text):
            if (last := stands.end(start, stop)) is None:
                continue
            if start >= end:
                yield from settled()
                cluster.clear()
            cluster.append((start, last, meant))
            end = max(end, last)
        yield from settled()

    def _matches(self, text: str) -> Iterator[tuple[int, int, _Meant]]:
        """Return all forms that are met, by start, the longest first."""
        # An automaton of all names takes half a second to build, but a text with letters of another
        # script needs it: names begin within words there.
        self._searched += len(text)
        few = self._searched < _LITTLE and not _FOREIGN.search(text)
        return self._by_words(text) if few else self._by_automaton(text)

    def _by_words(self, text: str) -> Iterator[tuple[int, int, _Meant]]:
        found = [
            (word.start() - before, word.start() - before + len(form), meant)
            for word in _WORD.finditer(text)
            for before, form, meant in self._beginning(word[0].casefold())
            if before <= word.start() and text.startswith(form, word.start() - before)
        ]
        return iter(sorted(found, key=lambda match: (match[0], -match[1])))

    def _by_automaton(self, text: str) -> Iterator[tuple[int, int, _Meant]]:
        automaton, meant, overlap = self._automaton
        for begin in range(0, len(text), _CHUNK):
            part = text[begin : begin + _CHUNK + overlap]
            matches = automaton.find_matches_as_indexes(part, overlapping=True)
            # Those that start in the overlap are the next part's.
            yield from sorted(
                ((begin + s, begin + e, meant[p]) for p, s, e in matches if s < _CHUNK),
                key=lambda match: (match[0], -match[1]),
            )


@cache
def _around() -> re.Pattern[str]:
    """Return what may stand around a name: its kind of outlet, the language of its edition."""
    kinds, editions = (
        "|".join(sorted((normal(word.replace("_", " ")) for word in word_list(of)), reverse=True))
        for of in ("outlets: kinds", "outlets: editions")
    )
    return re.compile(
        rf"(?!(?:{kinds})\Z)(?:(?:{kinds})[\s«\"“„'(]+(?P<behind>.+?)[»\"”“')]*"
        rf"|(?P<before>.+?)(?:\s+|(?=[通新報报통신방]))(?:{kinds})"
        rf"|(?P<of>.+?)[ -]+(?:in )?(?:{editions})(?: edition| service)?)",
        re.IGNORECASE,
    )


def _bare(name: str) -> str:
    """Return a name without quotation marks and the word for its kind of outlet or its edition."""
    match = _around().fullmatch(name)
    return _QUOTED.sub(r"\1", match[match.lastgroup or 0].strip() if match else name)


def _first_word(name: str) -> str:
    return word[0] if (word := _WORD.search(name)) else ""


def _without_article(name: str) -> str:
    return name[4:] if name[:4] in ("the ", "The ", "THE ") and len(name) > 4 else name


def _may_be(asked: str, given: str) -> bool:
    """Return whether a name asked for is the one given; they differ in case alone."""
    if " " in given or asked == given or not given[0].isascii():
        return True
    if given.isupper():  # "Tass" and "Irna", as many papers write them; never "tass"
        return len(given) >= 4 and asked.istitle()
    arabic = given.startswith("Al-") and asked.startswith("al-")  # the article, in either case
    return arabic or asked.isupper() or asked[0] == given[0]


def _variants(name: str) -> Iterator[str]:
    """Return the forms in which a name is met in running text; a single letter is never a name."""
    if len(name) == 1:
        return
    upper = name.upper()
    if upper == name:  # an abbreviation, or a script without capitals
        if not name.replace(" ", "").isdecimal():  # "360" is a figure first of all
            yield name
        return
    yield name
    bare = _without_article(name)
    several = " " in bare
    if bare is not name:
        if bare[0].isupper():
            yield f"the {bare}"
        if several:
            yield bare
    if several:
        yield " ".join([word[:1].upper() + word[1:] for word in bare.split(" ")])
        for ending in _ENDINGS:
            rest = bare.removesuffix(ending)
            if rest != bare and rest.lower() not in places("people"):  # "the Iraqi news agency"
                yield rest + ending.lower()
    if several or len(bare) >= _LONG:
        yield upper


_NEAR = 90  # characters on either side that are looked at
_WORDS = 7  # words on either side among which a cue counts
_TOKEN = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*|[^\w\s]")
_MEDIA = re.compile(
    r"news|times|post|agency|\btv\b|radio|daily|gazette|herald|zeitung|journal|tribune|press"
    r"|telegraph|chronicle|today|observer|mail|star|globe|media|channel|broadcast",
    re.IGNORECASE,
)
_LATIN = re.compile("[A-Za-z]")
_JOINABLE = frozenset({"doubtful", "one word", "capitals"})  # what the words beside it go with
_NEARBY = frozenset({"news nouns", "saying verbs", "citing words"})
_SHORT, _MANY = 4, 3  # letters of a short name, words of a long one
_JOINED = ("-based", "-language", "-owned", "-run", "-backed")
_MARKS = {
    **dict.fromkeys(".!?;", "stop"),
    **dict.fromkeys(")]”»", "closing"),
    **dict.fromkeys('(“"[‘«„', "opening"),
    **dict.fromkeys("–—-", "dash"),
    ",": "comma",
    ":": "colon",
    "&": "ampersand",
    "'": "possessive",
}


@cache
def _kinds() -> Mapping[str, str]:
    """Return the kind of each word that tells; the surest kind of a word wins."""
    kinds = ("place nouns", "connectives", "news nouns", "saying verbs", "citing words")
    return {word: kind for kind in kinds for word in word_list(f"mentions: {kind}")}


def features(text: str, start: int, stop: int, known: NameKnown) -> list[str]:
    """Return the features of a name in a text; two that hold together are joined by ``&``."""
    before = _TOKEN.findall(text, max(0, start - _NEAR), start)
    behind = _TOKEN.findall(text, stop, stop + _NEAR)
    article = before.pop() if before and before[-1].lower() in ("the", "a", "an") else ""
    left, right = _left(before), _right(behind, text[stop : stop + 2])
    found = ["always", f"left:{left}", f"right:{right}", *_of_name(text[start:stop], known)]
    possessive = text.startswith("'s", stop)
    after = ["'s", *behind[2:]] if possessive else behind
    for side, words in (("left", before[-2:]), ("right", after[:2])):
        if words:
            nearest = words[-1] if side == "left" else words[0]
            found += (f"{side}={nearest.lower()}", f"{side}={' '.join(words).lower()}")
    if article:
        found.append("article")
    for one in _JOINABLE.intersection(found):
        found += (f"{one}&left:{left}", f"{one}&right:{right}")
    if not known.doubtful:
        found.append(f"sure&right:{right}")
    if right == "colon" and left == "start":
        found.append("start&colon")
    kinds = _kinds()
    if len(behind) > 1 and (second := kinds.get(behind[1].lower())):
        found.append(f"second:{second}")
    near = {kinds.get(word.lower()) for word in (*before[-_WORDS:], *behind[:_WORDS])}
    for kind in _NEARBY.intersection(near):
        found.append(f"near:{kind}")
        if known.doubtful:
            found.append(f"doubtful&near:{kind}")
    return found


@lru_cache(1 << 14)
def _of_name(name: str, known: NameKnown) -> tuple[str, ...]:
    words = name.split()
    told = {
        "doubtful": known.doubtful,
        "one word": len(words) == 1,
        "long": len(words) >= _MANY,
        "capitals": name.isupper(),
        "short": len(name) <= _SHORT,
        "media word": _MEDIA.search(name),
        "dot": "." in name,
        "other script": not _LATIN.search(name),
        f"medium:{known.medium}": known.medium,
        f"name={name.removeprefix('the ').removeprefix('The ')}": True,
    }
    return tuple(feature for feature, holds in told.items() if holds)


def _left(before: list[str]) -> str:
    if not before:
        return "start"
    word = before[-1]
    if told := _kinds().get(word.lower()) or _MARKS.get(word):
        return "start" if told == "stop" else told
    if word.endswith(("'s", "s'")):
        return "possessive"
    if word.endswith(_JOINED):
        return "joined"
    if word[0].isupper():
        return "capital"
    return "digit" if word[0].isdigit() else "other"


def _right(behind: list[str], next_two: str) -> str:
    if not behind:
        return "stop"
    if next_two.startswith("'s"):
        return "possessive"
    word = behind[0]
    if mark := _MARKS.get(word):
        return mark
    kind = _kinds().get(word.lower())
    if word[0].isupper():
        media = "capital media" if _MEDIA.search(word) else "capital"
        return "capital place" if kind == "place nouns" else media
    if kind or word[0].isdigit():
        return kind or "digit"
    return next((f"-{end}" for end in ("ed", "ing", "s") if word.endswith(end)), "other")


@cache
def weights() -> Mapping[str, float]:
    """Read the weight of each feature; `SourcesError` when the file is missing or damaged."""
    path = Path(__file__).parent / "data" / "mentions.tsv"
    try:
        rows = path.read_text(encoding="utf-8").splitlines()[2:]
        return {feature: float(weight) for feature, weight in (row.split("\t") for row in rows)}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SourcesError(f"{path}: can't be read ({reason}); reinstall framescope") from None


@cache
def _ordinary() -> Mapping[tuple[str | None, str], frozenset[str]]:
    """Return outlets' names that are words of a language, and those there that are none."""
    lines = Path(__file__).with_name("ordinary.tsv").read_text("utf-8").splitlines()[1:]
    return {
        (code, kind): frozenset(normal(one).casefold() for one in words.split("; "))
        for code, kind, words in (line.split("\t") for line in lines)
    }


_QUOTING = "\"'«»“”„‘’《》〈〉「」()[]（）"
_ARTICLE = "ال"  # in Arabic nearly all names that begin so are words


def _is_word(text: str, start: int, stop: int, language: str | None) -> bool:
    """Return whether a name is an ordinary word: not in marks, nor after its kind of outlet."""
    words, names = (_ordinary().get((language, kind), ()) for kind in ("ordinary", "name"))
    word = text[start:stop].casefold()
    if word not in words and (not word.startswith(_ARTICLE) or not names or word in names):
        return False
    marked = text[start - 1 : start] in [*_QUOTING] and text[stop : stop + 1] in [*_QUOTING]
    before = text[max(0, start - _NEAR) : start].casefold().split()[-1:]
    return not (marked or {*before} & word_list("outlets: kinds"))


def means_outlet(text: str, start: int, stop: int, known: NameKnown, language: str | None) -> bool:
    """Return whether a name means the outlet; as the whole text, it does unless it is doubtful."""
    if stop - start == len(text):
        return not known.doubtful
    if _is_word(text, start, stop, language):
        return False
    return sum(filter(None, map(weights().get, features(text, start, stop, known)))) >= 0
