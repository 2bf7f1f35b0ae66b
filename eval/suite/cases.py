"""The tests of the behavioural suite, in the manner of CheckList (Ribeiro et al., 2020).

In tests of invariance a change should do nothing, in directional tests something. The texts are
invented and trivial, with the real names of both sides of conflicts and rivalries.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, count, cycle, product, repeat
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from framescope.classifier.errors import InputError
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.records import Place
from framescope.training.corpora import house_folder
from framescope.training.data.swaps import Counterfactuals

CASES = Path(__file__).parent / "cases"
# Lines of a page around an article, put between its paragraphs.
FURNITURE = ("Advertisement", "Read more: our weather page", "Photo: M. Adler / Press Office")

_SEED = 5  # of the perturbations
_WORDS_PER_TYPO, _CHARACTERS_PER_MISREADING = 10, 60
_LONG_WORD = re.compile(r"[A-Za-z]{5,}")
# What optical character recognition takes for each other in newspaper print.
_MISREAD = {"rn": "m", "m": "rn", "cl": "d", "l": "1", "O": "0", "h": "b", "e": "c", "I": "l"}
_MISREADABLE = re.compile("|".join(sorted(_MISREAD, key=len, reverse=True)))
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
_OPENING = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))([\"'])")
_CURLED = {'"': ("“", "”"), "'": ("‘", "’")}

Paragraphs = Sequence[Sequence[str]]
Rewrite = Callable[[str, Random], str]
ALL, FRAMING = "all", "framing"  # signals of an invariance; with framing go the article's
WAYS = {"rise": "rises", "fall": "falls", "keep": "stays flagged"}  # in cases, and as shown


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest share of decisions that may flip, and mean absolute change of probabilities."""

    flips: float
    shift: float | None = None


class Side(NamedTuple):
    """A text, and the sentences in it that are compared."""

    text: str
    places: tuple[Place, ...]


class Pair(NamedTuple):
    """Two texts whose sentences correspond one by one."""

    row: str  # what is resampled: the entities, or the article
    column: str  # and the frame, or nothing
    before: Side
    after: Side
    expected: tuple[tuple[str, str], ...] = ()  # signals of a directional test and their way
    whole: bool = True  # whether the article's signals count too
    versions: tuple[str, ...] = ()  # the countries of both


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Pairs of one kind; a directional test has neither scope nor limits."""

    name: str
    pairs: tuple[Pair, ...]
    scope: str | None = None
    limits: Limits | None = None
    goal: bool = False  # whether the limits hold for each signal, and stop no release
    lang: str = field(default="en", repr=False)


ENTITY_LIMITS = Limits(flips=0.02, shift=0.02)
LAND_LIMITS, _LAND_SWAPS = Limits(flips=0.02), 5  # of each text in another language
COUNTRY_LIMITS = Limits(flips=0.01)
STEADY = {s: Limits(0.01, shift=0.02) for s in ("government_attribution", "unnamed_source")}
NOISE_LIMITS = Limits(flips=0.05)
# Outlets differ in who controls them, parties in who rules: signals of sourcing may differ.
_ENTITIES = {
    "country": ("countries swapped", ALL),
    "nationality": ("nationalities swapped", ALL),
    "leader": ("leaders swapped", ALL),
    "party": ("parties swapped", FRAMING),
    "outlet": ("outlets swapped", FRAMING),
}


def behaviours(house: Path | None = None) -> tuple[Behaviour, ...]:
    """Read every test of the suite; an installed package has no house corpus to take pairs from."""
    house = house or house_folder() / "articles"
    written = _read(CASES / "articles.jsonl")
    articles = {str(item["id"]): [[item["headline"]], *item["paragraphs"]] for item in written}
    found = [*_swapped(_read(CASES / "entities.jsonl"), _read(CASES / "frames.jsonl"))]
    found += _in_languages(_read(CASES / "lands.jsonl"))
    pairs = tuple(_versions(_read(CASES / "texts.jsonl"), _read(CASES / "countries.jsonl")))
    found.append(Behaviour("twelve countries", pairs, ALL, COUNTRY_LIMITS, goal=True))
    of_house = [item for path in sorted(house.glob("*.jsonl")) for item in _read(path)]
    if pairs := tuple(contrasts(of_house)):
        found.append(Behaviour("house corpus, sides swapped", pairs, ALL, ENTITY_LIMITS))
    if pairs := tuple(paraphrases(_read(CASES / "paraphrases.jsonl"), of_house, house)):
        # Without limits: a model goes by words, so other words must move something.
        found.append(Behaviour("house corpus, paraphrased", pairs, ALL))
    noise: dict[str, list[Pair]] = {
        name: [_perturbed(name, article, text) for article, text in articles.items()]
        for name in PERTURBATIONS
    }
    for name, change in (("footnote marks", _footnoted), ("lines of the page", _furnished)):
        noise[name] = [Pair(a, "", laid_out(text), change(text)) for a, text in articles.items()]
    noise["cut short"] = [pair for name, text in articles.items() for pair in _cut(name, text)]
    found += [Behaviour(name, tuple(p), ALL, NOISE_LIMITS) for name, p in noise.items()]
    directional = defaultdict[str, list[Pair]](list)
    for item in _read(CASES / "directional.jsonl"):
        expected = tuple((signal, WAYS[way]) for signal, way in item["expect"])
        sides = alone(item["before"]), alone(item["after"])
        directional[item["test"]].append(Pair(item["id"], "", *sides, expected))
    found += [Behaviour(name.replace("-", " "), tuple(p)) for name, p in directional.items()]
    return tuple(found)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(path, f"can't be read ({error}); get the cases anew") from None


def alone(text: str) -> Side:
    """Return a sentence as an article of its own, with a capital."""
    text = text[:1].upper() + text[1:]
    return Side(text, (Place(0, len(text)),))


def laid_out(paragraphs: Paragraphs, compared: Iterable[bool] | None = None) -> Side:
    """Return sentences as an article; `compared`: whether those of each paragraph are compared."""
    text, places = "", []
    wanted = repeat(True) if compared is None else compared
    for paragraph, keep in zip(paragraphs, wanted, strict=False):
        text += "\n\n" if text else ""
        for number, sentence in enumerate(paragraph):
            text += " " if number else ""
            if keep:
                places.append(Place(len(text), len(text) + len(sentence)))
            text += sentence
    return Side(text, tuple(places))


def contrasts(articles: Iterable[Mapping[str, Any]]) -> Iterator[Pair]:
    """Put the second side of each contrast pair into the article of the first."""
    sides = defaultdict[str, dict[str, tuple[str, int, int]]](dict)
    for article in articles:
        for item in (one for one in article.get("sentences", ()) if "pair" in one):
            place = article["text"], item["start"], item["end"]
            sides[item["pair"]][item["side"]] = place
    for name, found in sorted(sides.items()):
        if set(found) == {"a", "b"}:
            donor, first, last = found["b"]
            yield _replaced(name, *found["a"], donor[first:last], whole=True)


def paraphrases(
    cases: Iterable[Mapping[str, Any]], articles: Iterable[Mapping[str, Any]], folder: Path
) -> Iterator[Pair]:
    """Put paraphrases in the place of held-out sentences of the house corpus."""
    found = {item["id"]: item for item in articles}
    for case in cases if found else ():
        try:
            article = found[case["article"]]
            place = article["sentences"][case["sentence"]]
        except (KeyError, IndexError):
            reason = f"no sentence for the paraphrase '{case['id']}'; get the cases anew"
            raise InputError(folder, reason) from None
        at = article["text"], place["start"], place["end"]
        yield _replaced(case["id"], *at, case["text"], whole=False)


def _replaced(name: str, text: str, start: int, end: int, other: str, *, whole: bool) -> Pair:
    after = Side(text[:start] + other + text[end:], (Place(start, start + len(other)),))
    return Pair(name, "", Side(text, (Place(start, end),)), after, whole=whole)


def _swapped(
    entities: Sequence[Mapping[str, Any]], frames: Sequence[Mapping[str, Any]]
) -> Iterator[Behaviour]:
    def filled(frame: Mapping[str, Any], sides: Iterable[Mapping[str, str]]) -> Side:
        slots = {
            slot if key == "name" else f"{slot}_{key}": value
            for slot, side in zip("ab", sides, strict=True)
            for key, value in side.items()
        }
        return alone(frame["text"].format_map(slots))

    for kind, (name, scope) in _ENTITIES.items():
        pairs = tuple(
            Pair(entity["id"], frame["id"], filled(frame, entity["sides"]),
                 filled(frame, reversed(entity["sides"])))
            for entity in entities if entity["kind"] == kind
            for frame in frames if frame["kind"] == kind
        )  # fmt: skip
        yield Behaviour(name, pairs, scope, ENTITY_LIMITS)


def _in_languages(texts: list[dict[str, Any]]) -> Iterator[Behaviour]:
    """Swap the countries of texts in other languages for those whose forms agree."""
    for lang in dict.fromkeys(text["lang"] for text in texts):
        swaps = [replace(Counterfactuals.of(n, lang), share=1.0) for n in range(_LAND_SWAPS)]
        pairs = (
            Pair(text["id"], "", laid_out(text["paragraphs"]), laid_out(other))
            for text, swap in product(texts, swaps)
            if text["lang"] == lang
            for other in [[[swap.renamed(s, text["id"]) for s in p] for p in text["paragraphs"]]]
        )
        name = f"countries swapped in {LANGUAGES[lang].name}"
        yield Behaviour(name, tuple(pairs), ALL, LAND_LIMITS, lang=lang)


def _versions(texts: list[dict[str, Any]], countries: list[dict[str, str]]) -> Iterator[Pair]:
    for text in texts:
        lines = [[text["headline"]], *text["paragraphs"]]
        sides = [
            (slots["id"], laid_out([[one.format_map(slots) for one in own] for own in lines]))
            for slots in countries
        ]
        for (a, before), (b, after) in combinations(sides, 2):
            yield Pair(text["id"], "", before, after, versions=(a, b))


def _footnoted(text: Paragraphs) -> Side:
    head, *body = text
    marks = ("" if number % 2 else f"[{number // 2}]" for number in count(1))
    return laid_out([head, *([one + next(marks) for one in own] for own in body)])


def _furnished(text: Paragraphs) -> Side:
    pages = zip(text, cycle(FURNITURE), strict=False)
    lines = [one for paragraph, line in pages for one in (paragraph, [line])]
    return laid_out(lines, [True, False] * len(text))


def _cut(name: str, text: Paragraphs) -> Iterator[Pair]:
    """End the article after each of its sentences but the first and the last."""
    whole = laid_out(text)
    for number, place in list(enumerate(whole.places, start=1))[1:-1]:
        places = whole.places[:number]
        before, after = Side(whole.text, places), Side(whole.text[: place.end], places)
        yield Pair(name, "", before, after, whole=False)


def typos(text: str, random: Random) -> str:
    """Swap two neighbouring letters within some longer words, never the first or the last one."""
    inner = (range(one.start() + 1, one.end() - 2) for one in _LONG_WORD.finditer(text))
    places = [[at for at in word if text[at] != text[at + 1]] for word in inner]
    words, letters = list(filter(None, places)), list(text)
    times = min(len(words), max(1, len(text.split()) // _WORDS_PER_TYPO))
    for word in random.sample(words, times):
        at = random.choice(word)
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def misreadings(text: str, random: Random) -> str:
    """Misread some letters as a scanner does: "rn" for "m", "1" for "l"."""
    found = list(_MISREADABLE.finditer(text))
    times = min(len(found), max(1, len(text) // _CHARACTERS_PER_MISREADING))
    for match in sorted(random.sample(found, times), key=lambda m: -m.start()):
        text = text[: match.start()] + _MISREAD[match.group()] + text[match.end() :]
    return text


def curly_quotes(text: str, random: Random) -> str:
    """Write every quotation mark and apostrophe as a printer does."""
    text = _OPENING.sub(lambda match: _CURLED[match.group(1)][0], text.translate(_STRAIGHT))
    for straight, (_, closing) in _CURLED.items():
        text = text.replace(straight, closing)
    return text


def double_spaces(text: str, random: Random) -> str:
    """Double the spaces after full stops, and some between words."""

    def doubled(match: re.Match[str]) -> str:
        return "  " if text[match.start() - 1] in ".!?" or random.random() < 0.2 else " "

    return re.sub(r"(?<=\S) (?=\S)", doubled, text)


_HEADLINE = "headline in capitals"
PERTURBATIONS: Mapping[str, tuple[Rewrite, Rewrite]] = {
    "typos": (lambda text, random: text, typos),
    "misreadings": (lambda text, random: text, misreadings),
    "quotation marks": (lambda text, random: text.translate(_STRAIGHT), curly_quotes),
    _HEADLINE: (lambda text, random: text, lambda text, random: text.upper()),
    "double spaces": (lambda text, random: text, double_spaces),
}
"""Two forms of a text that should be read alike."""


def _perturbed(name: str, article: str, text: Paragraphs) -> Pair:
    # Seeded by the article's name: a new article changes no other.
    random = Random(f"{_SEED}/{name}/{article}")
    compared = [number == 0 or name != _HEADLINE for number in range(len(text))]
    paragraphs = list(zip(text, compared, strict=True))
    before, after = (
        laid_out([[write(s, random) for s in p] if keep else p for p, keep in paragraphs], compared)
        for write in PERTURBATIONS[name]
    )
    return Pair(article, "", before, after)
