"""Labels that stand off from texts of others, joined to small made-up collections."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article, Voice
from framescope.classifier.taxonomy import in_order
from framescope.training.commands.labelled import corpora_app as app
from framescope.training.corpora import find_corpus, standoff
from framescope.training.corpora.articles import State
from framescope.training.data import load_articles
from framescope.training.labels import LabelCheck, check_standoff
from typer.testing import CliRunner

TEXTS = {
    "tarn": {"t1": "The dam of Tarn holds. It is new.", "t2": "Nobody in Tarn was asked."},
    "vesk": {"v1": "The mill of Vesk burned.\n\nIts owner, Ada Quill, fled."},
}
CORPUS = find_corpus("standoff")
NAMES = ("standoff", "judged", "techniques")


def record(collection: str, article: str) -> dict[str, Any]:
    """Label the first five characters of a text, and the five that follow."""
    text, sentences = TEXTS[collection][article], []
    for start in (0, 5):
        digest = standoff.digest(text[start : start + 5])[: standoff.SHORT]
        labels = {"content": 1, "claim": int(start > 0)}
        held = {"digest": digest, "voice": "own", "labels": labels}
        sentences.append({"start": start, "end": start + 5, **held})
    known = {"collection": collection, "article": article, "digest": standoff.digest(text)}
    return {**known, "outlet": "Orvel Post", "date": "2031-05-06", "sentences": sentences}


# In an order that is no collection's own.
RECORDS = [record("tarn", "t2"), record("vesk", "v1"), record("tarn", "t1")]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both collections, one text a file, and labels in a house corpus beside it."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "corpora"
    for name, texts in TEXTS.items():
        (folder / name).mkdir(parents=True)
        for key, text in texts.items():
            (folder / name / f"{key}.txt").write_text(text, encoding="utf-8")

    def collection(name: str) -> standoff.TextCollection:
        def read(folder: Path) -> Iterator[tuple[str, str]]:
            for path in sorted(folder.iterdir()):
                yield path.stem, path.read_text(encoding="utf-8")

        return standoff.TextCollection(lambda root: root / name, read, f"https://{name}.example")

    monkeypatch.setattr(standoff, "TEXTS", {name: collection(name) for name in TEXTS})
    labels(tmp_path / "house", monkeypatch, *RECORDS)
    return folder


def labels(house: Path, monkeypatch: pytest.MonkeyPatch, *records: dict[str, Any] | str) -> Path:
    """Write the labels of a house corpus: how many there are is remembered by its name."""
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(house))
    path = standoff.labels_file()
    path.parent.mkdir(parents=True)
    lines = (r if isinstance(r, str) else json.dumps(r) for r in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def without_vesk(root: Path) -> Path:
    (root / "vesk/v1.txt").unlink()
    (root / "vesk").rmdir()
    return root


def test_labels_come_with_their_text_in_the_order_of_the_labels(root: Path) -> None:
    (root / "tarn/t9.txt").write_text("A text that nobody labelled.")
    assert (CORPUS.state(root), CORPUS.lacks(root)) == (State.PRESENT, [])
    found = list(standoff.read(root))
    assert list(load_articles("standoff", root)) == found
    assert [a.id for a in found] == ["tarn/t2", "vesk/v1", "tarn/t1"]
    article = found[1]
    assert article.text == TEXTS["vesk"]["v1"]
    assert (article.outlet, article.date, article.lang) == ("Orvel Post", "2031-05-06", "en")
    first, second = article.units or ()
    assert article.text[first.start : first.end] == "The m"
    assert (first.voice, dict(second.labels)) == (Voice.OWN, {"content": 1.0, "claim": 1.0})


def test_missing_texts_are_named_and_left_out(without_vesk: Path) -> None:
    root = without_vesk
    lacks = f"{root / 'vesk'} (1 articles; https://vesk.example)"
    assert (CORPUS.state(root), CORPUS.lacks(root)) == (State.PARTIAL, [lacks])
    assert [a.id for a in load_articles("standoff", root)] == ["tarn/t2", "tarn/t1"]
    listing = ["--corpora", str(root)]
    listed = CliRunner().invoke(app, listing, env={"COLUMNS": "200"}).output
    assert f"standoff: loaded without {lacks}" in listed
    found = json.loads(CliRunner().invoke(app, [*listing, "--format", "json"]).output)
    (one,) = (one for one in found["corpora"] if one["name"] == "standoff")
    assert (one["state"], one["articles"], one["sentences"]) == ("partial", 2, 4)
    assert one["lacks"] == [lacks]


def test_no_text_or_no_labels_is_missing(tmp_path: Path, root: Path, monkeypatch) -> None:
    assert {CORPUS.state(tmp_path / "cache"), CORPUS.state(None)} == {State.MISSING}
    with pytest.raises(CorpusError, match=r"'standoff' is missing: .*tarn.*2 articles.*vesk"):
        load_articles("standoff", tmp_path / "cache")
    with pytest.raises(CorpusError, match="--corpora DIR"):
        load_articles("standoff", None)
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path / "none"))
    assert CORPUS.state(root) is State.MISSING
    assert CORPUS.lacks(root) == [str(tmp_path / "none/standoff/labels.jsonl")]
    with pytest.raises(CorpusError, match="no stand-off labels there; restore the file"):
        list(standoff.read(root))


def test_a_page_that_reads_differently_keeps_what_still_stands_on_it(
    root: Path, tmp_path: Path, monkeypatch
) -> None:
    before = "It rained. What a vile mill it was! Ada Quill fled."
    now = "Subscribe today. Ada Quill fled. What a vile mill it was! It hailed."
    read = standoff.TextCollection(lambda root: root, lambda root: iter([("p.html", now)]), "")
    monkeypatch.setattr(standoff, "TEXTS", {"pages": read})
    sentences = [
        {"start": start, "end": end, "labels": {"any_technique": int(start == 11)},
         "digest": standoff.digest(before[start:end])[: standoff.SHORT]}
        for start, end in ((0, 10), (11, 35), (36, 51))
    ]  # fmt: skip
    vile = {"start": 18, "end": 22, "signal": "loaded_language"}
    page = {"collection": "pages", "article": "p.html", "digest": standoff.digest(before)}
    labels(tmp_path / "page", monkeypatch, {**page, "sentences": sentences, "spans": [vile]})
    (found,) = standoff.read(root)
    kept = {now[unit.start : unit.end]: unit.labels["any_technique"] for unit in found.units or ()}
    assert kept == {"Ada Quill fled.": 0.0, "What a vile mill it was!": 1.0}
    assert [now[span.start : span.end] for span in found.spans] == ["vile"]


@pytest.mark.parametrize("change", ["It is newer.", "The dam of Tarn holds. It is new. ", None])
def test_another_text_is_an_error_that_names_it(root: Path, change: str | None) -> None:
    path = root / "tarn/t1.txt"
    path.unlink()
    if change is not None:
        path.write_text(change)
    reason = "lacks" if change is None else "is another text than"
    with pytest.raises(CorpusError, match=rf"{reason} article 't1'.*tarn\.example") as error:
        load_articles("standoff", root)
    assert "\n" not in str(error.value)


def test_labels_and_files_of_texts_count_for_the_digest(root: Path, tmp_path, monkeypatch) -> None:
    before = CORPUS.digest(root)
    (root / "tarn/t1.txt").write_text("Other.")
    assert CORPUS.digest(root) == before, "the sentences of a folder have digests of their own"
    whole = standoff.TextCollection(lambda root: root / "tarn/t1.txt", lambda root: iter(()), "")
    with monkeypatch.context() as patched:
        patched.setattr(standoff, "TEXTS", {**standoff.TEXTS, "tarn": whole})
        assert CORPUS.digest(root) != before
    labels(tmp_path / "fewer", monkeypatch, *RECORDS[:2])
    assert CORPUS.digest(root) != before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "Expecting"),
        ("[]", "list indices"),
        ('{"collection": "orrin", "article": "1", "digest": ""}', "unknown collection 'orrin'"),
        ('{"collection": "tarn", "digest": ""}', "'article'"),
        ('{"collection": "tarn", "article": "1"}', "'digest'"),
    ],
)
def test_a_broken_line_is_named(root: Path, tmp_path, monkeypatch, line: str, reason: str) -> None:
    path = labels(tmp_path / "broken", monkeypatch, RECORDS[0], line)
    with pytest.raises(CorpusError, match=r"line 2: no stand-off labels") as error:
        list(standoff.labels(path))
    assert reason in str(error.value)


def test_labels_are_compared_with_their_texts(root: Path, tmp_path, monkeypatch) -> None:
    def checked(name: str, folder: Path | None, one: dict[str, Any]) -> LabelCheck:
        labels(tmp_path / name, monkeypatch, one)
        return check_standoff(folder)

    given = record("vesk", "v1")
    assert checked("sound", root, given) == LabelCheck("standoff", 1, 2, 0, ())
    given["sentences"][1]["digest"] = "0" * 16
    given["sentences"][0]["end"] -= 2  # an offset that slipped is seen by the digest too
    problems = checked("slipped", root, given).problems
    places = [(f"vesk/v1, sentence {n}", "the digest is of another sentence") for n in range(2)]
    assert [(p.where, p.what) for p in problems] == places
    with pytest.raises(CorpusError, match="another text than article 'v1'"):
        checked("other", root, {**given, "digest": "0" * 64})
    given["sentences"][1]["labels"] = {"unsourced_assertion": 1, "claim": 0}
    alone = checked("alone", None, given)
    assert alone.unread == ("vesk: 1 articles without their text",)
    broken = ("vesk/v1, sentence 1", "an unsourced_assertion has a claim")
    assert [(p.where, p.what) for p in alone.problems] == [broken]


@pytest.mark.parametrize(
    "sentence", [{"start": 0, "end": 999, "labels": {}}, {"start": 0, "end": 3, "labels": {"x": 1}}]
)
def test_labels_that_do_not_fit_their_text_name_the_article(sentence) -> None:
    with pytest.raises(CorpusError, match=r"^tarn/t2: ") as error:
        standoff.join({**RECORDS[0], "sentences": [sentence]}, TEXTS["tarn"]["t2"])
    assert "\n" not in str(error.value)


def test_news_lie_beside_the_corpora_or_where_the_environment_says(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv(standoff.ENVIRONMENT, raising=False)
    folder = tmp_path / "corpora"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert standoff.articles_folder(folder) == tmp_path / "articles"
    assert standoff.articles_folder(Path()) == tmp_path / "articles"
    (folder / "articles").mkdir()
    assert standoff.articles_folder(folder) == folder / "articles"
    monkeypatch.setenv(standoff.ENVIRONMENT, str(tmp_path / "elsewhere"))
    assert standoff.articles_folder(folder) == tmp_path / "elsewhere"


ALLSIDES = {
    "ID": "1-1",
    "source": "Amaro Courier",
    "url": "https://www.courier.example/1",
    "date": "2019-05-02",
    "title": "A title",
    "content_original": "The ferry of Amaro has sunk.",
}


def allsides(folder: Path, line: str) -> list[Article]:
    with gzip.open(folder / standoff.ALLSIDES_FILE, "wt", encoding="utf-8") as file:
        file.write(f"{line}\n")
    return list(standoff.read_allsides(folder))


def test_the_ratings_of_a_product_are_never_read(tmp_path: Path) -> None:
    (plain,) = allsides(tmp_path, json.dumps(ALLSIDES))
    (rated,) = allsides(tmp_path, json.dumps({**ALLSIDES, "bias_text": "left", "bias": "0"}))
    assert plain == rated
    assert (plain.id, plain.outlet, plain.date) == ("1-1", "Amaro Courier", "2019-05-02")
    assert (plain.title, plain.text) == ("A title", "The ferry of Amaro has sunk.")


def test_news_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    lines = {"{": "line 1: is no article", "[1]": "line 1: is no article"}
    for line, said in {**lines, '{"ID": "x"}': "line 1: lacks 'content_original'"}.items():
        with pytest.raises(CorpusError, match=said):
            allsides(tmp_path, line)
    (tmp_path / standoff.ALLSIDES_FILE).write_text("plain")
    with pytest.raises(CorpusError, match="can't be read"):
        list(standoff.read_allsides(tmp_path))
    (tmp_path / standoff.ALLSIDES_FILE).unlink()
    with pytest.raises(CorpusError, match=r"no allsides\.jsonl\.gz there; obtain"):
        list(standoff.read_allsides(tmp_path))


@pytest.fixture(scope="module")
def shipped() -> list[dict[str, Any]]:
    return [one for name in NAMES for one in standoff.labels(standoff.labels_file(name))]


def test_no_text_ships_with_the_labels(shipped) -> None:
    about = {"collection", "article", "digest", "outlet", "date", "genre", "republications"}
    kinds = {"kind", "government", "state_media", "speaker"}
    for one in shipped:
        assert one.keys() <= {*about, "sentences", "labels", "spans"}
        for sentence in one["sentences"]:
            assert sentence.keys() <= {"start", "end", "digest", "voice", "labels", "citations"}
            for cited in sentence.get("citations", ()):
                assert cited.keys() <= {"source", "cue", "content", "antecedent", *kinds}
                places = [cited["source"], cited["cue"], cited.get("antecedent"), *cited["content"]]
                places.append(cited.get("speaker", {}).get("name"))
                assert all(place is None or place.keys() == {"start", "end"} for place in places)
            assert len(sentence["digest"]) == standoff.SHORT


def test_every_article_is_labelled_once_by_the_signals_of_the_card(shipped) -> None:
    for name in NAMES:
        of_corpus = standoff.labels(standoff.labels_file(name))
        names = Counter((one["collection"], one["article"]) for one in of_corpus)
        assert set(names.values()) == {1}, name
    assert {one["collection"] for one in shipped} == set(standoff.TEXTS)
    signals = {name for r in shipped for s in r["sentences"] for name in s["labels"]}
    of_articles = {name for r in shipped for name in r.get("labels", ())}
    assert in_order(signals | of_articles) == standoff.STANDOFF.card.signals


@pytest.mark.slow
def test_real_texts_are_those_that_were_labelled_whole() -> None:
    named = os.environ.get("FRAMESCOPE_CORPORA")
    root = Path(named or Path(__file__).parents[2] / "shared/corpora")
    if CORPUS.state(root) is not State.PRESENT:
        pytest.skip("the texts aren't all here")
    for name in NAMES:
        checked = check_standoff(root, name)
        assert (checked.problems, checked.unread) == ((), ())
    for article in standoff.read(root):
        ends = [0, *(place for unit in article.units or () for place in (unit.start, unit.end))]
        gaps = zip(ends[::2], [*ends[1::2], len(article.text)], strict=True)
        assert not any(article.text[start:end].strip() for start, end in gaps), article.id
