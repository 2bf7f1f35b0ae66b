"""A folder of bundles to try, bundles made by hand for it, and the command typed on them."""

import json
import shutil
from pathlib import Path
from typing import Any

import grids
import pytest
import toys
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError
from framescope.eval.commands.bundles import app
from framescope.eval.rows import held_out_of_files
from framescope.eval.suite import Suite
from typer.testing import CliRunner

MANIFEST = {
    **toys.MANIFEST_BY_HAND,
    "corpora": [],
    "split": {"seed": 13, "signature": "5" * 64, "held_out": {}},
    "code_version": "0.3.0",
}


def by_hand(folder: Path, **changes: Any) -> Path:
    """Write a baseline of five words, which has learned from nothing."""
    bundles.write(folder, {**MANIFEST, **changes}, "# By hand\n", toys.save_by_hand)
    return folder


def changed(source: Path, folder: Path, **changes: Any) -> Path:
    """Copy a bundle, and change its manifest."""
    shutil.copytree(source, folder)
    path = folder / bundles.MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def ranks_backwards(source: Path, folder: Path, signal: str) -> Path:
    """Copy a bundle that is sure of the contrary on one signal."""
    lines = json.loads((source / bundles.MANIFEST).read_text())["calibration"]
    return changed(source, folder, name="backwards",
                   calibration={**lines, signal: [-one for one in lines[signal]]})  # fmt: skip


def on_little(monkeypatch: Any, rows: Path) -> None:
    """Let promotions be judged on a labelled file instead of what ships, without the suite."""
    grids.labelled(rows, range(60))

    def held_out(root: Path | None, both: Any, *, allow_seen: bool) -> Any:
        return held_out_of_files([rows])

    suite = Suite("by-hand", "1" * 64, "2" * 64, 100, 0, ())
    monkeypatch.setattr("framescope.eval.rows.held_out_of_corpora", held_out)
    monkeypatch.setattr("framescope.eval.release.promotion.measure_suite", lambda bundle: suite)


def typed(*words: object, status: int = 0) -> str:
    """Type `framescope bundles` in this process."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, FramescopeError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.output


def refusal(*words: object) -> str:
    """Type what is refused, and give the one line that says why."""
    with pytest.raises(FramescopeError) as raised:
        typed(*words)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def history(name: str) -> list[dict[str, Any]]:
    lines = (bundles.home() / name / bundles.HISTORY).read_text().splitlines()
    return [json.loads(line) for line in lines]
