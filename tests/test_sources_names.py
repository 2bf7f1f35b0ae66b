"""Names of outlets: asked for, and met in running text."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry.boundaries import Boundaries
from framescope.classifier.outlets.registry.folding import Folded, normal, normals
from framescope.classifier.outlets.registry.names import _FOREIGN
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.tables import Tables
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases/sources_names.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]
REGISTRY = Registry(Tables(Path(__file__).parent / "cases/sources_tables"))
NAMES = [name.text for outlet in REGISTRY for name in outlet.names if not name.ambiguous]


def met(text: str) -> list[str]:
    """Names that stand there as words of their own; what they mean is test_sources_mentions'."""
    found = REGISTRY.names.met(text, lambda text, start, stop, known: not known.doubtful)
    return [text[start:end] for start, end, _, _ in found]


# --- in running text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case", [c for c in CASES if "known_failure" not in c], ids=lambda c: c["name"]
)
def test_finds_the_names_and_nothing_else(case):
    assert met(case["text"]) == case["mentions"]


@pytest.mark.parametrize(
    "case", [c for c in CASES if "known_failure" in c], ids=lambda c: c["name"]
)
def test_known_failures_still_fail(case):
    assert met(case["text"]) != case["mentions"]


def test_there_are_cases_of_nothing_too():
    assert sum(not case["mentions"] for case in CASES) >= 15


def test_a_mention_tells_whose_name_it_is():
    (mention,) = REGISTRY.mentions("So said the Mehr News Agency.")
    assert mention.outlets == ("mehr",)


def test_a_name_of_two_outlets_is_of_both():
    twin = REGISTRY.get("reuters")
    assert twin is not None
    both = REGISTRY.with_outlets([type(twin)("twin", "Reuters", names=twin.names[:1])])
    (mention,) = both.mentions("Reuters said so.")
    assert mention.outlets == ("reuters", "twin")


PARTS = (
    *(*NAMES, " ", "  ", "\n", "\n\n", ", ", ". ", "-", "—", "’s ", "'", "/", "https://", "@", "#"),
    *("e\u0301", "\u00ad", "\u200b", "😀", "日本", "은", "а", "Word", "word", "1", "ﬁ", "İ", "\0"),
)


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_mentions_are_names_in_order_that_do_not_overlap(text):
    end = 0
    for mention in REGISTRY.mentions(text):
        assert end <= mention.start < mention.end <= len(text)
        end = mention.end
        words = normal(text[mention.start : mention.end]).removeprefix("the ")
        assert (
            any(id in mention.outlets for id in (outlet.id for outlet in REGISTRY.called(words)))
            or words[:-2].istitle()
        )  # declined


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_word_by_word_the_same_is_met_as_by_an_automaton(text):
    folded = Folded(text).text
    names = REGISTRY.names

    def told(found):
        ends = Boundaries(folded)
        kept = ((start, ends.end(start, stop), meant) for start, stop, meant in found)
        return [one for one in kept if one[1] is not None]

    if not _FOREIGN.search(folded):
        by_words, by_automaton = names._by_words(folded), names._by_automaton(folded)
        assert told(by_words) == told(by_automaton)


@given(st.text())
def test_no_text_is_too_strange(text):
    REGISTRY.mentions(text)
    REGISTRY.called(text)


@given(st.text("ab '\u2019\n\u00a0\u00ade\u0301\u200b-\uff21й\u0306", max_size=40))
def test_every_folded_character_has_its_place_in_the_text(text):
    folded = Folded(text)
    places = [folded.origin(n) for n in range(len(folded.text))]
    assert places == sorted(set(places))
    for place, character in zip(places, folded.text, strict=True):
        if character in "ab":
            assert text[place] == character


def test_what_stands_far_into_a_text_is_found_where_it_stands():
    filler = "The river rose again — slowly.  " * 4096  # longer than is searched at once
    text = f"{filler}Reuters {filler}{filler}新华社 and the New York Times."
    assert met(text) == ["Reuters", "新华社", "the New York Times"]


@pytest.mark.parametrize("shift", range(-12, 13))
def test_a_name_over_the_seam_of_two_searches_is_found_once(shift):
    text = "x " * ((1 << 15) - 6) + " " * (shift + 12) + "The New York Times. Reuters"
    assert met(text) == ["The New York Times", "Reuters"]


# --- asked for ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("RT", ["rt"]),
        ("rt", []),
        ("Rt", []),
        ("AP", ["ap"]),
        ("ap", []),
        ("Ap", []),
        ("TASS", ["tass"]),
        ("Tass", ["tass"]),
        ("tass", []),
        ("Reuters", ["reuters"]),
        ("REUTERS", ["reuters"]),
        ("reuters", []),
        ("dpa", ["dpa"]),
        ("DPA", ["dpa"]),
        ("Dpa", []),
        ("iStories", ["istories"]),
        ("associated press", ["ap"]),
        ("the associated press", ["ap"]),
        ("The Associated Press's", ["ap"]),
        ("Mehr’s", ["mehr"]),
        ("People’s Daily", ["people-daily"]),
        ("PEOPLE'S DAILY", ["people-daily"]),
        ("  New\u00a0 York\tTimes ", ["the-new-york-times"]),
        ("New York Times'", ["the-new-york-times"]),
        ("Agence France‑Presse", ["afp"]),
        ("ITAR–TASS", ["tass"]),
        ("Guardian", ["the-guardian"]),
        ("The Times", ["the-times", "the-times-of-orrin"]),
        ("Mirror", ["daily-mirror"]),
        ("РИА Новости", ["ria-novosti"]),
        ("риа новости", ["ria-novosti"]),
        ("РИА Новости\u0301", []),
        ("新华社", ["xinhua"]),
        ("ＲＴ", ["rt"]),
        ("خبرگزاري مهر", ["mehr"]),
        ("خبرگزاری‌مهر", ["mehr"]),
        ("연합뉴스", ["yonhap"]),
        ("360", ["zero"]),
        ("the", []),
        ("The", []),
        ("", []),
        ("'s", []),
        ("New York", []),
    ],
)
def test_a_name_asked_for(name, ids):
    assert [outlet.id for outlet in REGISTRY.called(name)] == ids


@pytest.mark.parametrize("outlet", REGISTRY, ids=lambda outlet: outlet.id)
def test_every_name_finds_its_outlet(outlet):
    for name in outlet.names:
        assert outlet in REGISTRY.called(name.text)


@given(st.lists(st.text().filter(lambda text: "\0" not in text), max_size=5))
def test_many_names_are_folded_as_one_is(names):
    assert normals(names) == [normal(name) for name in names]


# --- how fast -------------------------------------------------------------------------------------


HOSTILE = {
    "a line of names": " ".join(NAMES * 10_000)[:1_000_000],
    "a line without spaces": "".join(NAMES * 10_000)[:1_000_000],
    "one word": "a" * 1_000_000,
    "one letter of a name": "R" * 1_000_000,
    "spaces": " " * 1_000_000,
    "line breaks": "\n \n" * 333_333,
    "names in a path": "/RT" * 333_333,
    "names in addresses": "://RT" * 200_000,
    "addresses in Chinese": "新华社a.com/RT" * 90_000,
    "handles": "@RT" * 333_333,
    "marks": "\u0301" * 1_000_000,
    "hyphens": "RT-" * 333_333,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_a_megabyte_of_anything_is_read_in_little_memory(name):
    text = HOSTILE[name]
    REGISTRY.mentions("warm")
    found = REGISTRY.mentions(text)
    tracemalloc.start()
    REGISTRY.mentions(text[:200_000])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000
    assert len(found) <= len(text)
