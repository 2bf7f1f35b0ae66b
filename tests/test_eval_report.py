"""The evaluation report: sections laid out, its words and figures, its plots, and the page."""

import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.errors import SignalError
from framescope.eval.commands import judge
from framescope.eval.compare import comparison, footprint, measure_footprint, verdict_of
from framescope.eval.report import (
    build_report,
    json_text,
    layout,
    report_to_html,
    report_to_json,
    section_to_markdown,
    sections_to_html,
)
from framescope.eval.report.evaluation import Details
from framescope.eval.rows import BENCHMARKS, Evaluation
from framescope.eval.sections import Change, Estimate, Section, Share, Table, table
from harness import BOTH, FEW, bundle, examples, joined
from typer.testing import CliRunner

pytest.importorskip("matplotlib")

from framescope.eval.report import plots

NAN = math.nan
HOSTILE = '<script>alert(1)</script> & "yes" 0.9'


def build(a, b, rows, **options):
    return build_report(Evaluation((a, b), rows, **FEW), **options)


def made(**options):
    """A report with a corpus of three outlets, one without any yes, and a model that lacks one."""
    rows, empty = examples(), examples(corpus="empty")
    outlets = np.array([f"outlet {int(a.split('/')[1]) % 3}" for a in rows.article])
    empty = replace(empty, labels=np.zeros_like(empty.labels))
    both = joined(replace(rows, outlet=outlets), empty)
    return build(bundle("lower", ["claim"]), bundle("upper", BOTH, skill=0.3), both, **options)


@pytest.fixture(scope="module")
def report():
    return made()


ROWS = (("a|b", 1200, 0.5, None), ("c\n", 7, NAN, Estimate(0.25, 0.1, 0.4)))
FLAT = table("Flips", ("case", "n", "rate", "mean"), ROWS, note="As drawn.")
SECTION = Section("What * means.", (FLAT,), signature="data 1")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "undefined"),
        (Change(NAN), "undefined"),
        (1200, "1,200"),
        (Estimate(0.5), "0.500 (interval undefined)"),
        (Estimate(0.5, 0.4, 0.61), "0.500 (0.400 to 0.610)"),
        (Share(0.02, 0.01, 0.031), "2.00% (1.00% to 3.10%)"),
        (Change(-0.1, -0.2, -0.05), "-0.100 [-0.200, -0.050] *"),
        (Change(0.1, -0.2, 0.3), "+0.100 [-0.200, +0.300]"),
        ("a \x1b[31mtrick", "a trick"),
    ],
)
def test_a_cell_is_written_in_one_way(value, written):
    assert layout.cell(value) == written


def test_markdown_keeps_words_left_figures_right_and_bars_apart():
    text = section_to_markdown(SECTION)
    assert "### Flips\n\n| case | n | rate | mean |\n| --- | ---: | ---: | ---: |\n" in text
    assert "| a\\|b | 1,200 | 0.500 | undefined |" in text
    assert text.endswith("As drawn.\n\nWhat \\* means.\n\n`data 1`\n")


def test_json_is_null_where_nothing_is_defined_and_holds_no_layout():
    record = json.loads(json_text(SECTION))
    assert record.keys() == {"note", "tables"}
    assert record["tables"][0].keys() == {"caption", "columns", "rows"}
    assert record["tables"][0]["rows"][1][2:] == [None, {"value": 0.25, "low": 0.1, "high": 0.4}]
    assert layout.plain({"a": np.array([1.0, NAN])}) == {"a": [1.0, None]}
    with pytest.raises(TypeError, match="set"):
        layout.plain({1, 2})


def test_a_page_of_sections_escapes_text_and_folds_long_tables():
    long = Table("Many", ("case",), (("x",),) * 25)
    tables = (Table("By <genre>", ("genre",), ()), long)
    html = sections_to_html("T", "lead", {"One": Section("<b>note</b>", tables)}, "data 1")
    assert "<b>" not in html
    assert "By &lt;genre&gt;: undefined" in html
    assert re.findall(r'<details class="fold"><summary>(.*?)</summary>', html) == ["Many, 25 rows"]


@pytest.mark.parametrize(
    ("difference", "p", "options", "words"),
    [
        ((0.07, 0.04, 0.10), 0.001, {}, "new is better by 0.07 (0.04 to 0.10)"),
        ((-0.07, -0.1, -0.04), 0.001, {}, "old is better by 0.07 (0.04 to 0.10)"),
        ((-0.07, -0.1, -0.04), 0.001, {"higher": False},
         "new is better by 0.07 (0.04 to 0.10)"),
        ((0.002, 0.001, 0.003), 0.01, {}, "new is better by 0.002 (0.001 to 0.003)"),
        ((0.01, -0.03, 0.0431), 0.4, {},
         "no detectable difference; one of more than 0.05 would have shown"),
        ((0.07, 0.04, 0.10), 0.3, {"tests": 9},
         "new looks better by 0.07 (0.04 to 0.10), but not once corrected for 9 tests"),
        ((0.2,), NAN, {}, "undefined: too few groups, or too few positives, for an interval"),
        ((NAN,), NAN, {}, "undefined: there is no difference to speak of"),
    ],
)  # fmt: skip
def test_a_difference_in_words(difference, p, options, words):
    assert comparison.outcome_of(Estimate(*difference), p, "old", "new", **options)[1] == words


def test_the_verdict_is_one_sentence_and_comes_first(report):
    lines = [replace(report.headline[0], outcome=o) for o in ("better", "better", "undecided")]
    assert verdict_of(lines, ("one", "two")) == (
        "two is better than one on 2 of 3 benchmarks, worse on none, undecided on 1."
    )
    html = report_to_html(report)
    assert html.index(report.verdict) < html.index("<table")
    assert json.loads(report_to_json(report))["verdict"] == report.verdict


def test_slices_of_an_axis_hold_every_row_once(report):
    claim, whole = (one for one in report.details if one.benchmark.corpus == "invented")
    axes = {axis.name: axis.slices for axis in claim.axes}
    assert list(axes) == ["outlet", "length", "voice", "genre", "position"]
    assert sum(part.n for part in axes["outlet"]) == sum(part.n for part in axes["position"]) == 60
    assert axes["genre"] == axes["voice"] == ()  # the corpus has neither
    assert {axis.name for axis in whole.axes} == {"outlet", "genre"}  # of an article


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
    found = measure_footprint(small_bundle, examples().sentences[:10])
    assert filler.nbytes > 0
    assert found.disk == sum(f.stat().st_size for f in small_bundle.rglob("*") if f.is_file())
    assert found.memory > 20e6
    if sys.platform == "linux":
        assert found.memory < footprint.peak_memory()
    assert measure_footprint(tmp_path, examples().sentences[:1]).memory is None  # no bundle
    assert measure_footprint(tmp_path / "none", ()) == footprint.Footprint(None, None)


def test_plots_are_the_same_every_time_and_take_the_colours_of_the_page():
    differences = {"claim": Estimate(0.05, -0.01, 0.1), "cost in $": Estimate(NAN)}
    svg, again = (
        plots.forest("f", "A <title> & more", differences, "old", "new") for _ in range(2)
    )
    assert svg == again
    assert not re.search(r"#[0-9a-f]{6}\b|style=|<style|metadata|dc:date|xlink", svg)
    assert 'fill="currentColor"' in svg
    assert "var(--model-b)" in svg
    assert 'role="img" aria-labelledby="f-title"' in svg
    assert '<title id="f-title">A &lt;title&gt; &amp; more</title>' in svg
    assert "undefined" in svg
    nothing = Details(BENCHMARKS[0], NAN, (None, None), (None, None), ())
    empty = plots.curves("c", "t", nothing, ("a", "b"))
    assert empty.count(">undefined<") == 2


def test_ids_are_unique_over_the_page_and_every_reference_is_met(report):
    html = report_to_html(report)
    found = re.findall(r'\bid="([^"]+)"', html)
    assert len(found) == len(set(found))
    assert set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)) <= (
        {(one, "") for one in found} | {("", one) for one in found}
    )


def test_json_has_null_for_the_undefined_and_no_sentence(report):
    text = report_to_json(report)
    record = json.loads(text)
    assert "ferry" not in text
    (empty,) = [one for one in record["headline"] if one["benchmark"] == "empty/test/claim"]
    assert empty["a"] == {"value": None, "low": None, "high": None}
    assert empty["words"].startswith("undefined")
    assert record["comparison"]["signature"] == record["signature"]
    assert record["cost"]["a"] == {"disk": None, "memory": None}
    assert record["sections"] == {}
    assert len(record["errors"][0]["worst"]) == 20


def test_further_sections_are_shown_and_written():
    flips = Table("Flips", ("case", "rate", "n"), (("swap of <outlets>", NAN, 1200),))
    section = Section("How often decisions flip.", (flips,))
    found = made(sections={"robustness": lambda _: section, "controls": lambda _: None})
    html = report_to_html(found)
    shown = html.split('<section id="robustness"')[1].split("</section>")[0]
    for words in ("How often decisions flip.", "swap of &lt;outlets&gt;", "undefined", "1,200"):
        assert words in shown
    assert "Nothing here to measure it on." in html.split('<section id="controls"')[1]
    record = json.loads(report_to_json(found))["sections"]
    assert record["robustness"]["tables"][0]["rows"][0][1] is None
    assert record["controls"] is None


def test_texts_of_others_are_escaped():
    rows = examples()
    rows = replace(rows, sentences=tuple(replace(s, text=HOSTILE) for s in rows.sentences))
    html = report_to_html(build(bundle("<b>a</b>", BOTH), bundle("b & c", BOTH), rows))
    assert "<script" not in html
    assert "<b>a" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.fixture
def mine(tmp_path) -> Path:
    """A labelled file of one's own."""
    lines = []
    for number in range(14):
        said = f"The mayor of Orrin said on day {number} that the bridge would open."
        text = f"{said} A vile scheme, this ferry of Vesk! Rain fell on the {number}th."
        ends = [len(said), text.index(" Rain"), len(text)]
        starts = [0, *(end + 1 for end in ends[:-1])]
        sentences = [
            {"start": start, "end": end, "labels": {
                "attributed": int(at == 0 or (at == 2 and number % 5 == 0)),
                "quoted": 0, "reported": int(at == 0),
            }}
            for at, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]  # fmt: skip
        genre = "news" if number % 2 else "op_ed"
        record = {"id": f"m{number}", "text": text, "sentences": sentences, "genre": genre}
        lines.append(json.dumps(record))
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def run(monkeypatch, mine):
    """Run a command with models that score by chance but always alike."""

    def load(name, registry=None):
        class Odd:
            signals = ("attributed",)

            def predict(self, sentences):
                shift = 0.3 if name == "b" else 0.0
                scores = [
                    0.7 * (len(s.text) * 37 % 101) / 101 + shift * s.text.startswith("The mayor")
                    for s in sentences
                ]
                return SimpleNamespace(proba=np.array(scores, np.float32)[:, None])

        return replace(bundle(name, ["attributed"]), model=Odd())

    monkeypatch.setattr(bundles, "load", load)

    def call(*options):
        words = [*options, "--data", mine]
        return CliRunner().invoke(judge.app, list(map(str, words)), catch_exceptions=False)

    return call


def test_the_command_writes_a_page_and_json(run, tmp_path):
    output = tmp_path / "made"
    done = run("report", "--a", "a", "--b", "b", "--draws", 100, "--without", "robustness",
               "--output", output)  # fmt: skip
    assert done.exit_code == 0
    record = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert record["headline"][0]["benchmark"] == "mine.jsonl/test/attributed"
    axes = {axis["name"]: axis for axis in record["slices"][0]["axes"]}
    assert [part["value"] for part in axes["genre"]["slices"]] == ["news", "op_ed"]
    assert {part["value"] for part in axes["voice"]["slices"]} == {"own", "reported"}
    assert "ferry of Vesk" in (output / "report.html").read_text(encoding="utf-8")
    assert record["signature"] in done.output
    # A user's file has neither spans nor citations.
    sections = record["sections"]
    assert list(sections) == ["marks", "techniques", "controls", "sourcing"]
    assert sections["marks"] is sections["techniques"] is sections["sourcing"] is None


def test_the_command_exports_errors_for_relabelling(run, mine, tmp_path):
    output = tmp_path / "errors.jsonl"
    done = run("errors", "--signal", "attributed", "--n", 3, "--model", "a", "--output", output)
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
    with pytest.raises(SignalError, match="doesn't give 'doubt'; it gives attributed"):
        run("errors", "--signal", "doubt", "--model", "a")
