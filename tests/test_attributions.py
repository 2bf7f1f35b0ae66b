"""Attributions in brat's files, and the kinds of source that follow from them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.attribution.reading import begin
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs.sentences import split
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Article, Place, SourceKind
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.statements import About, Code, Evidence, Statement
from framescope.training.corpora.attributions import Attribution, TypedSource
from framescope.training.corpora.attributions import read_attributions as read
from framescope.training.corpora.polnear import Annotated, texts
from framescope.training.data import swaps
from framescope.training.data.examples import of_articles

OUTLETS = (
    Outlet("vesk-herald", "Vesk Herald", names=(Name("Vesk Herald"),)),
    Outlet(
        "otag",
        "OTAG",
        names=(Name("OTAG"),),
        statements=(Statement(About.CODE, Code.SC, Evidence("made up")),),
    ),
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry(own={one.id: one for one in OUTLETS})


def at(text: str, piece: str) -> Place:
    start = text.index(piece)
    return Place(start, start + len(piece))


#: What the sources of these texts were typed as.
TYPED = {
    "the Vesk Herald": TypedSource(SourceKind.NAMED, outlets=("vesk-herald",)),
    "Analysts": TypedSource(SourceKind.VAGUE),
    "OTAG": TypedSource(SourceKind.NAMED, state_media=True, outlets=("otag",)),
    "Rika Vale": TypedSource(SourceKind.NAMED),
}


def marked(text: str, *pieces: tuple[str | None, str | None, str]) -> tuple[Attribution, ...]:
    return tuple(
        Attribution(
            source and at(text, source),  # type: ignore[arg-type]
            cue and at(text, cue),  # type: ignore[arg-type]
            (at(text, content),),
            TYPED.get(source.replace("The", "the")) if source else None,
        )
        for source, cue, content in pieces
    )


def annotated(article: Article, *annotators: tuple[Attribution, ...]) -> Annotated:
    return Annotated(article, split(article), annotators, begin(article).quotations)


def labels(registry: Registry, text: str, *annotators: tuple[Attribution, ...]):
    article = Article(id="a", text=text, date="2016-03-04")
    found = annotated(article, *annotators).labels(registry)
    return [{name for name, value in one.items() if value} for one in found]


def test_reads_sources_cues_and_contents_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "a.ann"
    path.write_text(
        "T1\tSource 20 25\tClerk\n"
        "T2\tCue 26 30;40 42\tsaid on\n"
        "T3\tContent 50 55\tlater\n"
        "T4\tContent 0 10;12 15\tsplit\n"
        "T5\tAttribution 26 30\tsaid\n"
        "E1\tAttribution:T5 Cue:T2 Source:T1 Content:T4 Content2:T3\n"
        "T6\tContent 60 70\talone\n"
        "T7\tDiscuss 1 2\tx\n"
        "#1\tAnnotatorNotes T6\twhy?\n",
        encoding="utf-8",
    )
    assert read(path) == [
        Attribution(Place(20, 25), Place(26, 42), (Place(0, 10), Place(12, 15), Place(50, 55))),
        Attribution(None, None, (Place(60, 70),)),
    ]


def test_a_sentence_has_the_kinds_of_its_sources(registry) -> None:
    text = (
        "The bridge will close, the Vesk Herald reported. Analysts expect delays. "
        "The ferry sank, OTAG said."
    )
    annotator = marked(
        text,
        ("the Vesk Herald", "reported", "The bridge will close"),
        ("Analysts", "expect", "delays"),
        ("OTAG", "said", "The ferry sank"),
    )
    assert labels(registry, text, annotator) == [
        {"attributed", "named_source", "reported"},
        {"attributed", "vague_source", "reported"},
        {"attributed", "named_source", "state_media_attribution", "reported"},
    ]


def test_the_outlet_that_carried_the_words_counts(registry) -> None:
    text = "“We are leaving,” Rika Vale told OTAG. OTAG moved its office, Rika Vale said."
    annotator = marked(
        text,
        ("Rika Vale", "told", "“We are leaving,”"),
        ("Rika Vale", "said", "OTAG moved its office"),
    )
    found = labels(registry, text, annotator)
    assert found[0] == {"attributed", "named_source", "state_media_attribution", "quoted"}
    assert found[1] == {"attributed", "named_source", "reported"}


def test_without_a_source_only_a_vague_cue_tells(registry) -> None:
    text = "The mill is expected to close. The mill seems empty."
    annotator = marked(
        text, (None, "is expected", "to close"), (None, "seems", "The mill seems empty")
    )
    article = Article(id="a", text=text)
    vague, unknown = annotated(article, annotator).labels(registry)
    assert vague["vague_source"] == 1.0
    assert vague["named_source"] == 0.0
    assert unknown == {"attributed": 1.0, "quoted": 0.0, "reported": 1.0}


def test_half_of_the_content_in_quotation_marks_is_quoted(registry) -> None:
    text = (
        "“The water is cold and deep,” the Vesk Herald wrote. "
        "The Vesk Herald called it “cold” and not fit for any swimmer."
    )
    annotator = marked(
        text,
        ("the Vesk Herald", "wrote", "“The water is cold and deep,”"),
        ("The Vesk Herald", "called", "it “cold” and not fit for any swimmer"),
    )
    first, second = labels(registry, text, annotator)
    assert "quoted" in first
    assert "reported" in second
    assert not {"quoted", "reported"} <= first | {"reported"} - {"reported"}


def test_the_majority_says_whether_and_those_who_agree_say_to_whom(registry) -> None:
    text = "The bridge will close, the Vesk Herald reported."
    named = marked(text, ("the Vesk Herald", "reported", "The bridge will close"))
    assert labels(registry, text, named, named, ()) == [{"attributed", "named_source", "reported"}]
    article = Article(id="a", text=text)
    assert annotated(article, named, ()).labels(registry) == [{}], "a tie"
    assert labels(registry, text, named, (), ()) == [set()]


# --- what was typed, stand-off --------------------------------------------------------------------


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of one text, with what was typed of its two attributions."""
    text, part = "OTAG said it rained. Vale “agreed”.", tmp_path / "polnear/data/train"
    for name, content in (
        ("text/otag-news_2016-03-04_rain.txt", text),
        (
            "attributions/otag-news_2016-03-04_rain_x.ann",
            "T1\tSource 0 4\tOTAG\nT2\tContent 10 19\tit rained\nT3\tSource 21 25\tVale\n"
            "T4\tContent 26 34\t“agreed”\n"
            "E1\tAttribution:T9 Source:T1 Content:T2\nE2\tAttribution:T8 Source:T3 Content:T4\n",
        ),
    ):
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).write_text(content, encoding="utf-8")
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path / "house"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    record = {"article": "otag-news_2016-03-04_rain", "digest": digest}
    record |= {"quotations": [[26, 34]], "kinds": [["NS:otag", "UG"]]}
    path = tmp_path / "house/standoff/polnear.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return tmp_path / "polnear"


def test_what_was_typed_is_joined_to_what_is_marked(release: Path, registry) -> None:
    (found,) = texts(release)
    assert [one.typed for one in found.annotators[0]] == [
        TypedSource(SourceKind.NAMED, state_media=True, outlets=("otag",)),
        TypedSource(SourceKind.UNNAMED, government=True),
    ]
    first, second = found.labels(registry)
    assert (first["named_source"], first["state_media_attribution"]) == (1.0, 1.0)
    assert (second["unnamed_source"], second["government_attribution"]) == (1.0, 1.0)
    assert (first["quoted"], second["quoted"]) == (0.0, 1.0)


def test_what_was_typed_of_another_text_is_refused(release: Path) -> None:
    text = next(release.glob("data/*/text/*.txt"))
    text.write_text("OTAG said it hailed. Vale “agreed”.", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"rain\.txt: not the text .* obtain the corpus again"):
        list(texts(release))


def test_without_the_file_nothing_is_guessed(release: Path) -> None:
    next(release.parent.glob("house/standoff/*")).unlink()
    with pytest.raises(CorpusError, match=r"polnear\.jsonl: no kinds of source"):
        list(texts(release))


# --- swaps ---------------------------------------------------------------------------------------

TEXT = "The ferry sank, the Vesk Herald said. The Vesk Herald moved its office. It rained."


@pytest.fixture
def examples():
    article = Article(id="a", text=TEXT, outlet="x", date="2016-03-04")
    annotator = marked(TEXT, ("the Vesk Herald", "said", "The ferry sank"))
    known = annotated(article, annotator)
    registry = Registry(own={one.id: one for one in OUTLETS})
    from framescope.classifier.records.article import Unit

    units = tuple(
        Unit(s.start, s.end, given)
        for s, given in zip(known.sentences, known.labels(registry), strict=True)
    )
    built = of_articles("polnear", iter([replace(article, units=units)]))
    behind = {
        ("polnear/a", s.start): outlets
        for s, outlets in zip(known.sentences, known.outlets(registry), strict=True)
        if outlets
    }
    return replace(built, part=np.array(["train"] * 3)), behind


def test_a_swapped_outlet_takes_its_label_along(examples, registry, monkeypatch) -> None:
    monkeypatch.setattr(swaps, "PHRASE_SHARE", 0.0)
    rows, behind = examples
    assert behind == {("polnear/a", 0): frozenset({"vesk-herald"})}
    swapped = swaps.Swap(registry, behind, share=1.0).apply(rows, ("train",))
    assert [s.text for s in swapped.sentences] == [
        "The ferry sank, the Xinhua said.",
        "The Xinhua moved its office.",
        "It rained.",
    ]
    assert swapped.column(swaps.SIGNAL).tolist() == [1.0, 0.0, 0.0], "a mention is none"
    assert rows.column(swaps.SIGNAL).tolist() == [0.0, 0.0, 0.0]
    assert [s.start for s in swapped.sentences] == [s.start for s in rows.sentences]
    others = [name for name in rows.signals if name != swaps.SIGNAL]
    for name in others:
        np.testing.assert_array_equal(swapped.column(name), rows.column(name))


def test_state_media_are_swapped_for_another(registry) -> None:
    swap = swaps.Swap(registry, {}, share=1.0)
    from framescope.classifier.records.article import Sentence

    text = "OTAG said so."
    assert swap.rename(Sentence(text, 0, len(text), "a", 0))[0].text == "Reuters said so."


def test_a_phrase_leaves_open_whether_the_source_is_named(examples, registry, monkeypatch) -> None:
    monkeypatch.setattr(swaps, "PHRASE_SHARE", 1.0)
    rows, behind = examples
    swapped = swaps.Swap(registry, behind, share=1.0).apply(rows, ("train",))
    assert any(phrase in swapped.sentences[0].text for phrase in swaps.PHRASES)
    assert swapped.column(swaps.SIGNAL)[0] == 1.0
    assert np.isnan(swapped.column("named_source")[0])
    assert swapped.column("attributed")[0] == 1.0


def test_only_the_parts_asked_for_are_swapped_and_the_draw_is_the_seeds(examples, registry):
    rows, behind = examples
    kept = swaps.Swap(registry, behind, share=1.0).apply(rows, ("test",))
    assert kept.sentences == rows.sentences
    drawn = [swaps.Swap(registry, behind, seed).is_swapped("a", "x") for seed in range(40)]
    assert drawn == [swaps.Swap(registry, behind, seed).is_swapped("a", "x") for seed in range(40)]
    assert 8 < sum(drawn) < 32
