"""Imports run one way, as the contracts in pyproject.toml say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONFIG = str(ROOT / "pyproject.toml")
COMMAND = """
import sys
from importlib.machinery import PathFinder

sys.meta_path.insert(0, PathFinder)  # before the finder of an editable installation
from importlinter.cli import lint_imports_command

lint_imports_command()
"""
NO_TORCH = """
import sys

class Nothing:
    def find_spec(self, name, *_):
        if name in ("torch", "datasets"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nothing())
from framescope import cli
from framescope.eval import calibration, drift, grid, release
from framescope.eval.report import evaluation
from framescope.training import heads, labels
"""


def test_heads_and_evaluation_need_no_torch():
    subprocess.run([sys.executable, "-c", NO_TORCH], check=True)


def test_imports_run_one_way():
    pytest.importorskip("importlinter")
    # It walks folders: typing/ has those of the installed package, as links.
    done = subprocess.run(
        [sys.executable, "-P", "-c", COMMAND, "--no-cache", "--config", CONFIG],
        cwd=ROOT / "typing",
        env={**os.environ, "PYTHONPATH": str(ROOT / "typing")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
