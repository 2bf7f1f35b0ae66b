"""Who says what, compared with the annotators: counts that can be worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.classifier.bundles import Bundle
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Citation, MarkedCitation, Place, Sentence, SourceKind
from framescope.eval.rows import Evaluation
from framescope.eval.studies import sourcing
from framescope.eval.studies.sourcing import (
    MEASURES,
    SHARES,
    JudgedArticle,
    JudgedSentence,
    extractions,
    groups_of,
    kinds_of_text,
    outlet_group,
    overlap,
    shared,
    tally,
)
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
    sentences = tuple(JudgedSentence(tuple(map(marked, one)), tuple(other)) for one, other in rows)
    return JudgedArticle(id, text=text, sentences=sentences, **given)


def counts(*given: JudgedArticle) -> dict[str, list[int]]:
    """Right, found and marked, by measure."""
    total = sum(tally(one) for one in given)
    return dict(zip((*MEASURES, *SHARES), total.tolist(), strict=True))


# --- one sentence ---------------------------------------------------------------------------------

TWO = "Orr said the port was lost and Vale claimed the mill was sold."
ORR = cited(TWO, "Orr", "said", "the port was lost")
VALE = cited(TWO, "Vale", "claimed", "the mill was sold", kind=UNNAMED, government=True)


def test_what_is_marked_itself_is_right_in_everything():
    found = counts(article(TWO, ([ORR, VALE], [VALE, ORR])))
    assert found["sentences"] == [1, 1, 1]
    assert found["source, characters"] == [7, 7, 7]
    assert found["cue, exact"] == found["content, overlap"] == found["citations"] == [2, 2, 2]
    assert found["named"] == found["unnamed"] == found["government"] == [1, 1, 1]
    assert found["links"] == found["kind"] == [2, 2, 2]
    assert found["vague"] == found["antecedents"] == [0, 0, 0]
    alone = np.stack([tally(article(TWO, ([ORR], [ORR])))])
    for measure, figure in extractions(alone, draws=0, seed=0).items():
        if "found as" in measure:
            continue
        values = {figure.precision.value, figure.recall.value, figure.f1.value}
        assert values == {1.0} or (not figure.n and all(map(math.isnan, values))), measure


def test_a_swapped_link_costs_both_citations_and_no_span():
    swapped = [
        replace(ORR, source=VALE.source),
        replace(VALE, source=ORR.source),
    ]
    found = counts(article(TWO, ([ORR, VALE], swapped)))
    for role in ("source", "cue", "content"):
        assert found[f"{role}, exact"] == found[f"{role}, overlap"] == [2, 2, 2]
    assert found["links"] == found["links, resolved"] == [0, 2, 2]
    assert found["citations"] == found["citations, resolved"] == [0, 2, 2]
    assert found["kind"] == [0, 0, 0]


NESTED = "Orr said the ministry had denied the plan."
OUTER = cited(NESTED, "Orr", "said", "the ministry had denied the plan")
INNER = cited(NESTED, "the ministry", "had denied", "the plan")


def test_a_nested_citation_that_is_missed_costs_recall_alone():
    found = counts(article(NESTED, ([OUTER, INNER], [OUTER])))
    assert found["citations"] == [1, 1, 2]
    assert found["content, exact"] == found["content, overlap"] == [1, 1, 2]
    assert found["content, characters"] == [32, 32, 32]
    assert found["links"] == [1, 1, 1]


def test_the_words_of_a_nested_one_with_the_wrong_source_are_not_it():
    wrong = replace(INNER, source=OUTER.source)
    found = counts(article(NESTED, ([OUTER, INNER], [OUTER, wrong])))
    assert found["citations"] == [1, 2, 2]
    assert found["links"] == [1, 2, 2]


def test_one_that_is_found_stands_for_one_that_is_marked():
    whole = replace(ORR, content=(Place(0, len(TWO)),))
    more = replace(VALE, source=ORR.source)
    assert counts(article(TWO, ([ORR, more], [whole])))["citations"] == [1, 1, 2]


def test_a_chain_is_told_apart_by_its_sources():
    text = "ASA, citing the ministry, reported a flood."
    chain = [
        cited(text, "ASA", "reported", "a flood"),
        cited(text, "the ministry", "citing", "a flood"),
    ]
    found = counts(article(text, (chain, chain[::-1])))
    assert found["links"] == found["citations"] == [2, 2, 2]
    assert found["content, exact"] == [1, 1, 1]


def test_a_wrong_kind_is_found_and_not_right():
    found = counts(article(TWO, ([ORR, VALE], [replace(ORR, kind=VAGUE), VALE])))
    assert found["kind"] == [1, 2, 2]
    assert found["named"] == [0, 0, 1]
    assert found["vague"] == [0, 1, 0]
    assert found["citations"] == [2, 2, 2]
    assert found["named found as vague"] == found["unnamed found as unnamed"] == [1, 1, 1]
    assert found["named found as named"] == found["named found as not found"] == [0, 1, 1]


def test_kinds_that_nobody_marked_count_neither_way():
    found = counts(article(TWO, ([replace(ORR, kind=None)], [ORR, VALE])))
    assert found["kind"] == found["named"] == [0, 0, 0]
    assert found["unnamed"] == [0, 1, 0]  # nothing is marked that it could be


def test_what_is_found_where_nothing_is_marked_costs_precision():
    found = counts(article(TWO, ([], [ORR])))
    assert found["sentences"] == found["citations"] == [0, 1, 0]


# --- a source elsewhere ---------------------------------------------------------------------------

CARRIED = "Tom Orr spoke. Then Vale came. He said the port was lost."
HE = cited(CARRIED, "He", "said", "the port was lost", antecedent="Tom Orr")


def test_a_source_elsewhere_is_the_same_by_the_words_that_name_it():
    named = replace(HE, source=HE.antecedent, antecedent=None)
    found = counts(article(CARRIED, ([], []), ([HE], [named])))
    assert found["links"] == found["citations"] == [0, 1, 1]
    assert found["links, resolved"] == found["citations, resolved"] == [1, 1, 1]
    assert found["antecedents"] == [0, 1, 1]  # nothing says that these words are a name


@pytest.mark.parametrize(
    ("name", "right"),
    [("Orr", 1), ("Mayor Tom Orr", 1), ("Vale", 0), ("He", 0), ("", 0), ("om Or", 0)],
)
def test_a_name_stands_for_an_antecedent(name, right):
    found = counts(article(CARRIED, ([HE], [replace(HE, antecedent=None, name=name)])))
    assert found["antecedents"] == found["antecedents, of those found"] == [right, 1, 1]


def test_an_antecedent_of_what_is_not_found_is_missed():
    wrong = replace(HE, antecedent=place(CARRIED, "Vale"), name="Vale")
    both = counts(article(CARRIED, ([HE], [wrong])), article(CARRIED, ([HE], [])))
    assert both["antecedents"] == [0, 2, 2]
    assert both["antecedents, of those found"] == [0, 1, 1]


def test_no_source_is_the_same_as_no_source_only():
    none = replace(HE, source=None, antecedent=None)
    assert counts(article(CARRIED, ([none], [none])))["citations"] == [1, 1, 1]
    assert counts(article(CARRIED, ([none], [HE])))["citations, resolved"] == [0, 1, 1]


# --- spans ----------------------------------------------------------------------------------------


def test_spans_overlap_from_half_of_the_longer_one():
    ten = (Place(0, 10),)
    assert overlap(ten, (Place(5, 10),)) == 0.5
    assert overlap(ten, (Place(6, 10),)) == 0
    assert overlap(ten, (Place(0, 4), Place(8, 12))) == 0.6
    assert shared(ten, ten) == 10


def test_marks_and_punctuation_at_the_edges_make_no_difference():
    text = 'Bridge "is safe," Orr: it holds'
    marked = cited(text, "Orr", ":", '"is safe,"')
    found = cited(text, "Orr: ", ": ", "is safe")
    got = counts(article(text, ([marked], [found])))
    assert got["source, exact"] == got["content, exact"] == [1, 1, 1]
    assert got["cue, exact"] == [1, 1, 1]  # a colon alone is no edge of anything
    assert got["source, characters"] == [3, 5, 3]


def test_a_span_is_matched_once():
    whole = replace(ORR, source=Place(0, 7))
    part = replace(VALE, source=Place(0, 5))
    found = counts(article(TWO, ([whole], [whole, part])))
    assert found["source, overlap"] == [1, 2, 1]


# --- intervals ------------------------------------------------------------------------------------


def test_intervals_hold_the_value_and_resample_articles():
    right, wrong = article(TWO, ([ORR], [ORR])), article(TWO, ([ORR], [VALE]))
    tallies = np.stack([tally(one) for one in [right] * 6 + [wrong] * 4])
    found = extractions(tallies, draws=500, seed=3)
    one = found["citations"]
    assert (one.n, one.precision.value, one.recall.value, one.f1.value) == (10, 0.6, 0.6, 0.6)
    assert 0.1 < one.recall.low < 0.6 < one.recall.high < 1
    assert found["citations"] == extractions(tallies, draws=500, seed=3)["citations"]
    assert found["citations"] != extractions(tallies, draws=500, seed=4)["citations"]
    few = extractions(tallies[:4], draws=500, seed=3)["citations"]
    assert few.f1.value == 1
    assert math.isnan(few.f1.low)


# --- groups ---------------------------------------------------------------------------------------


def test_outlets_are_state_controlled_abroad_or_us():
    registry = load_registry()
    names = (
        "Tehran Times",
        "BBC News",
        "usa-today",
        "New York Times (Online News)",
        "",
        "Orvel Post",
    )
    groups = [outlet_group(name, registry) for name in names]
    assert groups == ["state-controlled", "other, not US", "US", "US", "unknown", "unknown"]


def test_articles_are_counted_in_every_group_they_belong_to():
    given = [
        article(TWO, ([ORR], [ORR]), id="house/1"),
        article(TWO, ([ORR], [ORR]), id="standoff/1", corpus="standoff", outlet="IRNA"),
        article(TWO, ([ORR], [ORR]), id="standoff/2", corpus="standoff", part="unseen_outlet"),
        article(TWO, ([ORR], [ORR]), id="polnear/1", corpus="polnear"),
    ]
    groups = groups_of(given, {"house/1": "opinion"}, load_registry())
    assert [(name, len(own)) for name, own in groups.items()] == [
        ("all", 3), ("test", 2), ("unseen_outlet", 1),
        ("house", 1), ("house, test", 1),
        ("standoff", 2), ("standoff, test", 1), ("standoff, unseen_outlet", 1),
        ("polnear", 1), ("polnear, test", 1),
        ("state-controlled", 1), ("unknown", 1),
        ("house: opinion", 1), ("standoff: not given", 2),
    ]  # fmt: skip


def test_kinds_of_text_are_read_where_they_are_given(monkeypatch, tmp_path):
    house = [
        {"id": "a", "genre": "op_ed"},
        {"id": "b", "genre": "interview"},
        {"id": "c", "genre": "sports"},
        {"id": "d", "genre": "press_review", "republications": [{"start": 0}]},
        {"id": "e"},
    ]
    real = [
        {
            "collection": "ptc",
            "article": "1",
            "digest": "",
            "sentences": [{}],
            "genre": "live_blog",
        },
        {"collection": "ptc", "article": "2", "digest": "", "sentences": [{}]},
    ]
    for name, records in (("articles/x.jsonl", house), ("standoff/labels.jsonl", real)):
        (tmp_path / name).parent.mkdir()
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / name).write_text(lines, encoding="utf-8")
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path))
    kinds = {"house/a": "opinion", "house/b": "transcript", "house/c": "news"}
    kinds["house/d"] = "translated"
    assert kinds_of_text(["house", "polnear"]) == kinds
    assert kinds_of_text(["standoff"]) == {"standoff/ptc/1": "live blog"}
    assert kinds_of_text(["polnear"]) == {}


# --- the section ----------------------------------------------------------------------------------

SAID = "Orr said the port was lost."
RAIN = "Rain fell at noon."


def rows(articles: int = 6, corpus: str = "house") -> Examples:
    """Articles of two sentences: the first cites Orr, the second is carried over from it."""
    sentences, citations = [], []
    kept = RowCitation(Mark(0, 0, 3), Mark(0, 4, 8), (Mark(0, 9, 26),), NAMED, False, False, None)
    on = RowCitation(Mark(0, 0, 3), None, (Mark(1, 0, 17),), NAMED, False, False, None)
    for number in range(articles):
        name = f"{corpus}/{number}"
        tagged = Citation(Place(0, 3), Place(4, 8), (Place(9, 26),), NAMED)
        carried = Citation(Place(0, 3), None, (Place(28, 45),), NAMED, name="Orr")
        sentences += [
            Sentence(SAID, 0, 27, name, 0, citations=(tagged,)),
            Sentence(RAIN, 28, 46, name, 1, citations=(carried,)),
        ]
        citations += [(kept,), (on,) if number else None]
    n = len(sentences)
    names = np.array([one.article_id for one in sentences])
    return Examples(
        sentences=tuple(sentences),
        labels=np.zeros((n, 1), np.float32),
        signals=("claim",),
        spans=((),) * n,
        citations=tuple(citations),
        corpus=np.array([corpus] * n),
        article=names,
        outlet=np.array([""] * n),
        group=names,
        part=np.array(["test"] * n, dtype="<U13"),
    )


def model(answer, name: str = "tagger") -> Bundle:
    """A bundle whose model says of sentences what `answer` does, and keeps what it was asked."""
    asked: list[Sequence[Sentence]] = []

    def predict(sentences):
        asked.append(sentences)
        return answer(sentences)

    made = replace(
        bundle(name, ["claim"]), model=SimpleNamespace(signals=("claim",), predict=predict)
    )
    made.model.asked = asked
    return made


def given(sentences):
    return SimpleNamespace(citations=tuple(sentence.citations for sentence in sentences))


def nobody(sentences):
    return SimpleNamespace(citations=((),) * len(sentences))


def judged(answer, **more) -> tuple[dict[tuple[str, str], tuple], str]:
    """The rows of the section's table by group and measure, and the note."""
    found = sourcing.section(judged_by(answer, **more))
    return {(row[0], row[2]): row for row in found.tables[0].rows}, found.note


def judged_by(answer, **more) -> Evaluation:
    return Evaluation((model(answer),), rows(**more), "as made up", ("test",), draws=100)


def test_the_model_reads_whole_articles_in_order():
    shuffled = rows(3).where(np.array([5, 0, 4, 2, 3, 1]))
    evaluation = Evaluation((model(given),), shuffled, parts=("test",), draws=100)
    assert sourcing.section(evaluation) is not None
    (read,) = evaluation.bundles[0].model.asked
    assert [(s.article_id, s.index) for s in read] == [
        (f"house/{number}", index) for number in range(3) for index in range(2)
    ]


def test_what_is_found_as_it_is_marked_is_right():
    cells, note = judged(given)
    # Of the first article one sentence is not annotated.
    _, articles, _, n, precision, recall, f1, former = cells["all", "citations"]
    assert (articles, n, precision, recall) == (6, 11, 1.0, 1.0)
    assert (f1.value, f1.low, f1.high, former) == (1.0, 1.0, 1.0, None)
    assert cells["house", "citations"][3] == 11
    assert "found by tagger" in note


def test_a_model_that_finds_nobody_finds_nothing():
    cells, _ = judged(nobody)
    precision, recall, f1 = cells["all", "citations"][4:7]
    assert math.isnan(precision)
    assert (recall, f1.value) == (0, 0)
    assert cells["all", "named found as not found"][6].value == 1


def test_polnear_alone_has_no_group_of_all():
    cells, _ = judged(given, corpus="polnear")
    assert {group for group, _ in cells} == {"polnear"}
    assert cells["polnear", "kind"][3] == 11


def test_former_figures_stand_beside_the_same_articles_only(monkeypatch):
    own = sourcing.articles_of(rows(), [one.citations for one in rows().sentences], ("test",))
    measures = {"citations": [11, 0.5, 0.4, 0.444], "kind": [9, 0.8]}
    record = {"version": "x", "date": "y", "groups": {sourcing.digest(own): measures}}
    monkeypatch.setattr(sourcing, "former_rules", lambda: record)
    cells, _ = judged(given)
    former = [cells["all", name][-1] for name in ("citations", "kind", "sentences")]
    assert former == [0.444, 0.8, None]
    assert judged(given, articles=7)[0]["all", "citations"][-1] is None


def test_the_former_rules_are_on_record():
    former = sourcing.former_rules()["groups"]
    assert any(one.keys() >= set(MEASURES) for one in former.values())
    for measures in former.values():
        for name, (n, *figures) in measures.items():
            assert len(figures) == (1 if name in SHARES else 3)
            assert isinstance(n, int)


def test_without_citations_there_is_no_section():
    assert sourcing.section(replace(judged_by(given), parts=("unseen_outlet",))) is None
