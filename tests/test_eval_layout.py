"""Sections laid out: one word for the undefined, one null, and the same cells everywhere."""

from __future__ import annotations

import json
import math
from io import StringIO

import numpy as np
import pytest
from framescope.eval.metrics.sections import Change, Estimate, Plot, Section, Share, Table, table
from framescope.eval.report import layout

NAN = math.nan
ROWS = (("a|b", 1200, 0.5, None), ("c\n", 7, NAN, Estimate(0.25, 0.1, 0.4)))
FLAT = table("Flips", ("case", "n", "rate", "mean"), ROWS, note="As drawn.")
SECTION = Section("What * means.", (FLAT,), signature="data 1")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "undefined"),
        (NAN, "undefined"),
        (Estimate(NAN), "undefined"),
        (Change(NAN), "undefined"),
        (0.12345, "0.123"),
        (1200, "1,200"),
        (Estimate(0.5), "0.500 (interval undefined)"),
        (Estimate(0.5, 0.4, 0.61), "0.500 (0.400 to 0.610)"),
        (Share(0.02, 0.01, 0.031), "2.00% (1.00% to 3.10%)"),
        (Change(0.5), "+0.500 [undefined]"),
        (Change(-0.1, -0.2, -0.05), "-0.100 [-0.200, -0.050] *"),
        (Change(0.1, -0.2, 0.3), "+0.100 [-0.200, +0.300]"),
        ("a \x1b[31mtrick", "a trick"),
    ],
)
def test_a_cell_is_written_in_one_way(value, written):
    assert layout.cell(value) == written


def test_markdown_keeps_words_left_figures_right_and_bars_apart():
    text = layout.to_markdown(SECTION)
    assert "### Flips\n\n| case | n | rate | mean |\n| --- | ---: | ---: | ---: |\n" in text
    assert "| a\\|b | 1,200 | 0.500 | undefined |" in text
    assert text.endswith("As drawn.\n\nWhat \\* means.\n\n`data 1`\n")


def test_heads_that_repeat_are_written_once():
    rows = (("x", 2, "F1", 0.1), ("x", 2, "AP", 0.2), ("y", 2, "F1", 0.3))
    grouped = table("", ("signal", "n", "figure", "it"), rows, heads=2)
    assert layout.markdown_table(grouped).splitlines()[2:] == [
        "| x | 2 | F1 | 0.100 |",
        "|  |  | AP | 0.200 |",
        "| y | 2 | F1 | 0.300 |",
    ]
    text = StringIO()
    layout.print_section(Section("", (grouped,)), text, 80)
    assert text.getvalue().count("n: 2") == 2


def test_json_is_null_where_nothing_is_defined_and_holds_no_layout():
    record = json.loads(layout.to_json(SECTION))
    assert record.keys() == {"note", "tables"}
    assert record["tables"][0].keys() == {"caption", "columns", "rows"}
    assert record["tables"][0]["rows"][1][2:] == [None, {"value": 0.25, "low": 0.1, "high": 0.4}]
    assert layout.plain({"a": np.array([1.0, NAN]), "b": np.float64(NAN)}) == {
        "a": [1.0, None],
        "b": None,
    }
    with pytest.raises(TypeError, match="set"):
        layout.plain({1, 2})


def test_a_page_escapes_text_and_says_what_is_empty():
    plot = Plot("<Plot>", '<svg id="p"></svg>', (FLAT,))
    empty = Table("By <genre>", ("genre", "n"), ())
    section = Section("<b>note</b>", (empty,), (plot,))
    html = layout.environment().from_string("{{ section | page | safe }}").render(section=section)
    assert "<b>" not in html
    assert "By &lt;genre&gt;: undefined" in html
    assert '<svg id="p">' in html
    assert '<td class="n">undefined</td>' in html
