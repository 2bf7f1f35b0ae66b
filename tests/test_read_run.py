"""A run from Python: tables of pandas whose types hold, and answers to questions."""

from pathlib import Path

import pytest

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

import pandas as pd
import small_runs as runs
from framescope.classifier.batch.schema import TABLES, columns
from pages_of_docs import ROOT, fenced

import framescope


@pytest.fixture(scope="module", params=["parquet", "jsonl"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.write(tmp_path_factory.mktemp("runs") / "RUN", form=request.param).path


def test_the_tables_are_frames_with_the_columns_of_the_schema(path: Path) -> None:
    run = framescope.read_run(str(path))
    for table in TABLES:
        frame = getattr(run, table)
        assert list(frame.columns) == list(columns(table, runs.SIGNALS))
        assert len(frame) > 20
    assert run.manifest["model"]["name"] == "by-hand"
    assert run.summary["articles"] == 28


def test_types_are_the_same_whatever_is_null(path: Path) -> None:
    run = framescope.read_run(path)
    assert str(run.articles["claims"].dtype) == "Int32"  # null where it was not scored
    assert str(run.articles["state_media"].dtype) == "boolean"
    assert pd.api.types.is_datetime64_any_dtype(run.articles["day"])
    assert str(run.sentences["voice"].dtype) == "category"
    assert str(run.sentences["claim"].dtype) == "float32"
    assert list(run.sentences["flags"].iloc[0]) == ["content", "claim"]


def test_the_examples_of_the_page_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(path.parent)
    examples = [one for one in fenced(ROOT / "docs/python.md", "python") if "read_run" in one]
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "python.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "by-hand 28" in shown
    assert "Karst Voice" in shown
