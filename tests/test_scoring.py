import re
import threading
from dataclasses import replace
from io import StringIO
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.attribution.sources import resolve
from framescope.classifier.bundles import Bundle
from framescope.classifier.models.base import check_time
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.user import load
from framescope.classifier.records.article import (
    Article,
    ArticleReport,
    BatchReport,
    Citation,
    MarkedCitation,
    Origin,
    Place,
    Relation,
    Republication,
    Sentence,
    Skipped,
    Span,
    Unit,
    Voice,
)
from framescope.classifier.records.outlet import (
    About,
    Code,
    Domain,
    Evidence,
    Name,
    Outlet,
    Statement,
)
from framescope.classifier.reports import print_article, to_html
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import BY_NAME, Level
from rich.console import Console

SIGNALS = ("claim", "vague_source", "loaded_language", "hyperpartisan")


SAYS = re.compile(r"(?P<source>(?:[A-Z]\w+ )*[A-Z]\w+) (?P<cue>said|reported) (?P<content>.+)")


class Scripted:
    """A model that scores what the text says: "claim=0.9" scores 0.9, anything else 0.1.

    Whoever "said" or "reported" something is cited, and is who the registry takes them for.
    """

    runtime = "a script"

    def __init__(
        self, signals: tuple[str, ...] = SIGNALS, registry: Registry | None = None
    ) -> None:
        self.signals = signals
        self.registry = load() if registry is None else registry
        self.calls: list[list[Sentence]] = []

    def predict(self, sentences):
        self.calls.append(list(sentences))
        proba = np.full((len(sentences), len(self.signals)), 0.1, np.float32)
        for row, sentence in enumerate(sentences):
            for word in sentence.text.replace(". ", " ").rstrip(".").split():
                name, _, score = word.partition("=")
                if name in self.signals:
                    proba[row, self.signals.index(name)] = float(score)
        for name in {s.article_id for s in sentences}:
            rows = [row for row, s in enumerate(sentences) if s.article_id == name]
            column = self.signals.index("hyperpartisan")
            proba[rows, column] = proba[rows, column].max()
        return ScriptedPrediction(proba, list(sentences), tuple(map(self._cited, sentences)))

    def _cited(self, sentence: Sentence) -> tuple[Citation, ...]:
        match = SAYS.search(sentence.text)
        if match is None:
            return ()
        source, cue, content = (
            Place(sentence.start + match.start(role), sentence.start + match.end(role))
            for role in ("source", "cue", "content")
        )
        given = [[MarkedCitation(source, cue, (content,))]]
        plain = sentence.text.rjust(sentence.end)
        return resolve(plain, [replace(sentence, mentions=None)], given, self.registry)[0]


class ScriptedPrediction:
    def __init__(self, proba, sentences, citations) -> None:
        self.proba, self.sentences, self.citations = proba, sentences, citations

    def evidence(self, wanted):
        found = []
        for row, signal in wanted:
            start = self.sentences[row].start + self.sentences[row].text.index(signal)
            found.append((Span(start, start + len(signal), signal, 1.0),))
        return found


@pytest.fixture
def model() -> Scripted:
    return Scripted()


def scripted(*signals: str, **more) -> Bundle:
    """Give a bundle of scripted signals, each flagged from 0.5."""
    manifest = {"name": "v", "thresholds": dict.fromkeys(signals, 0.5), "languages": ["en"], **more}
    return Bundle(Path("v"), manifest, Scripted(signals))


@pytest.fixture
def bundle(model) -> Bundle:
    thresholds = dict.fromkeys(SIGNALS, 0.5) | {"vague_source": 0.3, "loaded_language": 0.7}
    manifest = {"name": "scripted", "thresholds": thresholds, "languages": ["en"]}
    return Bundle(Path("scripted"), manifest, model)


def article(identifier: str, *texts: str, **more) -> Article:
    """An article with its sentences given."""
    units, text = [], ""
    for sentence in texts:
        units.append(Unit(len(text), len(text) + len(sentence)))
        text += sentence + " "
    return Article(identifier, text, **{"lang": "en", "units": tuple(units), **more})


def score(bundle, *items, signals=None) -> list:
    return list(Scorer(bundle, signals).score(items))


def test_scores_flags_and_evidence_are_the_models(bundle) -> None:
    given = article("a", "They claim=0.9 so.", "Nothing here.", "And vague_source=0.4 too.")
    (report,) = score(bundle, given)
    first, second, third = report.sentences
    assert first.scores == pytest.approx(
        {"claim": 0.9, "vague_source": 0.1, "loaded_language": 0.1}
    )
    assert (first.flags, second.flags, third.flags) == (("claim",), (), ("vague_source",))
    assert second.evidence == ()
    (span,) = third.evidence
    assert given.text[span.start : span.end] == "vague_source"
    assert report.note is None


def test_a_score_at_its_threshold_is_flagged(bundle) -> None:
    # 0.7 is no float32: as one it is smaller than 0.7.
    for text, flagged in (("loaded_language=0.7", True), ("loaded_language=0.69999", False)):
        (report,) = score(bundle, article("a", f"Here {text} is."))
        assert bool(report.sentences[0].flags) == flagged


@pytest.mark.parametrize("signals", [None, ["any_technique"]])
def test_the_signal_of_all_techniques_counts_those_that_are_shown(signals) -> None:
    given = ("any_technique", "loaded_language", "doubt", "hyperpartisan")
    bundle = scripted(*given, experimental=["doubt"])
    texts = "So any_technique=0.9 doubt=0.9.", "So any_technique=0.1 loaded_language=0.9."
    (report,) = score(bundle, article("a", *texts), signals=signals)
    assert ["any_technique" in one.flags for one in report.sentences] == [False, True]


@pytest.mark.parametrize(
    ("other", "again"),
    [("A repetition, then.", (1,)), ("Repetition!", (1,)), ("No repetitions.", ()), ("It is.", ())],
)
def test_a_repetition_has_its_words_in_another_sentence_which_reports_name(other, again) -> None:
    made = scripted("any_technique", "doubt", "repetition", "hyperpartisan", experimental=["doubt"])
    (report,) = score(made, article("a", "So any_technique=0.1 repetition=0.9.", other))
    first, second = report.sentences
    assert (first.repeats, second.repeats) == (again, ())
    assert first.flags == ("any_technique", "repetition") * bool(again)
    assert [span.signal for span in first.evidence] == [*first.flags]
    whole = BatchReport((report,), "v", made.signals, made.thresholds)
    print_article(report, 1, made.thresholds, Console(file=(printed := StringIO())))
    for written in (to_html(whole), printed.getvalue()):
        assert ("again in 2" in written) == bool(again)


def test_what_is_the_articles_stands_with_the_article(bundle) -> None:
    (report,) = score(bundle, article("a", "One.", "It is hyperpartisan=0.7 here."))
    assert report.scores == pytest.approx({"hyperpartisan": 0.7})
    assert report.flags == ("hyperpartisan",)
    for sentence in report.sentences:
        assert all(BY_NAME[s].level is not Level.ARTICLE for s in sentence.scores)


def test_articles_of_one_id_keep_their_own_scores(bundle) -> None:
    reports = score(
        bundle,
        article("same", "It is hyperpartisan=0.9 and claim=0.8 here."),
        article("same", "It is hyperpartisan=0.2 and claim=0.3 here."),
    )
    assert [r.scores["hyperpartisan"] for r in reports] == pytest.approx([0.9, 0.2])
    assert [r.sentences[0].scores["claim"] for r in reports] == pytest.approx([0.8, 0.3])
    assert [r.article.id for r in reports] == ["same", "same"]
    assert {s.sentence.article_id for r in reports for s in r.sentences} == {"same"}


GERMAN = (
    "Der Rat der Stadt hat am Dienstag beschlossen, die Fähre nicht mehr fahren zu lassen. "
    "Die Bewohner der Insel sind darüber nicht glücklich und wollen nun gemeinsam klagen."
)


def test_the_text_decides_its_language_not_the_page(bundle) -> None:
    (german,) = score(bundle, Article("a", GERMAN, lang="en"))
    assert german.article.lang == "de"
    text = "The council of the town has decided that the ferry will not leave on Tuesday."
    (english,) = score(bundle, Article("a", text, lang="de"))
    assert english.note is None


def test_only_the_signals_asked_for_are_reported(bundle) -> None:
    given = article("a", "It is claim=0.9 and loaded_language=0.9 here.")
    asked = ["loaded_language", "claim", "claim"]
    scorer = Scorer(bundle, asked)
    assert scorer.signals == ("claim", "loaded_language")
    (report,) = scorer.score([given])
    assert list(report.sentences[0].scores) == ["claim", "loaded_language"]
    assert report.scores == {}
    (report,) = score(bundle, given, signals=["hyperpartisan"])
    assert report.sentences[0].scores == {}
    assert list(report.scores) == ["hyperpartisan"]


def test_an_error_of_the_input_comes_after_all_that_came_before(bundle) -> None:
    def stream():
        for number in range(40):
            yield article(str(number), "They claim=0.9 so.")
        raise ValueError("the disk is gone")

    for skipped in (0, 35):
        reports = Scorer(bundle).score(islice(stream(), skipped, None))
        came = [next(reports).article.id for _ in range(40 - skipped)]
        assert came == [str(number) for number in range(skipped, 40)]
        with pytest.raises(ValueError, match="the disk is gone"):
            next(reports)


def test_closing_early_ends_the_reading_ahead(bundle) -> None:
    drawn = []

    def stream():
        for number in range(10_000):
            drawn.append(number)
            yield article(str(number), "They claim=0.9 so.")

    reports = Scorer(bundle).score(stream())
    next(reports)
    reports.close()
    assert len(drawn) < 100
    assert not [t for t in threading.enumerate() if t.name.startswith("framescope-reader")]


@pytest.fixture
def gated() -> Bundle:
    """Give a bundle that tells what is content, from 0.5."""
    return scripted("content", *SIGNALS)


def test_a_line_that_is_no_content_carries_no_flag_whatever_it_scores(gated) -> None:
    given = article(
        "a", "So content=0.49 claim=0.9 loaded_language=0.8.", "So content=0.5 claim=0.9 here."
    )
    (report,) = score(gated, given)
    furniture, content = report.sentences
    assert (furniture.flags, furniture.evidence) == ((), ())
    assert furniture.scores == pytest.approx(
        {"content": 0.49, "claim": 0.9, "vague_source": 0.1, "loaded_language": 0.8}
    ), "what the model says is still shown"
    assert content.flags == ("content", "claim")
    assert [span.signal for span in content.evidence] == ["content", "claim"]


@pytest.mark.parametrize("signals", [["claim"], ["claim", "content"]])
def test_content_decides_whether_or_not_it_was_asked_for(gated, signals) -> None:
    given = article("a", "So content=0.1 claim=0.9.", "So content=0.9 claim=0.9 here.")
    (report,) = score(gated, given, signals=signals)
    assert [("claim" in s.flags) for s in report.sentences] == [False, True]
    assert all(set(s.scores) == set(signals) for s in report.sentences)


@pytest.fixture
def voiced() -> Bundle:
    """Give a bundle that tells whose words a sentence is: quoted from 0.6, reported from 0.2."""
    thresholds = {"claim": 0.5, "quoted": 0.6, "reported": 0.2, "hyperpartisan": 0.5}
    return scripted(*thresholds, thresholds=thresholds)


def voices(report: ArticleReport) -> list[tuple[Voice, Voice | None]]:
    return [(one.voice, one.sentence.inner_voice) for one in report.sentences]


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("So quoted=0.7 it is.", Voice.QUOTED),
        ("So reported=0.3 it is.", Voice.REPORTED),
        ("So quoted=0.5 and reported=0.1 it is.", Voice.OWN),
        # Of two, the one that is further above its threshold.
        ("So quoted=0.7 and reported=0.3 it is.", Voice.REPORTED),
        ("So quoted=0.9 and reported=0.21 it is.", Voice.QUOTED),
        # What a reader sees in quotation marks is quoted, mainly or wholly.
        ("“So quoted=0.1 it is,” Ada Quill said so.", Voice.QUOTED),
        ("“So” reported=0.3 it is.", Voice.REPORTED),
    ],
)
@pytest.mark.parametrize("signals", [None, ["claim"]])
def test_a_sentence_is_the_words_of_whom_the_model_says(voiced, text, voice, signals) -> None:
    (report,) = score(voiced, article("a", text), signals=signals)
    assert voices(report) == [(voice, None)]


def test_flags_follow_the_voice_and_the_voice_the_sources() -> None:
    bundle = scripted("attributed", "unsourced_assertion", "quoted", "reported", "hyperpartisan")
    lines = {
        "So quoted=0.9 and reported=0.6 it is.": set(),  # nobody is cited
        "“So” quoted=0.9 and reported=0.6 it is.": {"quoted"},
        "So reported=0.6 and attributed=0.9 and unsourced_assertion=0.9 it is.": set(),
        "“So quoted=0.1 and reported=0.9 it is.”": {"quoted"},
    }
    (report,) = score(bundle, article("a", *lines))
    flags = [{"quoted", "reported"}.intersection(one.flags) for one in report.sentences]
    assert flags == list(lines.values())


def test_only_the_articles_own_words_are_unsourced_assertions() -> None:
    bundle = scripted("unsourced_assertion", "quoted", "reported", "hyperpartisan")
    claim = "unsourced_assertion=0.9"
    quoted, reported = f"“So {claim} and quoted=0.1 it is.”", f"So {claim} and reported=0.9 it is."
    given = article("a", f"So {claim} it is.", quoted, reported, f"So {claim} it was.")
    units = (*given.units[:3], replace(given.units[3], voice=Voice.REPORTED))
    (report,) = score(bundle, replace(given, units=units))
    assert [voice for voice, _ in voices(report)] == [
        Voice.OWN, Voice.QUOTED, Voice.REPORTED, Voice.REPORTED,
    ]  # fmt: skip
    assert [one.flags.count("unsourced_assertion") for one in report.sentences] == [1, 0, 0, 0]
    assert [len(one.evidence) for one in report.sentences] == [1, 1, 1, 0]


def test_voices_that_a_file_gives_are_kept(voiced) -> None:
    given = article("a", "So quoted=0.9 it is.", "It is.", "So quoted=0.9 it is.")
    first, second, third = given.units
    units = (replace(first, voice=Voice.OWN), replace(second, voice=Voice.REPORTED), third)
    (report,) = score(voiced, replace(given, units=units))
    assert [voice for voice, _ in voices(report)] == [Voice.OWN, Voice.REPORTED, Voice.QUOTED]


def test_all_that_is_republished_is_quoted_with_the_models_voice_within(voiced) -> None:
    given = article("a", "It is.", "It is too.", "So reported=0.9 it is.", "So quoted=0.9 is it.")
    start, end = given.units[1].start, given.units[2].end
    part = Republication(start, end, "Vesk TV", "Below is Vesk TV's article:")
    whole = replace(given, republications=(part,))
    (report,) = score(voiced, whole)
    assert voices(report) == [
        (Voice.OWN, None),
        (Voice.QUOTED, Voice.OWN),
        (Voice.QUOTED, Voice.REPORTED),
        (Voice.QUOTED, None),
    ]
    units = (*given.units[:1], replace(given.units[1], voice=Voice.OWN), *given.units[2:])
    (marked,) = score(voiced, replace(whole, units=units))
    assert voices(marked)[1] == (Voice.OWN, Voice.OWN)
    told = article("a", "So unsourced_assertion=0.9.", republications=(replace(part, start=0),))
    (unvoiced,) = score(scripted("unsourced_assertion", "hyperpartisan"), told)
    assert unvoiced.sentences[0].flags == ("unsourced_assertion",)


def test_without_a_word_of_the_model_on_it_whoever_is_cited_speaks(bundle) -> None:
    texts = (
        "“We are tired of the council,” Ada Quill said again.",
        "Ada Quill said the union was “tired” of the council.",
        "“We are tired of the council.”",
    )
    (report,) = score(bundle, article("a", *texts))
    assert [voice for voice, _ in voices(report)] == [Voice.QUOTED, Voice.REPORTED, Voice.QUOTED]


CITING = (
    "The ferry of Orrin will stop in May. Mayor Ada Quill said the town could not pay for it. "
    "Vesk TV reported that the mill will close."
)
STATE = (Statement(About.CODE, Code.SC, Evidence("made up")),)
VESK_TV = Outlet(
    "vesk-tv", "Vesk TV", names=(Name("Vesk TV"),), domains=(Domain("vesktv.example"),),
    statements=STATE,
)  # fmt: skip
OWN = Registry(own={VESK_TV.id: VESK_TV})


def test_the_model_is_given_what_is_read_and_the_report_what_the_model_says(bundle, model) -> None:
    text = f"It “rained”. {CITING}"
    given = Article("a", text, lang="en", outlet="Dam Post", date="2026-05-03")
    (report,) = Scorer(bundle, registry=OWN).score([given])
    (read,) = model.calls
    assert [s.text[a:b] for s in read for a, b in s.quoted] == ["“rained”"]
    assert {s.outlet for s in read} == {"Dam Post"}
    names = [[c.name for c in s.citations] for s in report.sentences]
    assert names == [[], [], ["Ada Quill"], ["Vesk TV"]]
    assert all(s.citations == s.sentence.citations for s in report.sentences)
    assert report.sentences[2].citations[0].government


def test_an_article_has_the_card_of_its_source(bundle) -> None:
    given = Article("a", CITING, lang="en", outlet="Reuters")
    (report,) = score(bundle, given)
    assert report.source is not None
    assert report.source.outlet == load()["reuters"]
    assert report.source.publication.relation is Relation.ORIGIN
    (unsaid,) = score(bundle, replace(given, outlet=None))
    assert unsaid.source is not None
    assert unsaid.source.publication.relation is Relation.UNKNOWN
    assert (unsaid.source.outlet, unsaid.source.record.scored) == (None, False)


class Slow(Scripted):
    """A model that takes its time over the sentences that are called slow."""

    def predict(self, sentences):
        for sentence in sentences:
            if "slow" in sentence.text:
                threading.Event().wait(0.3)
            check_time()
        return super().predict(sentences)


def test_an_article_that_takes_too_long_is_skipped_and_takes_no_other_along(bundle) -> None:
    scorer = Scorer(replace(bundle, model=Slow()), seconds=0.2)
    texts = ["It rained.", "A slow day. Another slow day.", "It snowed."]
    articles = [Article(f"a{n}", text, origin=Origin("f.csv", n)) for n, text in enumerate(texts)]
    first, late, last = scorer.score(articles)
    assert [first.article.id, last.article.id] == ["a0", "a2"]
    assert isinstance(late, Skipped)
    assert late.source == "f.csv, line 1"
    assert late.reason == "took longer than 0.2 s; raise --max-seconds, or divide it"


def test_long_articles_are_not_scored_together(bundle, model, monkeypatch) -> None:
    monkeypatch.setattr("framescope.classifier.scoring._MANY", 40)
    list(Scorer(bundle).score(Article(f"a{n}", "It rained. " * 30) for n in range(4)))
    assert [len(call) for call in model.calls] == [60, 60]
