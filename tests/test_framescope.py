"""The front door: what `import framescope` gives, and what it makes of what users hand over."""

import ast
import json
import multiprocessing
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import reading
from framescope.classifier.inputs.fetching import Fetched
from framescope.classifier.records.article import Article, Skipped

import framescope
from framescope.api import Report

ROOT = Path(__file__).parent.parent
FERRY = "The ferry of Orrin will cost the town 900 crowns. Observers expect the price to rise."
VILE = "A vile scheme, the mayor said. The wicked council of the town met on Tuesday."
GERMAN = (
    "Der Rat der Stadt hat am Dienstag beschlossen, die Fähre nicht mehr fahren zu lassen. "
    "Die Bewohner der Insel sind darüber nicht glücklich und wollen nun gemeinsam klagen."
)
PAGE = f"<html><body><article><h1>Ferry</h1>{''.join(f'<p>{FERRY} {VILE}</p>' * 3)}</article>"


@pytest.fixture(scope="module")
def scorer(small_bundle) -> framescope.ArticleScorer:
    return framescope.load(small_bundle)


def one(scorer: framescope.ArticleScorer, value: object) -> Report:
    (report,) = scorer.score(value)
    assert isinstance(report, Report)
    return report


def test_a_string_is_a_file_when_there_is_one(tmp_path, monkeypatch) -> None:
    (tmp_path / "ferry fares").write_text(FERRY * 2)
    monkeypatch.chdir(tmp_path)
    for source in ("ferry fares", str(tmp_path / "ferry fares"), tmp_path / "ferry fares"):
        (article,) = framescope.read(source)
        assert (article.text, article.id) == (FERRY * 2, "ferry fares")


@pytest.mark.parametrize(
    "name",
    ["missing.txt", "Missing story.HTML", "no/such", "/no/such file", "..\\x", r"C:\my files\x",
     "ftp://example.com/x"],
)  # fmt: skip
def test_what_looks_like_a_file_that_is_not_there_is_refused_in_one_line(name) -> None:
    with pytest.raises(InputError) as raised:
        framescope.read(name)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [FERRY, "The ferry runs 24/7.", "He and/or she said so!", "A line of /no/such file\nand more",
     "Ferry fares " * 40 + "and/or trams", "Ferries", "-", "x" * 5000,
     "https://example.com is down."],
)  # fmt: skip
def test_any_other_string_is_the_article(text, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", None)  # which "-" doesn't mean here
    (article,) = framescope.read(text)
    assert article.text == text


def test_an_address_is_fetched(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        "framescope.classifier.inputs.fetching.fetch",
        lambda url, limit, **_: (asked.append(url), Fetched(PAGE.encode(), url, None))[1],
    )
    (article,) = framescope.read("https://example.com/ferry")
    assert (asked, article.url) == (["https://example.com/ferry"], "https://example.com/ferry")


def test_a_string_is_read_as_a_file_that_holds_it(tmp_path) -> None:
    record = json.dumps({"id": "a", "text": FERRY * 2, "outlet": "Vesk TV"})
    for content in (FERRY * 2, PAGE, record + "\n" + record.replace('"a"', '"b"')):
        (tmp_path / "text.txt").write_text(content)
        assert framescope.read(content) == framescope.read(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("value", "reason"),
    [(None, "missing"), (float("nan"), "missing"), (7, "type int"), (b"x", "type bytes"),
     ("", "empty"), ("half \ud800", "surrogate"), (Article("a", "half \udc00"), "surrogate"),
     (Article("a", None), "text"), ("<rss>", "feed"), ("%PDF-1.4", "PDF")],
)  # fmt: skip
def test_one_bad_input_raises_and_one_of_several_is_a_value(scorer, value, reason) -> None:
    with pytest.raises(InputError, match=reason) as raised:
        framescope.read(value)
    assert "\n" not in str(raised.value)
    with pytest.raises(InputError, match=reason):
        next(scorer.score(value))
    first, skipped, last = scorer.score([FERRY, value, VILE])
    assert isinstance(first, Report)
    assert isinstance(last, Report)
    assert skipped == Skipped("input 1", skipped.reason)
    assert reason in skipped.reason


def test_a_report_says_what_the_command_says(small_bundle, scorer, tmp_path, type_command) -> None:
    path = tmp_path / "ferry.txt"
    path.write_text(f"ADA QUILL: {FERRY} {VILE}\n\nBO VALE: You mean it?\n\nADA QUILL: I do.")
    typed = type_command("score", path, "--format", "json", "--model", small_bundle)
    (expected,) = json.loads(typed.out)["articles"]
    report = one(scorer, path)
    assert (report.text, report.language, report.note) == (expected["text"], "en", None)
    for scored, record, row in zip(
        report.sentences, expected["sentences"], report.to_records(), strict=True
    ):
        assert scored.text == record["text"] == report.text[scored.start : scored.end]
        assert (scored.start, scored.end, scored.voice) == (
            record["start"], record["end"], record["voice"])  # fmt: skip
        assert list(scored.flags) == record["flags"] == row["flags"]
        assert scored.scores == pytest.approx(record["scores"], abs=1e-4)
        assert {s: row[s] for s in scored.scores} == scored.scores
        assert row["hyperpartisan"] == report.scores["hyperpartisan"]
        assert [c["name"] for c in record["citations"]] == row["cited"]
        assert [c.kind for c in scored.citations] == row["cited_as"]
    assert len(report.spans) == len(expected["spans"]) > 0
    assert {c.name for c in report.citations} == {"ADA QUILL", "BO VALE"}
    assert report.source is not None
    assert report.model == "by-hand"
    assert tuple(report.thresholds) == scorer.signals


def test_a_notebook_shows_the_marked_article(scorer) -> None:
    from html.parser import HTMLParser

    frames = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            frames.append((tag, dict(attrs)))

    Parser().feed(one(scorer, VILE)._repr_html_())
    ((tag, attributes),) = frames
    assert (tag, attributes["sandbox"]) == ("iframe", "allow-scripts")
    assert attributes["srcdoc"].startswith("<!doctype html>")
    assert '<mark class="ev framing' in attributes["srcdoc"]


def test_a_table_of_anything_gives_a_row_that_says_why(scorer, tmp_path) -> None:
    pandas = pytest.importorskip("pandas")
    (tmp_path / "vile.txt").write_text(VILE * 2)
    bodies = [FERRY, None, float("nan"), pandas.NA, pandas.NaT, pandas.Timestamp("2020-01-31"),
              "half \ud800", 7, [FERRY], "missing.txt", "", GERMAN, tmp_path / "vile.txt", PAGE,
              "<html>", str(tmp_path / "vile.txt"), tmp_path]  # fmt: skip
    index = [f"r{n}" for n in range(len(bodies))]
    df = pandas.DataFrame({"body": pandas.Series(bodies, index=index, dtype=object)})
    found = framescope.score_frame(df, model=scorer)
    assert list(dict.fromkeys(found.index)) == index
    whole = {"r0", "r11", "r12", "r13", "r15", "r16"}
    assert set(found.index[found["sentence"].notna()]) == whole
    assert set(found.index[found["note"].isna()]) == whole - {"r11"}
    notes = found["note"][~found.index.isin(whole)]
    assert notes.index.is_unique
    assert notes.map(lambda note: "\n" not in note and len(note) > 10).all()
    assert (notes["r5"], notes["r1"]) == (
        "is of type Timestamp, no text, path or address",
        "is missing; every article needs a text",
    )


def test_columns_say_what_is_known_of_an_article(tmp_path) -> None:
    pandas = pytest.importorskip("pandas")
    (tmp_path / "vile.txt").write_text(VILE * 2)
    df = pandas.DataFrame({
        "body": [FERRY, FERRY, str(tmp_path / "vile.txt"), FERRY],
        "outlet": pandas.Series(["Vesk TV", None, "Vesk TV", "\ud800"], dtype=object),
        "date": pandas.to_datetime(["2020-01-31 00:00", None, "2020-01-31 10:30", None]),
        "author": [1, 2, 3, 4],
        "title": pandas.Series([pandas.NA, "Ferry", pandas.NA, pandas.NA], dtype=object),
    })  # fmt: skip
    found = [item for _, item in reading.read_frame(df, "body")]
    known = [(a.outlet, a.date, a.author, a.title) for a in found[:3]]
    assert known == [
        ("Vesk TV", "2020-01-31", None, None),
        (None, None, None, "Ferry"),
        ("Vesk TV", "2020-01-31T10:30:00", None, None),
    ]
    assert isinstance(found[3], Skipped)


def test_tables_have_the_same_types_whatever_they_hold(scorer) -> None:
    pandas = pytest.importorskip("pandas")
    numbers = ["sentence", "start", "end", *scorer.signals]
    frames = [
        framescope.score_frame(pandas.DataFrame({"body": bodies}, dtype=object), model=scorer)
        for bodies in ([], [None], [FERRY], [GERMAN, FERRY])
    ]
    frames += [one(scorer, text).to_frame() for text in (FERRY, GERMAN)]
    for frame in frames:
        assert list(frame.columns) == list(frames[0].columns)
        assert (frame[numbers].dtypes == frames[0][numbers].dtypes).all()
    assert len(frames[0]) == 0


def test_without_pandas_one_line_says_how_to_get_it(scorer, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for call in (one(scorer, FERRY).to_frame, lambda: framescope.score_frame(None, model=scorer)):
        with pytest.raises(ImportError, match=r"pip install .+\[pandas\]") as raised:
            call()
        assert "\n" not in str(raised.value)


def test_signals_are_records(small_bundle) -> None:
    records = framescope.signals(small_bundle)
    given = {record["name"]: record["threshold"] for record in records if record["given"]}
    assert given == dict.fromkeys(
        ("claim", "vague_source", "loaded_language", "hyperpartisan"), 0.5
    )
    keys = ("name", "label", "family", "level", "meaning", "origin", "given", "threshold")
    assert all((*record,) == (*keys, "experimental") for record in records)
    assert json.loads(json.dumps(records)) == records


def test_outlets_are_looked_up_as_the_command_does() -> None:
    for key in ("rt.com", "https://www.rt.com/news/", "RT", "rt"):
        found = framescope.outlet(key)
        assert found is not None
        assert found.name == "RT"
    assert found.wikidata
    assert framescope.outlet(found.wikidata) == found
    assert framescope.outlet("nobody.example") is None
    with pytest.raises(framescope.SourcesError, match=r"daily-mirror.*the-mirror-ghana"):
        framescope.outlet("Mirror")


_forked: framescope.ArticleScorer | None = None


def in_a_worker(scorer: framescope.ArticleScorer | None) -> list[Report | Skipped]:
    scorer = scorer or _forked
    assert scorer is not None
    return list(scorer.score([FERRY, VILE, None]))


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_a_scorer_can_be_sent_to_worker_processes(scorer, method, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "_forked", scorer)
    sent = [scorer, scorer] if method == "spawn" else [scorer, None]
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(in_a_worker, sent)) == [in_a_worker(scorer)] * 2


def test_a_worker_loads_a_scorer_once_and_the_same_model(small_bundle, tmp_path) -> None:
    import shutil

    folder = tmp_path / "bundle"
    shutil.copytree(small_bundle, folder)
    sent = pickle.dumps(framescope.load(folder))
    first, second = pickle.loads(sent), pickle.loads(sent)
    assert list(first.score(FERRY)) == list(second.score(FERRY))
    assert first._scorer is second._scorer
    framescope.api._loaded.cache_clear()
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("by-hand", "another"))
    with pytest.raises(framescope.BundleError, match="load it again"):
        next(pickle.loads(sent).score(FERRY))


def run(folder: Path, *arguments: str):
    """Run Python in a folder."""
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=folder, check=False
    )


def test_it_is_light_to_import() -> None:
    code = "import framescope, sys; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    done = run(ROOT, "-c", code)
    heavy = {"numpy", "scipy", "sklearn", "onnxruntime", "pandas", "trafilatura", "rich", "typer",
             "jinja2", "training", "eval", "nupunkt"}  # fmt: skip
    assert set(ast.literal_eval(done.stdout)) & heavy == set()


def test_all_that_is_public_is_there_and_explained() -> None:
    for name in framescope.__all__:
        assert getattr(framescope, name).__doc__, name
    assert (ROOT / "framescope" / "py.typed").is_file()
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    assert {name for name in framescope.__all__ if f"`{name}`" not in page} == set()
