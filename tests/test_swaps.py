"""Names swapped in training rows: labels follow, and marked words stay marked."""

import re
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier import records
from framescope.classifier.inputs import read_record
from framescope.classifier.outlets import Registry
from framescope.classifier.records import Article, Place, Sentence, Span, Unit
from framescope.training.data import Examples, Mark, examples_of_articles, swaps
from framescope.training.data.examples import rewrite
from framescope.training.data.swaps import Counterfactuals, Entity, Swap
from harness import examples
from labelled import record
from outlets import INVENTED

NAMES = {
    "Freedonia": "the Sylvan Union",
    "Freedonian": "Sylvan",
    "Freedonians": "Sylvans",
    "the Orrin League": "Vesk",
    "Orrinite": "Veskish",
}
LANDS = tuple(
    Entity("country", dict(zip(("name", "adjective", "people"), forms, strict=False)))
    for forms in (
        ("Freedonia", "Freedonian", "Freedonians"),
        ("the Sylvan Union", "Sylvan", "Sylvans"),
        ("Vesk", "Veskish", "Vesks"),
        ("the Orrin League", "Orrinite", "Orrinites"),
    )
)


def sentence(text: str, start: int = 100) -> Sentence:
    return Sentence(text, start, start + len(text), "a", 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A Freedonian clerk met an Orrinite.", "A Sylvan clerk met a Veskish."),
        ("Freedonia pays; so says Freedonia.", "The Sylvan Union pays; so says the Sylvan Union."),
        ("Ties with the Orrin League are old.", "Ties with Vesk are old."),
        ("The Freedonians sailed.", "The Sylvans sailed."),
        # A part of a word, or of a compound, is another word.
        ("Freedoniana, non-Freedonian", "Freedoniana, non-Freedonian"),
    ],
)
def test_every_form_of_a_name_is_renamed_with_its_article(before: str, after: str) -> None:
    assert Counterfactuals(LANDS).rename(sentence(before), (), NAMES)[0].text == after


@pytest.mark.parametrize(
    ("lang", "text", "after"),
    [
        ("de", "Russlands Heer traf chinesische Händler.", r"\w+s Heer traf \w+ische Händler\."),
        ("ru", "Россией правят из Греции.", r"\w+ией правят из \w+ии\."),
        ("ar", "قالت روسيا للروسية.", r"قالت \w+ا لل\w+ية\."),
        ("zh", "据悉德国和法国已签约。", r"据悉\w+和\w+已签约。"),
        ("it", "A Russia e Cina.", r"A [\w ]+ e [\w ]+\."),
        ("bg", "Русия.", "Русия."),
    ],
)
def test_countries_are_swapped_within_a_language_for_those_whose_forms_agree(lang, text, after):
    rows = examples_of_articles("exchange", [Article("a", text, lang=lang)])
    rows = replace(rows, part=np.array(["train"]))
    found = replace(Counterfactuals.of(13, lang), share=1.0).apply(rows, "train").sentences[0].text
    assert re.fullmatch(after, found)
    assert (found == text) == (lang == "bg")
    assert Counterfactuals(LANDS, share=1.0).apply(rows, "train").sentences == rows.sentences


def test_marked_words_stay_marked_wherever_they_move() -> None:
    text = "Freedonia, that vile den of Freedonians, pays."
    start = 100 + text.index("vile")
    spans = (Span(start, start + 23, "name_calling"), Span(100, 109, "doubt"))
    found, moved, _ = Counterfactuals(LANDS).rename(sentence(text), spans, NAMES)
    words = [found.text[span.start - 100 : span.end - 100] for span in moved]
    assert words == ["vile den of Sylvans", "The Sylvan Union"]


@pytest.fixture(scope="module")
def rows() -> Examples:
    found = examples(articles=40)
    said = tuple(replace(s, text=f"Freedonia and Vesk: {s.text}") for s in found.sentences)
    return replace(found, sentences=said)


def test_half_of_the_articles_that_are_learned_from_are_renamed_throughout(rows) -> None:
    found = Counterfactuals(LANDS).apply(rows, "train")
    pairs = zip(rows.sentences, found.sentences, strict=True)
    changed = np.array([a.text != b.text for a, b in pairs])
    assert not changed[rows.part != "train"].any()
    of_article = [set(changed[rows.article == name]) for name in np.unique(rows.article)]
    assert all(len(values) == 1 for values in of_article)
    assert 5 <= sum(values == {True} for values in of_article) <= 15  # of 20
    np.testing.assert_array_equal(found.labels, rows.labels)
    assert Counterfactuals(LANDS).apply(rows, "train").sentences == found.sentences
    assert Counterfactuals(LANDS, 14).apply(rows, "train").sentences != found.sentences


def test_no_two_become_the_same_and_none_stays_what_it_is(rows) -> None:
    found = Counterfactuals(LANDS, share=1.0).apply(rows, "train")
    for one in found.where(rows.part == "train").sentences:
        first, second = one.text.partition(":")[0].split(" and ")
        assert first.lower() != second.lower()
        assert first != "Freedonia"
        assert second != "Vesk"


def test_leaders_keep_their_names_where_offices_are_labelled(rows) -> None:
    names = Counterfactuals([Entity("leader", {"name": name}) for name in ("Freedonia", "Vesk")])
    assert names.apply(rows, "train").sentences != rows.sentences
    offices = replace(rows, signals=("government_attribution", "hyperpartisan"))
    assert names.apply(offices, "train").sentences == rows.sentences


def test_the_table_names_each_form_once() -> None:
    table = Counterfactuals.of(13).entities
    assert {entity.kind for entity in table} == {"country", "party", "leader"}
    forms = [form for entity in table for form in set(entity.forms.values())]
    assert len(forms) == len(set(forms))


FIRST, SECOND = "The Freedonian envoy said Freedonia would pay.", "“Not a day later.”"
TEXT = f"{FIRST} {SECOND}"


def place(piece: str) -> Place:
    start = TEXT.index(piece)
    return Place(start, start + len(piece))


def said(rows: Examples) -> list[tuple[str, str]]:
    """The words of the source, who is named as speaker, and of the content, of each citation."""

    def words(mark: Mark | None) -> str:
        assert mark is not None
        return rows.sentences[mark.sentence].text[mark.start : mark.end]

    return [
        (words(one.source), words(one.content[0]))
        for citations in rows.citations
        for one in citations or ()
        if one.speaker is not None and one.speaker.name == one.source
    ]


def test_citations_move_with_their_words_in_every_sentence_that_points_there() -> None:
    envoy, units = place("The Freedonian envoy"), []
    body = records.Speaker(envoy, records.SpeakerType.BODY)
    more = {"kind": records.SourceKind.NAMED, "speaker": body}
    for sentence, cue, content in (
        (place(FIRST), place("said"), place("Freedonia would pay")),
        (place(SECOND), None, place(SECOND)),
    ):
        cited = records.MarkedCitation(envoy, cue, (content,), **more)
        units.append(Unit(sentence.start, sentence.end, citations=(cited,)))
    rows = examples_of_articles("exchange", [Article("a", TEXT, units=tuple(units))])
    assert rows.citations[1] is not None
    assert rows.citations[1][0].source == Mark(0, 0, 20)
    assert said(rows) == [
        ("The Freedonian envoy", "Freedonia would pay"),
        ("The Freedonian envoy", SECOND),
    ]
    lands = Counterfactuals(LANDS[:2], share=1.0)
    renamed = lands.apply(replace(rows, part=np.array(["train"] * 2)), "train")
    assert renamed.sentences[0].text == "The Sylvan envoy said the Sylvan Union would pay."
    assert said(renamed) == [
        ("The Sylvan envoy", "the Sylvan Union would pay"),
        ("The Sylvan envoy", SECOND),
    ]


def test_a_place_over_two_sentences_is_in_the_one_with_most_of_it() -> None:
    between = records.Speaker(Place(14, 15), records.SpeakerType.PERSON)
    cited = records.MarkedCitation(Place(3, 12), None, (Place(0, 2),), speaker=between)
    unit = Unit(0, 5, citations=(cited,))
    article = Article("a", "One. Two more. Three.", units=(unit, Unit(5, 14), Unit(15, 21)))
    found = examples_of_articles("exchange", [article]).citations
    assert found[0] is not None
    assert (found[0][0].source, found[0][0].speaker) == (Mark(1, 0, 7), None)
    assert found[1:] == (None, None)


def test_what_is_quoted_moves_with_its_words_and_names_are_looked_for_anew() -> None:
    text = "“Vesk pays,” said Orr of Vesk, “now.”"
    quoted = tuple((text.index(words), text.index(words) + len(words))
                   for words in ("“Vesk pays,”", "“now.”"))  # fmt: skip
    given = replace(sentence(text), mentions=(records.Mention(1, 5, ("v",)),), quoted=quoted)
    names = [(at, at + 4, "Freedonia") for at in (1, text.rindex("Vesk"))]
    found, _ = rewrite(given, names)
    assert found.text == text.replace("Vesk", "Freedonia")
    assert [found.text[a:b] for a, b in found.quoted] == ["“Freedonia pays,”", "“now.”"]
    assert (found.mentions, found.start, found.end) == (None, given.start, given.end)
    # A range that ends within a name ends behind what is written for it.
    assert rewrite(replace(given, quoted=((0, 3),)), names)[0].quoted == ((0, 10),)


REGISTRY = Registry(own={one.id: one for one in INVENTED})
BEHIND = {("polnear/a", 0): ("harbour-courier",)}


@pytest.fixture
def news() -> Examples:
    first = "The ferry sank, the Harbour Courier said."
    lines = (first, "The Harbour Courier moved.", "It rained.")
    signals = ("attributed", "named_source")
    given = [(s, dict.fromkeys(signals, s is first) | {swaps.SIGNAL: 0}) for s in lines]
    rows = examples_of_articles("polnear", [read_record(record("a", *given), "here")])
    return replace(rows, part=np.array(["train"] * 3))


def test_a_swapped_outlet_takes_its_label_along(news, monkeypatch) -> None:
    monkeypatch.setattr(swaps, "PHRASE_SHARE", 0.0)
    swapped = Swap(REGISTRY, BEHIND, share=1.0).apply(news, ("train",))
    assert [s.text for s in swapped.sentences] == [
        "The ferry sank, the Xinhua said.",
        "The Xinhua moved.",
        "It rained.",
    ]
    assert swapped.column(swaps.SIGNAL).tolist() == [1.0, 0.0, 0.0], "a mention is none"
    assert [s.start for s in swapped.sentences] == [s.start for s in news.sentences]
    for name in ("attributed", "named_source"):
        np.testing.assert_array_equal(swapped.column(name), news.column(name))
    assert Swap(REGISTRY, {}, share=1.0).rename(sentence("Vesk TV did."))[0].text == "Reuters did."


def test_a_phrase_leaves_open_whether_the_source_is_named(news, monkeypatch) -> None:
    monkeypatch.setattr(swaps, "PHRASE_SHARE", 1.0)
    swapped = Swap(REGISTRY, BEHIND, share=1.0).apply(news, ("train",))
    assert any(phrase in swapped.sentences[0].text for phrase in swaps.PHRASES)
    assert swapped.column(swaps.SIGNAL)[0] == 1.0
    assert np.isnan(swapped.column("named_source")[0])
    assert swapped.column("attributed")[0] == 1.0


def test_only_the_parts_asked_for_are_swapped_and_the_draw_is_the_seeds(news) -> None:
    assert Swap(REGISTRY, BEHIND, share=1.0).apply(news, ("test",)).sentences == news.sentences
    drawn = [Swap(REGISTRY, BEHIND, seed).is_swapped("a", "x") for seed in range(40)]
    assert drawn == [Swap(REGISTRY, BEHIND, seed).is_swapped("a", "x") for seed in range(40)]
    assert 8 < sum(drawn) < 32
