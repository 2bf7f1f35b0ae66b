"""Who says what, compared with the annotators: counts that can be worked out by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import toys
from framescope.classifier.bundles import load
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Citation, MarkedCitation, Place, Sentence, SourceKind
from framescope.classifier.records.article import Speaker, SpeakerType
from framescope.eval.rows import Evaluation
from framescope.eval.studies import sourcing
from framescope.eval.studies.sourcing import MEASURES, NAMES, SHARES, JudgedArticle
from framescope.training.data import Examples, Mark, RowCitation
from harness import bundle

NAMED, UNNAMED, VAGUE = SourceKind.NAMED, SourceKind.UNNAMED, SourceKind.VAGUE


def place(text: str, words: str | None) -> Place | None:
    """Where words stand in a text, the first time."""
    return None if words is None else Place(text.index(words), text.index(words) + len(words))


def cited(text: str, source, cue, *content, kind=NAMED, antecedent=None, **more) -> Citation:
    """A citation by its words."""
    places = tuple(place(text, piece) for piece in content)
    return Citation(
        place(text, source), place(text, cue), places, kind,
        antecedent=place(text, antecedent), **more,
    )  # fmt: skip


def marked(one: Citation) -> MarkedCitation:
    fields = ("source", "cue", "content", "kind", "government", "state_media", "antecedent")
    return MarkedCitation(*(getattr(one, name) for name in fields))


def article(text: str, *rows: tuple[Sequence, Sequence], id: str = "a", **more) -> JudgedArticle:
    """An article; each row has the citations that are marked, and those that are found."""
    given = {"corpus": "house", "part": "test", "outlet": "", **more}
    sentences = tuple((tuple(map(marked, one)), tuple(other)) for one, other in rows)
    return JudgedArticle(id, text=text, sentences=sentences, **given)


def counts(*given: JudgedArticle) -> dict[str, list[int]]:
    """Right, found and marked, by measure."""
    total = sum(sourcing.tally(one) for one in given)
    return dict(zip((*MEASURES, *SHARES), total.tolist(), strict=True))


TWO = "Orr said the port was lost and Vale claimed the mill was sold."
ORR = cited(TWO, "Orr", "said", "the port was lost")
VALE = cited(TWO, "Vale", "claimed", "the mill was sold", kind=UNNAMED, government=True)


NESTED = "Orr said the ministry had denied the plan."
OUTER = cited(NESTED, "Orr", "said", "the ministry had denied the plan")
INNER = cited(NESTED, "the ministry", "had denied", "the plan")
CHAIN = "ASA, citing the ministry, reported a flood."
ASA = cited(CHAIN, "ASA", "reported", "a flood")
MINISTRY = cited(CHAIN, "the ministry", "citing", "a flood")
CARRIED = "Tom Orr spoke. Then Vale came. He said the port was lost."
HE = cited(CARRIED, "He", "said", "the port was lost", antecedent="Tom Orr")
NOBODY = replace(HE, source=None, antecedent=None)
EDGES = 'Bridge "is safe," Orr: it holds'

# Right, found and marked, of a text's marked and found citations.
CASES = {
    "what is marked itself": (TWO, [ORR, VALE], [VALE, ORR], {
        "sentences": [1, 1, 1], "source, characters": [7, 7, 7], "cue, exact": [2, 2, 2],
        "content, overlap": [2, 2, 2], "citations": [2, 2, 2], "links": [2, 2, 2],
        "kind": [2, 2, 2], "named": [1, 1, 1], "government": [1, 1, 1], "vague": [0, 0, 0],
    }),
    "a swapped link costs both citations and no span": (
        TWO, [ORR, VALE], [replace(ORR, source=VALE.source), replace(VALE, source=ORR.source)], {
            "source, exact": [2, 2, 2], "content, overlap": [2, 2, 2], "links": [0, 2, 2],
            "links, resolved": [0, 2, 2], "citations": [0, 2, 2], "kind": [0, 0, 0],
        }),
    "a nested citation that is missed costs recall alone": (NESTED, [OUTER, INNER], [OUTER], {
        "citations": [1, 1, 2], "content, exact": [1, 1, 2], "content, characters": [32, 32, 32],
        "links": [1, 1, 1],
    }),
    "a chain is told apart by its sources": (CHAIN, [ASA, MINISTRY], [MINISTRY, ASA], {
        "links": [2, 2, 2], "citations": [2, 2, 2], "content, exact": [1, 1, 1],
    }),
    "a wrong kind is found and not right": (TWO, [ORR, VALE], [replace(ORR, kind=VAGUE), VALE], {
        "kind": [1, 2, 2], "named": [0, 0, 1], "vague": [0, 1, 0], "citations": [2, 2, 2],
        "named found as vague": [1, 1, 1], "unnamed found as unnamed": [1, 1, 1],
        "named found as named": [0, 1, 1], "named found as not found": [0, 1, 1],
    }),
    "kinds that nobody marked count neither way": (TWO, [replace(ORR, kind=None)], [ORR, VALE], {
        "kind": [0, 0, 0], "named": [0, 0, 0], "unnamed": [0, 1, 0],
    }),
    "a source elsewhere is the same by the words that name it": (
        CARRIED, [HE], [replace(HE, source=HE.antecedent, antecedent=None)], {
            "links": [0, 1, 1], "citations": [0, 1, 1], "links, resolved": [1, 1, 1],
            "citations, resolved": [1, 1, 1],
        }),
    "no source is the same as no source": (CARRIED, [NOBODY], [NOBODY], {"citations": [1, 1, 1]}),
    "and as no other": (CARRIED, [NOBODY], [HE], {"citations, resolved": [0, 1, 1]}),
    "marks and punctuation at the edges make no difference": (
        EDGES, [cited(EDGES, "Orr", ":", '"is safe,"')], [cited(EDGES, "Orr: ", ": ", "is safe")], {
            "source, exact": [1, 1, 1], "content, exact": [1, 1, 1],
            "cue, exact": [1, 1, 1],  # a colon alone is no edge of anything
            "source, characters": [3, 5, 3],
        }),
    "a span is matched once": (
        TWO, [replace(ORR, source=Place(0, 7))],
        [replace(ORR, source=Place(0, 7)), replace(VALE, source=Place(0, 5))],
        {"source, overlap": [1, 2, 1]}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_citations_are_counted_by_hand(case):
    text, given, others, expected = CASES[case]
    found = counts(article(text, (given, others)))
    assert {name: found[name] for name in expected} == expected


SPOKE = "An aide wept. Mayor Tom J. Orr's wife left the Bank of Vesk. He said it was lost. ASA!"
PERSON, BODY = SpeakerType.PERSON, SpeakerType.BODY


@pytest.mark.parametrize(
    ("speaker", "kind", "shown", "how"),
    [("Tom J. Orr", PERSON, "Tom Orr", 0), ("Tom J. Orr", PERSON, "Mayor Tom J. Orr", 0),
     ("Tom J. Orr", PERSON, "Orr", 1), ("Tom J. Orr", PERSON, "he", 1), ("Orr", PERSON, "Orr", 0),
     ("Tom J. Orr", PERSON, "Ann Orr", 2), ("Tom J. Orr", PERSON, "Tom J. Orr's wife", 2),
     ("Bank of Vesk", BODY, "the Bank of Vesk", 0), ("Bank of Vesk", BODY, "bank", 1),
     ("Bank of Vesk", BODY, "Tom J. Orr", 2), (None, PERSON, "He", 0), (None, PERSON, "aide", 0),
     (None, PERSON, "Tom Orr", 2), ("ASA", BODY, "He", 0), ("ASA", BODY, "ASA", 0),
     ("ASA", BODY, "Orr", 2)],
)  # fmt: skip
def test_a_name_is_the_speakers_or_as_it_stands_or_somebody_elses(speaker, kind, shown, how):
    one = cited(SPOKE, "He", "said", "it was lost", antecedent="An aide", name=shown)
    told = replace(marked(one), speaker=Speaker(place(SPOKE, speaker), kind))
    given = JudgedArticle("a", "house", "test", "", SPOKE, (((told,), (one,)),))
    expected = [[int(at == how), 1, 1] for at in range(3)]
    assert [counts(given)[name] for name in NAMES] == [*expected, *expected]


@pytest.mark.parametrize(
    ("name", "group"),
    [("Tehran Times", "state-controlled"), ("BBC News", "other, not US"), ("usa-today", "US"),
     ("New York Times (Online News)", "US"), ("", "unknown"), ("Orvel Post", "unknown")],
)  # fmt: skip
def test_outlets_are_state_controlled_abroad_or_us(name, group):
    assert sourcing.outlet_group(name, load_registry()) == group


def test_articles_are_counted_in_every_group_they_belong_to():
    given = [
        article(TWO, ([ORR], [ORR]), id="house/1"),
        article(TWO, ([ORR], [ORR]), id="standoff/1", corpus="standoff", outlet="IRNA"),
        article(TWO, ([ORR], [ORR]), id="standoff/2", corpus="standoff", part="unseen_outlet"),
        article(TWO, ([ORR], [ORR]), id="polnear/1", corpus="polnear"),
    ]
    groups = sourcing.groups_of(given, {"house/1": "opinion"}, load_registry())
    assert [(name, len(own)) for name, own in groups.items()] == [
        ("all", 3), ("test", 2), ("unseen_outlet", 1),
        ("house", 1), ("house, test", 1),
        ("standoff", 2), ("standoff, test", 1), ("standoff, unseen_outlet", 1),
        ("polnear", 1), ("polnear, test", 1),
        ("state-controlled", 1), ("unknown", 1),
        ("house: opinion", 1), ("standoff: not given", 2),
    ]  # fmt: skip


def test_kinds_of_text_are_read_where_they_are_given(monkeypatch, tmp_path):
    genres = {"a": "op_ed", "b": "interview", "c": "sports"}
    house = [{"id": name, "genre": genre} for name, genre in genres.items()]
    house += [{"id": "d", "genre": "press_review", "republications": [{"start": 0}]}, {"id": "e"}]
    plain = {"collection": "ptc", "digest": "", "sentences": [{}]}
    real = [plain | {"article": "1", "genre": "live_blog"}, plain | {"article": "2"}]
    for name, records in (("articles/x.jsonl", house), ("standoff/labels.jsonl", real)):
        (tmp_path / name).parent.mkdir()
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / name).write_text(lines, encoding="utf-8")
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path))
    kinds = {"a": "opinion", "b": "transcript", "c": "news", "d": "translated"}
    found = sourcing.kinds_of_text(["house", "polnear"])
    assert found == {f"house/{name}": kind for name, kind in kinds.items()}
    assert sourcing.kinds_of_text(["standoff"]) == {"standoff/ptc/1": "live blog"}
    assert sourcing.kinds_of_text(["polnear"]) == {}


SAID = "Orr said the port was lost."
RAIN = "Rain fell at noon."


def rows() -> Examples:
    """Articles of two sentences: the first cites Orr, the second is carried over from it."""
    sentences, citations = [], []
    kept = RowCitation(Mark(0, 0, 3), Mark(0, 4, 8), (Mark(0, 9, 26),), NAMED, False, False, None)
    orr = Speaker(Mark(0, 0, 3), PERSON)
    on = RowCitation(Mark(0, 0, 3), None, (Mark(1, 0, 17),), NAMED, False, False, None, orr)
    tagged = Citation(Place(0, 3), Place(4, 8), (Place(9, 26),), NAMED)
    carried = Citation(Place(0, 3), None, (Place(28, 45),), NAMED, name="Orr")
    for name in (f"house/{number}" for number in range(6)):
        sentences += [
            Sentence(SAID, 0, 27, name, 0, citations=(tagged,)),
            Sentence(RAIN, 28, 46, name, 1, citations=(carried,)),
        ]
        citations += [(kept,), (on,) if citations else None]
    labels, more = np.zeros((len(sentences), 1)), {"corpus": "house", "part": "test"}
    return toys.rows_of(sentences, labels, ("claim",), citations=tuple(citations), **more)


def test_what_is_found_as_it_is_marked_is_right():
    def predict(sentences):
        return SimpleNamespace(citations=tuple(sentence.citations for sentence in sentences))

    tagger = SimpleNamespace(signals=("claim",), predict=predict)
    made = replace(bundle("tagger", ["claim"]), model=tagger)
    evaluation = Evaluation((made,), rows(), "as made up", ("test",), draws=100)
    found = sourcing.section(evaluation)
    cells = {(row[0], row[2]): row for row in found.tables[0].rows}
    # Of the first article one sentence is not annotated.
    _, articles, _, n, precision, recall, f1 = cells["all", "citations"]
    assert (articles, n, precision, recall) == (6, 11, 1.0, 1.0)
    assert (f1.value, f1.low, f1.high) == (1.0, 1.0, 1.0)
    assert cells["house", "citations"][3] == 11
    assert "found by tagger" in found.note
    assert [row[2:4] for row in found.tables[0].rows[:4:3]] == [(NAMES[0], 5), (NAMES[3], 0)]
    assert cells["house", NAMES[0]][-1].value == 1.0
    assert sourcing.section(replace(evaluation, parts=("unseen_outlet",))) is None


def test_ambiguous_pronouns_are_judged_by_both_names(tmp_path) -> None:
    text = "Ada Quill met Eva Orr. Quill said she was late."
    columns = "ID\tText\tPronoun\tPronoun-offset\tA\tA-offset\tA-coref\tB\tB-offset\tB-coref"
    line = f"1\t{text}\tshe\t{text.index('she')}\tAda Quill\t0\tTRUE\tEva Orr\t14\tFALSE"
    (tmp_path / "gap").mkdir()
    (tmp_path / "gap" / "gap-validation.tsv").write_text(f"{columns}\n{line}\n")
    shipped = load("transformer")
    found = sourcing.of_pronouns(shipped, tmp_path, 0, 0)
    assert found is not None
    assert [row[:2] for row in found.rows] == [("all", 1), ("feminine", 1)]
    assert found.rows[0][3] == found.rows[1][3]
    assert found.rows[0][3].value in (0.0, 1.0)
    assert sourcing.of_pronouns(shipped, tmp_path / "none", 0, 0) is None
