"""The evaluation report: its words, its figures, its plots, and the page in a real browser."""

from __future__ import annotations

import json
import math
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from browser import WORST_CONTRAST, needs_browser
from framescope.classifier import bundles
from framescope.classifier.inputs.exchange import from_record
from framescope.classifier.records.article import Article
from framescope.eval.commands import judge
from framescope.eval.compare import errors as worst_errors
from framescope.eval.compare import footprint
from framescope.eval.compare.headline import in_words, verdict
from framescope.eval.compare.slices import genres_of, slices
from framescope.eval.metrics.scores import precision_recall
from framescope.eval.metrics.sections import Estimate, Section, Table
from framescope.eval.report import contents as reports
from framescope.eval.rows.scored import Evaluation, Sample, Scores
from framescope.training.data.examples import Examples
from harness import BOTH, FEW, bundle, examples, joined
from typer.testing import CliRunner

pytest.importorskip("matplotlib")

from framescope.eval.report import plots
from framescope.eval.report.report_page import to_html, to_json

HOSTILE = '<script>alert(1)</script> & "yes" 0.9'


def build(a, b, rows, *, draws, seed, **options):
    return reports.build(Evaluation((a, b), rows, draws=draws, seed=seed), **options)


def without_positives(corpus: str) -> Examples:
    rows = examples(corpus=corpus)
    return replace(rows, labels=np.zeros_like(rows.labels))


def made(**options):
    """A report with a corpus of three outlets, one without any yes, and a model that lacks one."""
    rows = examples()
    outlets = np.array([f"outlet {int(a.split('/')[1]) % 3}" for a in rows.article])
    rows = replace(rows, outlet=outlets)
    return build(
        bundle("lower", ["claim"]),
        bundle("upper", BOTH, skill=0.3),
        joined(rows, without_positives("empty")),
        **FEW,
        **options,
    )


@pytest.fixture(scope="module")
def report():
    return made()


# What a difference means


def test_a_sure_difference_is_named_with_its_interval():
    found = in_words(Estimate(0.07, 0.04, 0.10), 0.001, "old", "new")
    assert found == "new is better by 0.07 (0.04 to 0.10)"


def test_a_negative_difference_speaks_for_the_first_model():
    assert in_words(Estimate(-0.07, -0.1, -0.04), 0.001, "old", "new").startswith("old is better")


def test_a_lower_error_is_better():
    found = in_words(Estimate(-0.07, -0.1, -0.04), 0.001, "old", "new", higher_is_better=False)
    assert found.startswith("new is better by 0.07")


def test_no_detectable_difference_says_what_would_have_shown():
    found = in_words(Estimate(0.01, -0.03, 0.0431), 0.4, "old", "new")
    assert found == "no detectable difference; one of more than 0.05 would have shown"


def test_what_does_not_survive_the_correction_is_no_verdict():
    found = in_words(Estimate(0.07, 0.04, 0.10), 0.3, "old", "new", tests=9)
    assert found == ("new looks better by 0.07 (0.04 to 0.10), but not once corrected for 9 tests")


@pytest.mark.parametrize("given", [Estimate(math.nan), Estimate(0.2)])
def test_without_a_difference_or_an_interval_it_is_undefined(given):
    assert in_words(given, math.nan, "old", "new").startswith("undefined")


def test_small_differences_keep_a_third_digit():
    assert "0.002 (0.001 to 0.003)" in in_words(Estimate(0.002, 0.001, 0.003), 0.01, "a", "b")


# Scores are kept, not made twice


def test_each_sentence_is_scored_once_and_the_report_reads_those_scores():
    a, b = bundle("a", BOTH), bundle("b", BOTH, 0.2)
    build(a, b, examples(), **FEW)
    assert len(a.model.calls) == 2  # the warm-up, and all of it
    evaluation = Evaluation((a, b), examples())
    first, again = (evaluation.articles("invented", ["test"], ["claim"]) for _ in range(2))
    assert len(a.model.calls) == 4
    np.testing.assert_array_equal(first.proba[1], b.model.predict_proba(first.rows.sentences))
    np.testing.assert_array_equal(again.proba[1], first.proba[1])
    assert math.isnan(again.seconds[1])


# Figures


def test_a_users_own_corpus_is_a_benchmark_by_itself(report):
    names = [one.benchmark.name for one in report.headline]
    assert names[:2] == ["invented/test/claim", "invented/test/hyperpartisan"]
    assert "babe/test/biased_language" in report.unmeasured


def test_a_known_benchmark_stands_beside_the_published_figure():
    rows = replace(examples(corpus="babe"), signals=("biased_language", "hyperpartisan"))
    names = ("biased_language",)
    found = build(bundle("a", names), bundle("b", names, 0.3), rows, **FEW)
    (line,) = found.headline
    assert line.benchmark.metric == "macro_f1"
    assert line.difference.value == pytest.approx(line.b.value - line.a.value)
    html = to_html(found)
    assert "0.804" in html
    assert "another split" in html
    assert "0.400" in html


def test_headline_p_values_are_corrected_for_their_number():
    both = joined(examples(), examples(corpus="other", seed=4))
    found = build(bundle("a", ["claim"]), bundle("b", ["claim"], 0.4), both, **FEW)
    assert len(found.headline) == 2
    assert min(one.p_corrected for one in found.headline) == pytest.approx(
        2 * min(one.p for one in found.headline)
    )


def test_precision_is_read_at_the_highest_threshold_that_finds_enough():
    truth = np.array([True, False, True, False])
    curve = precision_recall(truth, np.array([0.9, 0.8, 0.7, 0.1], np.float32))
    assert curve.at(0.5) == 1
    assert curve.at(1.0) == pytest.approx(2 / 3)
    assert math.isnan(precision_recall(np.zeros(2, bool), np.zeros(2, np.float32)).at(0.5))


# Slices


def test_slices_of_an_axis_hold_every_row_once(report):
    (claim,) = [one for one in report.slices if one.benchmark.name == "invented/test/claim"]
    axes = {axis.name: axis for axis in claim.axes}
    assert list(axes) == ["outlet", "length", "voice", "genre", "position"]
    for name in ("outlet", "position"):
        assert sum(part.n for part in axes[name].slices) == 60
    assert [part.value for part in axes["position"].slices] == [
        "first sentence",
        "first third",
        "middle third",
        "last third",
    ]
    assert all(part.a is not None and part.b is not None for part in axes["outlet"].slices)


def test_what_the_corpus_does_not_tell_makes_no_slice(report):
    (claim,) = [one for one in report.slices if one.benchmark.name == "invented/test/claim"]
    axes = {axis.name: axis for axis in claim.axes}
    assert axes["genre"].slices == ()
    assert axes["voice"].slices == ()


def test_voice_is_that_of_the_labels():
    rows = examples()
    quoted, reported = (np.arange(len(rows)) % 4 == n for n in (0, 1))
    unknown = np.arange(len(rows)) % 4 == 3
    voices = np.where(unknown, np.nan, np.stack([quoted, reported])).T
    labels = np.concatenate([rows.labels, voices], axis=1).astype(np.float32)
    rows = replace(rows, signals=(*BOTH, "quoted", "reported"), labels=labels)
    scored = Evaluation((bundle("a", BOTH),) * 2, rows).articles("invented", ["test"], ["claim"])
    found = slices(scored.sample("test", "claim"), "f1", genres={}, draws=100, seed=0)
    (axis,) = [axis for axis in found if axis.name == "voice"]
    judged = rows.part == "test"
    assert {part.value: part.n for part in axis.slices} == {
        "own": (~quoted & ~reported & ~unknown & judged).sum(),
        "reported": (reported & judged).sum(),
        "quoted": (quoted & judged).sum(),
    }


def test_genres_are_read_from_the_file_and_cut_by(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [{"id": n, "text": "x", "genre": "op_ed" if n % 4 == 1 else "news"} for n in range(24)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    genres = genres_of([path], "invented/")
    assert genres["invented/1"] == "op_ed"
    found = made(genres=genres)
    axis = next(a for a in found.slices[0].axes if a.name == "genre")
    assert [(part.value, part.n) for part in axis.slices] == [("news", 30), ("op_ed", 30)]


def test_an_article_has_no_voice_and_no_length_of_a_sentence(report):
    (whole,) = [one for one in report.slices if one.benchmark.name.startswith("invented/test/hyp")]
    assert {axis.name for axis in whole.axes} == {"outlet", "genre"}


def test_many_outlets_are_one_slice_beyond_the_largest():
    rows = examples()
    rows = replace(rows, outlet=np.array([a.replace("/", " ") for a in rows.article]))
    scored = Evaluation((bundle("a", BOTH),) * 2, rows).articles("invented", ["test"], ["claim"])
    (axis, *_) = slices(scored.sample("test", "claim"), "f1", genres={}, draws=100, seed=0)
    assert len(axis.slices) == 11
    assert axis.slices[-1].value == "2 others"
    assert math.isnan(axis.slices[0].a.low)  # one article: no interval


# Errors


def test_the_worst_errors_stand_between_their_neighbours(report):
    (claim,) = [one for one in report.errors if one.signal == "claim"]
    assert (claim.model, claim.other) == ("upper", "lower")
    distances = [abs(one.proba - one.label) for one in claim.worst]
    assert len(distances) == 20
    assert distances == sorted(distances, reverse=True)
    rows = examples()
    for one in claim.worst:
        if one.corpus == "invented":
            article = rows.where(rows.article == one.article).sentences
            assert one.text == article[one.index].text
            assert one.before == tuple(s.text for s in article[: one.index])
            assert one.after == tuple(s.text for s in article[one.index + 1 :])


def test_a_signal_that_only_one_model_gives_shows_its_errors(report):
    (whole,) = [one for one in report.errors if one.signal == "hyperpartisan"]
    assert (whole.model, whole.other) == ("upper", "")
    assert all(math.isnan(one.other) for one in whole.worst)


def test_exported_errors_are_whole_articles_that_can_be_read_back():
    rows = examples()
    proba = np.full(len(rows), 0.5, np.float32)
    proba[7] = 1 - rows.column("claim")[7]
    sample = Sample(rows, np.arange(len(rows)), "test", "claim", (Scores(proba, 0.5),))
    (error,) = worst_errors.worst([sample], 0, 1)
    name = str(rows.article[7])
    sentences = [s for s in rows.sentences if s.article_id == name]
    text = "".join(s.text.ljust(50) for s in sentences)
    article = Article(id="one", text=text, outlet="The Ferry", title="Ferries")
    (record,) = worst_errors.records([error], rows, {name: article}, "upper")
    assert record["text"] == text
    assert record["outlet"] == "The Ferry"
    assert [("error" in s) for s in record["sentences"]] == [False, False, True, False, False]
    note = record["sentences"][2]["error"]
    assert note["label"] == rows.column("claim")[7]
    assert (note["signal"], note["model"], note["rank"]) == ("claim", "upper", 1)
    read = from_record(json.loads(worst_errors.to_lines([record])), "there", 1)
    assert [unit.labels["claim"] for unit in read.units] == [
        rows.column("claim")[row] for row in range(5, 10)
    ]
    assert read.labels == {"hyperpartisan": rows.column("hyperpartisan")[7]}


# Cost


def test_a_bundle_that_is_not_on_disk_takes_nothing_that_is_known(report):
    assert report.footprints[0] == footprint.Footprint(None, None)


def test_memory_is_that_of_a_fresh_process(small_bundle):
    filler = np.ones(40_000_000)  # 320 MB that the other process must not be charged for
    found = footprint.footprint(small_bundle, examples().sentences[:10])
    assert filler.nbytes > 0
    assert found.disk == sum(f.stat().st_size for f in small_bundle.rglob("*") if f.is_file())
    assert found.memory > 20e6
    if sys.platform == "linux":
        assert found.memory < footprint.own_peak()


def test_a_process_that_fails_leaves_memory_unknown(tmp_path):
    assert footprint.footprint(tmp_path, examples().sentences[:1]).memory is None


# Plots


def plot(**options):
    differences = {"claim": Estimate(0.05, -0.01, 0.1), "cost in $": Estimate(math.nan)}
    return plots.forest("f", "A <title> & more", differences, "old", "new", **options)


def test_plots_are_the_same_every_time():
    assert plot() == plot()


def test_plots_have_no_colour_no_style_and_no_date_of_their_own():
    svg = plot()
    assert not re.search(r"#[0-9a-f]{6}\b|style=|<style|metadata|dc:date", svg)
    assert 'fill="currentColor"' in svg
    assert "var(--model-b)" in svg


def test_a_plot_has_a_title_that_names_it():
    svg = plot()
    assert 'role="img" aria-labelledby="f-title"' in svg
    assert '<title id="f-title">A &lt;title&gt; &amp; more</title>' in svg


def test_the_undefined_is_written_in_the_plot():
    assert "undefined" in plot()
    empty = plots.curves("c", "t", (None, None), (None, None), math.nan, ("a", "b"))
    assert empty.count(">undefined<") == 2


def test_ids_are_unique_over_the_page(report):
    found = re.findall(r'\bid="([^"]+)"', to_html(report))
    assert len(found) == len(set(found))


# Written down


def test_json_has_null_for_the_undefined_and_no_sentence(report):
    text = to_json(report)
    record = json.loads(text)
    assert "ferry" not in text
    (empty,) = [one for one in record["headline"] if one["benchmark"] == "empty/test/claim"]
    assert empty["a"] == {"value": None, "low": None, "high": None}
    assert empty["words"].startswith("undefined")
    assert record["comparison"]["signature"] == record["signature"]
    assert record["cost"]["a"] == {"disk": None, "memory": None}
    assert record["sections"] == {}
    assert len(record["errors"][0]["worst"]) == 20


def test_sections_of_others_are_shown_and_written():
    table = Table("Flips", ("case", "rate", "n"), (("swap of <outlets>", math.nan, 1200),))
    section = Section("How often decisions flip.", (table,))
    found = made(sections={"robustness": lambda _: section, "controls": lambda _: None})
    html = to_html(found)
    section = html.split('<section id="robustness"')[1].split("</section>")[0]
    assert "How often decisions flip." in section
    assert "swap of &lt;outlets&gt;" in section
    assert "undefined" in section
    assert "1,200" in section
    assert "Nothing here to measure it on." in html.split('<section id="controls"')[1]
    record = json.loads(to_json(found))["sections"]
    assert record["robustness"]["tables"][0]["rows"][0][1] is None
    assert record["controls"] is None


def test_a_long_table_is_folded_and_says_how_long_it_is():
    short, long = (Table(name, ("case",), (("x",),) * n) for name, n in (("Few", 24), ("Many", 25)))
    found = made(sections={"controls": lambda _: Section("Two.", (long, short))})
    html = to_html(found).split('<section id="controls"')[1].split("</section>")[0]
    assert re.findall(r'<details class="fold"><summary>(.*?)</summary>', html) == ["Many, 25 rows"]
    assert "<caption>Few</caption>" in html.split("</details>")[1]


def test_every_undefined_figure_is_called_so(report):
    html = to_html(report)
    visible = re.sub(r"<[^>]*>", " ", html.split("<main>")[1])
    assert not re.search(r"\bnan\b|\bNone\b", visible)
    for name in ("claim", "hyperpartisan"):
        (row,) = re.findall(
            rf'<tr class="undefined">\s*<th scope="row">empty, [^<:]*: {name} .*?</tr>',
            html,
            flags=re.S,
        )
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.S)
        assert cells[2] == "undefined"  # the second model gives both signals
        assert cells[3] == "undefined"
        assert ">undefined</abbr>" in cells[4]
        assert "0.000" not in cells[1] + cells[2]
    assert html.split(">What a bundle takes<")[1].split("</table>")[0].count("undefined") == 4


def test_texts_of_others_are_escaped():
    rows = examples()
    hostile = tuple(replace(s, text=HOSTILE) for s in rows.sentences)
    found = build(
        bundle("<b>a</b>", BOTH), bundle("b & c", BOTH), replace(rows, sentences=hostile), **FEW
    )
    html = to_html(found)
    assert "<script" not in html
    assert "<b>a" not in html
    assert "&lt;script&gt;alert(1)" in html


# In a browser


@pytest.fixture
def opened(browser, tmp_path, report):
    """Open the page; at the end it must have complained of nothing and asked for nothing."""
    contexts, troubles, requests = [], [], []

    def open_page(**options):
        file = tmp_path / "report.html"
        file.write_text(to_html(report), encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


PLOT_COLOURS = """() => {
  const of = (element, property) => getComputedStyle(element)[property];
  const texts = [...document.querySelectorAll(".plot text")];
  const strokes = [...document.querySelectorAll(".plot path, .plot use")]
    .map((one) => of(one, "stroke"));
  return {
    ink: of(document.body, "color"), paper: of(document.body, "backgroundColor"),
    texts: [...new Set(texts.map((one) => of(one, "fill")))], count: texts.length,
    strokes: [...new Set(strokes)],
    fonts: [...new Set(texts.map((one) => of(one, "fontFamily")))],
    page: of(document.body, "fontFamily"),
  };
}"""


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plots_and_text_follow_the_theme(opened, scheme):
    page = opened(color_scheme=scheme)
    found = page.evaluate(PLOT_COLOURS)
    assert found["count"] > 50
    assert found["texts"] == [found["ink"]]
    assert found["fonts"] == [found["page"]]
    assert found["paper"] == {"light": "rgb(251, 250, 246)", "dark": "rgb(23, 22, 20)"}[scheme]
    accent = {"light": "rgb(153, 64, 27)", "dark": "rgb(237, 162, 119)"}[scheme]
    assert accent in found["strokes"]
    assert "rgb(4, 4, 4)" not in found["strokes"]
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    worst = page.evaluate(WORST_CONTRAST)
    assert worst["count"] > 100
    assert worst["ratio"] >= 4.5, worst


@needs_browser
def test_every_plot_has_a_name_and_a_table_of_its_numbers(opened):
    page = opened()
    plots_of = page.get_by_role("img")
    assert plots_of.count() == page.locator("svg.plot").count() > 3
    for at in range(plots_of.count()):
        assert page.locator("svg.plot > title").nth(at).text_content().strip()
    for figure in page.locator("figure").all():
        within = figure.locator("tbody tr").count()  # of small multiples
        beside = figure.locator("xpath=following-sibling::*[1]")
        assert within or beside.locator("tbody tr").count()


def test_the_verdict_is_one_sentence_and_comes_first(report):
    said = verdict(report.headline, report.names)
    counts = Counter(one.outcome for one in report.headline)
    assert sum(counts.values()) == len(report.headline)
    assert f" of {len(report.headline)} benchmarks, worse on" in said
    for name in ("undecided", "undefined"):
        if counts[name]:
            assert f"{name} on {counts[name]}" in said
    html = to_html(report)
    assert html.index(said) < html.index("<table")
    assert json.loads(to_json(report))["verdict"] == said
    lines = [replace(report.headline[0], outcome=o) for o in ("better", "better", "undecided")]
    assert verdict(lines, ("one", "two")) == (
        "two is better than one on 2 of 3 benchmarks, worse on none, undecided on 1."
    )


@needs_browser
def test_curves_stand_side_by_side_and_errors_are_folded(opened):
    page = opened()
    boxes = [one.bounding_box() for one in page.locator(".multiples figure").all()]
    assert len(boxes) > 3
    assert len({round(box["y"]) for box in boxes if box}) < len(boxes)
    assert page.locator(".errors").first.is_hidden()


@needs_browser
def test_a_narrow_screen_scrolls_tables_and_not_the_page(opened):
    page = opened(viewport={"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@needs_browser
def test_paper_gets_black_on_white_and_the_numbers(opened):
    page = opened(color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.plot text')).fill") == (
        "rgb(0, 0, 0)"
    )
    assert page.pdf()[:4] == b"%PDF"


# Commands


@pytest.fixture
def mine(tmp_path) -> Path:
    """A labelled file of one's own."""
    lines = []
    for number in range(14):
        said = f"The mayor of Orrin said on day {number} that the bridge would open."
        text = f"{said} A vile scheme, this ferry of Vesk! Rain fell on the {number}th."
        cuts = [0, len(said), text.index(" Rain"), len(text)]
        places = [(cuts[0], cuts[1]), (cuts[1] + 1, cuts[2]), (cuts[2] + 1, cuts[3])]
        cited = ({"attributed": 1}, {"attributed": 0}, {"attributed": number % 5 == 0})
        labels = [{**of, "quoted": 0, "reported": at == 0} for at, of in enumerate(cited)]
        sentences = [
            {"start": start, "end": end, "labels": {k: int(v) for k, v in given.items()}}
            for (start, end), given in zip(places, labels, strict=True)
        ]
        genre = "news" if number % 2 else "op_ed"
        record = {"id": f"m{number}", "text": text, "sentences": sentences, "genre": genre}
        lines.append(json.dumps(record))
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def app(monkeypatch):
    """The commands, with models that score by chance but always alike."""

    def load(name, registry=None):
        class Odd:
            signals = ("attributed",)

            def predict_proba(self, sentences):
                shift = 0.3 if name == "b" else 0.0
                scores = [(len(s.text) * 37 % 101) / 101 for s in sentences]
                scores = [0.7 * p + shift * s.text.startswith("The mayor")
                          for p, s in zip(scores, sentences, strict=True)]  # fmt: skip
                return np.array(scores, np.float32)[:, None]

        return replace(bundle(name, ["attributed"]), model=Odd())

    monkeypatch.setattr(bundles, "load", load)
    app = typer.Typer()
    for command in (judge.report, judge.errors):
        app.command()(command)
    return app


def test_the_command_writes_a_page_and_json(app, mine, tmp_path):
    output = tmp_path / "made"
    done = CliRunner().invoke(
        app,
        ["report", "--a", "a", "--b", "b", "--data", str(mine), "--draws", "100",
         "--without", "robustness", "--output", str(output)],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    record = json.loads((output / "report.json").read_text(encoding="utf-8"))
    assert record["headline"][0]["benchmark"] == "mine.jsonl/test/attributed"
    axes = {axis["name"]: axis for axis in record["slices"][0]["axes"]}
    assert [part["value"] for part in axes["genre"]["slices"]] == ["news", "op_ed"]
    assert {part["value"] for part in axes["voice"]["slices"]} == {"own", "reported"}
    assert "ferry of Vesk" in (output / "report.html").read_text(encoding="utf-8")
    assert record["signature"] in done.output
    # A user's file has no spans, no validation part, and no row that anything was trained on.
    sections = record["sections"]
    assert list(sections) == ["techniques", "controls", "sourcing"]
    assert sections["techniques"] is sections["sourcing"] is None


def test_the_command_exports_errors_for_relabelling(app, mine, tmp_path):
    output = tmp_path / "errors.jsonl"
    done = CliRunner().invoke(
        app,
        ["errors", "--signal", "attributed", "--n", "3", "--model", "a", "--data", str(mine),
         "--output", str(output)],
        catch_exceptions=False,
    )  # fmt: skip
    assert done.exit_code == 0
    records = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    originals = {
        (record := json.loads(line))["id"]: record
        for line in mine.read_text(encoding="utf-8").splitlines()
    }
    noted = [s["error"] for record in records for s in record["sentences"] if "error" in s]
    assert sorted(note["rank"] for note in noted) == [1, 2, 3]
    for record in records:
        original = originals[record["id"]]
        assert record["text"] == original["text"]
        assert [s["labels"] for s in record["sentences"]] == [
            s["labels"] for s in original["sentences"]
        ]


def test_a_signal_that_the_model_lacks_is_an_error(app, mine):
    from framescope.classifier.errors import SignalError

    with pytest.raises(SignalError, match="doesn't give 'doubt'; it gives attributed"):
        CliRunner().invoke(
            app,
            ["errors", "--signal", "doubt", "--model", "a", "--data", str(mine)],
            catch_exceptions=False,
        )


def test_the_measuring_process_reads_sentences_and_prints_a_number(
    small_bundle, monkeypatch, capsys
):
    from io import StringIO

    given = [["The ferry left.", 0, 15, "one", 0]]
    monkeypatch.setattr(sys, "argv", ["footprint", str(small_bundle)])
    monkeypatch.setattr(sys, "stdin", StringIO(json.dumps(given)))
    footprint._main()
    assert int(capsys.readouterr().out) > 1e6
