"""From what an encoder marks to citations as reports show them, and to what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.models.citations import Said, Words
from framescope.classifier.models.citing import Resolved, decide, features_of, resolve, with_rules
from framescope.classifier.models.fusion import (
    CITATION_FEATURES,
    KIND_FEATURES,
    SENTENCE_FEATURES,
    Fusion,
    Regressions,
    sigmoid,
)
from framescope.classifier.models.roles import KINDS
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Citation, Place, Sentence, SourceKind
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.statements import About, Code, Evidence, Statement

STATE = (Statement(About.CODE, Code.SC, Evidence("made up")),)
REGISTRY = Registry(
    own={
        "vesk-herald": Outlet("vesk-herald", "Vesk Herald", names=(Name("Vesk Herald"),)),
        "orrin-tv": Outlet("orrin-tv", "Orrin TV", names=(Name("Orrin TV"),), statements=STATE),
    }
)
NAMED, UNNAMED, VAGUE = SourceKind
NOTHING = Regressions((), {})
PLAIN = Fusion(NOTHING, NOTHING, NOTHING, 0.5)


def article(*texts: str, name: str = "a", gap: int = 1, start: int = 0, **more) -> list[Sentence]:
    rows, at = [], start
    for number, text in enumerate(texts):
        rows.append(Sentence(text, at, at + len(text), name, number, **more))
        at += len(text) + gap
    return rows


def said(
    rows: Sequence[Sentence],
    row: int,
    source: str | tuple[int, str] | None,
    cue: str | None,
    content: str,
    antecedent: tuple[int, str] | None = None,
    **more: object,
) -> Said:
    """A citation of a row from pieces of text; those of other rows with their number."""

    def words(piece: str | tuple[int, str] | None) -> Words | None:
        if piece is None:
            return None
        number, text = (row, piece) if isinstance(piece, str) else piece
        at = rows[number].text.index(text)
        return Words(number, at, at + len(text))

    lies = words(content)
    assert lies is not None
    given = {
        "nested": False,
        "carried": False,
        "marked": 0.9,
        "linked": 0.9,
        "cued": 0.9,
        "kinds": np.zeros(len(KINDS), np.float32),
    }
    return Said((lies,), words(source), words(cue), words(antecedent), **{**given, **more})


def text_of(rows: Sequence[Sentence], place: Place | None) -> str | None:
    """What stands at a place of the article."""
    if place is None:
        return None
    whole = ""
    for sentence in rows:
        whole = whole.ljust(sentence.start) + sentence.text
    return whole[place.start : place.end]


# --- who they are ---------------------------------------------------------------------------------


def test_places_are_the_articles_own_wherever_its_sentences_stand() -> None:
    first = article("It rained.", "Ada Quill said it was wet.", gap=7, start=40)
    other = article("It was dry, Bo Vale wrote.", name="b", start=900)
    rows = [*first, *other]
    found = resolve(
        [
            [],
            [said(rows, 1, "Ada Quill", "said", "it was wet")],
            [said(rows, 2, "Bo Vale", "wrote", "It was dry")],
        ],
        rows,
        REGISTRY,
    )
    nobody, (one,), (two,) = found.citations
    assert nobody == ()
    assert [text_of(first, p) for p in (one.source, one.cue, *one.content)] == [
        "Ada Quill", "said", "it was wet",
    ]  # fmt: skip
    assert [text_of(other, p) for p in (two.source, two.cue, *two.content)] == [
        "Bo Vale", "wrote", "It was dry",
    ]  # fmt: skip
    assert (one.name, one.kind) == ("Ada Quill", NAMED)


def test_he_is_named_by_the_words_that_the_encoder_finds_for_him() -> None:
    rows = article("Ada Quill met Bo Vale.", "He said it was wet.", gap=3)
    he = said(rows, 1, "He", "said", "it was wet", antecedent=(0, "Bo Vale"))
    (_, (one,)) = resolve([[], [he]], rows, REGISTRY).citations
    assert text_of(rows, one.antecedent) == "Bo Vale"
    assert text_of(rows, one.source) == "He"


def test_a_pronoun_goes_by_the_name_that_its_antecedent_has() -> None:
    rows = article("Bo Vale, the mayor, said so.", "He said it was wet.")
    vale = said(rows, 0, "Bo Vale, the mayor", "said", "so")
    he = said(rows, 1, "He", "said", "it was wet", antecedent=(0, "Bo Vale"))
    ((first,), (second,)) = resolve([[vale], [he]], rows, REGISTRY).citations
    assert first.name == second.name == "Bo Vale"
    assert first.government
    assert second.government


def test_whoever_is_named_is_of_one_kind_in_an_article() -> None:
    texts = "Bo Vale said so.", "Vale said it was wet.", "Officials said no.", "Officials said yes."
    kinds = [np.full(len(KINDS), at, np.float32) for at in (1.0, 4.0, 2.0, 6.0)]
    rows = [*article(*texts), *article(texts[0], name="b", start=900)]
    contents = "so", "it was wet", "no", "yes", "so"
    sources = "Bo Vale", "Vale", "Officials", "Officials", "Bo Vale"
    found = [
        [said(rows, row, sources[row], "said", contents[row], kinds=(*kinds, kinds[0])[row])]
        for row in range(5)
    ]
    given = resolve(found, rows, REGISTRY).said
    # A surname is its bearer's; officials need not be the same ones, nor another article's Vale.
    assert [row[0].kinds[0] for row in given] == [2.5, 2.5, 2.0, 6.0, 1.0]


def test_outlets_are_those_that_a_source_is_or_spoke_through() -> None:
    rows = article(
        "It was wet, the Vesk Herald reported.",
        "It was dry, Bo Vale told Orrin TV.",
    )
    paper = said(rows, 0, "the Vesk Herald", "reported", "It was wet")
    told = said(rows, 1, "Bo Vale", "told", "It was dry")
    found = resolve([[paper], [told]], rows, REGISTRY)
    ((one,), (two,)) = found.citations
    assert (one.outlets, one.state_media) == (("vesk-herald",), False)
    assert (two.outlets, two.state_media, two.name) == (("orrin-tv",), True, "Bo Vale")
    (known,) = found.known(1)
    assert known is not None
    assert (known.kind, known.state_media, known.outlet, known.antecedent) == (
        NAMED, True, True, False,
    )  # fmt: skip


def test_an_articles_own_outlet_says_nothing_as_state_media() -> None:
    texts = ("It was wet, Orrin TV reported.",)
    for outlet, state in ((None, True), ("Orrin TV", False)):
        rows = article(*texts, outlet=outlet)
        tv = said(rows, 0, "Orrin TV", "reported", "It was wet")
        (((one,),)) = resolve([[tv]], rows, REGISTRY).citations
        assert one.state_media is state


def test_of_a_source_that_is_not_there_nothing_is_known() -> None:
    rows = article("It was reportedly wet.")
    found = resolve([[said(rows, 0, None, "reportedly", "wet")]], rows, REGISTRY)
    assert found.known(0) == [None]
    assert found.citations[0][0].kind is VAGUE


def test_what_is_carried_over_has_the_source_of_the_sentence_before() -> None:
    rows = article("“No,” said Bo Vale.", "“Never.”")
    first = said(rows, 0, "Bo Vale", "said", "“No,”")
    on = said(rows, 1, None, None, "“Never.”")
    found = resolve([[first], [on]], rows, REGISTRY)
    (_, (one,)) = found.citations
    assert (text_of(rows, one.source), one.cue, one.name) == ("Bo Vale", None, "Bo Vale")
    assert found.said[1][0].carried


# --- what they decide -----------------------------------------------------------------------------

SIGNALS = ("claim", "attributed", "vague_source", "government_attribution")
ROWS = article("It was wet, officials said.", "It is not.")


def logits(*attributed: float) -> np.ndarray:
    found = np.zeros((len(attributed), len(SIGNALS)), np.float32)
    found[:, 1] = attributed
    return found


def officials(*odds: float, **more: object) -> Said:
    return said(ROWS, 0, "officials", "said", "It was wet",
                kinds=np.array(odds or [0] * 5, np.float32), **more)  # fmt: skip


def line(features: Sequence[str], intercept: float = 0.0, **weights: float) -> tuple[float, ...]:
    given = {name.replace(" ", "_").replace(":", ""): 0.0 for name in features}
    assert weights.keys() <= given.keys()
    return (*{**given, **weights}.values(), intercept)


def decided(found: Sequence[Said], fusion: Fusion = PLAIN, votes=(0.0, 0.0), **more):
    resolved = resolve([list(found), []], ROWS, REGISTRY)
    state = more.get("state_media", [False, False])
    return decide(fusion, resolved, ROWS, logits(*votes), SIGNALS, state)


def test_kinds_are_the_likeliest_of_three_and_two_on_top() -> None:
    ((one,), nobody) = decided([officials(0, 3, 1, 2, -2)]).citations
    assert nobody == ()
    assert (one.kind, one.government, one.state_media) == (UNNAMED, True, False)
    assert (one.found_by, one.score, one.reasons) == ("transformer", 1.0, ())
    ((one,), _) = decided([officials(3, 0, 1, -2, 2)]).citations
    assert (one.kind, one.government, one.state_media) == (NAMED, False, True)


def test_a_government_or_state_media_is_never_nobody_in_particular() -> None:
    ((vague,), _) = decided([officials(0, 0, 3, -2, -2)]).citations
    assert vague.kind is VAGUE
    for odds in ((0, 0, 3, 2, -2), (0, 0, 3, -2, 2)):
        ((one,), _) = decided([officials(*odds)]).citations
        assert one.kind is UNNAMED


def test_what_is_known_of_a_source_is_weighed_with_its_words_and_shown() -> None:
    lines = {kind: line(KIND_FEATURES, **{f"words_{kind}": 1.0}) for kind in KINDS}
    lines["unnamed"] = line(
        KIND_FEATURES, 0.5, words_unnamed=1.0, sentence_vague=0.25, known_unnamed=5.0, source=0.5
    )
    fusion = replace(PLAIN, kinds=Regressions(KIND_FEATURES, lines))
    found = [officials(0, 1, 3, -2, -2)]
    ((one,), _) = decided(found, fusion).citations
    assert one.kind is UNNAMED
    assert dict(one.reasons) == {"words": 1.0, "sentence": 0.0, "known": 5.0, "source": 0.5}
    ((one,), _) = decided(found).citations
    assert one.kind is VAGUE


def test_what_is_less_likely_than_the_threshold_is_not_shown() -> None:
    weights = {"right": line(CITATION_FEATURES, -1.0, linked=1.0)}
    fusion = replace(PLAIN, citation=Regressions(CITATION_FEATURES, weights), threshold=0.6)
    pair = [officials(linked=0.9), officials(linked=0.6)]
    chances = sigmoid(np.log([9.0, 1.5]) - 1.0)
    ((one,), _) = decided(pair, fusion).citations
    assert one.score == pytest.approx(chances[0], abs=1e-4)
    both, _ = decided(pair, replace(fusion, threshold=float(chances[1]) - 1e-6)).citations
    assert [found.score for found in both] == pytest.approx(chances.tolist(), abs=1e-4)


def test_signals_are_fused_and_the_others_stay_what_they_are() -> None:
    lines = {
        "attributed": line(SENTENCE_FEATURES, -1.0, vote=0.5, cited=4.0),
        "government_attribution": line(SENTENCE_FEATURES, names_state_media=2.0, vote=1.0),
        "quoted": line(SENTENCE_FEATURES, vote=1.0),  # of which there is no column
    }
    fusion = replace(PLAIN, signals=Regressions(SENTENCE_FEATURES, lines))
    votes = logits(2.0, 2.0)
    given = votes.copy()
    resolved = resolve([[officials()], []], ROWS, REGISTRY)
    found = decide(fusion, resolved, ROWS, given, SIGNALS, [False, True]).logits
    np.testing.assert_allclose(found[:, 1], [0.5 * 2 + 4 - 1, 0.5 * 2 - 1])
    np.testing.assert_allclose(found[:, 3], [0.0, 2.0])
    np.testing.assert_array_equal(found[:, [0, 2]], votes[:, [0, 2]])
    np.testing.assert_array_equal(given, votes)


def test_features_say_how_much_of_the_surest_content_is_quoted() -> None:
    text = "“It was wet,” officials said again."
    rows = [replace(*article(text), quoted=((0, 13),))]
    content = said(rows, 0, "officials", "said", "It was wet")
    again = said(rows, 0, "officials", "said", "again")
    weights = {"right": line(CITATION_FEATURES, marked=1.0)}
    fusion = replace(PLAIN, citation=Regressions(CITATION_FEATURES, weights))
    for surer, share in ((content, 1.0), (again, 0.0)):
        pair = [replace(one, marked=0.9 if one is surer else 0.6) for one in (content, again)]
        resolved = resolve([pair], rows, REGISTRY)
        votes = np.zeros((1, len(SIGNALS)), np.float32)
        found = features_of(fusion, resolved, rows, votes, SIGNALS, [False])
        (of_row,) = found.sentences["attributed"]
        values = dict(zip(SENTENCE_FEATURES, of_row.tolist(), strict=True))
        assert values["quoted content"] == share
        assert values["quoted share"] == pytest.approx(8 / 26)
        assert values["cited"] == pytest.approx(0.9)


def test_no_rows_are_no_features() -> None:
    nothing = Resolved((), ())
    votes = np.zeros((0, len(SIGNALS)), np.float32)
    found = decide(PLAIN, nothing, [], votes, SIGNALS, [])
    assert found.citations == ()
    assert found.logits.shape == (0, len(SIGNALS))


# --- beside the rules -----------------------------------------------------------------------------

LABEL = Citation(Place(0, 4), Place(4, 5), (Place(6, 20),), NAMED, found_by="speaker label")
DATELINE = Citation(Place(0, 4), None, (Place(6, 20),), NAMED, found_by="dateline")
FOUND = Citation(Place(10, 12), Place(13, 15), (Place(16, 20),), NAMED, found_by="transformer")
CARRIED = replace(FOUND, cue=None)
SAME = replace(FOUND, source=LABEL.source)
NOBODY = replace(FOUND, source=None)


@pytest.mark.parametrize(
    ("rules", "found", "shown"),
    [
        ((), (FOUND,), (FOUND,)),
        ((DATELINE,), (), (DATELINE,)),
        ((DATELINE,), (FOUND,), (FOUND,)),
        ((), (), ()),
        # Under a label the speaker comes first, then who is cited by words of the sentence's own.
        ((LABEL,), (), (LABEL,)),
        ((LABEL,), (FOUND,), (LABEL, FOUND)),
        ((LABEL,), (CARRIED,), (LABEL,)),
        ((LABEL,), (NOBODY,), (LABEL,)),
        ((LABEL,), (SAME,), (LABEL,)),
        ((LABEL, DATELINE), (FOUND,), (LABEL, FOUND)),
    ],
)
def test_what_the_form_says_stands_beside_what_was_found(rules, found, shown) -> None:
    one = Sentence("Rina Voss: We will rebuild it, she says.", 0, 40, "a", 0, citations=rules)
    other = replace(one, article_id="b", citations=())
    assert with_rules([one, other], [found, (FOUND,)]) == (shown, (FOUND,))


def test_a_quotation_that_runs_on_is_its_speakers() -> None:
    tag = 'Rina Voss said: "We will rebuild the old bridge here.'
    first = Sentence(tag, 0, len(tag), "a", 0, quoted=((16, len(tag)),))
    words = 'And it will stand for a hundred years."'
    start = len(tag) + 1
    then = Sentence(words, start, start + len(words), "a", 1, quoted=((0, len(words)),))
    said = replace(FOUND, source=Place(0, 9), cue=Place(10, 14), content=(Place(16, len(tag)),))
    of_first, of_then = with_rules([first, then], [(said,), ()])
    assert of_first == (said,)
    whole = (Place(start, start + len(words)),)
    assert of_then == (
        replace(said, cue=None, content=whole, score=None, found_by="running quotation"),
    )
    # In another article nobody goes on.
    elsewhere = replace(then, article_id="b")
    assert with_rules([first, elsewhere], [(said,), ()]) == ((said,), ())
