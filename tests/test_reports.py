"""A report as words, JSON, JSON Lines and rows, and the schema derived from the same records."""

import io
import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import reports
from framescope.classifier import records
from framescope.classifier.errors import BundleError
from framescope.classifier.inputs.exchange import read_record
from framescope.classifier.reports import layout, print_article, print_end, sourcing, to_html
from framescope.classifier.reports.document import SCHEMA_VERSION, report_schema, to_json, to_line
from framescope.classifier.reports.layout import ASSERTION, UNSOURCED
from framescope.classifier.reports.sources import card
from framescope.classifier.taxonomy import in_order
from jsonschema import Draft202012Validator
from rich.cells import cell_len
from rich.console import Console

SCHEMA = report_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
DOCUMENTATION = Path(__file__).parents[1] / "docs" / "report.md"


def parsed(*articles: records.ArticleReport) -> Any:
    return json.loads(to_json(reports.report(*articles)))


def line(report: records.ArticleReport) -> Any:
    return json.loads(to_line(report, model=reports.MODEL, thresholds=reports.THRESHOLDS))


@pytest.mark.parametrize("report", [reports.everything(), reports.report()])
def test_output_keeps_the_schema(report: records.BatchReport) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(json.loads(to_json(report)))


@pytest.mark.parametrize(
    "where",
    [
        (),
        ("articles", 0),
        ("articles", 0, "sentences", 2, "citations", 0),
        ("articles", 0, "source", "publication", "chain", 0),
        ("articles", 0, "source", "outlet", "control"),
        ("articles", 0, "source", "evidence", "sources", 0),
        ("articles", 0, "summary"),
    ],
)
def test_the_schema_knows_every_key_and_no_other(where: tuple[str | int, ...]) -> None:
    document = parsed(reports.harbour())
    place = document
    for step in where:
        place = place[step]
    first = next(iter(place))
    value = place.pop(first)
    assert not VALIDATOR.is_valid(document)
    place[first] = value
    assert VALIDATOR.is_valid(document)
    place["surprise"] = 1
    assert not VALIDATOR.is_valid(document)


def test_every_key_and_the_version_are_documented() -> None:
    text = DOCUMENTATION.read_text("utf-8")
    kinds = [SCHEMA, *SCHEMA["$defs"].values()]
    keys = {key for kind in kinds for key in kind.get("properties", ())}
    assert len(keys) > 30
    assert keys <= set(re.findall(r"`([a-z_]+)`", text))
    assert f'"{SCHEMA_VERSION}"' in text


def places(value: Any) -> list[Any]:
    """Every place of a citation or a chain, at any depth."""
    if isinstance(value, list):
        return [place for item in value for place in places(item)]
    if not isinstance(value, dict):
        return []
    if value.keys() >= {"start", "end", "text"}:
        return [value]
    return [place for item in value.values() for place in places(item)]


def test_offsets_point_at_the_text_beside_them() -> None:
    for article in parsed(*reports.everything().articles)["articles"]:
        for sentence in article["sentences"]:
            found = places([sentence["evidence"], sentence["citations"]])
            for part in (sentence, *found, *places([article["spans"], article["source"]])):
                assert article["text"][part["start"] : part["end"]] == part["text"]


def test_scores_are_rounded_and_shares_are_not() -> None:
    article = reports.harbour()
    first = replace(article.sentences[0], scores={"claim": 0.123456789})
    document = parsed(replace(article, sentences=(first,)))
    assert document["articles"][0]["sentences"][0]["scores"] == {"claim": 0.1235}
    assert article.source is not None
    assert article.source.outlet is not None
    outlet = article.source.outlet
    held = (replace(outlet.holdings[0], share=1.3537665),)
    source = replace(article.source, outlet=replace(outlet, holdings=held))
    (owner,) = parsed(replace(article, source=source))["articles"][0]["source"]["outlet"]["owners"]
    assert owner["share"] == 1.3537665
    assert [above["name"] for above in owner["owners"]] == ["the Ellery family"]


def test_a_score_that_is_no_number_is_refused_in_one_line() -> None:
    article = replace(reports.plain(), scores={"hyperpartisan": math.nan})
    with pytest.raises(BundleError, match="not a number") as caught:
        to_json(reports.report(article))
    assert "\n" not in str(caught.value)


def test_hostile_text_comes_back_as_it_was_and_encodes() -> None:
    output = to_json(reports.report(reports.hostile()))
    article = json.loads(output.encode("utf-8"))["articles"][0]
    assert article["text"].startswith(reports.HOSTILE_TEXT)
    assert "\x1b" not in output
    assert "\u2028" not in output
    assert "\n" not in to_json(reports.everything(), indent=None)


@pytest.mark.parametrize("report", [reports.harbour(), reports.carried(), reports.dispatch()])
def test_a_line_can_be_read_again(report: records.ArticleReport) -> None:
    again = read_record(line(report), "scored.jsonl, line 1")
    before = report.article
    assert again.text == before.text
    assert again.spans == before.spans  # what was found is not taken for a label
    assert again.republications == before.republications
    assert again.units is not None
    assert [(unit.start, unit.end, unit.voice) for unit in again.units] == [
        (s.start, s.end, s.voice) for s in report.sentences
    ]


def test_what_the_input_said_stays_beside_what_was_found() -> None:
    report = reports.carried()
    assert report.article.units is not None
    unit = replace(report.article.units[0], labels={"claim": 1.0, "attributed": math.nan})
    found = line(replace(report, article=replace(report.article, units=(unit,))))
    assert [one.get("labels") for one in found["sentences"]] == [None, {"claim": 1}, None]
    assert "score" not in found["spans"][0]
    assert all("score" in span for span in line(reports.harbour())["spans"])


def test_a_line_holds_flags_citations_and_the_source() -> None:
    found = line(reports.dispatch())
    assert found["sentences"][3]["flags"] == ["claim"]
    assert [[one["name"] for one in s["citations"]] for s in found["sentences"]] == [
        ["Ministry of Ports", "Vellen News Agency"], ["Vellen News Agency"], ["two port workers"],
        [],
    ]  # fmt: skip
    assert found["report"]["source"]["record"]["status"] == "unscored"
    assert (found["report"]["format"], found["report"]["model"]) == (3, reports.MODEL)
    assert "הנמל" in to_line(reports.hebrew(), model="m", thresholds={})


def asked() -> records.ArticleReport:
    lines = [
        reports.Line("The quay is the best in the country.", {"claim": 0.9}),
        reports.Line("Ida Fenn said so.", {"claim": 0.9, "attributed": 0.9},
                     cites=(reports.Cite("Ida Fenn", "Ida Fenn", "said"),)),
        reports.Line("It has never made a loss.", {"claim": 0.9}),
        reports.Line("Nobody pays for it but you."),
    ]  # fmt: skip
    report = reports.scored(lines, id="asked")
    sentences = [
        replace(
            one,
            scores={**one.scores, ASSERTION: score},
            flags=in_order({*one.flags, *([ASSERTION] if score >= 0.5 else [])}),
        )
        for one, score in zip(report.sentences, (0.6, 0.02, 0.7, 0.55), strict=True)
    ]
    return replace(report, sentences=tuple(sentences))


def test_an_article_in_one_sentence() -> None:
    assert sourcing.in_brief(reports.harbour()) == (
        "10 sentences; 3 rest on named sources, 1 on a vague one, 1 on an unresolved source; "
        "3 loaded passages, of them 1 quoted."
    )
    said = "4 sentences; 1 rests on a named source, 3 assertions without a source."
    assert sourcing.in_brief(asked()) == said
    assert sourcing.in_brief(reports.unscored()).startswith("Not scored: the article is in German")


def test_what_an_editor_would_ask_about_comes_with_the_most_probable_first() -> None:
    found = [(number, score) for number, score, _ in layout.assertions(asked())]
    assert found == [(3, "0.70"), (1, "0.60"), (4, "0.55")]
    page = to_html(reports.report(asked()))
    assert page.index('class="text"') < page.index('class="asked"') < page.index('class="origin"')
    assert re.findall(r'<li><a href="#a1s(\d)">', page) == ["3", "1", "4"]


CLAIM = records.Sentence("It is so.", 0, 9, "a", 0, records.Voice.OWN)
SOURCED = records.Citation(None, records.Place(3, 5), (), records.SourceKind.VAGUE)


@pytest.mark.parametrize(
    ("voices", "changes", "expected"),
    [
        ((records.Voice.OWN,), {}, True),
        ((records.Voice.OWN,), {"flags": ("claim", "attributed")}, False),
        ((records.Voice.OWN,), {"flags": ()}, False),
        ((records.Voice.OWN,), {"citations": (SOURCED,)}, False),
        ((records.Voice.OWN,), {"scores": {"claim": 0.9}}, False),  # attribution isn't known
        ((records.Voice.REPORTED,), {}, False),
        # A republished article has a voice of its own.
        ((records.Voice.QUOTED, records.Voice.OWN), {}, True),
        ((records.Voice.QUOTED, records.Voice.QUOTED), {}, False),
    ],
)
def test_who_stands_behind_a_claim(voices, changes, expected) -> None:
    sentence = replace(CLAIM, voice=voices[0], inner_voice=voices[-1] if voices[1:] else None)
    report = records.SentenceReport(sentence, {"claim": 0.9, "attributed": 0.1}, ("claim",))
    assert layout.is_unsourced_own_claim(replace(report, **changes)) is expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("a\x1bb\x00c\x7f", "abc"),
        ("a\r\nb\tc\u2028d", "a b c d"),
        ("\u202eesrever\u202c", "esrever"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("half \ud83d", "half \ufffd"),
        ("😀 [bold]é", "😀 [bold]é"),
    ],
)
def test_printable_removes_what_a_terminal_would_obey(text: str, shown: str) -> None:
    assert records.printable(text) == shown


def test_reasons_name_the_precise_mark_first_and_each_word_once() -> None:
    lines = [one for part in layout.paragraphs(reports.harbour(), reports.THRESHOLDS)
             for one in part]  # fmt: skip
    assert [line.number for line in lines if line.loud] == [1, 4, 5, 7, 9]
    found = lines[0].marks
    assert [(mark.kind.name, mark.quiet) for mark in found] == [
        ("biased_language", False), ("loaded_language", False), ("claim", True),
        ("any_technique", True), (UNSOURCED, True),
    ]  # fmt: skip
    assert found[0].words == ("gambles away",)
    assert found[1].detail == "0.87 (threshold 0.42)"


def test_segments_are_the_sentence_cut_at_evidence_source_and_cue() -> None:
    sentence = records.Sentence("One two three.", 10, 24, "a", 0)
    evidence = (
        records.Span(10, 17, "doubt", 1.0),
        records.Span(14, 30, "slogans", 1.0),  # runs out of the sentence
        records.Span(0, 5, "doubt", 1.0),  # lies before it
    )
    cut = layout.segments(records.SentenceReport(sentence, {}, (), evidence))
    assert [(piece.text, piece.signals, piece.role) for piece in cut] == [
        ("One ", ("doubt",), ""),
        ("two", ("doubt", "slogans"), ""),
        (" three.", ("slogans",), ""),
    ]
    source, cue, before = records.Place(10, 13), records.Place(14, 17), records.Place(0, 4)
    kind = records.SourceKind.NAMED
    citation = records.Citation(source, cue, (), kind, name="One", antecedent=before)
    cut = layout.segments(records.SentenceReport(sentence, {}, (), evidence[:1], (citation,)))
    assert [(piece.text, piece.signals, piece.role) for piece in cut] == [
        ("One", ("doubt",), "source"),
        (" ", ("doubt",), ""),
        ("two", ("doubt",), "cue"),
        (" three.", (), ""),
    ]


def shown(report: records.ArticleReport, **changes: object) -> str:
    """The words of a card of which something is changed."""
    assert report.source is not None
    return repr(card(replace(report, source=replace(report.source, **changes))))  # type: ignore[arg-type]


def test_nothing_on_record_is_not_independent_and_not_bad() -> None:
    assert card(reports.plain()) is None
    none = records.Record(None, None, None, "no assessment on record")
    found = shown(reports.harbour(), outlet=records.Outlet("bare", "Bare Gazette"), record=none)
    assert "nothing on record, which is not the same as independent" in found
    assert "reason='no assessment on record'" in found
    assert "estimate=''" in found
    unknown = records.Publication(records.Relation.UNKNOWN)
    found = shown(reports.harbour(), publication=unknown, outlet=None)
    assert "nothing says who published the article" in found
    assert "steps=()" in found


def test_a_shift_is_printed_with_its_cap() -> None:
    report = reports.harbour()
    assert report.source is not None
    record = report.source.record
    assert "by +0.01; it can move it by 0.05 at most" in shown(report)
    assert "by \u22120.04; " in shown(report, record=replace(record, shift=-0.04))
    assert "did not move the estimate" in shown(report, record=replace(record, shift=0.0))
    assert "all that is sourced by name stands on the ministry" in repr(card(reports.carried()))


def rows(report: records.ArticleReport) -> list[tuple[str, tuple[str, ...], tuple[int, ...]]]:
    return [(row.label, row.tags, row.sentences) for row in sourcing.sourcing_map(report).rows]


def test_sources_stand_with_their_sentences_named_ones_first() -> None:
    assert rows(reports.harbour()) == [
        ("Osric Hale", ("named",), (5, 6)),
        ("Ida Fenn", ("government",), (3,)),
        ("many in the town", ("vague",), (4,)),
        ("an unresolved source", ("attributed by the model alone",), (10,)),
    ]
    assert [row[0] for row in rows(reports.carried())] == ["the ministry", "nobody in particular"]
    assert rows(replace(reports.dispatch(), source=None))[0][0] == "Vellen News Agency"


def test_a_citation_says_how_likely_it_is_or_what_found_it() -> None:
    report = reports.dispatch()
    (given, *_) = report.sentences[0].citations

    def one(*citations: records.Citation) -> sourcing.Cited:
        (found,) = sourcing.cited_in(report, replace(report.sentences[0], citations=citations))
        return found

    reasons = (("words", 3.24), ("sentence", 0.02), ("known", -4.0), ("source", 1.0))
    likely = replace(given, score=0.87, found_by="transformer", reasons=reasons)
    found = one(replace(likely, score=0.4), likely)  # that read alike
    assert (found.basis, found.reasons) == ("0.87", "what is known of it (-4.0), its words (+3.2)")
    assert str(found) == f"{found.name} (government, 0.87)"
    ruled = one(replace(given, score=None, found_by="speaker label"))
    assert (ruled.basis, ruled.reasons) == ("by a speaker label", "")
    plain = one(replace(given, score=None, found_by=""))
    assert str(plain) == f"{plain.name} (government)"


def printed(
    *articles: records.ArticleReport, width: int = 80, colour: bool = False, full: bool = True
) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
    )
    report = reports.report(*articles, skipped=reports.SKIPPED)
    for number, article in enumerate(articles, start=1):
        print_article(article, number, report.thresholds, console, full=full)
    print_end(report, console, full=full)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def unwrapped(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("full", [True, False])
def test_no_line_is_wider_than_the_console(width: int, full: bool) -> None:
    for line in printed(*reports.everything().articles, width=width, full=full).splitlines():
        # An address stays whole, in the line of its source.
        assert cell_len(line) <= width or re.match(r" *\[\d+\] |https?://", line)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_unasked_the_card_has_six_lines_and_a_marked_sentence_two(width: int) -> None:
    for article in reports.everything().articles:
        lines = printed(article, width=width, full=False).splitlines()
        card = [n for n, line in enumerate(lines) if line.startswith(("source  ", "record  "))]
        blank = [n for n, line in enumerate(lines) if not line.strip()]
        if article.source is not None:
            assert blank[blank.index(card[0] - 1) + 1] - card[0] <= 6
        marked = [n for n, line in enumerate(lines) if re.match(r"[>?] +\d+ ", line)]
        shown = [one for part in layout.paragraphs(article, reports.THRESHOLDS) for one in part]
        assert [int(lines[n].split()[1]) for n in marked] == [x.number for x in shown if x.loud]
        assert all(next_ - n == 2 for n, next_ in pairwise(marked))
        assert all(lines[n + 1].count("“") <= 3 for n in marked)
        if marked:
            assert not lines[marked[-1] + 2]


def test_a_short_card_names_the_owner_the_raters_and_the_sources() -> None:
    output = printed(reports.harbour(), width=200, full=False)
    for expected in (
        "owner: Ellery Press Ltd (private company, GB, 100%); Ellery Press Ltd belongs to",
        "record  0.74, 90% interval 0.58 to 0.87; 0 is a bad record, 1 a good one; reliability: "
        "generally reliable (Press Watch, 2024-03-01)",
        "article cites Osric Hale (2), Ida Fenn (1) and 2 more;",
        "loaded language 0.81  “vultures will pick our quay to the bone”; name calling 0.92  "
        "“These vultures”; appeal to fear 0.74  “they will come for your homes”",
        "all of it: --full",
    ):
        assert expected in output
    assert "https://" not in output


def test_marks_voice_and_reasons_are_in_the_text_without_colour() -> None:
    output = printed(reports.harbour())
    assert "\x1b" not in output
    assert re.search(r"^> +5 Q “These vultures", output, re.M)
    assert re.search(r"^ +8 +The company employs", output, re.M)
    assert re.search(r"^ +3 R Chairwoman", output, re.M)
    flat = unwrapped(output)
    for reason in ("loaded language 0.81", "name calling 0.92", "appeal to fear 0.74"):
        assert f"└ {reason}" in flat
    assert "own claim, no source" in flat
    assert "“shameful debt”" in flat
    coloured = printed(reports.harbour(), width=120, colour=True)
    assert re.search(r"\x1b\[[0-9;]*\b4\b[0-9;]*mThese", coloured)  # underlined


def test_only_words_that_mark_a_sentence_are_underlined() -> None:
    words = ("vile", "wicked", "foul", "the mayor said")
    evidence = (*((one, "loaded_language", 0.9) for one in words[:3]), (words[3], "claim", 2.0))
    text = "A vile or wicked or foul scheme, the mayor said."
    line = reports.Line(text, {"claim": 0.9, "loaded_language": 0.9}, evidence)
    coloured = printed(reports.scored([line], id="a"), width=120, colour=True)
    assert re.findall(r"\x1b\[[0-9;]*\b4\b[0-9;]*m([^\x1b]*)", coloured) == list(words[:3])


def test_hostile_text_is_printed_and_not_obeyed() -> None:
    output = printed(reports.hostile())
    assert "[bold red]nothing[/bold red]" in unwrapped(output)
    assert "[bold]Bold[/bold]" in output
    assert ":smile:" in output
    assert "[link=https://evil.example]x[/link]" in unwrapped(output)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", output)


def test_what_a_page_holds_beside_its_article_is_counted_and_folded() -> None:
    one = reports.harbour()
    pieces = ("Mill strike <ends>", "Sign up")
    report = reports.report(replace(one, article=replace(one.article, removed=pieces)))
    assert json.loads(to_json(report))["articles"][0]["removed"] == list(pieces)
    assert "2 pieces of the page" in unwrapped(printed(*report.articles))
    folded = re.compile(r"<summary>[^<]*2 pieces.*Mill strike &lt;ends&gt;.*</details>", re.DOTALL)
    assert folded.search(to_html(report))


def test_the_source_card_is_told_in_a_few_lines() -> None:
    flat = unwrapped(printed(reports.harbour()))
    for expected in (
        "source The Larnwick Courier: its own article, shown by the address",
        "owner Ellery Press Ltd (private company, GB, 100%) [1]",
        "[1] Register of Publishers, 2024-11-02 https://register.example/courier",
        "reliability: no consensus [3]",
        "article Of 10 sentences 3 on named sources, 0 on unnamed ones, 1 on a vague one, 1 on "
        "an unresolved source, 5 without a source.",
    ):
        assert expected in flat
    assert "kind of owner" not in flat, "said of the owner already"
    flat = unwrapped(printed(reports.dispatch()))
    assert "record unscored: the lists contradict one another" in flat
    assert "interval" not in flat


def test_wide_letters_fill_their_column_and_others_run_to_the_left() -> None:
    cite = reports.Cite("港口委员会", "港口委员会")
    scores = {"attributed": 0.9, "named_source": 0.9}
    article = reports.scored([reports.Line("港口委员会说了。", scores, cites=(cite,))], id="zh")
    (row,) = (one for one in printed(article).splitlines() if one.startswith("港口委员会  "))
    assert cell_len(row.partition("  1 ")[0]) == 37
    assert "\u200fהנמל נסגר אתמול.\u200f" in printed(reports.hebrew())


def test_a_sentence_on_two_sources_is_listed_with_both() -> None:
    assert "1 sentence on a government" in sourcing.sourcing_map(reports.dispatch()).powers
    output = printed(reports.dispatch())
    assert re.search(r"^Vellen News Agency +2 +50% +state media: 1, 2 *$", output, re.M)
    assert re.search(r"^Ministry of Ports +1 +25% +government: 1 *$", output, re.M)
    assert output.count("└ says: ") == 1  # only marked sentences say who they cite
    assert "└ says: two port workers (unnamed)" in output
