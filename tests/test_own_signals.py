"""A desk's own signal: one entry in a TOML file, labels, and it is everywhere, without any code."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from framescope.classifier import bundles, taxonomy
from framescope.classifier.errors import BundleError, SignalError
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.tfidf import Ngrams, TfidfModel
from framescope.classifier.records import Article
from framescope.classifier.taxonomy import BY_NAME, NAMES, SHIPPED, in_order

SIGNAL = "clickbait_headline"
DEFINED = """\
[clickbait_headline]
label = "clickbait"
family = "framing"
level = "sentence"
meaning = "a headline that keeps back what the article says, so that readers open it"
origin = "style book 4.2"
"""
MINIMAL = {"family": "framing", "level": "sentence", "meaning": "stands in capitals"}


@pytest.fixture(autouse=True)
def nothing_of_its_own(monkeypatch) -> Iterator[None]:
    """Each test begins and ends as a machine on which nobody has defined a signal."""
    monkeypatch.delenv(taxonomy.ENVIRONMENT, raising=False)
    taxonomy.forget_own()
    yield
    taxonomy.forget_own()


@pytest.fixture
def define(tmp_path, monkeypatch) -> Callable[[str], Path]:
    """Write the user's file, and name it."""

    def defined(text: str = DEFINED) -> Path:
        path = tmp_path / "signals.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv(taxonomy.ENVIRONMENT, str(path))
        taxonomy.forget_own()
        return path

    return defined


def own_bundle(folder: Path, definitions: dict[str, Any] | None = None, **other: str) -> Path:
    """A baseline by hand that gives `claim`, and flags "vile" as an own signal."""
    taxonomy.declare(taxonomy.from_records({SIGNAL: {**MINIMAL, **other}}, "test"), "test")
    names = ("claim", SIGNAL)
    words = Ngrams("word", 1, 1, ("crowns", "vile"), np.ones(2, np.float32))
    model = TfidfModel(
        names, (words,), np.eye(2) * 8, np.full(2, -2.0), Calibration.identity(names)
    )
    manifest = {
        **toys.MANIFEST_BY_HAND, "signals": list(names), "thresholds": dict.fromkeys(names, 0.5),
        "calibration": {name: [1.0, 0.0] for name in names},
    }  # fmt: skip
    bundles.write(folder, manifest, "# By hand\n", model.save)
    taxonomy.forget_own()
    return folder


def test_own_signals_come_after_those_that_ship_by_their_names(define) -> None:
    assert tuple(NAMES) == tuple(BY_NAME) == SHIPPED
    path = define(f"{DEFINED}\n[all_capitals]\nfamily='content'\nlevel='span'\nmeaning='x'\n")
    assert tuple(NAMES) == (*SHIPPED, "all_capitals", SIGNAL)
    assert [one.name for one in taxonomy.SIGNALS] == list(NAMES)
    assert [*taxonomy.SIGNALS][-1].label == "clickbait"
    one = BY_NAME["all_capitals"]
    assert (one.label, one.family, one.level) == ("all capitals", "content", "span")
    assert one.origin == "this newsroom's own definition"
    assert in_order([SIGNAL, "claim", "all_capitals"]) == ("claim", "all_capitals", SIGNAL)
    assert taxonomy.defined_in(SIGNAL) == str(path)
    assert taxonomy.defined_in("claim") is None
    assert "all_capitals" not in taxonomy.TECHNIQUES
    assert len(taxonomy.TECHNIQUES) == 14
    with pytest.raises(SignalError, match="'clickbait_headlin'; did you mean clickbait_headline"):
        in_order(["clickbait_headlin"])


def entry(**changes: Any) -> str:
    values = {**MINIMAL, **changes}
    lines = (f"{key} = {json.dumps(value)}" for key, value in values.items() if value is not None)
    return "[in_capitals]\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (entry(famly="x"), "[in_capitals] has an unknown key 'famly'; did you mean family?"),
        (entry(level="paragraph"), "level 'paragraph'; give one of sentence, span, article"),
        (entry(family="frame"), "has the family 'frame'; give one of content, sourcing, framing"),
        (entry(meaning=None), "[in_capitals] has no meaning; it needs family, level, meaning"),
        (entry(meaning="two\nlines"), "needs text on one line as meaning"),
        (entry(label="\u202egnp"), "needs text on one line as label"),
        (entry(meaning="x" * 301), "has a meaning of more than 300 characters"),
        (entry(family="article"), "which is of whole articles; give the level 'article'"),
        ("in_capitals = 3\n", "[in_capitals] is no entry; write [NAME], and below it family"),
        (entry().replace("in_capitals", "two__lines"), "[two__lines] is no name of a signal"),
        (entry().replace("in_capitals", f"a{'b' * 60}"), "is no name of a signal"),
        (entry().replace("in_capitals", "labels"), "[labels] is what reports or tables call"),
        (entry().replace("in_capitals", "mood_low"), "[mood_low] is what reports or tables call"),
        (entry().replace("in_capitals", "claim"), "[claim] ships with framescope; choose another"),
        (entry() * 2, "can't be read as TOML"),
    ],
)
def test_a_bad_entry_is_refused_in_one_line(text, reason, define, type_command) -> None:
    path = define(text)
    result = type_command("signals", "--model", "baseline")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"framescope: {path}: ")
    assert reason in result.err
    assert result.err.count("\n") == 1


def test_a_file_that_is_named_and_not_there_is_refused(tmp_path, monkeypatch, type_command) -> None:
    monkeypatch.setenv(taxonomy.ENVIRONMENT, str(tmp_path / "none.toml"))
    result = type_command("signals", "--model", "baseline")
    assert result.status == 2
    assert "none.toml: no such file; FRAMESCOPE_SIGNALS names the file of your" in result.err


def test_no_signal_is_called_as_something_else_of_a_report_or_a_table_is() -> None:
    pytest.importorskip("duckdb")
    import duckdb
    from framescope.classifier.batch import schema
    from framescope.classifier.batch.reading.views import views
    from framescope.classifier.inputs import exchange
    from framescope.classifier.reports import document, layout

    words = {*schema.TABLES, *document._COLUMNS, layout.UNSOURCED, layout.CITED, layout.FURNITURE}
    words |= {name for table in schema.TABLES for name in schema.columns(table, SHIPPED)}
    found = views({"signals": SHIPPED, "thresholds": {}, "experimental": ()})
    words |= {name for view in found for name in (view.name, *view.columns)}
    words |= {*exchange.OPTIONAL, *exchange.EXTRA, *exchange.IMPRINT}
    words |= {"labels", "content", "note", "id", "text"}
    report = document.report_schema()
    words |= set(report["properties"]) | set(report["$defs"]["SentenceReport"]["properties"])
    sql = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    words |= {name for (name,) in duckdb.sql(sql).fetchall()}
    for word in words - set(SHIPPED):
        if taxonomy._NAME.fullmatch(word):
            with pytest.raises(SignalError):
                taxonomy.from_records({word: MINIMAL}, "x")


def test_a_bundle_brings_its_definitions_along(tmp_path, type_command) -> None:
    folder = own_bundle(tmp_path / "own", label="in capitals")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["signal_definitions"] == {
        SIGNAL: {**MINIMAL, "label": "in capitals", "origin": "this newsroom's own definition"}
    }
    assert SIGNAL not in NAMES
    assert bundles.load(folder).signals == ("claim", SIGNAL)
    assert BY_NAME[SIGNAL].label == "in capitals"
    taxonomy.forget_own()
    listed = json.loads(type_command("signals", "--model", folder, "--format", "json").out)
    assert listed[-1] == {
        "name": SIGNAL, **manifest["signal_definitions"][SIGNAL], "given": True,
        "threshold": 0.5, "experimental": False, "defined_in": str(folder / "manifest.json"),
    }  # fmt: skip
    assert [one["name"] for one in listed[:-1]] == list(SHIPPED)
    assert not any("defined_in" in one for one in listed[:-1])


def test_two_meanings_of_a_name_are_refused_and_both_named(tmp_path, define, type_command) -> None:
    first = own_bundle(tmp_path / "first")
    second = own_bundle(tmp_path / "second", meaning="is a headline")
    bundles.load(first)
    with pytest.raises(SignalError) as caught:
        bundles.load(second)
    line = str(caught.value)
    assert line.startswith(f"{second / 'manifest.json'}: [{SIGNAL}] means something else in ")
    assert f"{first / 'manifest.json'}; rename one" in line
    assert "\n" not in line
    assert bundles.read_manifest(second)["signals"] == ["claim", SIGNAL], "it can be looked at"
    path = define()
    text = tmp_path / "a.txt"
    text.write_text("A vile ferry of Orrin will cost the town 900 crowns from Monday on.")
    result = type_command("score", text, "--model", first)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert f"{first / 'manifest.json'}: [{SIGNAL}] means something else in {path}" in result.err


@pytest.mark.parametrize(
    ("definitions", "reason"),
    [
        (None, "unknown signal 'clickbait_headline'"),
        ([], "defines signals by no names"),
        ({SIGNAL: {**MINIMAL, "meaning": "\x1b[2J"}}, "needs text on one line as meaning"),
        ({"x'; DROP TABLE a": MINIMAL}, "is no name of a signal"),
    ],
)
def test_a_manifest_that_defines_nonsense_is_refused(tmp_path, definitions, reason) -> None:
    folder = own_bundle(tmp_path / "own")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["signal_definitions"]
    if definitions is not None:
        manifest["signal_definitions"] = definitions
    path.write_text(json.dumps(manifest))
    with pytest.raises(BundleError) as caught:
        bundles.load(folder)
    assert reason in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


COST = "It will cost the town 900 crowns from May 2 on, so they say, and more in a year or so: 9."
TEXT = f"A vile ferry of Orrin.\n\n{COST}"


def test_reports_of_every_kind_show_it(tmp_path, type_command) -> None:
    folder = own_bundle(tmp_path / "own", label="in capitals", meaning="stands in <capitals>")
    text = tmp_path / "a.txt"
    text.write_text(TEXT)

    def scored(form: str, *more: str) -> str:
        taxonomy.forget_own()
        result = type_command("score", text, "--model", folder, "--format", form, *more)
        assert (result.status, result.err) == (0, "")
        return result.out

    terminal = scored("terminal", "--full")
    assert "└ in capitals 1.00" in terminal or "in capitals >0.99" in terminal
    report = json.loads(scored("json"))
    assert report["signals"] == ["claim", SIGNAL]
    assert report["articles"][0]["sentences"][0]["flags"] == [SIGNAL]
    assert report["articles"][0]["summary"]["flagged"][SIGNAL]["total"] == 1
    line = json.loads(scored("jsonl"))
    assert line["sentences"][0]["scores"][SIGNAL] > 0.9
    page = scored("html")
    assert "in capitals" in page
    assert "stands in &lt;capitals&gt;" in page
    assert "<capitals>" not in page
    only = json.loads(scored("json", "--signal", SIGNAL))
    assert only["signals"] == [SIGNAL]
    # What the model doesn't give is not counted.
    pages = scored("terminal", "--full", "--signal", SIGNAL), page, terminal
    assert not re.search("rests? on|stands on|own voice|no source|quoted sentence", "".join(pages))
    for one, claims in ((only, None), (report, 1)):
        evidence, summary = (one["articles"][0][k] for k in ("source", "summary"))
        evidence = evidence["evidence"]
        counts = evidence["claims"], summary["claims"], summary["own_claims"]
        assert counts == (claims, claims, None)
        unknown = ("named", "none", "sources", "single_source", "quotes")
        assert {evidence[key] for key in unknown} == {None}
        assert summary["sentences"] == {"own": None, "reported": None, "quoted": None, "total": 2}
    assert {"voice", "labels"}.isdisjoint(line["sentences"][0])


@pytest.mark.slow
def test_a_run_counts_it_wherever_it_is_read(tmp_path) -> None:
    """The processes of the run, and whoever reads it, know it without the user's file."""
    pytest.importorskip("duckdb")
    pytest.importorskip("pyarrow")
    import framescope

    folder, run = own_bundle(tmp_path / "own", label="in capitals"), tmp_path / "RUN"
    inputs = tmp_path / "many.jsonl"
    lines = [
        {"id": f"{n}", "outlet": f"Post {n % 3}", "date": "2031-05-06",
         "text": f"A {'vile' if n % 3 else 'fine'} ferry, number {n}, leaves from Orrin now.\n\n"
                 f"It will cost the town {n} crowns, which nobody there wants to pay at all now."}
        for n in range(12)
    ]  # fmt: skip
    inputs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("batch", inputs, "--model", folder, "--output", run, "--workers", "2")
    subprocess.run([sys.executable, "-m", "framescope", *map(str, words)], check=True)
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["signal_definitions"][SIGNAL]["label"] == "in capitals"
    taxonomy.forget_own()
    read = framescope.read_run(run)
    by_outlet = read.query("FROM by_outlet")
    assert (by_outlet[SIGNAL] > 0.4).sum() == 2
    rests, whose = ["rests_named", "rests_nobody"], ["own_sentences", "named_source"]
    for table in (by_outlet[whose], read.articles[rests], read.query("FROM sourcing_map")[rests]):
        assert table.isna().all(axis=None)
    assert read.sentences["voice"].isna().all()
    words = (sys.executable, "-m", "framescope", "overview", run, "--output", "-")
    page = subprocess.check_output(words, text=True)
    assert page.count("Unknown: the model gives no such signal.") == 2


def headlines(path: Path, numbers: range) -> Path:
    """Write labelled articles, every second one under a headline that baits."""
    found = []
    for n in numbers:
        head = ("Council repairs ferry {}", "You won't believe what ferry {} did")[n % 2].format(n)
        text = f"{head}\nRepairs of mill {n} will cost {7 * n} crowns, the mayor of Orrin said."
        places = ((0, len(head)), (len(head) + 1, len(text)))
        units = [{"start": start, "end": end, "labels": {SIGNAL: int(n % 2 and not start)}}
                 for start, end in places]  # fmt: skip
        found.append({"id": f"{n}", "outlet": f"Post {n % 12}", "text": text, "sentences": units})
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return path


@pytest.mark.slow
def test_from_an_entry_and_labels_to_scores(tmp_path, define, type_command, monkeypatch) -> None:
    """One TOML entry, one labelled file: trained; and scored without the entry."""
    pytest.importorskip("torch")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    define()
    labelled, folder = headlines(tmp_path / "mine.jsonl", range(60)), tmp_path / "own"
    result = type_command("train", "baseline", "--data", labelled, "--output", folder)
    assert result.status == 0, result.err
    assert SIGNAL in (folder / "README.md").read_text(encoding="utf-8")
    monkeypatch.delenv(taxonomy.ENVIRONMENT)
    taxonomy.forget_own()
    new = headlines(tmp_path / "new.jsonl", range(100, 108))
    result = type_command("score", new, "--model", folder, "--format", "json")
    articles = json.loads(result.out)["articles"]
    found = [one["sentences"][0]["scores"][SIGNAL] for one in articles]
    assert min(found[1::2]) > max(found[::2]), "it tells bait from news"


def test_what_the_docs_show_can_be_used(define) -> None:
    from framescope.classifier.inputs import read_lines
    from pages_of_docs import ROOT, fenced

    page = ROOT / "docs" / "adding-a-signal.md"
    (shown,), (record,) = fenced(page, "toml"), fenced(page, "json")
    define(shown)
    assert tuple(NAMES) == (*SHIPPED, SIGNAL)
    (article,) = read_lines([json.dumps(json.loads(record))], "the docs")
    assert isinstance(article, Article)
    assert article.units is not None
    assert [one.labels for one in article.units] == [{SIGNAL: 1.0}, {SIGNAL: 0.0}]
    assert (article.units[0].end, article.units[-1].end) == (37, len(article.text))
