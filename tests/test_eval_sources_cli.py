"""The commands below `framescope eval`: they reach their measurement, and complain in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import FramescopeError
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Citation, Place, Sentence, SourceKind
from framescope.eval.commands import judge as cli
from framescope.eval.metrics.sections import Section
from typer.testing import CliRunner


def run(*args: object) -> str:
    result = CliRunner().invoke(cli.app, [str(arg) for arg in args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_placeholders_take_the_models_that_ship_unless_others_are_named(monkeypatch, tmp_path):
    asked = []

    def measured(names: list[str], root: Path, cases: Path | None) -> list[Section]:
        asked.append((names, root, cases))
        return [Section("a table")]

    monkeypatch.setattr("framescope.eval.studies.study_placeholders", measured)
    assert run("placeholders", "--corpora", tmp_path) == "a table\n"
    run("placeholders", "mine", "--corpora", tmp_path, "--cases", "c.jsonl")
    assert asked == [
        (["baseline", "transformer"], tmp_path, None),
        (["mine"], tmp_path, Path("c.jsonl")),
    ]


class Reporting:
    """Finds who "reported", and gives the outlets that its registry knows by that name."""

    signals = ("attributed",)

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def predict(self, sentences: Sequence[Sentence]) -> SimpleNamespace:
        found = tuple(tuple(self._of(sentence)) for sentence in sentences)
        proba = np.array([[float(bool(row))] for row in found], np.float32).reshape(-1, 1)
        return SimpleNamespace(proba=proba, citations=found)

    def _of(self, sentence: Sentence) -> Iterator[Citation]:
        match = re.search(r", (?P<source>[^,]+) (?P<cue>reported)\.", sentence.text)
        if match is not None:
            source, cue = (
                Place(sentence.start + match.start(name), sentence.start + match.end(name))
                for name in ("source", "cue")
            )
            content = Place(sentence.start, sentence.start + match.start())
            ids = tuple(outlet.id for outlet in self.registry.called(match["source"]))
            yield Citation(source, cue, (content,), SourceKind.NAMED, outlets=ids)


def test_unresolved_lists_an_unknown_outlet_that_the_bundle_finds_cited(monkeypatch, tmp_path):
    asked = []

    def load(name: str, registry: Registry) -> Bundle:
        asked.append(name)
        manifest = {"name": "reporting", "thresholds": {"attributed": 0.5}, "languages": ["en"]}
        return Bundle(tmp_path, manifest, Reporting(registry), registry)

    monkeypatch.setattr("framescope.classifier.bundles.load", load)
    path = tmp_path / "a.jsonl"
    texts = (
        "The ferry has sunk, the Ellery Gazette reported. The Ellery Gazette moved.",
        "The ferry has sunk, IRNA reported.",
    )
    lines = [json.dumps({"text": text}) for text in texts * 5]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = run("unresolved", "--articles", path)
    assert "10 articles, 10 citations of outlets, found by reporting" in text
    assert " 50.00% (" in text
    assert re.search(r"Ellery Gazette +5\b", text)
    assert "Ellery" not in run("unresolved", "mine", "--articles", path, "--shown", "0")
    assert asked == ["transformer", "mine"]


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
