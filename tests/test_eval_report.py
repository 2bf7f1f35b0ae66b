"""The evaluation report: sections laid out, its words and figures, its plots, and the page."""

import json
import math
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import SignalError
from framescope.eval import metrics
from framescope.eval import sections as layout
from framescope.eval.commands import judge
from framescope.eval.compare import footprint
from framescope.eval.compare.comparison import Compared, Difference, changes_of
from framescope.eval.report.evaluation import Details, build_report, plot_of, to_html, to_json
from framescope.eval.rows import BENCHMARKS, Evaluation
from framescope.eval.sections import Change, Estimate, Section, Share, Table, table
from grids import labelled
from harness import BOTH, FEW, bundle, examples
from typer.testing import CliRunner

pytest.importorskip("matplotlib")

NAN = math.nan
HOSTILE = '<script>alert(1)</script> & "yes" 0.9'


def build(a, b, rows, **options):
    return build_report(Evaluation((a, b), rows, **FEW), **options)


def made(**options):
    """A report with a corpus of three outlets, one without any yes, and a model that lacks one."""
    rows, empty = examples(), examples(corpus="empty")
    outlets = np.array([f"outlet {int(a.split('/')[1]) % 3}" for a in rows.article])
    empty = replace(empty, labels=np.zeros_like(empty.labels))
    both = replace(rows, outlet=outlets).followed_by(empty)
    return build(bundle("lower", ["claim"]), bundle("upper", BOTH, skill=0.3), both, **options)


@pytest.fixture(scope="module")
def report():
    return made()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Change(NAN), "undefined"),
        (Estimate(0.5), "0.500 (interval undefined)"),
        (Share(0.02, 0.01, 0.031), "2.00% (1.00% to 3.10%)"),
        (Change(-0.1, -0.2, -0.05), "-0.100 [-0.200, -0.050] *"),
        (Change(0.1, -0.2, 0.3), "+0.100 [-0.200, +0.300]"),
        ("a \x1b[31mtrick", "a trick"),
    ],
)
def test_a_cell_is_written_in_one_way(value, written):
    assert layout.cell(value) == written


def test_markdown_keeps_words_left_figures_right_and_bars_apart():
    rows = (("a|b", 1200, 0.5, None), ("c\n", 7, NAN, Estimate(0.25, 0.1, 0.4)))
    flat = table("Flips", ("case", "n", "rate", "mean"), rows, note="As drawn.")
    text = layout.section_to_markdown(Section("What * means.", (flat,), signature="data 1"))
    assert "### Flips\n\n| case | n | rate | mean |\n| --- | ---: | ---: | ---: |\n" in text
    assert "| a\\|b | 1,200 | 0.500 | undefined |" in text
    assert text.endswith("As drawn.\n\nWhat \\* means.\n\n`data 1`\n")


def test_a_page_of_sections_escapes_text_and_folds_long_tables():
    long = Table("Many", ("case",), (("x",),) * 25)
    tables = (Table("By <genre>", ("genre",), ()), long)
    html = layout.sections_to_html("T", "lead", {"One": Section("<b>note</b>", tables)}, "data 1")
    assert "<b>" not in html
    assert "By &lt;genre&gt;: undefined" in html
    assert re.findall(r'<details class="fold"><summary>(.*?)</summary>', html) == ["Many, 25 rows"]


def test_the_decision_is_one_line_that_rests_on_ranking_and_on_flags():
    def decided(a, b, articles=80):
        both = (bundle(name, ["claim"], *skill) for name, skill in (("old", a), ("new", b)))
        return build(*both, examples(articles=articles))

    better = decided((0.05,), (0.4,))
    assert better.verdict.startswith("Ship new, because it is better")
    assert "claim, invented (test): AP +" in better.verdict
    assert decided((0.4,), (0.05,)).verdict.startswith("Don't ship new, because it is worse")
    assert "(test): F1 of the flags -" in decided((0.4,), (0.4, 0.99)).verdict
    assert "nothing shows that it is better" in decided((0.4,), (0.4,)).verdict
    assert "1 with too few labels" in decided((0.05,), (0.4,), 6).verdict
    html = to_html(better)
    assert re.search(r"<th [^>]*>precision</th><th [^>]*>recall</th><th [^>]*>F1</th>", html)
    assert json.loads(to_json(better))["verdict"] == better.verdict
    # More comparisons than draws can tell apart are not decided.
    many = examples(articles=80)
    for corpus in ("other", "third"):
        many = many.followed_by(examples(articles=80, corpus=corpus))
    found = build(bundle("old", BOTH, 0.05), bundle("new", BOTH, 0.4), many)
    assert "100 draws are too few for 6 comparisons: --draws 120" in found.verdict


def test_ranking_and_flags_are_corrected_for_the_number_of_comparisons():
    def row(number: int, p: float, low: float = 0.01) -> Compared:
        both = {"average_precision": 0.5, "f1": 0.5}
        between = dict.fromkeys(both, Difference(0.05, low, 0.09, p))
        sizes = 200, 40, 60, 0.4
        return Compared("mine", "test", f"s{number}", *sizes, both, both, between, {}, {})

    assert [one.verdict for one in changes_of([row(0, 0.03)])] == ["better ranking"]
    many = [*(row(number, 0.03) for number in range(59)), row(59, 0.0005), row(60, 1e-4, -0.01)]
    verdicts = Counter(one.verdict for one in changes_of(many))
    assert verdicts == {"no difference shown": 60, "better ranking": 1}


def test_slices_hold_a_hundred_rows_and_the_others_are_left_out(report):
    assert all(one.axes == () for one in report.details)  # 60 rows
    rows = examples(articles=220)
    outlets = np.array([f"outlet {int(a.split('/')[1]) % 3}" for a in rows.article])
    many = build(bundle("a", BOTH), bundle("b", BOTH), replace(rows, outlet=outlets))
    axes = {axis.name: [part.n for part in axis.slices] for axis in many.details[0].axes}
    assert list(axes) == ["outlet", "position"]
    assert sum(axes["outlet"]) == sum(axes["position"]) == 550


def test_the_worst_errors_stand_between_their_neighbours(report):
    claim, whole = report.errors
    assert (claim.signal, claim.model, claim.other) == ("claim", "upper", "lower")
    distances = [abs(one.proba - one.label) for one in claim.worst]
    assert len(distances) == 20
    assert distances == sorted(distances, reverse=True)
    rows = examples()
    for one in (one for one in claim.worst if one.corpus == "invented"):
        article = rows.where(rows.article == one.article).sentences
        assert one.text == article[one.index].text
        assert one.before == tuple(s.text for s in article[: one.index])
        assert one.after == tuple(s.text for s in article[one.index + 1 :])
    assert (whole.model, whole.other) == ("upper", None)  # only one model gives it
    assert all(math.isnan(one.other) for one in whole.worst)


@pytest.mark.slow
def test_memory_is_that_of_a_fresh_process(small_bundle, tmp_path):
    filler = np.ones(40_000_000)  # 320 MB that the other process must not be charged for
    found = footprint.measure_footprint(small_bundle, examples().sentences[:10])
    assert filler.nbytes > 0
    assert found.disk == sum(f.stat().st_size for f in small_bundle.rglob("*") if f.is_file())
    assert found.memory > 20e6
    if sys.platform == "linux":
        assert found.memory < footprint.peak_memory()
    assert footprint.measure_footprint(tmp_path, examples().sentences[:1]).memory is None


def test_plots_are_the_same_every_time_and_take_the_colours_of_the_page():
    curve = metrics.reliability_curve(np.array([False, True]), np.array([0.2, 0.9], np.float32))
    one = Details(BENCHMARKS[0], 0.5, (curve, None), (None, None), ())
    svg, again = (plot_of("f", "A <title> & more", one, ("old", "new")) for _ in range(2))
    assert svg == again
    assert not re.search(r"#[0-9a-f]{6}\b|style=|<style|metadata|dc:date|xlink", svg)
    assert 'fill="currentColor"' in svg
    assert "var(--model-a)" in svg
    assert 'role="img" aria-labelledby="f-title"' in svg
    assert '<title id="f-title">A &lt;title&gt; &amp; more</title>' in svg
    nothing = Details(BENCHMARKS[0], NAN, (None, None), (None, None), ())
    empty = plot_of("c", "t", nothing, ("a", "b"))
    assert empty.count(">undefined<") == 2


def test_ids_are_unique_over_the_page_and_every_reference_is_met(report):
    html = to_html(report)
    found = re.findall(r'\bid="([^"]+)"', html)
    assert len(found) == len(set(found))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)) <= (
        {(one, "") for one in found} | {("", one) for one in found}
    )


def test_json_has_null_for_the_undefined_and_no_sentence(report):
    text = to_json(report)
    record = json.loads(text)
    assert "ferry" not in text
    (empty,) = [one for one in record["headline"] if one["benchmark"] == "empty/test/claim"]
    assert empty["a"] == {"value": None, "low": None, "high": None}
    assert record["cost"]["a"] == {"disk": None, "memory": None}


def test_further_sections_are_shown_and_written():
    flips = Table("Flips", ("case", "rate", "n"), (("swap of <outlets>", NAN, 1200),))
    section = Section("How often decisions flip.", (flips,))
    found = made(sections={"robustness": lambda _: section, "controls": lambda _: None})
    html = to_html(found)
    shown = html.split('<section id="robustness"')[1].split("</section>")[0]
    assert all(words in shown for words in (section.note, "swap of &lt;outlets&gt;", "1,200"))
    assert "controls" not in html  # there is nothing to measure it on
    record = json.loads(to_json(found))["sections"]
    assert record["robustness"]["tables"][0]["rows"][0][1] is record["controls"] is None


def test_texts_of_others_are_escaped():
    rows = examples()
    rows = replace(rows, sentences=tuple(replace(s, text=HOSTILE) for s in rows.sentences))
    html = to_html(build(bundle("<b>a</b>", BOTH), bundle("b & c", BOTH), rows))
    assert "<script" not in html
    assert "<b>a" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.fixture
def mine(tmp_path) -> Path:
    return labelled(tmp_path / "mine.jsonl", range(24))


@pytest.fixture
def run(monkeypatch, mine):
    """Run a command with models that score by chance but always alike."""

    def load(name, registry=None):
        def predict(sentences):
            scores = [0.7 * (len(s.text) * 37 % 101) / 101 for s in sentences]
            return SimpleNamespace(proba=np.array(scores, np.float32)[:, None])

        odd = SimpleNamespace(signals=("claim",), predict=predict)
        return replace(bundle(name, ["claim"]), model=odd)

    monkeypatch.setattr(bundles, "load", load)

    def call(*options):
        words = [*options, "--data", mine]
        return CliRunner().invoke(judge.app, list(map(str, words)), catch_exceptions=False)

    return call


def test_the_command_writes_a_page_and_json(run, tmp_path):
    output = tmp_path / "made"
    words = ("--a", "a", "--b", "b", "--draws", 100, "--without", "robustness")
    done = run("report", *words, "--output", output)
    assert done.exit_code == 0
    record = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert record["headline"][0]["benchmark"] == "mine.jsonl/test/claim"
    assert record["slices"] == []
    assert record["signature"] in done.output
    # A user's file has neither spans nor citations.
    sections = record["sections"]
    assert list(sections) == ["marks", "techniques", "controls", "sourcing", "languages"]
    assert not any(sections.values())
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "crowns of Vesk" in page
    assert re.findall(r'<section id="(\w+)"', page) == ["headline", "curves", "cost", "errors"]


def test_the_command_exports_errors_for_relabelling(run, mine, tmp_path):
    output = tmp_path / "errors.jsonl"
    done = run("errors", "--signal", "claim", "--n", 3, "--model", "a", "--output", output)
    assert done.exit_code == 0
    records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    originals = {one["id"]: one for one in map(json.loads, mine.read_text().splitlines())}
    noted = [s["error"] for record in records for s in record["sentences"] if "error" in s]
    assert sorted(note["rank"] for note in noted) == [1, 2, 3]
    for record in records:
        original = originals[record["id"]]
        assert record["text"] == original["text"]
        labels = [[s["labels"] for s in one["sentences"]] for one in (record, original)]
        assert labels[0] == labels[1]
    with pytest.raises(SignalError, match="doesn't give 'doubt'; it gives claim"):
        run("errors", "--signal", "doubt", "--model", "a")
