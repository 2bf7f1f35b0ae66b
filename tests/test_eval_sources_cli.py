"""The commands below `framescope eval`: they reach their measurement, and complain in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from classifier.errors import FramescopeError
from eval.commands import judge as cli
from eval.figures.sections import Section
from eval.report.layout import to_markdown
from eval.studies.citations import figures, section


def run(*args: object) -> str:
    result = CliRunner().invoke(cli.app, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_citations_are_judged_on_the_part_that_is_named(monkeypatch, tmp_path):
    asked = []

    def measure(root: Path, part: str, registry: object) -> object:
        asked.append((root, str(part)))
        return figures([np.full((7, 3), 4)] * 6, draws=20)

    monkeypatch.setattr("eval.studies.citations.measure", measure)
    assert "| source | 24 | 1.000 | 1.000 | 1.000" in run("citations", "--corpora", tmp_path)
    run("citations", "--corpora", tmp_path, "--part", "test")
    assert asked == [(tmp_path, "validation"), (tmp_path, "test")]


def test_the_figures_of_citations_are_a_table_with_marked_and_articles():
    text = to_markdown(section(figures([np.array([[1, 2, 4]] * 7)] * 6, draws=20)))
    assert "\n6 articles;" in text
    assert "| cue | 24 | 0.500 | 0.250 | 0.333 (0.333 to 0.333) |" in text


def test_placeholders_take_the_models_that_ship_unless_others_are_named(monkeypatch, tmp_path):
    asked = []

    def measured(names: list[str], root: Path, cases: Path | None) -> list[Section]:
        asked.append((names, root, cases))
        return [Section("a table")]

    monkeypatch.setattr("eval.studies.study_placeholders", measured)
    assert run("placeholders", "--corpora", tmp_path) == "a table\n"
    run("placeholders", "mine", "--corpora", tmp_path, "--cases", "c.jsonl")
    assert asked == [
        (["baseline", "transformer"], tmp_path, None),
        (["mine"], tmp_path, Path("c.jsonl")),
    ]


def test_sourcing_prints_its_table(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "eval.studies.study_sourcing", lambda folder, registry, most: Section(f"{most} a table")
    )
    assert run("sourcing", "--articles", tmp_path) == "25 a table\n"
    assert run("sourcing", "--articles", tmp_path, "--most", "7") == "7 a table\n"


def test_unresolved_lists_an_unknown_outlet(tmp_path):
    path = tmp_path / "a.jsonl"
    texts = ("The ferry has sunk, the Ellery Gazette reported.", "The ferry has sunk, IRNA said.")
    lines = [json.dumps({"text": text}) for text in texts * 5]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = run("unresolved", "--articles", path)
    assert "10 articles, 10 citations of outlets" in text
    assert " 50.00% (" in text
    assert re.search(r"Ellery Gazette +5\b", text)
    assert "Ellery" not in run("unresolved", "--articles", path, "--shown", "0")


@pytest.mark.parametrize(
    "args",
    [
        ("citations", "--corpora", "none"),
        ("placeholders", "--corpora", "none"),
        ("placeholders", "baseline", "--corpora", ".", "--cases", "none"),
        ("placeholders", "none", "--corpora", "."),
        ("sourcing", "--articles", "none"),
        ("unresolved", "--articles", "none"),
    ],
)
def test_what_is_missing_is_named_in_one_line(monkeypatch, tmp_path, args):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FramescopeError, match="none") as error:
        run(*args)
    assert "\n" not in str(error.value)


def test_options_before_the_name_of_a_command_are_refused():
    result = CliRunner().invoke(cli.app, ["--seed", "3", "citations"])
    assert result.exit_code == 2
    assert "--seed: options of 'citations' come after its name" in result.output
