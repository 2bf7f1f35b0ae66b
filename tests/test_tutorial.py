"""docs/tutorial.md: its commands in their order, in an empty folder."""

import os
import subprocess
import sys

import pytest
from pages_of_docs import ROOT, typed

PAGE = ROOT / "docs" / "tutorial.md"
ELSEWHERE = (". .venv", ".venv/bin/pip", "python3 -m venv")  # what the tests run in
LIMIT = 600  # seconds of a command
FINDINGS = ("framescope drift", "framescope labels check")  # exit status 1, as the page says


@pytest.mark.slow
def test_the_commands_of_the_tutorial_run(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "tutorial").symlink_to(ROOT / "docs" / "tutorial")
    (tmp_path / "corpus").symlink_to(ROOT / "corpus")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "framescope"
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m framescope \"$@\"\n", "utf-8")
    command.chmod(0o755)
    own = {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "FRAMESCOPE_BUNDLES": str(tmp_path / "bundles"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHONPATH": str(ROOT),
    }
    dropped = {"FRAMESCOPE_CORPORA", "FRAMESCOPE_ARTICLES"}
    env = {name: value for name, value in os.environ.items() if name not in dropped} | own
    lines = [line for line in typed(PAGE) if line and not line.startswith(ELSEWHERE)]
    assert lines
    for line in lines:
        ended = subprocess.run(
            line, shell=True, cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
            timeout=LIMIT,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr
        expected = 1 if line.startswith(FINDINGS) else 0
        assert ended.returncode == expected, (line, ended.stdout + ended.stderr)
