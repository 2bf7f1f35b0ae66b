"""Every output gives the same counts of sentences by the kind of source they rest on."""

import io
import json
import os
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

import framescope

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")

import small_runs as runs
from framescope.classifier.batch.reading.database import open_run
from framescope.classifier.batch.reading.overview import overview_html
from framescope.classifier.outlets import cites_wrapper
from framescope.classifier.records import SOURCE_SIGNALS, BatchReport, Publication, Relation
from framescope.classifier.reports import print_article, to_html, to_json
from rich.console import Console

ROOT = Path(__file__).parents[1]
INPUTS = Path(os.environ.get("FRAMESCOPE_SHARED") or ROOT.parent / "shared") / "inputs"
SAMPLES = [*(ROOT / "classifier/samples").glob("*.*")]
MANY = [*sorted(ROOT.glob("corpus/articles/*.jsonl"))[::6], *INPUTS.glob("*page.txt")]
MANY += sorted(INPUTS.glob("eval-pages/*.html.gz"))[:40]
SLOW = pytest.mark.slow
KEYS = {"named": "named source", "unnamed": "unnamed", "vague": "vague", "none": "no source"}


@pytest.mark.parametrize(
    ("model", "texts"),
    [
        ("baseline", SAMPLES),
        pytest.param("transformer", [*SAMPLES, *MANY], marks=SLOW),
        pytest.param("baseline", MANY, marks=SLOW),
    ],
    ids=["baseline", "transformer", "baseline, many"],
)
def test_all_outputs_count_sentences_by_source_alike(model: str, texts, tmp_path: Path) -> None:
    scorer = framescope.load(model)
    found = [  # each of an outlet of its own, so that outlets rank as articles do
        replace(
            one,
            article=replace(one.article, outlet=f"Outlet {n:03}", site_name=None, url=None),
            source=replace(one.source, publication=Publication(Relation.UNKNOWN), outlet=None),
        )
        for n, one in enumerate(one for one in scorer.score(texts) if getattr(one, "scores", None))
    ]
    whole = BatchReport(tuple(found), model, scorer.signals, found[0].thresholds)
    console = Console(file=io.StringIO(), width=400, legacy_windows=False)
    for number, one in enumerate(found):
        print_article(one, number, one.thresholds, console, full=True)
    printed = re.split(r"^article \d+", console.file.getvalue(), flags=re.M)  # type: ignore[attr-defined]
    pages = unescape(to_html(whole)).split('<article id="')
    records = json.loads(to_json(whole))["articles"]
    counts = list(map(of_article, found, records, printed[1:], pages[1:]))

    def ranked(some) -> list:
        return sorted(some, key=lambda one: (-one["unnamed"] / one["all"], -one["all"]))

    rests = {kind: f"rests_{kind}" for kind in SOURCE_SIGNALS} | {"none": "rests_nobody"}
    views = ("by_outlet", SOURCE_SIGNALS, 2), ("sourcing_map", rests, 2), ("sourcing_map", rests, 1)
    for view, names, schema in views:
        columns = ", ".join(f"round({n} * sentences)::INT AS {k}" for k, n in names.items())
        written = {"articles": found, "signals": scorer.signals, "schema": schema}
        with open_run(runs.write(tmp_path / f"{view}{schema}", **written)) as database:
            rows = database.rows(
                f'SELECT outlet, sentences AS "all", {columns} FROM {view} '
                f"ORDER BY {names['unnamed']} DESC, sentences DESC, outlet"
            )
        assert rows == [{key: one[key] for key in rows[0]} for one in ranked(counts)]
    with open_run(runs.write(tmp_path / "b", articles=found[:12], signals=scorer.signals)) as few:
        figure = overview_html(few).split("<b>unnamed source</b>")[1].split("</figure>")[0]
    shown = re.findall(r"<bdi>(Outlet \d+)", figure)
    assert shown == [one["outlet"] for one in ranked(counts[:12])]


def of_article(report, record, printed: str, page: str) -> dict[str, object]:
    """The counts of an article, which all its outputs have alike."""
    for one in report.sentences:
        says = {kind for kind, signal in SOURCE_SIGNALS.items() if signal in one.flags}
        assert says == one.rests_on - {"none", "unresolved"}
        assert ("attributed" in one.flags) == (one.is_content and "none" not in one.rests_on)
        assert not {"attributed", "unsourced_assertion"} <= set(one.flags)
        for citation in one.citations:
            assert citation.kinds <= says
            assert not cites_wrapper(citation, one.sentence, report.article)
    evidence, summary = record["source"]["evidence"], record["summary"]
    flagged, total = summary["flagged"], summary["sentences"]["total"]
    counts = {kind: evidence[kind] for kind in (*SOURCE_SIGNALS, "none")}
    by_flags = {kind: flagged[signal]["total"] for kind, signal in SOURCE_SIGNALS.items()}
    assert counts == {**by_flags, "none": total - flagged["attributed"]["total"]}
    assert evidence["claims"] == flagged["claim"]["total"]
    assert summary["text"] in printed
    assert summary["text"] in page
    for kind, key in KEYS.items():
        said = re.search(rf"(\d+) (?:rests? )?on (?:an? )?{kind} (?:source|one)", summary["text"])
        assert kind == "none" or int(said[1] if said else 0) == counts[kind]
        rest = "without a" if kind == "none" else rf"on (?:an? )?{kind}"
        assert re.search(rf"Of \d.*\b{counts[kind]} {rest} ", printed)
        assert f"</svg> {key} <b>{counts[kind]}</b>" in page
    return {"outlet": report.article.outlet, **counts, "all": total}
