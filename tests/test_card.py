"""The figures of a model card are what the harness measures."""

from __future__ import annotations

import json

import pytest
from framescope.classifier import bundles
from framescope.eval.release import card
from framescope.eval.release.gate import measured
from framescope.eval.rows import Evaluation
from framescope.eval.rows import held_out_of_corpora as of_corpora
from harness import GOOD, ROWS

MEASURED = list(measured(Evaluation((GOOD,), ROWS, draws=100)))
RECORDS = card.records(MEASURED)
section = card.section


def test_a_record_has_the_figure_with_its_interval_and_counts():
    (one,) = RECORDS
    assert one["benchmark"] == "claimbuster/test/claim"
    assert one["low"] <= one["value"] <= one["high"]
    assert (one["n"], one["groups"]) == (200, 40)


def test_the_undefined_is_null_in_the_manifest_and_a_word_in_the_card():
    unknown = {**RECORDS[0], "value": None, "low": None, "high": None}
    assert "| undefined |" in section([unknown])


def test_the_section_goes_before_what_the_model_cannot_do_and_is_replaced_in_place():
    text = "# A\n\n## What it can't do\n\n- Much.\n"
    once = card.with_section(text, section(RECORDS))
    assert once.index("## How good it is") < once.index("## What it can't do")
    assert card.with_section(once, section(RECORDS)) == once
    assert card.with_section(once, section([])).count(card.BEGIN) == 1


def test_writing_changes_the_card_and_the_manifest_and_nothing_else(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "a", "files": {}}))
    (tmp_path / "README.md").write_text("# A\n\n## What it can't do\n")
    card.write(tmp_path, MEASURED)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest == {"name": "a", "files": {}, "metrics": RECORDS}
    assert section(RECORDS) in (tmp_path / "README.md").read_text()


@pytest.fixture(scope="module")
def house():
    pytest.importorskip("datasets")
    return of_corpora(None, [bundles.load("transformer")], allow_other_split=False).examples


@pytest.mark.parametrize("kind", ["baseline", "transformer"])
@pytest.mark.slow
def test_the_card_that_ships_says_what_is_measured(kind, house):
    shipped = bundles.load(kind)
    metrics = shipped.manifest["metrics"]
    written = (shipped.path / "README.md").read_text(encoding="utf-8")
    assert section(metrics) in written
    ours = {one["benchmark"]: one for one in metrics if one["benchmark"].startswith("house/")}
    assert len(ours) > 20
    again = {one["benchmark"]: one for one in card.records(measured(Evaluation((shipped,), house)))}
    assert again.keys() == ours.keys()
    for name, one in again.items():
        # Another processor's int8 rounds a little differently.
        assert one["value"] == pytest.approx(ours[name]["value"], abs=0.01), name
        assert (one["rows"], one["n"]) == (ours[name]["rows"], ours[name]["n"]), name
