"""Raw citations, from outputs made by hand to those that reports show and what they decide."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier import models
from framescope.classifier.models import KINDS, CitationScorer, RawCitation, Regressions, RowSpan
from framescope.classifier.models.base import sigmoid
from framescope.classifier.models.citation_scorer import decide, quoted_share, with_rules
from framescope.classifier.models.raw_citations import PassageOutputs, PassageReader, runs
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Citation, Place, Sentence, SourceKind
from framescope.classifier.records.outlet import About, Code, Evidence, Name, Outlet, Statement
from made import SURE, Passage, sentences

STATE = (Statement(About.CODE, Code.SC, Evidence("made up")),)
REGISTRY = Registry(
    own={
        "vesk-herald": Outlet("vesk-herald", "Vesk Herald", names=(Name("Vesk Herald"),)),
        "orrin-tv": Outlet("orrin-tv", "Orrin TV", names=(Name("Orrin TV"),), statements=STATE),
    }
)
NAMED, UNNAMED, VAGUE = SourceKind
NOTHING = Regressions((), {})
PLAIN = CitationScorer(NOTHING, NOTHING, NOTHING, 0.5)


def article(*texts: str, name: str = "a", gap: int = 1, start: int = 0, **more) -> list[Sentence]:
    rows, at = [], start
    for number, text in enumerate(texts):
        rows.append(Sentence(text, at, at + len(text), name, number, **more))
        at += len(text) + gap
    return rows


def raw(rows: Sequence[Sentence], row: int, source, cue, content, **more: object) -> RawCitation:
    """A citation of a row from pieces of text; those of other rows with their number."""

    def words(piece: str | tuple[int, str] | None) -> RowSpan | None:
        if piece is None:
            return None
        number, text = (row, piece) if isinstance(piece, str) else piece
        at = rows[number].text.index(text)
        return RowSpan(number, at, at + len(text))

    given = {
        "nested": False, "carried": False, "marked": 0.9, "linked": 0.9, "cued": 0.9,
        "kinds": np.zeros(len(KINDS), np.float32),
    }  # fmt: skip
    where = (words(content),), words(source), words(cue)
    return RawCitation(*where, **{**given, **more})


def text_of(rows: Sequence[Sentence], place: Place | None) -> str | None:
    whole = ""
    for sentence in rows:
        whole = whole.ljust(sentence.start) + sentence.text
    return None if place is None else whole[place.start : place.end]


def resolved(rows: Sequence[Sentence], *found: RawCitation | None) -> models.ResolvedCitations:
    return models.resolve_raw_citations([[one] if one else [] for one in found], rows, REGISTRY)


def test_places_are_the_articles_own_wherever_its_sentences_stand() -> None:
    first = article("It rained.", "Ada Quill said it was wet.", gap=7, start=40)
    other = article("It was dry, Bo Vale wrote.", name="b", start=900)
    rows = [*first, *other]
    nobody, (one,), (two,) = resolved(
        rows,
        None,
        raw(rows, 1, "Ada Quill", "said", "it was wet"),
        raw(rows, 2, "Bo Vale", "wrote", "It was dry"),
    ).citations
    assert nobody == ()
    assert [text_of(first, p) for p in (one.source, one.cue, *one.content)] == [
        "Ada Quill", "said", "it was wet",
    ]  # fmt: skip
    assert [text_of(other, p) for p in (two.source, two.cue, *two.content)] == [
        "Bo Vale", "wrote", "It was dry",
    ]  # fmt: skip
    assert (one.name, one.kind) == ("Ada Quill", NAMED)


def test_a_named_source_has_one_kind_in_an_article() -> None:
    texts = "Bo Vale said so.", "Vale said it was wet.", "Officials said no.", "Officials said yes."
    kinds = [np.full(len(KINDS), at, np.float32) for at in (1.0, 4.0, 2.0, 6.0, 1.0)]
    rows = [*article(*texts), *article(texts[0], name="b", start=900)]
    contents = "so", "it was wet", "no", "yes", "so"
    sources = "Bo Vale", "Vale", "Officials", "Officials", "Bo Vale"
    found = [raw(rows, n, sources[n], "said", contents[n], kinds=kinds[n]) for n in range(5)]
    # A surname is its bearer's; officials need not be the same ones, nor another article's Vale.
    assert [row[0].kinds[0] for row in resolved(rows, *found).raw] == [2.5, 2.5, 2.0, 6.0, 1.0]


@pytest.mark.parametrize(("outlet", "state"), [(None, True), ("Orrin TV", False)])
def test_an_articles_own_outlet_says_nothing_as_state_media(outlet, state) -> None:
    rows = article("It was wet, Orrin TV reported.", outlet=outlet)
    ((one,),) = resolved(rows, raw(rows, 0, "Orrin TV", "reported", "It was wet")).citations
    assert one.state_media is state


def test_what_is_carried_over_has_the_source_of_the_sentence_before() -> None:
    rows = article("“No,” said Bo Vale.", "“Never.”")
    first = raw(rows, 0, "Bo Vale", "said", "“No,”")
    found = resolved(rows, first, raw(rows, 1, None, None, "“Never.”"))
    (_, (one,)) = found.citations
    assert (text_of(rows, one.source), one.cue, one.name) == ("Bo Vale", None, "Bo Vale")
    assert found.raw[1][0].carried


SIGNALS = ("claim", "attributed", "vague_source", "government_attribution")
ROWS = article("It was wet, officials said.", "It is not.")


def logits(*attributed: float) -> np.ndarray:
    found = np.zeros((len(attributed), len(SIGNALS)), np.float32)
    found[:, 1] = attributed
    return found


def officials(*odds: float, **more: object) -> RawCitation:
    return raw(ROWS, 0, "officials", "said", "It was wet",
               kinds=np.array(odds or [0] * 5, np.float32), **more)  # fmt: skip


def line(features: Sequence[str], intercept: float = 0.0, **weights: float) -> tuple[float, ...]:
    given = {name.replace(" ", "_").replace(":", ""): 0.0 for name in features}
    assert weights.keys() <= given.keys()
    return (*{**given, **weights}.values(), intercept)


def shown(*found: RawCitation, scorer: CitationScorer = PLAIN) -> tuple[Citation, ...]:
    given = models.resolve_raw_citations([list(found), []], ROWS, REGISTRY)
    (first, second), _ = decide(scorer, given, ROWS, logits(0, 0), SIGNALS, [False, False])
    assert second == ()
    return first


@pytest.mark.parametrize(
    ("odds", "expected"),
    [
        ((0, 3, 1, 2, -2), (UNNAMED, True, False)),
        ((3, 0, 1, -2, 2), (NAMED, False, True)),
        ((0, 0, 3, -2, -2), (VAGUE, False, False)),
        # A government or state media is never nobody in particular.
        ((0, 0, 3, 2, -2), (UNNAMED, True, False)),
        ((0, 0, 3, -2, 2), (UNNAMED, False, True)),
    ],
)
def test_kinds_are_the_likeliest_of_three_and_two_on_top(odds, expected) -> None:
    (one,) = shown(officials(*odds))
    assert (one.kind, one.government, one.state_media) == expected
    assert (one.found_by, one.score, one.reasons) == ("transformer", 1.0, ())


def test_what_is_known_of_a_source_is_weighed_with_its_words_and_shown() -> None:
    lines = {kind: line(models.KIND_FEATURES, **{f"words_{kind}": 1.0}) for kind in KINDS}
    weights = {"words_unnamed": 1.0, "sentence_vague": 0.25, "known_unnamed": 5.0, "source": 0.5}
    lines["unnamed"] = line(models.KIND_FEATURES, 0.5, **weights)
    scorer = replace(PLAIN, kinds=Regressions(models.KIND_FEATURES, lines))
    (one,) = shown(officials(0, 1, 3, -2, -2), scorer=scorer)
    assert one.kind is UNNAMED
    assert dict(one.reasons) == {"words": 1.0, "sentence": 0.0, "known": 5.0, "source": 0.5}


def test_what_is_less_likely_than_the_threshold_is_not_shown() -> None:
    weights = {"right": line(models.CITATION_FEATURES, -1.0, linked=1.0)}
    scorer = replace(PLAIN, citation=Regressions(models.CITATION_FEATURES, weights), threshold=0.6)
    two = [officials(linked=0.9), officials(linked=0.6)]
    chances = sigmoid(np.log([9.0, 1.5]) - 1.0).tolist()
    assert [one.score for one in shown(*two, scorer=scorer)] == pytest.approx(chances[:1], abs=1e-4)
    lower = replace(scorer, threshold=chances[1] - 1e-6)
    assert [one.score for one in shown(*two, scorer=lower)] == pytest.approx(chances, abs=1e-4)


def test_signals_are_decided_and_the_others_stay_what_they_are() -> None:
    lines = {
        "attributed": line(models.SENTENCE_FEATURES, -1.0, vote=0.5, cited=4.0),
        "government_attribution": line(models.SENTENCE_FEATURES, names_state_media=2.0, vote=1.0),
        "quoted": line(models.SENTENCE_FEATURES, vote=1.0),  # of which there is no column
    }
    scorer = replace(PLAIN, signals=Regressions(models.SENTENCE_FEATURES, lines))
    votes = logits(2.0, 2.0)
    given = models.resolve_raw_citations([[officials()], []], ROWS, REGISTRY)
    _, found = decide(scorer, given, ROWS, votes, SIGNALS, [False, True])
    np.testing.assert_allclose(found[:, 1], [0.5 * 2 + 4 - 1, 0.5 * 2 - 1])
    np.testing.assert_allclose(found[:, 3], [0.0, 2.0])
    np.testing.assert_array_equal(found[:, [0, 2]], votes[:, [0, 2]])
    np.testing.assert_array_equal(votes, logits(2.0, 2.0))
    nothing = decide(PLAIN, models.ResolvedCitations((), ()), [], logits(), SIGNALS, [])
    assert (nothing[0], nothing[1].shape) == ((), (0, len(SIGNALS)))


def test_the_share_in_quotation_marks_counts_letters() -> None:
    text = "He said: “No, no.” Ah"
    sentence = Sentence(text, 0, len(text), "a", 0, quoted=((9, 18),))
    spans = [(0, len(text))], [(9, 18)], [(7, 9)], []
    assert [quoted_share(one, sentence) for one in spans] == pytest.approx([4 / 12, 1, 0, 0])


LABEL = Citation(Place(0, 4), Place(4, 5), (Place(6, 20),), NAMED, found_by="speaker label")
FOUND = Citation(Place(10, 12), Place(13, 15), (Place(16, 20),), NAMED, found_by="transformer")


@pytest.mark.parametrize(
    ("rules", "found", "expected"),
    [
        ((), (FOUND,), (FOUND,)),
        # Under a label the speaker comes first, then who is cited by words of the sentence's own.
        ((LABEL,), (), (LABEL,)),
        ((LABEL,), (FOUND,), (LABEL, FOUND)),
        ((LABEL,), (replace(FOUND, cue=None),), (LABEL,)),
        ((LABEL,), (replace(FOUND, source=None),), (LABEL,)),
        ((LABEL,), (replace(FOUND, source=LABEL.source),), (LABEL,)),
    ],
)
def test_what_the_form_says_is_added_to_what_was_found(rules, found, expected) -> None:
    one = Sentence("Rina Voss: We will rebuild it, she says.", 0, 40, "a", 0, citations=rules)
    other = replace(one, article_id="b", citations=())
    assert with_rules([one, other], [found, (FOUND,)]) == (expected, (FOUND,))


def test_a_quotation_that_runs_on_is_its_speakers() -> None:
    tag = 'Rina Voss said: "We will rebuild the old bridge here.'
    first = Sentence(tag, 0, len(tag), "a", 0, quoted=((16, len(tag)),))
    words = 'And it will stand for a hundred years."'
    start, end = len(tag) + 1, len(tag) + 1 + len(words)
    then = Sentence(words, start, end, "a", 1, quoted=((0, len(words)),))
    said = replace(FOUND, source=Place(0, 9), cue=Place(10, 14), content=(Place(16, len(tag)),))
    carried = replace(said, cue=None, content=(Place(start, end),), score=None,
                      found_by="running quotation")  # fmt: skip
    assert with_rules([first, then], [(said,), ()]) == ((said,), (carried,))
    nobody = replace(carried, source=None, cue=Place(start + 4, start + 8))  # within the quotation
    assert with_rules([first, then], [(said,), (nobody,)]) == ((said,), ())
    # In another article nobody goes on.
    assert with_rules([first, replace(then, article_id="b")], [(said,), ()]) == ((said,), ())


def filled(features: Sequence[str], *outputs: str) -> Regressions:
    weights = tuple(float(n) for n in range(len(features) + 1))
    return Regressions(tuple(features), dict.fromkeys(outputs, weights))


FITTED = CitationScorer(
    filled(models.CITATION_FEATURES, "right"),
    filled(models.KIND_FEATURES, *KINDS),
    filled(models.SENTENCE_FEATURES, "attributed", "quoted"),
    0.25,
)


@pytest.mark.parametrize("part", ["citation", "kinds", "signals"])
def test_a_record_is_read_back_and_one_of_other_features_is_refused(part) -> None:
    record = json.loads(json.dumps(FITTED.to_record()))
    assert CitationScorer.from_record(record) == FITTED
    renamed, short = json.loads(json.dumps([record, record]))
    renamed[part]["features"][0] = "grammar"
    for weights in short[part]["weights"].values():
        weights.pop()
    for other in (renamed, short):
        with pytest.raises(ValueError, match="of other features"):
            CitationScorer.from_record(other)


def test_spans_are_read_off_tags() -> None:
    expected = {"OOO": [], "OBIIO": [(1, 4)], "BIBI": [(0, 2), (2, 4)], "OIIOB": [(1, 3), (4, 5)]}
    assert {tags: runs(["BIO".index(tag) for tag in tags]) for tags in expected} == expected


def test_of_two_sources_and_cues_each_content_finds_its_own() -> None:
    passage = Passage("Orr said yes but Vale wrote no", "It rained")
    spans = [passage.tag("source", 0, name) for name in ("Orr", "Vale")]
    cues = [passage.tag("cue", 0, name) for name in ("said", "wrote")]
    contents = [passage.tag("content", 0, name) for name in ("yes", "no")]
    for content, source, cue in zip(contents, spans, cues, strict=True):
        passage.link("source", content, source)
        passage.link("cue", content, cue)
        passage.kind("source", source, "named")
    found, nothing = passage.read()
    assert [[passage.words(w) for w in (one.source, one.cue, *one.content)] for one in found] == [
        ["Orr", "said", "yes"], ["Vale", "wrote", "no"],
    ]  # fmt: skip
    assert nothing == []
    assert {KINDS[int(one.kinds.argmax())] for one in found} == {"named"}
    assert min(min(one.marked, one.linked, one.cued) for one in found) > 0.9


def test_a_source_may_stand_in_another_sentence_and_a_cue_may_not() -> None:
    passage = Passage("No said Orr", "Never")
    source, cue = passage.tag("source", 0, "Orr"), passage.tag("cue", 0, "said")
    content = passage.tag("content", 1, "Never")
    passage.link("source", content, source)
    passage.link("cue", content, cue)
    _, (one,) = passage.read()
    assert passage.words(one.source) == "Orr"
    assert one.cue is None


def test_pieces_with_one_cue_are_one_content() -> None:
    passage = Passage("No Orr said never again")
    source, cue = passage.tag("source", 0, "Orr"), passage.tag("cue", 0, "said")
    pieces = [passage.tag("content", 0, words) for words in ("No", "never again")]
    for piece in pieces:
        passage.link("source", piece, source)
        passage.link("cue", piece, cue)
    ((one,),) = passage.read()
    assert [passage.words(w) for w in one.content] == ["No", "never again"]


def test_a_content_within_another_has_a_source_of_its_own() -> None:
    passage = Passage("Orr said the mill denied it")
    outer = passage.tag("content", 0, "the mill denied it")
    inner = passage.tag("nested", 0, "it")
    speaker, mill = passage.tag("source", 0, "Orr"), passage.tag("source", 0, "the mill")
    passage.link("source", outer, speaker)
    passage.link("source", inner, mill)
    (found,) = passage.read()
    assert [passage.words(one.source) for one in found] == ["Orr", "the mill"]
    assert [one.nested for one in found] == [False, True]


@pytest.mark.parametrize(
    ("who", "name"), [("Bo Vale", "Bo Vale"), ("Ty Orr", "Ty Orr"), (None, "He")]
)
def test_a_pronoun_is_whom_the_encoder_links_it_to_and_its_name_follows(who, name) -> None:
    passage = Passage("Bo Vale and Ty Orr came", "He said so")
    source = passage.tag("source", 1, "He")
    passage.link("source", passage.tag("content", 1, "so"), source)
    passage.link("antecedent", source, who and passage.span(0, who))
    outputs = PassageOutputs(passage.places, passage.roles, passage.links, passage.kinds)
    links = list(outputs.speaker_links(passage.tokens).values())
    line = tuple(float(feature == "link") for feature in (*models.FEATURES, *models.NOBODY))
    scorer = models.SpeakerScorer(*(dict.fromkeys(models.CLASSES, one) for one in (line, 0.9)))
    found = models.resolve_raw_citations(passage.read(), passage.rows, REGISTRY, links, scorer)
    (one,) = found.citations[1]
    assert one.name == name
    assert text_of(passage.rows, one.antecedent) == who


def test_a_slip_of_the_tagger_does_not_cut_a_content_and_a_source_does() -> None:
    passage = Passage("all the old and the new said Orr are lost")
    for words in ("all the", "and the new", "are lost"):
        passage.tag("content", 0, words)
    passage.tag("cue", 0, "said")
    passage.tag("source", 0, "Orr")
    (found,) = passage.read()
    contents = [passage.words(w) for one in found for w in one.content]
    assert contents == ["all the old and the new", "are lost"]


def test_spans_are_widened_to_whole_words() -> None:
    rows = sentences("unbelievable news")
    tokens = [models.Tokens([7, 7, 7], [(0, 2), (2, 12), (13, 17)])]
    roles = np.zeros((5, models.ROLE_COLUMNS), np.float32)
    roles[:, models.TAGS.index("outside") :: len(models.TAGS)] = SURE
    roles[2, models.ROLES.index("content") * len(models.TAGS)] = 2 * SURE
    columns = (models.LINK_COLUMNS, models.KIND_COLUMNS)
    empty = (np.zeros((5, count), np.float32) for count in columns)
    reader = PassageReader(PassageOutputs([(0, 1, 4)], roles, *empty), tokens, rows)
    ((_, (one,)),) = reader.read()
    assert one.content == (RowSpan(0, 0, 12),)
