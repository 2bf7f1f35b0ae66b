"""The tests of the behavioural suite: what is changed in which texts.

In the manner of CheckList (Ribeiro et al., 2020): tests of invariance, where a change ought to do
nothing, and directional tests, where it ought to do something. The texts are data in
``cases``, written for this project: sober, invented and trivial, with the real names of
both sides of conflicts and rivalries. Words of framing are directed at timetables and tariffs, and
every sentence that has them exists for either side.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

from framescope.classifier.errors import InputError
from framescope.classifier.records import Place
from framescope.training.corpora import house_folder

Change = Callable[[str, Random], str]

WORDS_A_TYPO = 10
"""One word in so many is mistyped, at least one a text."""
CHARACTERS_A_MISREADING = 60
"""One character in so many is misread, at least one a text."""

_LONG_WORD = re.compile(r"[A-Za-z]{5,}")
# What optical character recognition takes for each other in newspaper print.
_MISREAD = {"rn": "m", "m": "rn", "cl": "d", "l": "1", "O": "0", "h": "b", "e": "c", "I": "l"}
_MISREADABLE = re.compile("|".join(sorted(_MISREAD, key=len, reverse=True)))
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
_OPENING = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))([\"'])")
_CURLED = {'"': ("“", "”"), "'": ("‘", "’")}


@dataclass(frozen=True, slots=True)
class Perturbation:
    """Two forms of a text that ought to be read alike.

    ``after``: writes the changed form. ``before``: writes the form it is compared with; the text as
    it is unless given. ``headline_only``: whether only an article's headline is changed.
    """

    name: str
    after: Change
    before: Change = lambda text, random: text
    headline_only: bool = False


def typos(text: str, random: Random) -> str:
    """Swap two neighbouring letters within some longer words, never the first or the last one."""
    words = [
        match
        for match in _LONG_WORD.finditer(text)
        if any(a != b for a, b in zip(match.group()[1:-2], match.group()[2:-1], strict=True))
    ]
    count = min(len(words), max(1, len(text.split()) // WORDS_A_TYPO))
    letters = list(text)
    for match in random.sample(words, count):
        at = random.choice(
            [i for i in range(match.start() + 1, match.end() - 2) if text[i] != text[i + 1]]
        )
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def misreadings(text: str, random: Random) -> str:
    """Misread some letters as a scanner does: "rn" for "m", "1" for "l"."""
    found = list(_MISREADABLE.finditer(text))
    count = min(len(found), max(1, len(text) // CHARACTERS_A_MISREADING))
    for match in sorted(random.sample(found, count), key=lambda m: -m.start()):
        text = text[: match.start()] + _MISREAD[match.group()] + text[match.end() :]
    return text


def straight_quotes(text: str, random: Random) -> str:
    """Write every quotation mark and apostrophe as a typewriter does."""
    return text.translate(_STRAIGHT)


def curly_quotes(text: str, random: Random) -> str:
    """Write every quotation mark and apostrophe as a printer does."""
    text = _OPENING.sub(lambda match: _CURLED[match.group(1)][0], straight_quotes(text, random))
    for straight, (_, closing) in _CURLED.items():
        text = text.replace(straight, closing)
    return text


def capitals(text: str, random: Random) -> str:
    """Write everything in capitals."""
    return text.upper()


def double_spaces(text: str, random: Random) -> str:
    """Double the spaces after full stops, and some between words."""
    return re.sub(
        r"(?<=\S) (?=\S)",
        lambda match: (
            "  " if text[match.start() - 1] in ".!?" or random.random() < 0.2 else match.group()
        ),
        text,
    )


PERTURBATIONS: tuple[Perturbation, ...] = (
    Perturbation("typos", typos),
    Perturbation("misreadings", misreadings),
    Perturbation("quotation marks", curly_quotes, before=straight_quotes),
    Perturbation("headline in capitals", capitals, headline_only=True),
    Perturbation("double spaces", double_spaces),
)


Paragraphs = Sequence[Sequence[str]]


class Scope(StrEnum):
    """Which signals a test of invariance is about."""

    ALL = "all"
    FRAMING = "framing"  # with those of the whole article


class Way(StrEnum):
    """What a change should do to a signal."""

    RISE = "rises"  # its probability
    FALL = "falls"
    KEEP = "stays flagged"  # where it was flagged before


@dataclass(frozen=True, slots=True)
class Limits:
    """What a test of invariance may show at most; None where there is no limit.

    ``flips``: share of decisions that change. ``shift``: mean absolute change of the probability.
    """

    flips: float
    shift: float | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A text, and the sentences in it that are compared."""

    text: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts whose sentences stand for each other, one by one.

    ``row``, ``column``: what is resampled: the entities and the frame, or the article and nothing.
    ``expected``: what a directional test expects: a signal's name, or "framing" for all of that
    family but `subjective`, which a quotation rightly takes away from the author. ``whole``:
    whether the signals of the whole article are compared too.
    """

    row: str
    column: str
    before: Side
    after: Side
    expected: tuple[tuple[str, Way], ...] = ()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Pairs of one kind; a directional test has neither scope nor limits."""

    name: str
    pairs: tuple[Pair, ...]
    scope: Scope | None = None
    limits: Limits | None = None


def alone(text: str) -> Side:
    """A sentence that is an article of its own, with a capital."""
    text = text[:1].upper() + text[1:]
    return Side(text, (Place(0, len(text)),))


def laid_out(paragraphs: Paragraphs, compared: Iterable[bool] | None = None) -> Side:
    """Write sentences as an article.

    ``compared``: whether the sentences of a paragraph are compared; all of them unless given.
    """
    text, places = "", []
    wanted = [True] * len(paragraphs) if compared is None else list(compared)
    for paragraph, keep in zip(paragraphs, wanted, strict=True):
        text += "\n\n" if text else ""
        for number, sentence in enumerate(paragraph):
            text += " " if number else ""
            if keep:
                places.append(Place(len(text), len(text) + len(sentence)))
            text += sentence
    return Side(text, tuple(places))


CASES = Path(__file__).parent / "cases"
SEED = 5
"""Of the perturbations."""

FURNITURE = ("Advertisement", "Read more: our weather page", "Photo: M. Adler / Press Office")
"""Lines of a page around an article, put between its paragraphs."""

ENTITY_LIMITS = Limits(flips=0.02, shift=0.02)
NOISE_LIMITS = Limits(flips=0.05)

# Outlets differ in who controls them, and what a party's word counts for in who rules: for these
# the signals of sourcing may differ.
_ENTITIES: Mapping[str, tuple[str, Scope]] = {
    "country": ("countries swapped", Scope.ALL),
    "nationality": ("nationalities swapped", Scope.ALL),
    "leader": ("leaders swapped", Scope.ALL),
    "party": ("parties swapped", Scope.FRAMING),
    "outlet": ("outlets swapped", Scope.FRAMING),
}
_WAYS = {"rise": Way.RISE, "fall": Way.FALL, "keep": Way.KEEP}


def behaviours(
    cases: Path = CASES, house: Path | None = None, seed: int = SEED
) -> tuple[Behaviour, ...]:
    """Make every test of the suite.

    ``cases``: the folder of ``entities``, ``frames``, ``articles``, ``paraphrases`` and
    ``directional.jsonl``. ``house``: the articles of the house corpus, whose contrast pairs are a
    test where the folder exists: an installed package has none unless it is named. Most of them the
    models that ship were trained on; the sentences that are paraphrased they were not. ``seed``: of
    the perturbations. Raises `InputError` when a file of cases is missing or broken.
    """
    house = house or house_folder() / "articles"
    articles = {
        str(item["id"]): [[item["headline"]], *item["paragraphs"]]
        for item in _read(cases / "articles.jsonl")
    }
    found = [*_swapped(_read(cases / "entities.jsonl"), _read(cases / "frames.jsonl"))]
    if pairs := tuple(contrasts(house)):
        found.append(Behaviour("house corpus, sides swapped", pairs, Scope.ALL, ENTITY_LIMITS))
    if pairs := tuple(paraphrased(_read(cases / "paraphrases.jsonl"), house)):
        # Without limits: other words are what a model goes by, so that some of it has to move.
        found.append(Behaviour("house corpus, paraphrased", pairs, Scope.ALL))
    noise = {change.name: _perturbed(articles, change, seed) for change in PERTURBATIONS}
    for kind, written in (("footnote marks", _footnoted), ("lines of the page", _furnished)):
        noise[kind] = [
            Pair(name, "", laid_out(text), written(text)) for name, text in articles.items()
        ]
    noise["cut short"] = [p for name, text in articles.items() for p in _cut(name, text)]
    found += [Behaviour(name, tuple(p), Scope.ALL, NOISE_LIMITS) for name, p in noise.items()]
    directional: dict[str, list[Pair]] = defaultdict(list)
    for item in _read(cases / "directional.jsonl"):
        expected = tuple((str(signal), _WAYS[way]) for signal, way in item["expect"])
        before, after = alone(item["before"]), alone(item["after"])
        directional[item["test"]].append(Pair(item["id"], "", before, after, expected))
    found += [Behaviour(name.replace("-", " "), tuple(p)) for name, p in directional.items()]
    return tuple(found)


def contrasts(folder: Path) -> Iterator[Pair]:
    """Put the second side of a contrast pair into the article of the first, in its place."""
    sides: dict[str, dict[str, tuple[str, int, int]]] = defaultdict(dict)
    for path in sorted(folder.glob("*.jsonl")):
        for article in _read(path):
            for item in article.get("sentences", ()):
                if "pair" in item:
                    place = str(article["text"]), int(item["start"]), int(item["end"])
                    sides[str(item["pair"])][str(item["side"])] = place
    for name, found in sorted(sides.items()):
        if set(found) == {"a", "b"}:
            donor, first, last = found["b"]
            yield _replaced(name, *found["a"], donor[first:last], whole=True)


def paraphrased(cases: Sequence[Mapping[str, Any]], folder: Path) -> Iterator[Pair]:
    """Put a paraphrase in the place of a sentence of the house corpus that was kept back.

    Raises `InputError` when a case names no sentence of the corpus.
    """
    articles = {
        str(item["id"]): item for path in sorted(folder.glob("*.jsonl")) for item in _read(path)
    }
    for case in cases if articles else ():
        try:
            article = articles[case["article"]]
            place = article["sentences"][case["sentence"]]
        except (KeyError, IndexError):
            raise InputError(
                folder, f"no sentence for the paraphrase '{case['id']}'; get the cases anew"
            ) from None
        found = str(article["text"]), int(place["start"]), int(place["end"])
        yield _replaced(str(case["id"]), *found, str(case["text"]), whole=False)


def _replaced(name: str, text: str, start: int, end: int, other: str, *, whole: bool) -> Pair:
    """Put other words in the place of a sentence."""
    after = Side(text[:start] + other + text[end:], (Place(start, start + len(other)),))
    return Pair(name, "", Side(text, (Place(start, end),)), after, whole=whole)


def _swapped(
    entities: Sequence[Mapping[str, Any]], frames: Sequence[Mapping[str, Any]]
) -> Iterator[Behaviour]:
    for kind, (name, scope) in _ENTITIES.items():
        pairs = tuple(
            Pair(
                entity["id"],
                frame["id"],
                alone(frame["text"].format_map(_slots(*entity["sides"]))),
                alone(frame["text"].format_map(_slots(*reversed(entity["sides"])))),
            )
            for entity in entities
            if entity["kind"] == kind
            for frame in frames
            if frame["kind"] == kind
        )
        yield Behaviour(name, pairs, scope, ENTITY_LIMITS)


def _slots(a: Mapping[str, str], b: Mapping[str, str]) -> dict[str, str]:
    return {
        slot if key == "name" else f"{slot}_{key}": value
        for slot, side in (("a", a), ("b", b))
        for key, value in side.items()
    }


def _perturbed(articles: Mapping[str, Paragraphs], change: Perturbation, seed: int) -> list[Pair]:
    pairs = []
    for name, text in articles.items():
        # From one article's name: a new article changes no other.
        random = Random(f"{seed}/{change.name}/{name}")
        count = 1 if change.headline_only else len(text)
        compared = [number < count for number in range(len(text))]
        before, after = (
            laid_out(
                [
                    [write(s, random) for s in p] if j else p
                    for p, j in zip(text, compared, strict=True)
                ],
                compared,
            )
            for write in (change.before, change.after)
        )
        pairs.append(Pair(name, "", before, after))
    return pairs


def _footnoted(text: Paragraphs) -> Side:
    """Put a footnote's mark behind every other sentence of the body."""
    head, *body = text
    sentences = iter(range(1, 1000))
    marked = [
        [s + f"[{number // 2}]" if (number := next(sentences)) % 2 == 0 else s for s in paragraph]
        for paragraph in body
    ]
    return laid_out([head, *marked])


def _furnished(text: Paragraphs) -> Side:
    """Put a line of the page behind every paragraph."""
    lines: list[Sequence[str]] = []
    for number, paragraph in enumerate(text):
        lines += [paragraph, [FURNITURE[number % len(FURNITURE)]]]
    return laid_out(lines, [number % 2 == 0 for number in range(len(lines))])


def _cut(name: str, text: Paragraphs) -> Iterator[Pair]:
    """End the article behind each of its sentences but the last."""
    whole = laid_out(text)
    for count, place in enumerate(whole.places[:-1], start=1):
        if count > 1:  # a headline alone is no article
            places = whole.places[:count]
            before, after = Side(whole.text, places), Side(whole.text[: place.end], places)
            yield Pair(name, "", before, after, whole=False)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(path, f"can't be read ({error}); get the cases anew") from None
