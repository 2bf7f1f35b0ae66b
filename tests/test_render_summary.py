from dataclasses import replace

import pytest
import reports
from framescope.classifier.records.article import (
    Article,
    Citation,
    Place,
    Sentence,
    SourceKind,
    Span,
    Voice,
)
from framescope.classifier.records.scored import ArticleReport, BatchReport, SentenceReport
from framescope.classifier.records.text import printable, shortened
from framescope.classifier.reports import figures
from framescope.classifier.reports.figures import VoiceCounts, is_unsourced_own_claim, summarise
from framescope.classifier.reports.html import to_html
from framescope.classifier.reports.layout import (
    CITED,
    FURNITURE,
    UNSOURCED,
    is_marked,
    kind,
    marks,
    segments,
)
from framescope.classifier.taxonomy import Family


def test_counts_by_voice() -> None:
    summary = summarise(reports.harbour())
    assert summary.sentences == VoiceCounts(own=6, reported=2, quoted=2)
    assert summary.sentences.total == 10
    assert summary.flagged["loaded_language"] == VoiceCounts(own=2, quoted=1)
    assert summary.flagged["vague_source"] == VoiceCounts(reported=1)
    assert summary.flagged["slogans"] == VoiceCounts()
    assert (summary.claims, summary.attributed) == (9, 5)
    assert (summary.unsourced_own_claims, summary.own_claims) == (4, 5)
    assert summary.techniques == 3


@pytest.mark.parametrize(
    ("voice", "scores", "flags", "expected"),
    [
        (Voice.OWN, {"claim": 0.9, "attributed": 0.1}, ("claim",), True),
        (Voice.OWN, {"claim": 0.9, "attributed": 0.9}, ("claim", "attributed"), False),
        (Voice.OWN, {"claim": 0.1, "attributed": 0.1}, (), False),
        (Voice.REPORTED, {"claim": 0.9, "attributed": 0.1}, ("claim",), False),
        (Voice.QUOTED, {"claim": 0.9, "attributed": 0.1}, ("claim",), False),
        (Voice.OWN, {"claim": 0.9}, ("claim",), False),  # attribution isn't known
    ],
)
def test_who_stands_behind_a_claim(
    voice: Voice, scores: dict[str, float], flags: tuple[str, ...], expected: bool
) -> None:
    report = SentenceReport(Sentence("It is so.", 0, 9, "a", 0, voice), scores, flags)
    assert is_unsourced_own_claim(report) is expected


def test_a_claim_that_cites_somebody_is_not_without_a_source() -> None:
    cited = Citation(None, Place(3, 5), (), SourceKind.VAGUE)
    sentence = Sentence("It is so.", 0, 9, "a", 0, Voice.OWN)
    report = SentenceReport(sentence, {"claim": 0.9, "attributed": 0.1}, ("claim",), (), (cited,))
    assert not is_unsourced_own_claim(report)


def test_counts_a_model_cannot_give_are_unknown() -> None:
    report = reports.harbour()
    sentences = tuple(replace(s, scores={"claim": 0.9}, flags=("claim",)) for s in report.sentences)
    summary = summarise(replace(report, sentences=sentences))
    assert summary.claims == 10
    assert summary.attributed is summary.unsourced_own_claims is summary.techniques is None


def test_only_a_loud_flag_marks_a_sentence() -> None:
    marked = [number for number, s in enumerate(reports.harbour().sentences, 1) if is_marked(s)]
    assert marked == [1, 4, 5, 7, 9]


def test_reasons_name_the_precise_mark_first_and_each_word_once() -> None:
    found = marks(reports.harbour().sentences[0], reports.THRESHOLDS)
    assert [(mark.kind.name, mark.quiet) for mark in found] == [
        ("biased_language", False),
        ("loaded_language", False),
        ("claim", True),
        ("any_technique", True),
        (UNSOURCED, True),
    ]
    assert found[0].words == ("gambles away",)  # and not "gambles" as well
    assert found[1].detail == "0.87 (threshold 0.42)"


def test_what_most_sentences_of_an_article_carry_marks_none() -> None:
    quiet = ("claim", "attributed", "named_source", "government_attribution", "quoted", "reported")
    cited = Citation(None, Place(3, 5), (), SourceKind.NAMED, name="Hale")
    sentence = Sentence("It is so.", 0, 9, "a", 0, Voice.REPORTED)
    report = SentenceReport(sentence, dict.fromkeys(quiet, 0.9), quiet, (), (cited,))
    assert not is_marked(report)
    found = marks(report, {})
    assert [mark.kind.name for mark in found] == [*quiet, CITED]
    assert all(mark.quiet for mark in found)


def test_a_claim_that_needs_a_source_is_marked_once() -> None:
    flags = ("claim", "unsourced_assertion")
    sentence = Sentence("It is so.", 0, 9, "a", 0, Voice.OWN)
    scores = {"claim": 0.9, "attributed": 0.1, "unsourced_assertion": 0.8}
    loud = [m.kind.name for m in marks(SentenceReport(sentence, scores, flags), {}) if not m.quiet]
    assert loud == ["unsourced_assertion"]


FURNITURE_LINE = Sentence("Share this with Hale.", 0, 21, "a", 0, Voice.OWN)


def test_a_line_of_the_page_has_one_quiet_mark_that_says_so() -> None:
    cited = Citation(None, Place(16, 20), (), SourceKind.NAMED, name="Hale")
    scores = {"content": 0.12, "claim": 0.9, "attributed": 0.01}
    report = SentenceReport(FURNITURE_LINE, scores, (), (), (cited,))
    (mark,) = marks(report, {"content": 0.5})
    assert mark.kind.name == FURNITURE
    assert mark.kind == kind(FURNITURE)
    assert mark.kind.label == "not part of the article"
    assert mark.kind.family is Family.CONTENT
    assert (mark.quiet, mark.kind.quiet, mark.detail) == (True, True, "0.12")
    assert not is_marked(report)


def test_the_page_says_which_lines_are_not_the_articles() -> None:
    scored = SentenceReport(FURNITURE_LINE, {"content": 0.12}, ())
    article = Article("a", FURNITURE_LINE.text, lang="en")
    report = BatchReport(
        (ArticleReport(article, (scored,)),), "m", ("content",), {"content": 0.5}, ()
    )
    page = to_html(report)
    assert "not part of the article" in page
    assert "nothing else is said of it" in page


def test_what_is_content_is_not_said_of_every_sentence() -> None:
    scores = {"content": 0.99, "claim": 0.9, "attributed": 0.9}
    report = SentenceReport(FURNITURE_LINE, scores, ("content", "claim", "attributed"))
    assert [mark.kind.name for mark in marks(report, {})] == ["claim", "attributed"]
    assert not is_marked(report)


def test_without_a_score_of_content_no_line_is_taken_for_the_pages() -> None:
    report = SentenceReport(FURNITURE_LINE, {"claim": 0.1}, ())
    assert marks(report, {}) == ()


def test_segments_are_the_sentence_whatever_the_evidence() -> None:
    sentence = Sentence("One two three.", 10, 24, "a", 0)
    evidence = (
        Span(10, 17, "doubt", 1.0),
        Span(14, 30, "slogans", 1.0),  # runs out of the sentence
        Span(0, 5, "doubt", 1.0),  # lies before it
    )
    cut = segments(SentenceReport(sentence, {}, (), evidence))
    assert [piece.role for piece in cut] == ["", "", ""]
    assert [(piece.text, piece.signals) for piece in cut] == [
        ("One ", ("doubt",)),
        ("two", ("doubt", "slogans")),
        (" three.", ("slogans",)),
    ]


def test_segments_tell_source_and_cue() -> None:
    sentence = Sentence("One two three.", 10, 24, "a", 0)
    citation = Citation(Place(10, 13), Place(14, 17), (), SourceKind.NAMED, name="One",
                        antecedent=Place(0, 4))  # fmt: skip
    evidence = (Span(10, 17, "doubt", 1.0),)
    cut = segments(SentenceReport(sentence, {}, (), evidence, (citation,)))
    assert [(piece.text, piece.signals, piece.role) for piece in cut] == [
        ("One", ("doubt",), "source"),
        (" ", ("doubt",), ""),
        ("two", ("doubt",), "cue"),
        (" three.", (), ""),
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0, "<0.01"), (0.004, "<0.01"), (0.01, "0.01"), (0.5, "0.50"), (0.9999, ">0.99"),
     (1.0, ">0.99")],
)  # fmt: skip
def test_a_probability_is_never_written_as_certain(value: float, written: str) -> None:
    assert figures.score(value) == written


def test_a_share_of_nothing_is_a_dash() -> None:
    assert figures.percent(0, 0) == "–"
    assert figures.percent(1, 3) == "33%"


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
    assert printable(text) == shown


def test_shortened_keeps_to_its_limit() -> None:
    assert shortened("one two three", 13) == "one two three"
    assert shortened("one two three", 10) == "one two…"
    assert shortened("x" * 50, 10) == "x" * 9 + "…"


def test_a_republished_article_has_a_voice_of_its_own() -> None:
    sentence = Sentence("The mill burned down.", 0, 21, "a", 0, Voice.QUOTED)
    claim = {"claim": 0.9, "attributed": 0.1}
    within = SentenceReport(replace(sentence, inner_voice=Voice.OWN), claim, ("claim",))
    assert is_unsourced_own_claim(within)
    assert not is_unsourced_own_claim(SentenceReport(sentence, claim, ("claim",)))
    quoted = SentenceReport(replace(sentence, inner_voice=Voice.QUOTED), claim, ("claim",))
    assert not is_unsourced_own_claim(quoted)
