"""The commands below `framescope eval`: they reach their measurement, and complain in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from classifier.errors import FramescopeError
from eval.commands import judge as cli
from eval.figures.sections import Section


def run(*args: object) -> str:
    result = CliRunner().invoke(cli.app, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


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
        ("placeholders", "--corpora", "none"),
        ("placeholders", "baseline", "--corpora", ".", "--cases", "none"),
        ("placeholders", "none", "--corpora", "."),
        ("sourcing", "--corpora", "none"),
        ("sourcing", "none"),
        ("unresolved", "--articles", "none"),
    ],
)
def test_what_is_missing_is_named_in_one_line(monkeypatch, tmp_path, args):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FramescopeError, match="none") as error:
        run(*args)
    assert "\n" not in str(error.value)


def test_options_before_the_name_of_a_command_are_refused():
    result = CliRunner().invoke(cli.app, ["--seed", "3", "placeholders"])
    assert result.exit_code == 2
    assert "--seed: options of 'placeholders' come after its name" in result.output
