"""Articles in other languages: which model scores them, and what reports, runs and tables say."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import toys
from batches import in_process, rows
from framescope.classifier import bundles
from framescope.classifier.attribution import resolve_citations
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.reading import open_run, overview_html
from framescope.classifier.batch.run import run
from framescope.classifier.batch.stages import Job, Setup
from framescope.classifier.bundles import store
from framescope.classifier.errors import BundleError
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, MarkedCitation, Place, Sentence, fold
from framescope.classifier.reports import sourcing
from framescope.classifier.scoring import load_scorer
from outlets import REGISTRY

import framescope

ENGLISH = (
    "The council of the town met on Tuesday and said that the ferry will cost 900 crowns. "
    "They would not tell the people of the town who has to pay for this vile scheme."
)
# With the few words that the toy model knows.
GERMAN = (
    "Der Rat der Stadt hat am Dienstag beschlossen, die Fähre für 900 crowns fahren zu lassen. "
    "Die Bewohner der Insel sind darüber nicht glücklich, das haben die observers heute gesagt. "
    "Das ist ein wirklich vile Vorhaben, und die Stadt weiß es auch seit vielen langen Jahren."
)
SWEDISH = (
    "Stadens råd beslutade på tisdagen att färjan inte längre ska gå till ön. Invånarna är inte "
    "glada över beslutet och vill nu gemensamt överklaga det till en högre domstol i landet."
)
MEASURED = {
    "claim": {"de": {"state": "real", "n": 1200, "positives": 300, "ap": 0.712, "low": 0.65,
                     "high": 0.78, "precision": 0.7, "recall": 0.6}},
    "vague_source": {"de": {"state": "written", "n": 90, "positives": 6, "ap": 0.4}},
    "loaded_language": {"de": {"state": "none", "n": 12, "positives": 0}},
    "hyperpartisan": {},
}  # fmt: skip


@pytest.fixture
def shipped(small_bundle, tmp_path, monkeypatch) -> Path:
    """Two bundles in the place of those that ship, one for German and with other thresholds."""
    folder = tmp_path / "ships"
    for name in ("transformer", "baseline"):
        shutil.copytree(small_bundle, folder / name)
    known = {"name": "many", "languages": ["en", "de"], "measured": MEASURED}
    known |= {"thresholds": dict.fromkeys(toys.BY_HAND, 0.25)}
    manifest = {**toys.MANIFEST_BY_HAND, **known}
    bundles.write(folder / "multilingual", manifest, "# Many\n", toys.save_by_hand)
    monkeypatch.setattr(store, "SHIPPED", folder)
    return folder


def many(*texts: str) -> list[Article]:
    return [Article(str(number), text) for number, text in enumerate(texts)]


def test_the_language_of_an_article_says_which_model_scores_it(shipped) -> None:
    scorer = load_scorer(None, None, None)
    english, german, swedish = scorer.score(many(ENGLISH, GERMAN, SWEDISH))
    assert (english.model, english.thresholds, english.remarks) == ("by-hand", None, ())
    assert (german.model, german.note) == ("many", None)
    assert german.thresholds == dict.fromkeys(toys.BY_HAND, 0.25)
    assert [one.flags for one in german.sentences] == [("claim",), ("vague_source",), ()]
    assert german.sentences[2].scores["loaded_language"] > 0.9
    assert german.experimental == ("loaded_language", "hyperpartisan")
    assert german.remarks == (
        "validated in German on written text only: vague source",
        "not validated in German, and not flagged: loaded language, hyperpartisan",
    )
    bare = {(*s.scores, *s.flags, *s.citations, s.voice) for s in swedish.sentences}
    assert (swedish.model, bare, swedish.scores) == (None, {(None,)}, {})
    assert swedish.source.evidence is None
    assert swedish.note == "not scored: the text is in 'sv', the model reads en, de"
    (asked,) = load_scorer(None, None, None, True, 300.0, True).score(many(GERMAN))
    assert "loaded_language" in asked.sentences[2].flags
    alone = load_scorer("transformer", None, None).score(many(ENGLISH, GERMAN))
    assert [one.model for one in alone] == ["by-hand", None]
    (english,) = load_scorer("multilingual", None, None).score(many(ENGLISH))
    assert (english.model, english.thresholds) == ("many", None)


def test_an_article_in_several_languages_is_scored_whole_by_the_model_that_reads_them(
    shipped,
) -> None:
    mixed, partly = many(f"{GERMAN}\n\n{ENGLISH}", f"{ENGLISH}\n\n{SWEDISH}\n\n{ENGLISH}")
    mixed, partly = load_scorer(None, None, None).score([mixed, partly])
    assert (mixed.model, {bool(one.scores) for one in mixed.sentences}) == ("many", {True})
    assert (partly.model, partly.remarks) == ("by-hand", ("paragraphs not scored, in: 'sv'",))
    scored = [bool(one.scores) for one in partly.sentences]
    assert scored == [one.sentence.lang == "en" for one in partly.sentences] == [
        *(True, True), *(False, False), *(True, True)
    ]  # fmt: skip
    assert [one.flags for one in partly.sentences[4:]] == [("claim",), ("loaded_language",)]
    assert sourcing.summarise(partly).sentences.total == 4


def test_an_english_article_needs_no_other_model(shipped) -> None:
    (shipped / "multilingual" / "weights.npz").write_bytes(b"")
    scorer = load_scorer(None, None, None)
    assert [one.model for one in scorer.score(many(ENGLISH))] == ["by-hand"]
    with pytest.raises(BundleError, match="damaged"):
        list(scorer.score(many(GERMAN)))


def test_every_format_says_language_model_and_thresholds(shipped, tmp_path, type_command) -> None:
    for name, text in (("a.txt", ENGLISH), ("b.txt", GERMAN)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = tmp_path / "a.txt", tmp_path / "b.txt"
    found = {
        form: type_command("score", *files, "-f", form).out
        for form in ("terminal", "json", "jsonl", "html")
    }
    report = json.loads(found["json"])
    assert report["model"] == "by-hand"
    keys = ("lang", "model", "digest", "thresholds")
    english, german = ([one[key] for key in keys] for one in report["articles"])
    assert english == ["en", "by-hand", None, None]
    digest = bundles.digest_of(bundles.read_manifest(shipped / "multilingual"))
    assert german == ["de", "many", digest, dict.fromkeys(toys.BY_HAND, 0.25)]
    lines = [json.loads(line)["report"] for line in found["jsonl"].splitlines()]
    assert [(one["model"], one["thresholds"]["claim"]) for one in lines] == [
        *(("by-hand", 0.5), ("many", 0.25))
    ]  # fmt: skip
    for said in (found["terminal"], found["html"]):
        words = " ".join(said.split())
        assert "German" in words
        assert "scored by many" in words
        assert "on written text only: vague source" in words
        assert "(threshold 0.25)" in words or said is found["terminal"]
    both = list(framescope.score(list(files)))
    assert [(one.language, one.model, one.thresholds["claim"]) for one in both] == [
        *(("en", "by-hand", 0.5), ("de", "many", 0.25))
    ]  # fmt: skip


def test_a_run_has_the_models_and_thresholds_of_each_article(shipped, tmp_path) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "in").mkdir()
    for name, text in (("a.txt", ENGLISH), ("b.txt", GERMAN.replace("observers", "vile"))):
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    job = Job([str(tmp_path / "in")], tmp_path / "run", quiet=True)
    experimental = replace(job, output=tmp_path / "all", setup=Setup(experimental=True))
    with in_process():
        for one in (job, experimental):
            assert run(one)["scored"] == 2
    found = {row["lang"]: row for row in rows(job.output, "articles")}
    assert {lang: row["model"] for lang, row in found.items()} == {"en": "by-hand", "de": "many"}
    assert found["de"]["experimental"] == ["loaded_language", "hyperpartisan"]
    assert len(found["de"]["remarks"]) == 2
    with open_run(RunFolder(job.output)) as database:
        counts = database.rows(
            "SELECT model, p_loaded_language, w_loaded_language FROM "
            "article_counts JOIN articles USING (article_id) ORDER BY model"
        )
        assert [tuple(row.values()) for row in counts] == [("by-hand", 1, 2), ("many", None, None)]
        assert "in German by many" in overview_html(database)
    with open_run(RunFolder(experimental.output)) as database:
        flagged = database.rows(
            "SELECT model, f.strength, s.loaded_language AS score FROM most_flagged f "
            "JOIN articles USING (article_id) JOIN sentences s USING (article_id, sentence)"
        )
    limits = {"by-hand": 0.5, "many": 0.25}
    assert {row["model"] for row in flagged} == {*limits}
    for row in flagged:
        limit = limits[row["model"]]
        assert row["strength"] == pytest.approx((row["score"] - limit) / (1 - limit))
    shutil.rmtree(shipped / "multilingual")
    with in_process(), pytest.raises(RunError, match=r"many, .* then; none now"):
        run(replace(job, add=True))


def test_signals_of_a_language_say_what_is_measured(shipped, type_command) -> None:
    for word in ("de", "german"):
        shown = type_command("signals", "--language", word)
        assert (shown.status, max(map(len, shown.out.splitlines()))) <= (0, 80)
        claim = next(line for line in shown.out.splitlines() if " claim" in line)
        assert claim.split() == ["claim", "real", "1,200", "300", "0.71", "(0.65-0.78)", "0.70"]
    listed = json.loads(type_command("signals", "--language", "de", "-f", "json").out)
    assert [one["state"] for one in listed] == ["real", "written", "none", "none"]
    assert listed == framescope.signals(language="German")
    assert {one["state"] for one in framescope.signals(language="en")} == {"real"}
    refused = type_command("signals", "--language", "sv")
    assert (refused.status, refused.out) == (2, "")
    assert refused.err == (
        "framescope: --language sv: not read; known: English (en), German (de)\n"
    )


@pytest.mark.parametrize(
    ("lang", "sources", "names"),
    [
        ("de", "Osquelas Ministerin Ines Orvado|ein Delegierter, der schwieg|Orvado|er",
         "Ines Orvado|ein Delegierter|Ines Orvado|er"),
        ("fr", "la ministre des Affaires étrangères, Ines Orvado|l'armée du Namirat",
         "Ines Orvado|l'armée du Namirat"),
        ("ru", "глава Минводхоза Карим Деббуз|Деббуз", "глава Минводхоза Карим Деббуз|" * 2),
        ("zh", "卫生部长安塞尔姆·瓦尔戈（公民左翼）|瓦尔戈", "卫生部长安塞尔姆·瓦尔戈|" * 2),
        ("ar", "رئيس البلدية أنيس بودار|بودار", "رئيس البلدية أنيس بودار|" * 2),
    ],
)  # fmt: skip
def test_sources_in_other_languages_have_their_own_words_or_names(lang, sources, names) -> None:
    words, starts = sources.split("|"), []
    text = ""
    for one in words:
        starts.append(len(text))
        text += one + " … "
    whole = [Sentence(text, 0, len(text), "a", 0, lang=lang)]
    given = [MarkedCitation(Place(at, at + len(one)), None, (Place(len(text) - 1, len(text)),))
             for at, one in zip(starts, words, strict=True)]  # fmt: skip
    (found,) = resolve_citations(fold(text), whole, [given], REGISTRY)
    assert [one.name for one in found] == names.strip("|").split("|")
    assert not any(one.government or one.state_media for one in found)


@pytest.mark.parametrize(
    ("lang", "text", "names"),
    [
        ("ar", "في العالم اليوم، ذكرت صحيفة الحياة ووكالة شينخوا", ["صحيفة الحياة", "شينخوا"]),
        ("de", "Die Welt schaut zu, berichtet die Zeitung Welt heute.", ["Welt"]),
        ("en", "Die Welt wrote so.", ["Die Welt"]),
        ("ru", "Правда, об этом пишет газета «Правда» и ТАСС", ["Правда", "ТАСС"]),
        ("zh", "截至六月，中国网民增加，据新华社报道", ["新华社"]),
    ],
)
def test_a_name_that_is_an_ordinary_word_needs_marks_or_its_kind(lang, text, names) -> None:
    found = load_registry().mentions(text, lang)
    assert [text[one.start : one.end] for one in found] == names
