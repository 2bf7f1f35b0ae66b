"""Who says what, held against the annotators: examples whose counts can be worked out by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import CorpusError
from framescope.classifier.outlets.registry.registry import load
from framescope.classifier.records.article import Citation, Place, Sentence, SourceKind
from framescope.eval.commands import judge
from framescope.eval.report.layout import to_markdown
from framescope.eval.rows.citations import citations_of, whole_articles
from framescope.eval.rows.scored import Evaluation
from framescope.eval.studies.sourcing import study as sourcing
from framescope.eval.studies.sourcing.groups import groups_of, kinds_of_text, outlet_group
from framescope.eval.studies.sourcing.judged import JudgedArticle, JudgedCitation, JudgedSentence
from framescope.eval.studies.sourcing.pairs import overlap, shared
from framescope.eval.studies.sourcing.tallies import KINDS, MEASURES, SHARES, extractions, tally
from framescope.training.data.examples import Examples
from framescope.training.data.marks import Mark, RowCitation
from typer.testing import CliRunner

from tests.harness import bundle

NAMED, UNNAMED, VAGUE = SourceKind.NAMED, SourceKind.UNNAMED, SourceKind.VAGUE


def place(text: str, words: str | None) -> Place | None:
    """Where words stand in a text, the first time."""
    return None if words is None else Place(text.index(words), text.index(words) + len(words))


def cited(text: str, source, cue, *content, kind=NAMED, **more) -> JudgedCitation:
    """A citation by its words."""
    antecedent = place(text, more.pop("antecedent", None))
    return JudgedCitation(
        place(text, source),
        place(text, cue),
        tuple(place(text, piece) for piece in content),
        kind,
        antecedent=antecedent,
        **more,
    )


def article(text: str, *rows: tuple[Sequence, Sequence], id: str = "a", **more) -> JudgedArticle:
    given = {"corpus": "house", "part": "test", "outlet": "", **more}
    sentences = tuple(JudgedSentence(tuple(marked), tuple(found)) for marked, found in rows)
    return JudgedArticle(id, text=text, sentences=sentences, **given)


def counts(*given: JudgedArticle) -> dict[str, list[int]]:
    """Right, found and marked, by measure."""
    total = sum(tally(one).hits for one in given)
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
    for measure, figure in extractions(
        [tally(article(TWO, ([ORR], [ORR])))], draws=0, seed=0
    ).items():
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
    given = article(TWO, ([ORR, VALE], [replace(ORR, kind=VAGUE), VALE]))
    found = counts(given)
    assert found["kind"] == [1, 2, 2]
    assert found["named"] == [0, 0, 1]
    assert found["vague"] == [0, 1, 0]
    assert found["citations"] == [2, 2, 2]
    kinds = dict(zip(KINDS, tally(given).kinds.tolist(), strict=True))
    assert kinds == {"named": [0, 0, 1, 0], "unnamed": [0, 1, 0, 0], "vague": [0, 0, 0, 0]}


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
    tallies = [tally(one) for one in [right] * 6 + [wrong] * 4]
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
    registry = load()
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
    groups = groups_of(given, {"house/1": "opinion"}, load())
    assert [(one.name, len(one.articles)) for one in groups] == [
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


# --- rows, and the command ------------------------------------------------------------------------

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
    asked: list[int] = []

    def predict(sentences):
        asked.append(len(sentences))
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


def test_who_is_cited_is_the_models_word_on_whole_articles(monkeypatch):
    monkeypatch.setattr("framescope.eval.rows.scored._BLOCK", 3)
    tagger, done = model(given), []
    found = citations_of(tagger, rows(), lambda *at: done.append(at))
    assert (found.by, found.found) == ("tagger", tuple(s.citations for s in rows().sentences))
    assert tagger.model.asked == [4, 4, 4]
    assert done == [(4, 12), (8, 12), (12, 12)]
    own = citations_of(model(nobody), rows())
    assert (own.by, set(own.found)) == ("tagger", {()})


def test_articles_are_whole_and_in_order():
    given = rows(3)
    shuffled = given.where(np.array([5, 0, 4, 2, 3, 1]))
    wanted = np.array([True, True, False, False, False, False])
    found = whole_articles(shuffled, wanted)
    assert [(s.article_id, s.index) for s in found.sentences] == [
        ("house/0", 0), ("house/0", 1), ("house/2", 0), ("house/2", 1),
    ]  # fmt: skip


def judged_by(answer, **more) -> Evaluation:
    return Evaluation((model(answer),), rows(**more), "as made up", ("test",), draws=100)


def test_what_is_found_as_it_is_marked_is_right():
    _, record = sourcing.study(judged_by(given))
    (whole, *_) = record["groups"]
    figures = whole["measures"]["citations"]
    # Of the first article one sentence is not annotated.
    assert (whole["articles"], figures.n, figures.f1.value, figures.f1.low) == (6, 11, 1.0, 1.0)
    assert record["by"] == "tagger"


def test_a_model_that_finds_nobody_finds_nothing():
    found, record = sourcing.study(judged_by(nobody))
    (whole, *_) = record["groups"]
    figures = whole["measures"]["citations"]
    assert (figures.recall.value, figures.f1.value) == (0, 0)
    assert math.isnan(figures.precision.value)
    assert record["kinds"]["named"]["not found"] == 11
    assert "found by tagger" in found.note
    assert "as made up" in found.signature


def test_polnear_alone_is_its_own_first_table():
    found, record = sourcing.study(judged_by(given, corpus="polnear"))
    assert record["groups"][0]["name"] == "polnear"
    assert found.tables[0].caption == "Who says what, polnear (6 articles)"


def test_former_figures_stand_beside_the_same_articles_only(monkeypatch):
    _, record = sourcing.study(judged_by(given))
    kept = {"citations": [11, 0.5, 0.4, 0.444], "kind": [9, 0.8]}

    def beside(**more):
        groups = {record["groups"][0]["digest"]: kept}
        monkeypatch.setattr(sourcing, "former_rules", lambda: sourcing.FormerRules("x", groups))
        found, _ = sourcing.study(judged_by(given, **more))
        rows = (*found.tables[0].rows, *found.tables[1].rows)
        return {row[0]: row[-1] for row in rows}, found.note

    figures, note = beside()
    assert (figures["citations"], figures["kind"], figures["sentences"]) == (0.444, 0.8, None)
    assert note.endswith("Former rules: x.")
    kept["citations"][0] = 12
    assert beside()[1].endswith("Former rules: x. Labels have changed since then.")
    figures, note = beside(articles=7)
    assert figures["citations"] is None
    assert note.endswith("Former rules: not recorded for these articles.")


def test_the_former_rules_are_on_record():
    former = sourcing.former_rules()
    assert "version 0.2.0" in former.said
    whole = [one for one in former.groups.values() if one.keys() == {*MEASURES, *SHARES}]
    assert len(whole) > 10
    for measures in former.groups.values():
        for name, (n, *figures) in measures.items():
            assert len(figures) == (1 if name in SHARES else 3)
            assert isinstance(n, int)
            assert all(figure is None or 0 <= figure <= 1 for figure in figures)


def test_the_report_has_a_section_where_rows_have_citations():
    evaluation = judged_by(given)
    section = sourcing.section(evaluation)
    assert section is not None
    assert "| citations | 11 | 1.000 | 1.000 |" in to_markdown(section)
    assert sourcing.section(replace(evaluation, parts=("unseen_outlet",))) is None


def run(*args: object):
    return CliRunner().invoke(judge.app, ["sourcing", *map(str, args)], catch_exceptions=False)


def test_the_command_writes_tables_markdown_and_json(monkeypatch, tmp_path):
    asked = []

    def evaluation_of(bundles, corpora, data, part, other, **settings):
        asked.append((bundles, corpora, part, other, settings))
        return judged_by(given)

    monkeypatch.setattr("framescope.eval.commands.studies.evaluation_of", evaluation_of)
    assert "Who says what, all (6 articles)" in run("--corpora", tmp_path).stdout
    assert asked.pop() == (["transformer"], tmp_path, None, False, {"draws": 2000, "seed": 0})
    done = run(
        "mine", "--part", "validation", "--draws", "200", "--seed", "5", "--format", "markdown"
    )
    assert "| named | 11 | 0 | 0 | 0 |" in done.stdout
    assert asked.pop()[2:] == (["validation"], False, {"draws": 200, "seed": 5})
    path = tmp_path / "found.json"
    assert run("--allow-other-split", "--format", "json", "--output", path).stdout == ""
    record = json.loads(path.read_text(encoding="utf-8"))
    measures = record["groups"][0]["measures"]
    assert measures["citations"]["f1"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert measures["vague"]["recall"]["value"] is None


def test_rows_without_citations_are_refused(monkeypatch):
    none = replace(judged_by(given), parts=("unseen_outlet",))
    monkeypatch.setattr("framescope.eval.commands.studies.evaluation_of", lambda *_, **__: none)
    with pytest.raises(CorpusError, match="no row of part unseen_outlet says who is cited"):
        run()
