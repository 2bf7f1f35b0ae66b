"""An article in one sentence, the same in every format; and what an editor would ask about."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
import reports
from framescope.classifier.records import ArticleReport
from framescope.classifier.reports import print_report, to_html, to_json, to_line
from framescope.classifier.reports.brief import in_brief
from framescope.classifier.reports.figures import ASSERTION
from framescope.classifier.reports.layout import assertions
from framescope.classifier.reports.sourcing import sourcing_map
from framescope.classifier.taxonomy import in_order
from rich.console import Console


def asked() -> ArticleReport:
    lines = [
        reports.Line("The quay is the best in the country.", {"claim": 0.9}),
        reports.Line("Ida Fenn said so.", {"claim": 0.9, "attributed": 0.9},
                     cites=(reports.Cite("Ida Fenn", "Ida Fenn", "said"),)),
        reports.Line("It has never made a loss.", {"claim": 0.9}),
        reports.Line("Nobody pays for it but you."),
    ]  # fmt: skip
    report = reports.scored(lines, id="asked")
    sentences = [
        replace(
            one,
            scores={**one.scores, ASSERTION: score},
            flags=in_order({*one.flags, *([ASSERTION] if score >= 0.5 else [])}),
        )
        for one, score in zip(report.sentences, (0.6, 0.02, 0.7, 0.55), strict=True)
    ]
    return replace(report, sentences=tuple(sentences))


def test_an_article_in_one_sentence():
    assert in_brief(reports.harbour()) == (
        "10 sentences; 3 rest on named sources, 1 on a vague one, 1 on a source that was not "
        "found; 3 loaded passages, of them 1 quoted."
    )
    assert in_brief(asked()) == (
        "4 sentences; 1 rests on a named source, 3 assertions on nobody; no loaded passage."
    )
    assert in_brief(reports.unscored()).startswith("Not scored: the article is in German")


def test_it_counts_as_the_map_does():
    for report in (reports.harbour(), reports.dispatch(), asked()):
        counts, said = sourcing_map(report).counts, in_brief(report)
        for group, words in (("named", "named source"), ("unnamed", "unnamed one")):
            found = re.search(rf"(\d+) (?:rests? )?on (?:an? )?{words}", said)
            assert int(found[1] if found else 0) == counts[group]


def test_every_format_says_the_same():
    report = reports.report(reports.harbour())
    said = in_brief(reports.harbour())
    console = Console(file=io.StringIO(), width=200)
    print_report(report, console)
    line = to_line(report.articles[0], model="m", thresholds=report.thresholds)
    assert said in console.file.getvalue()
    assert said in to_html(report)
    assert json.loads(to_json(report))["articles"][0]["summary"]["text"] == said
    assert json.loads(line)["report"]["summary"]["text"] == said


def test_what_an_editor_would_ask_about_comes_surest_first():
    assert [(one.number, one.score) for one in assertions(asked())] == [
        (3, 0.7), (1, 0.6), (4, 0.55)
    ]  # fmt: skip
    assert assertions(reports.harbour()) == ()


@pytest.mark.parametrize("width", [60, 100])
def test_the_terminal_lists_it_below_the_text(width):
    console = Console(file=io.StringIO(), width=width)
    print_report(reports.report(asked()), console)
    out = console.file.getvalue()
    assert out.index("Nobody pays") < out.index("what an editor would ask a source for")
    assert re.search(r"^3 0\.70 It has never made a loss\.", out, re.M)


def test_the_page_lists_it_with_links_and_the_text_stands_first():
    page = to_html(reports.report(asked()))
    assert page.index('class="text"') < page.index('class="asked"') < page.index('class="origin"')
    assert re.findall(r'<li><a href="#a1s(\d)">', page) == ["3", "1", "4"]
